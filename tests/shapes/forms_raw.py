"""Second part of the table: raw and streaming responses, helpers, the Responses API."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

import openai
import pydantic
from openai.types.chat import ChatCompletionChunk

from .side import HTTP, Expect, Side, chat_body
from .table import RAW, STREAM, UNASKED, form, left
from .wire import MODEL

NEVER_READ = Expect(streamed=True, usage="estimated", stop="CANCELLED")
UNKNOWN = Expect(usage="unknown", stop="CANCELLED", model="o3-cached")
STREAM_HELPER = "beta.chat.completions.stream"
PARSE = "beta.chat.completions.parse"
TOOLS: Any = [{"type": "function", "function": {"name": "look_up", "strict": True, "parameters": {"type": "object", "properties": {}}}}]


class Answer(pydantic.BaseModel):
    answer: str


class Number(pydantic.BaseModel):
    answer: int


class Mine(openai.BaseModel):
    """A user's own reading of the same answer."""

    id: str


async def raw(s: Side, **kwargs: Any) -> Any:
    return await s.call(s.client.chat.completions.with_raw_response.create, **{**chat_body(), **kwargs})


def streaming(s: Side, **kwargs: Any) -> Any:
    return s.entered(s.client.chat.completions.with_streaming_response.create(**{**chat_body(), **kwargs}))


# ---------------------------------------------------------------------- with_raw_response


@form(gzip=True)
async def raw_parsed(s: Side) -> None:
    response = s.answer(await raw(s))
    s.answer(response.parse())


@form()
async def raw_parsed_twice(s: Side) -> None:
    response = await raw(s)
    first, second = s.answer(response.parse()), response.parse()
    s.see(first is second)


@form(gzip=True)
async def raw_never_parsed(s: Side) -> None:
    response = s.answer(await raw(s))
    s.see(response.status_code, response.headers["x-request-id"], response.text, response.content, response.http_response.is_closed)


@form()
async def raw_parsed_to_another_type(s: Side) -> None:
    response = await raw(s)
    s.see(response.parse(to=Mine), response.parse(to=str))
    s.answer(response.parse())


@form(Expect(tagged=True))
async def raw_with_metadata(s: Side) -> None:
    s.answer((await raw(s, **s.tag())).parse())


@form(STREAM, gzip=True)
async def raw_stream(s: Side) -> None:
    response = s.answer(await raw(s, stream=True))
    await s.drain(response.parse())


@form(STREAM)
async def raw_stream_to_another_type(s: Side) -> None:
    response = await raw(s, stream=True)
    kind = openai.AsyncStream if s.asynchronous else openai.Stream
    await s.drain(response.parse(to=kind[ChatCompletionChunk]))


@form(NEVER_READ._replace(asks=True))
async def raw_stream_never_parsed(s: Side) -> None:
    response = s.answer(await raw(s, stream=True))
    await s.do(response.http_response.aclose() if s.asynchronous else response.http_response.close())


# ---------------------------------------------------------------------- with_streaming_response, a plain answer


def reader(name: str) -> Callable[[Side], Any]:
    async def read(s: Side) -> None:
        async with streaming(s) as response:
            s.see(type(response).__name__, response.status_code)
            value = getattr(response, name)()
            if name.startswith("iter_"):
                async for part in s.each(value):
                    s.see(part)
            elif name == "parse":
                s.answer(await s.do(value))
            else:
                s.see(await s.do(value))

    read.__name__ = "streaming_" + name
    return read


for _name in ("parse", "iter_lines", "iter_bytes", "iter_text", "read", "json", "text"):
    form(gzip=True)(reader(_name))


@form(UNKNOWN)
async def streaming_never_read(s: Side) -> None:
    async with streaming(s) as response:
        s.see(response.status_code)


@form(Expect(tagged=True))
async def streaming_with_metadata(s: Side) -> None:
    async with streaming(s, **s.tag()) as response:
        s.answer(await s.do(response.parse()))


@form()
async def streaming_read_twice_and_parsed(s: Side) -> None:
    async with streaming(s) as response:
        s.see(await s.do(response.read()), await s.do(response.read()))
        s.answer(await s.do(response.parse()))


# ---------------------------------------------------------------------- with_streaming_response, a stream


def stream_reader(name: str, options: Optional[Any], expect: Expect) -> None:
    async def read(s: Side) -> None:
        async with streaming(s, stream=True, **({"stream_options": options} if options else {})) as response:
            value = getattr(response, name)()
            if name.startswith("iter_"):
                parts = [part async for part in s.each(value)]
                s.see("".join(parts) if name == "iter_text" else b"".join(parts) if name == "iter_bytes" else parts)
            else:
                s.see(await s.do(value))

    read.__name__ = "streamed_%s%s" % (name, "_with_usage" if options else "")
    form(expect, gzip=True)(read)


for _name in ("iter_lines", "iter_bytes", "iter_text", "read", "text"):
    stream_reader(_name, None, RAW)
    stream_reader(_name, {"include_usage": True}, UNASKED)


@form(RAW, gzip=True)
async def streamed_parse(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        await s.drain(await s.do(response.parse()))


@form(UNASKED, gzip=True)
async def streamed_parse_with_usage(s: Side) -> None:
    async with streaming(s, stream=True, stream_options={"include_usage": True}) as response:
        await s.drain(await s.do(response.parse()))


@form(NEVER_READ)
async def streamed_never_read(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        s.see(response.status_code)


@form(left(0, asks=False))
async def streamed_lines_left_early(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        lines = s.each(response.iter_lines())
        s.see(await lines.__anext__())


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
