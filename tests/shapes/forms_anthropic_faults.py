"""Seventh part of the table: what goes wrong with Anthropic's messages, and the middleware of its SDK."""

from __future__ import annotations

from typing import Any

from revenium_middleware.testing import Fault

from .forms_anthropic import LOST, NOTHING, PLAIN, REFUSED, STREAM, TAGGED, form
from .side import Expect, Side
from .wire import CLAUDE

# ---------------------------------------------------------------------- what goes wrong


def failing(name: str, fault: Fault, expect: Expect, **kwargs: Any) -> None:
    async def call(s: Side) -> None:
        s.wire.script(fault)
        answer = await s.say(**kwargs)
        if kwargs.get("stream"):
            await s.drain(answer)

    call.__name__ = name
    form(expect)(call)


failing("message_refused_400", Fault.bad_request(), REFUSED)
failing("message_refused_429", Fault.rate_limited(), REFUSED)
failing("message_overloaded", Fault.server_error(529), REFUSED)
failing("message_stream_refused", Fault.bad_request(), REFUSED._replace(streamed=True), stream=True)
failing("message_disconnected", Fault.disconnect(), LOST)
failing("message_timed_out", Fault.silence(), LOST, timeout=0.15)
failing("message_usage_null", Fault.null_usage(), PLAIN._replace(usage="unknown"))
failing("message_stream_cut", Fault.cut(5), STREAM._replace(usage="begun", stop="ERROR", said=12), stream=True)
failing("message_stream_with_error_event", Fault.error_event(4), STREAM._replace(usage="begun", stop="ERROR", said=6), stream=True)


@form(PLAIN)
async def message_retried_until_it_works(s: Side) -> None:
    s.wire.script(Fault.rate_limited(0.001))
    s.client = s.make(max_retries=1)
    s.answer(await s.say())


@form(NOTHING)
async def message_never_sent_for_want_of_arguments(s: Side) -> None:
    await s.call(s.client.messages.create, model=CLAUDE)


# ---------------------------------------------------------------------- the SDK's own middleware


def between(s: Side, sends: int, **options: Any) -> Any:
    """A client whose middleware sends every request so many times; no time at all, it answers from memory."""
    kept = []

    def handle(request: Any, call_next: Any) -> Any:
        for _ in range(sends):
            kept.append(call_next(request))
        return kept[-1]

    async def handle_later(request: Any, call_next: Any) -> Any:
        for _ in range(sends):
            kept.append(await call_next(request))
        return kept[-1]

    if not sends:
        kept.append({"content": "from memory"})
    return s.make(middleware=[handle_later if s.asynchronous else handle], **options)


@form(TAGGED, "with_middleware")
async def middleware_that_sends_once(s: Side) -> None:
    s.client = between(s, 1)
    s.answer(await s.say(**s.tag()))


@form(TAGGED._replace(records=2), "with_middleware")
async def middleware_that_sends_twice(s: Side) -> None:
    s.client = between(s, 2)
    s.see(await s.say(**s.tag()))


@form(NOTHING, "with_middleware")
async def middleware_that_answers_from_memory(s: Side) -> None:
    s.client = between(s, 0)
    s.see(await s.say(**s.tag()))


@form(STREAM, "with_middleware")
async def middleware_around_a_stream(s: Side) -> None:
    s.client = between(s, 1)
    await s.drain(await s.say(stream=True))


@form(REFUSED, "with_middleware")
async def middleware_around_a_refusal(s: Side) -> None:
    s.wire.script(Fault.bad_request())
    s.client = between(s, 1)
    await s.say()


@form(PLAIN, "with_middleware")
async def middleware_around_a_retry(s: Side) -> None:
    s.wire.script(Fault.rate_limited(0.001))
    s.client = between(s, 1, max_retries=1)
    s.answer(await s.say())
