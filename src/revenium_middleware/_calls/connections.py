"""WebSocket connections of the Stainless-generated SDKs, metered where they receive: whoever parses, raw bytes pass there.

A connection's call begins at ``connect()``, with the attribution of that moment, and bills part by part: a response,
a transcription, a session's minutes. The connection object, its events and its exceptions are the SDK's own.
"""

from __future__ import annotations

import inspect
import json
import re
import weakref
from functools import partial
from inspect import isawaitable
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import urlsplit

import wrapt

from .._core.diagnostics import Guard
from .call import Call, Request
from .declarations import Channel, Provider
from .hooks import Undo, replace
from .options import joined
from .runtime import Runtime
from .streams import Watch

_SOUND = re.compile(rb'"type"\s*:\s*"[a-z_.]*audio\.delta"')
"""Frames that hold sound and nothing else; they are most of the bytes, and are left unparsed."""
_LOOK = 400
"""Bytes in which a frame says what it is, when it says so early."""


class Connections:
    """The hooks on one SDK's connections."""

    def __init__(self, provider: Provider, runtime: Callable[[], Runtime]) -> None:
        self._provider = provider
        self._runtime = runtime
        self._prepared: "weakref.WeakKeyDictionary[Any, Call]" = weakref.WeakKeyDictionary()
        self._lines: "weakref.WeakKeyDictionary[Any, Watch]" = weakref.WeakKeyDictionary()

    def hook(self, channel: Channel, module: Any) -> Undo:
        undo: List[Undo] = []
        for kind in [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]:
            if "recv_bytes" in vars(kind):
                undo += _wrapped(kind, {"recv_bytes": self._receive, "close": self._close})
                undo += _wrapped(kind, {"send": self._send, "send_raw": self._send}) if channel.counts_sent else []
            elif kind.__name__.endswith("ConnectionManager"):
                undo += _wrapped(kind, {"__init__": partial(self._prepare, channel)})
                undo += _wrapped(kind, {name: self._enter for name in ("__enter__", "__aenter__", "enter")})
        return lambda: _undone(undo)

    # ------------------------------------------------------------------ opening

    def _prepare(self, channel: Channel, wrapped: Callable[..., Any], manager: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        with Guard("starting a connection"):
            client, model, named = kwargs["client"], kwargs.get("model"), kwargs.get(channel.named_by)
            url = joined(str(client.base_url), channel.endpoint.path)
            request = Request(
                {},
                channel.endpoint,
                self._provider.host_of(client, urlsplit(url).netloc.rpartition("@")[2]),
                url,
                True,
                model if isinstance(model, str) else "",
                named if isinstance(named, str) else "",
            )
            call = self._runtime().begin(request, None, self._provider.meters)
            if call is not None:
                self._prepared[manager] = call
        return result

    def _enter(self, wrapped: Callable[..., Any], manager: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        return self._entered_later(manager, result) if isawaitable(result) else self._entered(manager, result)

    async def _entered_later(self, manager: Any, result: Any) -> Any:
        return self._entered(manager, await result)

    def _entered(self, manager: Any, connection: Any) -> Any:
        with Guard("opening a connection"):
            call = self._prepared.get(manager)
            if call is not None and connection not in self._lines:
                self._open(connection, call.again())
        return connection

    def _open(self, connection: Any, call: Call) -> Watch:
        runtime = self._runtime()
        line = self._lines[connection] = Watch(call, False)
        runtime.opened(call)
        weakref.finalize(connection, runtime.dropped, line).atexit = False  # our own exit settles what is open, in its order
        return line

    # ------------------------------------------------------------------ hearing

    def _receive(self, wrapped: Callable[..., Any], connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        try:
            data = wrapped(*args, **kwargs)
        except BaseException as error:
            self._failed(connection, error)
            raise
        return self._received(connection, data) if isawaitable(data) else self._heard(connection, data)

    async def _received(self, connection: Any, result: Any) -> Any:
        try:
            data = await result
        except BaseException as error:
            self._failed(connection, error)
            raise
        return self._heard(connection, data)

    def _heard(self, connection: Any, data: Any) -> Any:
        with Guard("reading a connection"):
            call = self._current(connection)
            if call is not None and not _SOUND.search(_start(data)):
                event = _event(data)
                if event is not None:
                    call.feed(event)
        return data

    def _current(self, connection: Any) -> Optional[Call]:
        line = self._lines.get(connection)
        if line is not None and line.call.settled:  # the SDK has connected again
            line = self._open(connection, line.call.again())
        return line.call if line is not None else None

    def _send(self, wrapped: Callable[..., Any], connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        with Guard("reading a connection"):
            call = self._current(connection)
            message = args[0] if args else next(iter(kwargs.values()), None)
            event = _event(message) if isinstance(message, (str, bytes)) else message
            if call is not None and event is not None:
                call.reader.sent(event)
        return wrapped(*args, **kwargs)

    # ------------------------------------------------------------------ ending

    def _failed(self, connection: Any, error: BaseException) -> None:
        """The line is gone; a timeout or a cancelled wait says nothing about it."""
        if any(kind.__name__ == "ConnectionClosed" for kind in type(error).__mro__):
            self._settle(connection)

    def _close(self, wrapped: Callable[..., Any], connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        try:
            result = wrapped(*args, **kwargs)
        finally:
            self._settle(connection)
        return result

    def _settle(self, connection: Any) -> None:
        line = self._lines.get(connection)
        if line is not None:
            line.closed()


def _wrapped(kind: type, wrappers: Dict[str, Callable[..., Any]]) -> List[Undo]:
    found = {name: inspect.getattr_static(kind, name, None) for name in wrappers}
    return [replace(kind, name, wrapt.FunctionWrapper(original, wrappers[name])) for name, original in found.items() if callable(original)]


def _undone(undo: List[Undo]) -> None:
    for action in reversed(undo):
        action()


def _start(data: Any) -> bytes:
    return data[:_LOOK].encode("utf-8", "replace") if isinstance(data, str) else bytes(data[:_LOOK])


def _event(data: Any) -> Optional[Dict[str, Any]]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
