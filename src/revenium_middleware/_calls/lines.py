"""Connections of a function-hooked SDK: a call begins when one is opened, and bills part by part while it is open."""

from __future__ import annotations

import weakref
from functools import partial
from types import AsyncGeneratorType
from typing import Any, Callable, Dict, Optional, Tuple

from .._core.diagnostics import Guard
from .._core.scope import EVERYWHERE
from .._core.steps import Steps, driven
from .call import Call
from .declarations import Line, Sent
from .hooks import Target
from .runtime import Runtime
from .streams import Watch


class _Opening(Steps):
    """Steps of the generator behind a context manager; what it yields is the open connection."""

    def __init__(self, inner: Any, opened: Callable[[Any], None]) -> None:
        super().__init__(inner, EVERYWHERE)
        self._opened = opened

    async def step_async(self, method: Callable[..., Any], argument: Any) -> Any:
        connection = await method(argument)
        self._opened(connection)
        return connection


class Lines:
    """The hooks on one SDK's connections; ``begin`` makes a call of what opens one."""

    def __init__(self, lines: Tuple[Line, ...], failures: Tuple[str, ...], begin: Callable[[Optional[Sent]], Optional[Call]], runtime: Callable[[], Runtime]):
        self._declared = lines
        self._failures = failures
        self._begin = begin
        self._runtime = runtime
        self._open: "weakref.WeakKeyDictionary[Any, Watch]" = weakref.WeakKeyDictionary()

    def targets(self) -> Tuple[Target, ...]:
        found = []
        for line in self._declared:
            wrappers = ((line.connect, partial(self._connect, line)), (line.receive, self._receive), (line.close, self._close))
            found += [Target(line.module, attribute, wrapper) for attribute, wrapper in wrappers]
        return tuple(found)

    def _connect(self, line: Line, wrapped: Callable[..., Any], instance: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        with Guard("starting a connection"):
            if isinstance(getattr(result, "gen", None), AsyncGeneratorType):
                opened = partial(self._opened, partial(line.sent, instance, args, kwargs))
                result.gen = driven(_Opening(result.gen, opened), result.gen)
        return result

    def _opened(self, sent: Callable[[], Optional[Sent]], connection: Any) -> None:
        with Guard("opening a connection"):
            call = self._begin(sent())
            if call is not None:
                watch = self._open[connection] = Watch(call, False)
                call.answering = True
                runtime = self._runtime()
                runtime.opened(call)
                weakref.finalize(connection, runtime.dropped, watch).atexit = False  # our own exit settles what is open, in its order

    async def _receive(self, wrapped: Callable[..., Any], connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        watch = self._open.get(connection)
        try:
            message = await wrapped(*args, **kwargs)
        except Exception as error:
            if watch is not None and {kind.__name__ for kind in type(error).__mro__}.intersection(self._failures):
                watch.closed()  # the line is gone
            raise
        if watch is not None:
            with Guard("reading a connection"):
                watch.call.feed(message)
        return message

    async def _close(self, wrapped: Callable[..., Any], connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            watch = self._open.get(connection)
            if watch is not None:
                watch.closed()
