"""Fourth part of the table: what goes wrong on the way."""

from __future__ import annotations

import socket
from typing import Any, Dict

from revenium_middleware.testing import Fault
from revenium_middleware.testing.loopback import Reply

from .forms_raw import raw, streaming
from .side import Expect, Side
from .table import NOTHING, REFUSED, STREAM, UNASKED, form
from .wire import MODEL

UNKNOWN = Expect(usage="unknown")
LOST = Expect(usage="unknown", stop="ERROR")
"""No answer, so no numbers: only that the call failed."""
BROKEN = Expect(streamed=True, asks=True, usage="estimated", stop="ERROR")
MUTE = BROKEN._replace(usage="unknown")
"""Broken before any answer began."""

# ---------------------------------------------------------------------- refused


def refusal(name: str, fault: Fault, **kwargs: Any) -> None:
    async def call(s: Side) -> None:
        s.wire.script(fault)
        await s.chat(**kwargs)

    call.__name__ = name
    streamed = bool(kwargs.get("stream"))
    form(REFUSED._replace(streamed=streamed, asks=streamed))(call)


refusal("refused_400", Fault.bad_request())
refusal("refused_401", Fault.unauthorized())
refusal("refused_429", Fault.rate_limited())
refusal("refused_500", Fault.server_error())
refusal("refused_503_html", Fault.html(503))
refusal("stream_refused_400", Fault.bad_request(), stream=True)
refusal("stream_refused_500", Fault.server_error(), stream=True)


@form(REFUSED)
async def raw_refused(s: Side) -> None:
    s.wire.script(Fault.bad_request())
    await raw(s)


@form(REFUSED)
async def streaming_refused(s: Side) -> None:
    s.wire.script(Fault.bad_request())
    async with streaming(s):
        raise AssertionError("the call was to fail")


@form()
async def retried_until_it_works(s: Side) -> None:
    s.wire.script(Fault.rate_limited(0.001), Fault(500, {}, {"retry-after": "0.001"}))
    s.client = s.make(max_retries=3)
    s.answer(await s.chat())


@form(STREAM)
async def stream_retried_until_it_works(s: Side) -> None:
    s.wire.script(Fault.rate_limited(0.001))
    s.client = s.make(max_retries=1)
    await s.drain(await s.chat(stream=True))


@form(REFUSED)
async def retried_in_vain(s: Side) -> None:
    s.wire.script(Fault.rate_limited(0.001), Fault.rate_limited(0.001))
    s.client = s.make(max_retries=1)
    await s.chat()


# ---------------------------------------------------------------------- no answer


@form(LOST)
async def timed_out(s: Side) -> None:
    s.wire.script(Fault.silence())
    await s.chat(timeout=0.15)


@form(MUTE)
async def stream_timed_out(s: Side) -> None:
    s.wire.script(Fault.silence())
    await s.chat(stream=True, timeout=0.15)


@form(LOST)
async def connection_refused(s: Side) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        s.client = s.make(base_url="http://127.0.0.1:%d/v1" % taken.getsockname()[1])
        await s.chat()


@form(LOST)
async def disconnected(s: Side) -> None:
    s.wire.script(Fault.disconnect())
    await s.chat()


@form(LOST)
async def cut_in_a_plain_answer(s: Side) -> None:
    s.wire.script(Fault.cut(20))
    await s.chat()


@form(NOTHING)
async def never_sent_for_want_of_arguments(s: Side) -> None:
    await s.call(s.client.chat.completions.create, model=MODEL)


@form(NOTHING)
async def never_sent_for_what_is_no_json(s: Side) -> None:
    await s.chat(user=object())


# ---------------------------------------------------------------------- broken streams


@form(BROKEN._replace(said=7))
async def stream_cut(s: Side) -> None:
    s.wire.script(Fault.cut(3))
    await s.drain(await s.chat(stream=True))


@form(BROKEN._replace(said=4))
async def stream_with_error_event(s: Side) -> None:
    s.wire.script(Fault.error_event(2))
    await s.drain(await s.chat(stream=True))


@form(BROKEN._replace(said=4, asks=False), "responses.create")
async def response_stream_cut(s: Side) -> None:
    s.wire.script(Fault.cut(7))
    await s.drain(await s.call(s.client.responses.create, model=MODEL, input="Say hello", stream=True))


@form(Expect(streamed=True, usage="estimated", stop="ERROR", said=7))
async def streamed_lines_cut(s: Side) -> None:
    s.wire.script(Fault.cut(3))
    async with streaming(s, stream=True) as response:
        async for line in s.each(response.iter_lines()):
            s.see(line)


@form(BROKEN)
async def stream_read_timeout(s: Side) -> None:
    s.wire.script(Fault(chunk_delay=30.0))
    await s.drain(await s.chat(stream=True, timeout=0.15))


# ---------------------------------------------------------------------- odd answers


def odd(name: str, fault: Fault, expect: Expect = UNKNOWN, **kwargs: Any) -> None:
    async def call(s: Side) -> None:
        s.wire.script(fault)
        answer = await s.chat(**kwargs)
        if kwargs.get("stream"):
            await s.drain(answer)
        else:
            s.see(answer)

    call.__name__ = name
    form(expect)(call)


HTML = UNKNOWN._replace(model=MODEL)
odd("html_instead", Fault.html(), HTML)
odd("empty_body", Fault.empty(), HTML)
odd("json_of_another_shape", Fault(200, {"hello": "world"}), HTML)
odd("json_list", Fault(200, "[1, 2]"), HTML)
odd("usage_null", Fault.null_usage())
odd("usage_negative", Fault.negative_usage())
odd("usage_text", Fault.text_usage(), Expect())  # the SDK itself reads digits as a number
odd("usage_words", Fault(usage=lambda usage: dict.fromkeys(usage, "many")))
odd("usage_a_list", Fault(usage=lambda usage: [usage]))
odd("stream_usage_null", Fault.null_usage(), STREAM._replace(usage="estimated", said=26), stream=True)
odd("stream_usage_negative", Fault.negative_usage(), STREAM._replace(usage="estimated", said=26), stream=True)
odd("stream_without_done", Fault(done=False), STREAM, stream=True)
odd("json_instead_of_a_stream", Fault(200, {"hello": "world"}), STREAM._replace(usage="estimated", said=0, model=MODEL), stream=True)


@form(UNASKED._replace(usage="unknown", streamed=False, model=MODEL))
async def broken_json(s: Side) -> None:
    s.wire.instead = lambda request: Reply(200, {}, b'{"id": ')
    await s.chat()


@form(BROKEN)
async def broken_json_in_a_stream(s: Side) -> None:
    s.wire.instead = lambda request: Reply(200, {"content-type": "text/event-stream"}, chunks=[b'data: {"id": \n\n'])
    await s.drain(await s.chat(stream=True))


# ---------------------------------------------------------------------- a host that refuses the question


@form(Expect(streamed=True, usage="estimated", said=26, records=2))
async def host_refuses_stream_options(s: Side) -> None:
    """Asked once; the second call knows. The caller sees two streams and no error."""
    s.wire.refuse_stream_options()
    client: Dict[str, Any] = {"base_url": "http://127.0.0.1:%d/%s/v1" % (s.wire.port, "a" if s.asynchronous else "s")}
    s.client = s.make(**client)
    await s.drain(await s.chat(stream=True))
    await s.drain(await s.chat(stream=True))


@form(REFUSED._replace(streamed=True))
async def host_refuses_the_users_own_question(s: Side) -> None:
    s.wire.refuse_stream_options()
    await s.chat(stream=True, stream_options={"include_usage": True})
