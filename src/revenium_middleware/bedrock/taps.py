"""Taps on Bedrock's event streams: the object stays botocore's own, only what it draws from is watched."""

from __future__ import annotations

import weakref
from inspect import isawaitable
from typing import Any, Callable

from .._calls.identity import remember
from .._calls.streams import Body, Events, Watch
from .._core.diagnostics import Guard

_READING = Guard("reading")


class Frames(Events):
    """The frames of a stream: they show that it ended or broke; what they say is read once botocore has parsed them."""

    def _saw(self, event: Any) -> bool:
        return False


def tap(result: Any, watch: Watch, dropped: Callable[[Watch], None]) -> bool:
    """Watch the event stream in ``result``, if there is one. ``dropped`` is called from a finaliser: it may only queue."""
    stream = next((result[name] for name in ("stream", "body") if hasattr(result.get(name), "_event_generator")), None)
    if stream is None:
        return False
    stream._raw_stream = Body(stream._raw_stream, watch)
    stream._event_generator = Frames(stream._event_generator, watch)
    stream._parse_event = _parser(stream, watch)
    remember(stream, watch.call.known_id)
    finalizer = weakref.finalize(stream, dropped, watch)
    finalizer.atexit = False  # open streams are settled by our own exit, in its order
    return True


def _parser(stream: Any, watch: Watch) -> Callable[[Any], Any]:
    """botocore's own parsing; an error that comes as an event shows itself only here."""
    kind, mine = type(stream), weakref.ref(stream)  # the stream is not to keep itself alive

    def parse(event: Any) -> Any:
        try:
            parsed = kind._parse_event(mine(), event)
        except BaseException as error:
            watch.ended(error)
            raise
        return awaited(parsed) if isawaitable(parsed) else saw(parsed)

    async def awaited(parsing: Any) -> Any:
        try:
            parsed = await parsing
        except BaseException as error:
            watch.ended(error)
            raise
        return saw(parsed)

    def saw(parsed: Any) -> Any:
        with _READING:
            watch.call.feed(parsed)
        return parsed

    return parse
