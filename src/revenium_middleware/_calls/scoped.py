"""Running something inside a scope, whichever way it is called: now, awaited, or stepped."""

from __future__ import annotations

from inspect import isawaitable
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Awaitable, Callable, Dict, Tuple

from .._core.scope import Scope, current, enter, leave
from .._core.steps import Steps, driven

GENERATORS = (GeneratorType, AsyncGeneratorType)


def calling(function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], metadata: Any) -> Any:
    """Call ``function`` with ``metadata`` in scope; so are what it awaits and what its generator does at each step."""
    scope = current().with_metadata(metadata)
    return _staying(within(scope, function, args, kwargs), scope)


def within(scope: Scope, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    token = enter(scope)
    try:
        return function(*args, **kwargs)
    finally:
        leave(token)


async def awaiting(awaitable: Awaitable[Any], scope: Scope) -> Any:
    token = enter(scope)
    try:
        return await awaitable
    finally:
        leave(token)


def _staying(result: Any, scope: Scope) -> Any:
    """``result``, and whatever it still has to do is done in ``scope`` too."""
    if isinstance(result, GENERATORS):
        return driven(Steps(result, scope), result)
    if isawaitable(result):
        return _awaited(result, scope)
    if type(result).__module__ == "contextlib" and isinstance(getattr(result, "gen", None), GENERATORS):  # made by @contextmanager
        result.gen = driven(Steps(result.gen, scope), result.gen)
    return result


async def _awaited(awaitable: Awaitable[Any], scope: Scope) -> Any:
    return _staying(await awaiting(awaitable, scope), scope)
