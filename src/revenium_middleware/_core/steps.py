"""Generators driven from outside: something of ours around each of their steps, and nothing between the steps."""

from __future__ import annotations

from types import AsyncGeneratorType
from typing import Any, AsyncGenerator, Callable, Generator

from .scope import Scope, enter, leave


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
