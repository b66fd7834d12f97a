"""The table of call forms, first part: plain answers, streams and the ways to leave them."""

from __future__ import annotations

import gc
from typing import Any

import openai

from .side import Expect, Side
from .table import ASYNC, NOTHING, STREAM, UNASKED, form, left
from .wire import MODEL

ASKED = {"include_usage": True}
NOT_GIVEN = getattr(openai, "omit", None) or openai.NOT_GIVEN
TAGGED = Expect(tagged=True)

# ---------------------------------------------------------------------- plain


@form(gzip=True)
async def create(s: Side) -> None:
    s.answer(await s.chat())


@form(TAGGED)
async def create_with_metadata(s: Side) -> None:
    s.answer(await s.chat(**s.tag()))


@form(TAGGED)
async def create_with_metadata_and_headers(s: Side) -> None:
    s.answer(await s.chat(extra_headers={"X-Mine": "1"}, extra_query={"q": "2"}, **s.tag()))


@form(TAGGED)
async def create_with_metadata_and_no_headers(s: Side) -> None:
    s.answer(await s.chat(extra_headers=None, **s.tag()))


@form(TAGGED)
async def metadata_in_extra_body(s: Side) -> None:
    s.answer(await s.chat(extra_body=s.tagged_body(user="u-1")))


@form(Expect(model="gpt-5-2025-08-07"))
async def model_in_extra_body(s: Side) -> None:
    s.answer(await s.chat(extra_body={"model": "gpt-5", "seed": 7}))


@form()
async def two_choices_and_a_limit(s: Side) -> None:
    s.answer(await s.chat(n=2, temperature=0.5, user="u-1"))


@form(Expect(stop="TOKEN_LIMIT"))
async def cut_by_max_tokens(s: Side) -> None:
    s.answer(await s.chat(max_tokens=2))


@form(Expect(stop="END_SEQUENCE"))
async def offered_tools(s: Side) -> None:
    s.answer(await s.chat(tools=[{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]))


@form()
async def legacy_completion(s: Side) -> None:
    s.answer(await s.call(s.client.completions.create, model=MODEL, prompt="Say hello"))


@form(Expect(streamed=True, asks=True))
async def legacy_completion_streamed(s: Side) -> None:
    await s.drain(await s.call(s.client.completions.create, model=MODEL, prompt="Say hello", stream=True))


@form()
async def embeddings(s: Side) -> None:
    s.answer(await s.call(s.client.embeddings.create, model=MODEL, input="Say hello"))


@form()
async def embeddings_as_floats_and_base64(s: Side) -> None:
    s.answer(await s.call(s.client.embeddings.create, model=MODEL, input=["Say", "hello"], encoding_format="base64"))


@form(NOTHING)
async def free_calls(s: Side) -> None:
    s.see(await s.call(s.client.moderations.create, input="Say hello"))
    async for model in s.each(await s.do(s.client.models.list())):
        s.see(model)


@form(NOTHING)
async def free_calls_with_metadata(s: Side) -> None:
    s.see(await s.call(s.client.moderations.create, input="Say hello", **s.tag()))


@form(Expect(records=2))
async def two_calls(s: Side) -> None:
    s.see(await s.chat())
    s.see(await s.chat())


# ---------------------------------------------------------------------- streams to their end


@form(STREAM, gzip=True)
async def stream(s: Side) -> None:
    await s.drain(await s.chat(stream=True))


@form(STREAM._replace(tagged=True))
async def stream_with_metadata(s: Side) -> None:
    await s.drain(await s.chat(stream=True, **s.tag()))


@form(UNASKED)
async def stream_with_usage(s: Side) -> None:
    await s.drain(await s.chat(stream=True, stream_options=dict(ASKED)))


@form(STREAM)
async def stream_without_usage(s: Side) -> None:
    await s.drain(await s.chat(stream=True, stream_options={"include_usage": False}))


@form(STREAM)
async def stream_options_none(s: Side) -> None:
    await s.drain(await s.chat(stream=True, stream_options=None))


@form(STREAM)
async def stream_options_not_given(s: Side) -> None:
    await s.drain(await s.chat(stream=True, stream_options=NOT_GIVEN))


@form(STREAM)
async def other_stream_options(s: Side) -> None:
    await s.drain(await s.chat(stream=True, stream_options={"include_obfuscation": False}))


@form(UNASKED)
async def usage_asked_in_extra_body(s: Side) -> None:
    await s.drain(await s.chat(stream=True, extra_body={"stream_options": dict(ASKED)}))


@form(STREAM)
async def usage_refused_in_extra_body(s: Side) -> None:
    await s.drain(await s.chat(stream=True, extra_body={"stream_options": {"include_usage": False}}))


@form(STREAM)
async def stream_inside_with(s: Side) -> None:
    async with s.entered(await s.chat(stream=True)) as stream:
        await s.drain(stream)


@form(STREAM)
async def stream_by_next(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    for _ in range(8):
        s.see(await s.next(stream))
    async for more in s.each(stream):
        raise AssertionError(more)


@form(STREAM._replace(at=(1, 1)))
async def iterated_again_after_its_end(s: Side) -> None:
    stream = await s.chat(stream=True)
    await s.drain(stream)
    s.checkpoint()
    async for chunk in s.each(stream):
        s.see(chunk)
    await s.do(stream.close())
    s.checkpoint()


@form(STREAM._replace(stop="END_SEQUENCE"))
async def streamed_tool_calls(s: Side) -> None:
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
    await s.drain(await s.chat(stream=True, tools=[tool]))


# ---------------------------------------------------------------------- streams that are left


@form(left(7)._replace(at=(0, 1)))
async def break_then_close(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    await _some(s, stream, 3)
    s.checkpoint()
    await s.do(stream.close())
    s.checkpoint()


@form(left(4))
async def break_inside_with(s: Side) -> None:
    async with s.entered(await s.chat(stream=True)) as stream:
        s.answer(stream)
        await _some(s, stream, 2)


@form(left(4))
async def error_inside_with(s: Side) -> None:
    async with s.entered(await s.chat(stream=True)) as stream:
        await _some(s, stream, 2)
        raise LookupError("the user's own")


@form(STREAM._replace(at=(0, 1)))
async def break_then_resume(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    await _some(s, stream, 3)
    s.checkpoint()
    async for chunk in s.each(stream):
        s.see(chunk)
    s.checkpoint()


@form(left(7))
async def break_then_drop(s: Side) -> None:
    stream = await s.chat(stream=True)
    await _some(s, stream, 3)
    del stream
    gc.collect()


@form(left(0)._replace(at=(0, 1)))
async def close_before_the_first_chunk(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    s.checkpoint()
    await s.do(stream.close())
    s.checkpoint()


@form(left(0))
async def next_then_close(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    s.see(await s.next(stream))
    await s.do(stream.close())


@form(left(0))
async def closed_twice_then_read(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    await s.do(stream.close())
    await s.do(stream.close())
    async for chunk in s.each(stream):
        s.see(chunk)


@form(left(0))
async def dropped_unread(s: Side) -> None:
    s.see(await s.chat(stream=True))
    gc.collect()


@form(left(4))
async def response_closed(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    await _some(s, stream, 2)
    await s.do(stream.response.aclose() if s.asynchronous else stream.response.close())


@form(left(4))
async def inner_iterator_closed(s: Side) -> None:
    stream = s.answer(await s.chat(stream=True))
    iterator = stream.__aiter__() if s.asynchronous else iter(stream)
    s.see(await s.next(iterator), await s.next(iterator))
    await s.do(iterator.aclose() if s.asynchronous else iterator.close())
    del iterator
    await s.do(stream.close())


@form(left(4), sides=ASYNC)
async def left_open_when_the_loop_ends(s: Side) -> None:
    await _some(s, await s.chat(stream=True), 2)


@form(left(26)._replace(stop="END"))
async def left_at_its_finish_reason(s: Side) -> None:
    stream = await s.chat(stream=True)
    await _some(s, stream, 8)
    await s.do(stream.close())


@form(UNASKED)
async def left_after_its_usage(s: Side) -> None:
    stream = await s.chat(stream=True, stream_options=dict(ASKED))
    await _some(s, stream, 9)
    await s.do(stream.close())


async def _some(s: Side, stream: Any, count: int) -> None:
    async for chunk in s.each(stream):
        s.see(chunk)
        count -= 1
        if not count:
            break
