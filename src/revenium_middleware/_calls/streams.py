"""Taps on a response that is still to be read: the objects stay the SDK's own, only what they draw from is watched.

Three taps cover every way a body is consumed: parsed events pass through ``stream._iterator``, the end of interest in the
body through ``response.stream``, and for those who read raw bytes the decoded ones through ``response._decoder``.
"""

from __future__ import annotations

import json
import re
import weakref
from typing import Any, AsyncIterator, Callable, Dict, Iterator, Optional, Tuple, Union

from .._core.diagnostics import Guard
from .._usage.reading import members
from .call import Call
from .identity import remember

_READING = Guard("reading")
TEXT = re.compile("json|text|event-stream")
RAW_LIMIT = 4 << 20
"""Bytes of a raw body kept for its usage; the end of the body, where providers put it, is kept."""


class Watch:
    """What the taps of one response share."""

    def __init__(self, call: Call, hide_usage: bool) -> None:
        self.call = call
        self.hide_usage = hide_usage
        self.inside = False
        """A ``next`` is running: a close seen now is the SDK's own and says nothing about the user."""
        self.parsed = False
        """Parsed events are being watched, so raw bytes need not be kept."""
        self.plain = False
        """The body's bytes are text without an encoding, so the body itself shows what users read."""
        self.exhausted = False
        """The body was read to its end."""
        self.sent = True
        """False while a lazy stream has not sent its request yet."""
        self.collected = False
        """Nobody can draw from it any more: it is the sender's to settle, not the garbage collector's."""
        self.error: Optional[BaseException] = None
        """The body broke off under a user who reads it raw."""
        self.raw = bytearray()

    def closed(self) -> None:
        """The body was closed, by the user or by reading it to the end."""
        if self.inside or self.call.settled:
            return
        with Guard("closing"):
            if not self.sent:
                self.call.discard()
                return
            self.call.catch_up()
            if self.raw and not self.parsed:
                feed_raw(self.call, bytes(self.raw))
            if self.error is not None:
                self.call.fail(self.error)
            elif self.exhausted or self.call.reader.result.finished:
                self.call.complete()
            else:
                self.call.abandon()

    def ended(self, error: BaseException) -> None:
        """Drawing the next event ended the stream."""
        with Guard("settling"):
            if isinstance(error, (StopIteration, StopAsyncIteration)):
                self.call.complete()
            elif isinstance(error, Exception):
                self.call.fail(error)
            else:
                self.call.abandon()  # cancelled, interrupted: the user went away

    def passed(self, data: bytes) -> None:
        """Bytes as they came over the wire; of use when they are not encoded."""
        if self.plain:
            self.keep(data)

    def keep(self, data: Union[bytes, bytearray]) -> None:
        if self.parsed:
            return
        with _READING:
            self.raw += data
            if self.call.reader.any_content:  # a file may be long, and its bill is in every line
                *lines, rest = self.raw.split(b"\n")
                self.raw = rest
                for line in lines:
                    self.call.feed(line)
            if len(self.raw) > RAW_LIMIT:
                del self.raw[: len(self.raw) - RAW_LIMIT // 2]


def feed_raw(call: Call, data: bytes) -> None:
    """Feed a body nobody parsed: one JSON document, or server-sent events, or JSON lines."""
    text = data.decode("utf-8", "replace")
    try:
        call.feed(json.loads(text), late=True)
        return
    except ValueError:
        pass
    for line in text.splitlines():
        line = line[5:] if line.startswith("data:") else line
        if line.strip().startswith("{"):
            try:
                call.feed(json.loads(line), late=True)
            except ValueError:
                continue


# ---------------------------------------------------------------------- the parsed events


class Events:
    """Stands where the SDK's generator stood in ``stream._iterator``; one class for both ways of iterating."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __iter__(self) -> "Events":
        return self

    def __aiter__(self) -> "Events":
        return self

    def __next__(self) -> Any:
        watch = self._watch
        while True:
            watch.inside = True
            try:
                event = next(self._inner)
            except BaseException as error:
                watch.inside = False
                watch.ended(error)
                raise
            watch.inside = False
            if not self._saw(event):
                return event

    async def __anext__(self) -> Any:
        watch = self._watch
        while True:
            watch.inside = True
            try:
                event = await self._inner.__anext__()
            except BaseException as error:
                watch.inside = False
                watch.ended(error)
                raise
            watch.inside = False
            if not self._saw(event):
                return event

    def close(self) -> None:
        self._inner.close()
        self._watch.closed()

    async def aclose(self) -> None:
        await self._inner.aclose()
        self._watch.closed()

    def _saw(self, event: Any) -> bool:
        """Read the event; True when it is the usage chunk that only we asked for."""
        watch = self._watch
        with _READING:
            watch.call.note(event)
        if watch.hide_usage:
            with _READING:  # on its own: what was asked for stays hidden although reading it failed
                return _only_usage(event, watch.call)
        return False


def _only_usage(event: Any, call: Call) -> bool:
    """The extra chunk of ``include_usage``; and every other chunk loses the ``usage: null`` that came with it."""
    said = members(event)
    choices, usage = said("choices"), said("usage")
    if isinstance(choices, list) and not choices:
        call.catch_up()
        if call.reader.result.finished or usage is not None:
            return True
    if usage is None:
        seen = getattr(event, "model_fields_set", None)
        if isinstance(seen, set):
            seen.discard("usage")
    return False


def watch_events(stream: Any, watch: Watch) -> None:
    """Tap a stream object in place; its type, methods and identity stay what they are."""
    if isinstance(stream._iterator, Events):
        return
    watch.parsed = True
    watch.raw.clear()
    stream._iterator = Events(stream._iterator, watch)
    remember(stream, watch.call.known_id)


# ---------------------------------------------------------------------- the body


class Body:
    """Passes a response's bytes through and sees when they are no longer wanted."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._inner:
                self._watch.passed(part)
                yield part
        except BaseException as error:
            self._watch.error = error if isinstance(error, Exception) else None
            raise
        self._watch.exhausted = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._inner:
                self._watch.passed(part)
                yield part
        except BaseException as error:
            self._watch.error = error if isinstance(error, Exception) else None
            raise
        self._watch.exhausted = True

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._watch.closed()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._watch.closed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


_bodies: Dict[Tuple[str, ...], type] = {}


def _body_class(inner: Any) -> type:
    """A body that is a byte stream of the same HTTP library and of the same sides (sync, async) as ``inner``."""
    sides = tuple("%s:%s" % (kind.__module__, kind.__name__) for kind in type(inner).__mro__ if kind.__name__ in ("SyncByteStream", "AsyncByteStream"))
    if sides not in _bodies:
        bases = tuple(kind for kind in type(inner).__mro__ if kind.__name__ in ("SyncByteStream", "AsyncByteStream"))
        _bodies[sides] = type("Body", (Body, *bases), {})
    return _bodies[sides]


class _Decoder:
    """Passes decoded bytes through and keeps a copy while nobody parses them."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def decode(self, data: bytes) -> Any:
        return self._kept(self._inner.decode(data))

    def flush(self) -> Any:
        return self._kept(self._inner.flush())

    def _kept(self, decoded: Any) -> Any:
        if isinstance(decoded, (bytes, bytearray)):
            self._watch.keep(decoded)
            return decoded
        return self._each(decoded)  # newer libraries hand out an iterable

    def _each(self, decoded: Any) -> Iterator[bytes]:
        for part in decoded:
            self._watch.keep(part)
            yield part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def watch_body(response: Any, watch: Watch, dropped: Callable[[Watch], None]) -> None:
    """Tap an unread response of httpx or a library like it. ``dropped`` is called from a finaliser: it may only queue."""
    inner = response.stream
    body = _body_class(inner)(inner, watch)
    response.stream = body
    if watch.call.reader.any_content or TEXT.search(response.headers.get("content-type", "json")):
        watch.plain = not response.headers.get("content-encoding")
        if not watch.plain:
            response._decoder = _Decoder(response._get_content_decoder(), watch)
    finalizer = weakref.finalize(body, dropped, watch)
    finalizer.atexit = False  # open streams are settled by our own exit, in its order
