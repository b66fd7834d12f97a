"""Second part of the table: raw and streaming responses, helpers, the Responses API."""

from __future__ import annotations

from typing import Any, Callable, Optional

import openai
from openai.types.chat import ChatCompletionChunk

from .side import Expect, Side, chat_body
from .table import RAW, STREAM, UNASKED, form, left

NEVER_READ = Expect(streamed=True, usage="estimated", stop="CANCELLED")
UNKNOWN = Expect(usage="unknown", stop="CANCELLED", model="o3-cached")


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


@form(UNASKED)
async def streamed_as_it_came(s: Side) -> None:
    async with streaming(s, stream=True, stream_options={"include_usage": True}) as response:
        http = response.http_response
        s.see([part async for part in s.each(http.aiter_raw() if s.asynchronous else http.iter_raw())] != [])


@form(NEVER_READ)
async def streamed_never_read(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        s.see(response.status_code)


@form(left(0, asks=False))
async def streamed_lines_left_early(s: Side) -> None:
    async with streaming(s, stream=True) as response:
        lines = s.each(response.iter_lines())
        s.see(await lines.__anext__())
