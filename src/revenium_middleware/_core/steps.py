"""Running something inside a scope, whichever way it is called: now, awaited, or step by step with nothing left between the steps."""

from __future__ import annotations

from inspect import isawaitable
from types import AsyncGeneratorType, GeneratorType
from typing import Any, AsyncGenerator, Awaitable, Callable, Dict, Generator, Tuple

from .scope import Scope, current, enter, leave


class Steps(Generator[Any, Any, Any]):
    """Runs each step of a generator, plain or async, in a scope."""

    def __init__(self, inner: Any, scope: Scope) -> None:
        self._inner = inner
        self._scope = scope

    def send(self, value: Any) -> Any:
        return self.step(self._inner.send, value)

    def throw(self, *error: Any) -> Any:
        return self.step(self._inner.throw, *error)

    async def asend(self, value: Any) -> Any:
        return await self.step_async(self._inner.asend, value)

    async def athrow(self, error: BaseException) -> Any:
        return await self.step_async(self._inner.athrow, error)

    def step(self, method: Callable[..., Any], *arguments: Any) -> Any:
        token = enter(self._scope)
        try:
            return method(*arguments)
        finally:
            leave(token)

    async def step_async(self, method: Callable[..., Any], argument: Any) -> Any:
        token = enter(self._scope)
        try:
            return await method(argument)
        finally:
            leave(token)


def driving_async(steps_of: Callable[..., Steps]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """An async generator function over the steps that ``steps_of`` makes; there is no ``yield from`` for these."""

    async def driver(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = steps_of(*args, **kwargs)
        method: Callable[[Any], Any] = steps.asend
        value: Any = None
        while True:
            try:
                item = await method(value)
            except StopAsyncIteration:
                return
            try:
                method, value = steps.asend, (yield item)
            except BaseException as error:  # noqa: BLE001 - thrown in by the consumer, or closed: the generator's to handle
                method, value = steps.athrow, error

    return driver


def driven(steps: Steps, original: Any) -> Any:
    """A real generator of the same kind and name as ``original``, over ``steps`` of it."""
    generator: Any = driving_async(lambda: steps)() if isinstance(original, AsyncGeneratorType) else _driver(steps)
    generator.__name__, generator.__qualname__ = original.__name__, original.__qualname__
    return generator


def _driver(steps: Steps) -> Any:
    return (yield from steps)


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
