"""Third part of the table: stream helpers, parsing, the Responses API, and calls below the resources."""

from __future__ import annotations

from typing import Any, TypeVar

import openai
import pydantic
from openai.types.chat import ChatCompletionChunk

from .forms_raw import Mine
from .side import HTTP, Expect, Side, chat_body
from .table import STREAM, UNASKED, form, left
from .wire import MODEL

STREAM_HELPER = "beta.chat.completions.stream"
PARSE = "beta.chat.completions.parse"


class Answer(pydantic.BaseModel):
    answer: str


class Number(pydantic.BaseModel):
    answer: int


# ---------------------------------------------------------------------- helpers


def helper(s: Side, **kwargs: Any) -> Any:
    return s.entered(s.client.beta.chat.completions.stream(**{**chat_body(), **kwargs}))


@form(STREAM, STREAM_HELPER, gzip=True)
async def helper_to_its_end(s: Side) -> None:
    async with helper(s) as stream:
        async for event in s.each(stream):
            s.see(event.type, getattr(event, "delta", None))


@form(UNASKED, STREAM_HELPER)
async def helper_with_usage(s: Side) -> None:
    async with helper(s, stream_options={"include_usage": True}) as stream:
        async for event in s.each(stream):
            s.see(event.type, getattr(event, "delta", None))
        s.see(await s.do(stream.get_final_completion()))


@form(left(4), STREAM_HELPER)
async def helper_left_early(s: Side) -> None:
    async with helper(s) as stream:
        seen = 0
        async for event in s.each(stream):
            s.see(event.type)
            seen += event.type == "chunk"
            if seen == 2:
                break


@form(left(0), STREAM_HELPER)
async def helper_never_read(s: Side) -> None:
    async with helper(s):
        pass


@form(STREAM._replace(tagged=True), STREAM_HELPER)
async def helper_until_done(s: Side) -> None:
    async with helper(s, **s.tag()) as stream:
        await s.do(stream.until_done())
        s.see(await s.do(stream.get_final_completion()))


@form(STREAM, STREAM_HELPER)
async def helper_final_completion(s: Side) -> None:
    async with helper(s, response_format=Answer) as stream:
        s.see(await s.do(stream.get_final_completion()))


@form(STREAM, "chat.completions.stream")
async def helper_outside_beta(s: Side) -> None:
    async with s.entered(s.client.chat.completions.stream(**chat_body())) as stream:
        s.see(await s.do(stream.get_final_completion()))


@form(Expect(tagged=True), PARSE)
async def parse(s: Side) -> None:
    s.answer(await s.call(s.client.beta.chat.completions.parse, **chat_body(), response_format=Answer, **s.tag()))


@form(Expect(), "chat.completions.parse")
async def parse_outside_beta(s: Side) -> None:
    s.answer(await s.call(s.client.chat.completions.parse, **chat_body(), response_format=Answer))


@form(Expect(stop="TOKEN_LIMIT", at=(1,)), PARSE)
async def parse_of_a_cut_answer(s: Side) -> None:
    try:
        await s.call(s.client.beta.chat.completions.parse, **chat_body(), max_tokens=1)
    except openai.LengthFinishReasonError as error:
        s.see(error)
        s.see(error.completion)
        s.checkpoint()


@form(Expect(at=(1,)), PARSE)
async def parse_that_does_not_fit(s: Side) -> None:
    s.wire.say_instead('{"answer":', '{"number":')
    try:
        await s.call(s.client.beta.chat.completions.parse, **chat_body(), response_format=Number)
    except pydantic.ValidationError as error:
        s.see(str(error))
        s.checkpoint()


@form(Expect(), PARSE + " chat.completions.with_raw_response.parse")
async def parse_raw(s: Side) -> None:
    response = await s.call(s.client.chat.completions.with_raw_response.parse, **chat_body(), response_format=Answer)
    s.answer(response.parse())


# ---------------------------------------------------------------------- the Responses API


async def respond(s: Side, **kwargs: Any) -> Any:
    return await s.call(s.client.responses.create, **{"model": MODEL, "input": "Say hello", **kwargs})


@form(Expect(tagged=True), "responses.create", gzip=True)
async def response(s: Side) -> None:
    s.answer(await respond(s, **s.tag()))


@form(UNASKED, "responses.create", gzip=True)
async def response_streamed(s: Side) -> None:
    await s.drain(await respond(s, stream=True))


@form(left(4, asks=False), "responses.create")
async def response_stream_left(s: Side) -> None:
    stream = await respond(s, stream=True)
    async for event in s.each(stream):
        s.see(event.type)
        if event.type == "response.output_text.delta":
            break
    await s.do(stream.close())


@form(UNASKED, "responses.stream")
async def response_helper(s: Side) -> None:
    async with s.entered(s.client.responses.stream(model=MODEL, input="Say hello")) as stream:
        async for event in s.each(stream):
            s.see(event.type)
        s.see(await s.do(stream.get_final_response()))


@form(Expect(), "responses.parse")
async def response_parse(s: Side) -> None:
    s.answer(await s.call(s.client.responses.parse, model=MODEL, input="Say hello", text_format=Answer))


@form(Expect(), "responses.create")
async def response_raw(s: Side) -> None:
    s.answer((await s.call(s.client.responses.with_raw_response.create, model=MODEL, input="Say hello")).parse())


@form(UNASKED, "responses.create")
async def response_streaming_lines(s: Side) -> None:
    async with s.entered(s.client.responses.with_streaming_response.create(model=MODEL, input="Say hello", stream=True)) as response:
        s.see([line async for line in s.each(response.iter_lines())])


# ---------------------------------------------------------------------- below the resources


@form()
async def posted_by_hand(s: Side) -> None:
    s.see(await s.do(s.client.post("/chat/completions", cast_to=Mine, body=chat_body())))


@form()
async def posted_for_a_plain_object(s: Side) -> None:
    s.see(await s.do(s.client.post("/chat/completions", cast_to=object, body=chat_body())))


@form(STREAM)
async def posted_for_a_stream(s: Side) -> None:
    kind = openai.AsyncStream if s.asynchronous else openai.Stream
    options = {"body": {**chat_body(), "stream": True}, "stream": True, "stream_cls": kind[ChatCompletionChunk]}
    await s.drain(await s.do(s.client.post("/chat/completions", cast_to=ChatCompletionChunk, **options)))


Chunk = TypeVar("Chunk")


class OwnStream(openai.Stream[Chunk]):
    pass


class OwnAsyncStream(openai.AsyncStream[Chunk]):
    pass


@form(STREAM)
async def posted_for_a_stream_of_ones_own(s: Side) -> None:
    kind = OwnAsyncStream if s.asynchronous else OwnStream
    options = {"body": {**chat_body(), "stream": True}, "stream": True, "stream_cls": kind[ChatCompletionChunk]}
    await s.drain(await s.do(s.client.post("/chat/completions", cast_to=ChatCompletionChunk, **options)))


@form()
async def posted_for_the_http_response(s: Side) -> None:
    response = await s.do(s.client.post("/chat/completions", cast_to=HTTP.Response, body=chat_body()))
    s.see(response, response.json())
