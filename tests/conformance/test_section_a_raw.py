"""Section A, 19 and 20: raw and streaming responses."""

from __future__ import annotations

import asyncio
import json
from operator import attrgetter

import openai
import pytest

from .conftest import ASK, Answer, has

PARSE = "chat.completions.parse" if hasattr(openai.resources.chat.Completions, "parse") else "beta.chat.completions.parse"
RESOURCES = [
    pytest.param("chat.completions", {"messages": ASK}, id="chat"),
    pytest.param("responses", {"input": "Hello"}, id="responses", marks=has("responses")),
]


@pytest.mark.parametrize(("resource", "arguments"), RESOURCES)
def test_a19_the_raw_response_is_the_sdks_own_and_one_record(side, one, same, resource, arguments):
    raw = side.call(resource + ".with_raw_response.create", model="gpt-4o", **arguments)
    assert type(raw).__module__ == "openai._legacy_response"
    assert json.loads(raw.content)["id"] == raw.parse().id
    payload = one()
    same(payload)
    assert payload["transactionId"] == raw.parse().id


RAW_PARSE = PARSE.replace(".parse", ".with_raw_response.parse")


@has(RAW_PARSE)
def test_a19_raw_parse(side, one, same):
    assert side.call(RAW_PARSE, model="gpt-4o", messages=ASK, response_format=Answer).http_response.status_code == 200
    same(one())


@pytest.mark.parametrize("read", ["parse", "json", "read", "iter_lines", "iter_bytes"])
@pytest.mark.parametrize(("resource", "arguments"), RESOURCES)
def test_a20_a_streaming_response_of_a_plain_answer_is_recorded_whichever_way_it_is_read(side, one, same, resource, arguments, read):
    path = attrgetter(resource + ".with_streaming_response.create")

    async def work():
        async with side.client() as client, path(client)(model="gpt-4o", **arguments) as response:
            return [part async for part in getattr(response, read)()] if read.startswith("iter") else await getattr(response, read)()

    if side.asynchronous:
        assert asyncio.run(work())
    else:
        with side.client() as client, path(client)(model="gpt-4o", **arguments) as response:
            assert list(getattr(response, read)()) if read.startswith("iter") else getattr(response, read)()
    same(one())
