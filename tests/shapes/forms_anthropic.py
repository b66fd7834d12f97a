"""Sixth part of the table: Anthropic's messages, the ways to stream them, and what only its SDK has."""

from __future__ import annotations

import asyncio
import functools
import gc
from typing import Any

import pydantic

from . import table
from .side import Expect, Side, message_body
from .table import ASYNC
from .wire import CLAUDE

form = functools.partial(table.form, sdk="anthropic")

PLAIN = Expect(model=CLAUDE, provider="ANTHROPIC")
TAGGED = PLAIN._replace(tagged=True)
STREAM = PLAIN._replace(streamed=True)
REFUSED = PLAIN._replace(usage="refused", stop="ERROR")
LOST = PLAIN._replace(usage="unknown", stop="ERROR")
NOTHING = table.NOTHING
TOOL = {"name": "look_up", "description": "Looks up", "input_schema": {"type": "object", "properties": {}}}


def left(said: int) -> Expect:
    """A stream that its user left after so many characters: the provider said what went in, nobody what came out."""
    return STREAM._replace(usage="begun", stop="CANCELLED", said=said)


class Answer(pydantic.BaseModel):
    answer: str


# ---------------------------------------------------------------------- plain


@form(PLAIN, gzip=True)
async def message(s: Side) -> None:
    s.answer(await s.say())


@form(TAGGED)
async def message_with_metadata(s: Side) -> None:
    s.answer(await s.say(extra_headers={"X-Mine": "1"}, **s.tag()))


@form(TAGGED)
async def message_with_metadata_in_extra_body(s: Side) -> None:
    s.answer(await s.say(extra_body=s.tagged_body(top_k=3)))


@form(TAGGED, "beta.messages")
async def beta_message_with_metadata(s: Side) -> None:
    s.answer(await s.call(s.client.beta.messages.create, **message_body(), betas=["compact-2026-01-12"], **s.tag()))


@form(PLAIN._replace(stop="END_SEQUENCE"))
async def message_offered_tools(s: Side) -> None:
    s.answer(await s.say(tools=[TOOL]))


@form(PLAIN._replace(stop="TOKEN_LIMIT"))
async def message_cut_by_max_tokens(s: Side) -> None:
    s.answer(await s.say(max_tokens=2))


@form(PLAIN)
async def message_raw_parsed(s: Side) -> None:
    response = s.answer(await s.call(s.client.messages.with_raw_response.create, **message_body()))
    s.answer(await s.do(response.parse()))


@form(PLAIN, gzip=True)
async def message_raw_never_parsed(s: Side) -> None:
    response = s.answer(await s.call(s.client.messages.with_raw_response.create, **message_body()))
    s.see(response.status_code, response.http_response.content)


def streaming(s: Side, **kwargs: Any) -> Any:
    return s.entered(s.client.messages.with_streaming_response.create(**{**message_body(), **kwargs}))


@form(PLAIN, gzip=True)
async def message_streaming_read(s: Side) -> None:
    async with streaming(s) as response:
        s.see(await s.do(response.read()))


@form(PLAIN)
async def message_streaming_parsed(s: Side) -> None:
    async with streaming(s) as response:
        s.see(await s.do(response.parse()))


@form(TAGGED, "messages.parse")
async def message_parse(s: Side) -> None:
    s.answer(await s.call(s.client.messages.parse, **message_body(), output_format=Answer, **s.tag()))


@form(TAGGED, "beta.messages.parse")
async def beta_message_parse(s: Side) -> None:
    s.answer(await s.call(s.client.beta.messages.parse, **message_body(), output_format=Answer, **s.tag()))


@form(NOTHING, "messages.count_tokens")
async def counting_tokens(s: Side) -> None:
    s.see(await s.call(s.client.messages.count_tokens, model=CLAUDE, messages=message_body()["messages"], **s.tag()))


@form(PLAIN._replace(usage="unknown", stop="END_SEQUENCE"), "completions")
async def text_completion(s: Side) -> None:
    s.answer(await s.call(s.client.completions.create, model=CLAUDE, prompt="Say hello", max_tokens_to_sample=9))


# ---------------------------------------------------------------------- the tool runner


def runner(s: Side, **more: Any) -> Any:
    def look_up(word: str) -> str:
        """Looks up a word."""
        return "a greeting"

    async def look_up_later(word: str) -> str:
        """Looks up a word."""
        return "a greeting"

    if s.asynchronous:
        look_up_later.__name__ = "look_up"
    made = s.sdk.beta_async_tool(look_up_later) if s.asynchronous else s.sdk.beta_tool(look_up)
    return s.client.beta.messages.tool_runner(**message_body(), tools=[made], **more, **s.tag())


@form(TAGGED._replace(records=2, stop="END_SEQUENCE END"), "beta.messages.tool_runner")
async def tool_runner(s: Side) -> None:
    async for each in s.each(runner(s)):
        s.see(each.stop_reason, each.content)


@form(TAGGED._replace(records=2, streamed=True, stop="END_SEQUENCE END"), "beta.messages.tool_runner")
async def tool_runner_streamed(s: Side) -> None:
    async for stream in s.each(runner(s, stream=True)):
        async for event in s.each(stream):
            s.see(event.type)


# ---------------------------------------------------------------------- streams


@form(STREAM, gzip=True)
async def message_stream(s: Side) -> None:
    await s.drain(await s.say(stream=True))


@form(STREAM._replace(tagged=True), "beta.messages")
async def beta_message_stream(s: Side) -> None:
    await s.drain(await s.call(s.client.beta.messages.create, **message_body(), stream=True, **s.tag()))


@form(STREAM)
async def message_raw_stream(s: Side) -> None:
    response = s.answer(await s.call(s.client.messages.with_raw_response.create, **message_body(), stream=True))
    await s.drain(await s.do(response.parse()))


@form(STREAM, gzip=True)
async def message_streaming_lines(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        s.see([line async for line in s.each(response.iter_lines())])


async def some(s: Side, stream: Any, count: int) -> None:
    async for event in s.each(stream):
        s.see(event)
        count -= 1
        if not count:
            break


@form(left(12)._replace(at=(0, 1)))
async def message_break_then_close(s: Side) -> None:
    stream = s.answer(await s.say(stream=True))
    await some(s, stream, 4)
    s.checkpoint()
    await s.do(stream.close())
    s.checkpoint()


@form(left(6))
async def message_break_inside_with(s: Side) -> None:
    async with s.entered(await s.say(stream=True)) as stream:
        await some(s, stream, 3)


@form(STREAM._replace(at=(0, 1)))
async def message_break_then_resume(s: Side) -> None:
    stream = s.answer(await s.say(stream=True))
    await some(s, stream, 3)
    s.checkpoint()
    await some(s, stream, 0)
    s.checkpoint()


@form(left(12))
async def message_break_then_drop(s: Side) -> None:
    stream = await s.say(stream=True)
    await some(s, stream, 4)
    del stream
    gc.collect()


@form(STREAM._replace(usage="estimated", stop="CANCELLED"))
async def message_dropped_unread(s: Side) -> None:
    s.see(await s.say(stream=True))
    gc.collect()


@form(STREAM)
async def message_left_after_its_usage(s: Side) -> None:
    stream = await s.say(stream=True)
    async for event in s.each(stream):
        if event.type == "message_delta":
            break
    await s.do(stream.close())


def helper(s: Side, resource: Any = None, **kwargs: Any) -> Any:
    return s.entered((resource or s.client.messages).stream(**{**message_body(), **kwargs}))


@form(STREAM._replace(tagged=True), gzip=True)
async def message_helper(s: Side) -> None:
    async with helper(s, **s.tag()) as stream:
        s.see(type(stream).__name__)
        async for event in s.each(stream):
            s.see(event.type)


@form(STREAM._replace(tagged=True), "beta.messages.stream")
async def beta_message_helper(s: Side) -> None:
    async with helper(s, s.client.beta.messages, **s.tag()) as stream:
        async for event in s.each(stream):
            s.see(event.type)
        s.see(await s.do(stream.get_final_message()))


@form(STREAM)
async def message_helper_text(s: Side) -> None:
    async with helper(s) as stream:
        s.see([text async for text in s.each(stream.text_stream)])


@form(STREAM)
async def message_helper_until_done(s: Side) -> None:
    async with helper(s) as stream:
        await s.do(stream.until_done())
        s.see(await s.do(stream.get_final_message()), await s.do(stream.get_final_text()))


@form(left(6))
async def message_helper_text_left(s: Side) -> None:
    async with helper(s) as stream:
        async for text in s.each(stream.text_stream):
            s.see(text)
            break


@form(STREAM._replace(usage="estimated", stop="CANCELLED"))
async def message_helper_never_read(s: Side) -> None:
    async with helper(s):
        pass


@form(left(6), sides=ASYNC)
async def message_cancelled_in_the_middle(s: Side) -> None:
    stream = await s.say(stream=True)
    reached = asyncio.Event()

    async def read() -> None:
        async for event in stream:
            s.see(event)
            if event.type == "content_block_delta":
                reached.set()
                await asyncio.Event().wait()

    task = asyncio.ensure_future(read())
    await reached.wait()
    task.cancel()
    try:
        await task
    finally:
        await stream.close()
