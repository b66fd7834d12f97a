"""Section A, 1 to 18: chat and responses of the openai package, whichever way they are called."""

from __future__ import annotations

import asyncio
import copy
import gc
import json

import openai
import pytest

from revenium_middleware.testing import Fault

from .conftest import ASK, Answer, has

CHAT = "chat.completions.create"


@pytest.mark.parametrize("stream", [False, True])
def test_a01_cached_tokens_are_cache_reads(side, one, same, provider, stream):
    side.call(CHAT, model="gpt-4o-cached", messages=ASK, stream=stream)
    payload = one()
    same(payload)
    assert payload["cacheReadTokenCount"] == provider.billed[0].usage.cached > 0
    assert payload.get("cacheCreationTokenCount", 0) == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a02_reasoning_tokens_of_chat(side, one, same, provider, stream):
    side.call(CHAT, model="o3-mini", messages=ASK, stream=stream)
    payload = one()
    same(payload)
    assert payload["reasoningTokenCount"] == provider.billed[0].usage.reasoning > 0


@has("responses")
@pytest.mark.parametrize("stream", [False, True])
def test_a02_reasoning_tokens_of_responses(side, one, same, provider, stream):
    side.call("responses.create", model="gpt-5", input="Hello", stream=stream)
    payload = one()
    same(payload)
    assert payload["reasoningTokenCount"] == provider.billed[0].usage.reasoning > 0


def test_a03_the_usage_chunk_we_asked_for_is_hidden(side, one, same, provider):
    chunks = side.call(CHAT, model="gpt-4o", messages=ASK, stream=True)
    same(one())
    assert provider.log[0].body["stream_options"] == {"include_usage": True}
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all("usage" not in chunk.model_dump(exclude_unset=True) for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks if hasattr(chunk, "usage"))
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a04_the_usage_chunk_the_caller_asked_for_is_shown(side, one, same, provider):
    chunks = side.call(CHAT, model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True})
    same(one())
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == provider.billed[0].usage.total
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a05_nothing_of_the_callers_is_changed(side, one, provider):
    given = {"messages": copy.deepcopy(ASK), "stream_options": {"include_usage": False}, "extra_body": {"own": [1]}, "extra_headers": {"x-own": "1"}}
    given["usage_metadata"] = {"agent": "a", "subscriber": {"id": "u"}}
    before = copy.deepcopy(given)
    side.call(CHAT, model="gpt-4o", stream=True, **given)
    assert given == before
    assert one()["agent"] == "a"
    assert provider.log[0].body["own"] == [1]
    assert provider.log[0].headers["x-own"] == "1"
    assert not [name for name in (*provider.log[0].headers, *provider.log[0].body) if "revenium" in name.lower() or "usage_metadata" in name]


@pytest.mark.parametrize("end", ["break and close", "close at once", "dropped unread", "dropped in the middle", "with block left"])
def test_a06_an_abandoned_sync_stream_is_one_record(end, provider, one):
    with openai.OpenAI(base_url=provider.openai_url, api_key="k") as client:
        stream = client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
        if end == "with block left":
            with stream:
                next(iter(stream))
        if end in ("break and close", "dropped in the middle"):
            next(iter(stream))
        if end in ("break and close", "close at once"):
            stream.close()
        del stream
        gc.collect()
        payload = one()
    assert (payload["stopReason"], payload["isStreamed"]) == ("CANCELLED", True)
    assert payload["inputTokenCount"] > 0, "billed, so never a success-looking zero"


@pytest.mark.parametrize("end", ["break and close", "close at once", "dropped in the middle", "cancelled"])
def test_a06_an_abandoned_async_stream_is_one_record(end, provider, one):
    async def consume(stream):
        async for _ in stream:
            if end == "cancelled":
                await asyncio.sleep(60)
            break

    async def work():
        async with openai.AsyncOpenAI(base_url=provider.openai_url, api_key="k") as client:
            stream = await client.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
            if end != "close at once":
                task = asyncio.ensure_future(consume(stream))
                await asyncio.wait([task], timeout=0.3 if end == "cancelled" else 20)
                task.cancel()
                await asyncio.wait([task])
            if end != "dropped in the middle":
                await stream.close()
            del stream
            gc.collect()

    asyncio.run(work())
    payload = one()
    assert (payload["stopReason"], payload["isStreamed"]) == ("CANCELLED", True)
    assert payload["inputTokenCount"] > 0


def test_a07_a_stream_is_one_record(side, one, same):
    assert side.call(CHAT, model="gpt-4o", messages=ASK, stream=True)
    same(one())


@has("chat.completions.stream")
def test_a08_the_stream_helper_runs_without_stream_options(side, one, same):
    events = side.helper("chat.completions.stream", model="gpt-4o", messages=ASK)
    same(one())
    assert [event.chunk.usage for event in events if event.type == "chunk" and event.chunk.usage] == []
    assert events[-1].type == "content.done"


@has("chat.completions.stream")
def test_a09_the_stream_helper_keeps_its_response_and_closing_it_ends_metering(side, one):
    arguments = {"model": "gpt-4o", "messages": ASK, "stream_options": {"include_usage": True}}
    if side.asynchronous:

        async def work():
            async with side.client() as client, client.chat.completions.stream(**arguments) as stream:
                await stream.__anext__()
                await stream._raw_stream.response.aclose()
                return stream._raw_stream.response.status_code

        assert asyncio.run(work()) == 200
    else:
        with side.client() as client, client.chat.completions.stream(**arguments) as stream:
            next(stream)
            stream._raw_stream.response.close()
            assert stream._raw_stream.response.status_code == 200
    assert one()["stopReason"] == "CANCELLED"


@has("responses.stream")
def test_a10_a12_responses_stream(side, one, same):
    events = side.helper("responses.stream", model="gpt-4o", input="Hello")
    assert events[-1].type == "response.completed"
    payload = one()
    same(payload)
    assert (payload["isStreamed"], payload["stopReason"]) == (True, "END")


@has("responses")
def test_a11_responses_create_sync_and_async_give_the_same_record(provider, delivered, same):
    arguments = {"model": "gpt-5-cached", "input": "Hello"}
    with openai.OpenAI(base_url=provider.openai_url, api_key="k") as client:
        client.responses.create(**arguments)

    async def work():
        async with openai.AsyncOpenAI(base_url=provider.openai_url, api_key="k") as client:
            await client.responses.create(**arguments)
        azure = openai.AsyncAzureOpenAI(azure_endpoint=provider.url, api_version="2025-03-01-preview", api_key="k")
        async with azure:
            await azure.responses.create(**arguments)

    asyncio.run(work())
    payloads = sorted(delivered(3), key=lambda payload: payload["provider"])
    assert [payload["provider"] for payload in payloads] == ["Azure", "CUSTOM", "CUSTOM"]
    for number, payload in enumerate(payloads):
        same(payload, number)
    counted = [{name: payload[name] for name in payload if name.endswith("TokenCount") or name == "model"} for payload in payloads[1:]]
    assert counted[0] == counted[1]


@has("responses")
@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [({}, "completed", "END"), ({"max_output_tokens": 2}, "incomplete", "TOKEN_LIMIT"), (None, "failed", "ERROR")],
    ids=["completed", "incomplete", "failed"],
)
def test_a13_the_terminal_event_of_a_response_stream_is_read(side, one, same, provider, arguments, status, reason):
    if arguments is None:
        response = {"id": "resp_f", "object": "response", "model": "gpt-4o", "status": "failed", "output": []}
        used = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
        event = {"type": "response.failed", "sequence_number": 0, "response": {**response, "usage": used}}
        body = "event: response.failed\ndata: %s\n\n" % json.dumps(event)
        provider.script(Fault(body=body, headers={"content-type": "text/event-stream"}))
    events = side.call("responses.create", model="gpt-4o", input="Hello", stream=True, **(arguments or {}))
    assert events[-1].type == "response." + status
    payload = one()
    assert payload["stopReason"] == reason
    assert payload["transactionId"] == events[-1].response.id
    if arguments is None:
        assert [payload[name + "TokenCount"] for name in ("input", "output", "total")] == [9, 4, 13]
    else:
        same(payload)


@has("responses.stream")
def test_a14_a_response_stream_left_before_its_end_has_the_id_and_model_of_its_start(side, one):
    events = side.helper("responses.stream", leave_after=1, model="gpt-4o", input="Hello")
    assert events[0].type == "response.created"
    payload = one()
    assert (payload["transactionId"], payload["model"]) == (events[0].response.id, "gpt-4o-2024-08-06")
    assert payload["stopReason"] == "CANCELLED"


PARSE = "chat.completions.parse" if hasattr(openai.resources.chat.Completions, "parse") else "beta.chat.completions.parse"


@has(PARSE)
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-cached"])
def test_a15_parse(side, one, same, model):
    assert side.call(PARSE, model=model, messages=ASK, response_format=Answer).choices[0].message.parsed == Answer(answer="text")
    same(one())


@has("responses.parse")
def test_a16_responses_parse(side, one, same):
    assert isinstance(side.call("responses.parse", model="gpt-5-cached", input="Hello", text_format=Answer).output_parsed, Answer)
    same(one())


def _answer_of(finish, content, refusal=None):
    message = {"role": "assistant", "content": content, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    return Fault(body={"id": "chatcmpl-own", "object": "chat.completion", "created": 1, "model": "gpt-4o-x", "choices": [choice], "usage": usage})


@has(PARSE)
@pytest.mark.parametrize(
    ("item", "finish", "content", "error", "reason"),
    [
        (17, "length", '{"ans', "LengthFinishReasonError", "TOKEN_LIMIT"),
        (18, "content_filter", None, "ContentFilterFinishReasonError", "ERROR"),
        (18, "stop", '{"other": 1}', "ValidationError", "END"),
        (18, "stop", "no json", "ValidationError", "END"),
    ],
    ids=["a17 length", "a18 filter", "a18 shape", "a18 no json"],
)
def test_a17_a18_a_billed_answer_that_parse_refuses_is_recorded_and_the_error_passes(side, one, provider, item, finish, content, error, reason):
    provider.script(_answer_of(finish, content))
    with pytest.raises(Exception) as raised:
        side.call(PARSE, model="gpt-4o", messages=ASK, response_format=Answer)
    assert type(raised.value).__name__ == error
    payload = one()
    assert (payload["transactionId"], payload["stopReason"], payload["totalTokenCount"]) == ("chatcmpl-own", reason, 16)
