"""A tapped generator: the user draws from a real generator, which draws from the SDK's own and shows each item to the reader."""

from __future__ import annotations

import weakref
from typing import Any, Callable

from .._core.diagnostics import Guard
from .._core.scope import Scope
from .._core.steps import Steps, driven
from .identity import remember
from .runtime import Runtime
from .streams import Watch

_READING = Guard("reading")


class Draws(Steps):
    """Steps of an SDK's generator, seen by the call they belong to."""

    def __init__(
        self, inner: Any, scope: Scope, watch: Watch, content: Callable[[Any], Any], refused: Callable[[BaseException], None], runtime: Runtime
    ) -> None:
        super().__init__(inner, scope)
        self._watch = watch
        self._content = content
        self._refused = refused
        self._runtime = runtime

    def step(self, method: Callable[..., Any], *arguments: Any) -> Any:
        self._before()
        try:
            item = super().step(method, *arguments)
        except BaseException as error:
            self._ended(error)
            raise
        return self._saw(item)

    async def step_async(self, method: Callable[..., Any], argument: Any) -> Any:
        self._before()
        try:
            item = await super().step_async(method, argument)
        except BaseException as error:
            self._ended(error)
            raise
        return self._saw(item)

    def _before(self) -> None:
        watch = self._watch
        watch.inside = True
        if not watch.sent:
            watch.sent = True
            with Guard("starting a call"):
                watch.call.sent()
                self._runtime.opened(watch.call)

    def _saw(self, item: Any) -> Any:
        watch = self._watch
        watch.inside, watch.call.answering = False, True
        with _READING:
            watch.call.feed(self._content(item))
            remember(item, watch.call.known_id)
        return item

    def _ended(self, error: BaseException) -> None:
        watch = self._watch
        watch.inside = False
        if isinstance(error, GeneratorExit):
            if not watch.collected:
                watch.closed()
        elif watch.call.answering or isinstance(error, (StopIteration, StopAsyncIteration)):
            watch.ended(error)
        else:
            self._refused(error)


def tapped(generator: Any, watch: Watch, scope: Scope, content: Callable[[Any], Any], refused: Callable[[BaseException], None], runtime: Runtime) -> Any:
    """A generator of the same kind as ``generator`` that gives the same items; ``refused`` settles an error before the first of them."""
    if watch.sent:
        watch.call.answering = True
        runtime.opened(watch.call)
    mine = driven(Draws(generator, scope, watch, content, refused, runtime), generator)
    finalizer = weakref.finalize(mine, _collected, watch, runtime)
    finalizer.atexit = False  # open streams are settled by our own exit, in its order
    return mine


def _collected(watch: Watch, runtime: Runtime) -> None:
    """Runs before Python closes the generator, at any point of any thread: mark and queue, nothing else."""
    watch.collected = True
    if watch.sent:
        runtime.dropped(watch)
    else:
        watch.call.discard()
