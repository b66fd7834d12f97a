"""Who a block of code works for: a context manager and decorators that set the ambient scope."""

from __future__ import annotations

import functools
import inspect
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, TypeVar, cast

from ._core.scope import Scope, current, enter, leave
from ._core.steps import Steps, driving_async

Function = TypeVar("Function", bound=Callable[..., Any])


@contextmanager
def metadata(**fields: Any) -> Iterator[None]:
    """Attribute every call inside the block: ``with metadata(organization_name="AcmeCorp", agent="support"):``.

    Takes the fields of ``usage_metadata``, snake_case or camelCase. Blocks nest: inner ones inherit and override field by
    field, and leaving one restores the outer. ``usage_metadata=`` on a call wins over both. Fully typed, so it is the
    way for code that is type-checked against the SDK's own signatures.
    """
    token = enter(current().with_metadata(fields))
    try:
        yield
    finally:
        leave(token)


def revenium_metadata(**fields: Any) -> Callable[[Function], Function]:
    """The same for everything a function does: plain, async, generator or async generator."""
    return _decorator(lambda: current().with_metadata(fields))


def revenium_meter(operation_type: Optional[str] = None, metadata: Optional[Any] = None, name: Optional[str] = None) -> Callable[[Function], Function]:
    """Meter the calls of this function although ``REVENIUM_SELECTIVE_METERING`` is on; ``metadata`` attributes them.

    ``operation_type`` is detected from each call and ignored here; ``name`` becomes the transaction name.
    """
    fields = {**(metadata or {}), **({"transaction_name": name} if name else {})}
    return _decorator(lambda: current().with_metadata(fields)._replace(metered=True))


def carry_context(function: Function) -> Function:
    """``function``, which from wherever it is called later runs with the attribution of here and now.

    For queues and pools of your own. ``threading.Thread`` and ``ThreadPoolExecutor`` do this by themselves unless
    ``REVENIUM_CARRY_CONTEXT=false``, and so do asyncio's tasks and ``to_thread``.
    """
    around = current()
    return _decorator(lambda: around)(function)


def _decorator(scope: Callable[[], Scope]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        if isinstance(function, (type, property, staticmethod, classmethod)) or not callable(function):
            raise TypeError("%r is not a function: decorate the function itself (below @property, @staticmethod, @classmethod)" % (function,))
        return cast(Function, _wrapped(function, scope))

    return decorate


def _wrapped(function: Callable[..., Any], scope: Callable[[], Scope]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return functools.wraps(function)(driving_async(lambda *args, **kwargs: Steps(function(*args, **kwargs), scope())))

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = enter(scope())
            try:
                return await function(*args, **kwargs)
            finally:
                leave(token)

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return (yield from Steps(function(*args, **kwargs), scope()))

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            token = enter(scope())
            try:
                return function(*args, **kwargs)
            finally:
                leave(token)

    return wrapper
