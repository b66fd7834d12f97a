"""The text endpoints of the loopback provider, driven by the real openai package."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any, Callable, Dict, List

import openai
import pytest
from usage_checks import CITY, HELLO, WEATHER, last, same_tokens

from revenium_middleware.testing import ProviderServer, Spent

Method = Callable[..., Any]


@pytest.mark.parametrize("model", ["gpt-4o-mini", "o3", "gpt-4o-cached", "gpt-4o-audio-preview", "gpt-5-cachewrite"])
def test_chat_reports_the_categories_its_model_name_asks_for(server: ProviderServer, client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=HELLO)
    noted = last(server)
    assert answer.usage is not None and answer.choices[0].message.content and answer.choices[0].finish_reason == "stop"
    same_tokens(answer.usage, noted.usage)
    raw = answer.usage.model_dump()
    assert raw["prompt_tokens_details"]["cached_tokens"] == noted.usage.cached
    assert (raw["prompt_tokens_details"].get("cache_write_tokens") or 0) == noted.usage.cache_written
    assert raw["prompt_tokens_details"]["audio_tokens"] == noted.usage.audio_input
    assert raw["completion_tokens_details"]["reasoning_tokens"] == noted.usage.reasoning
    assert raw["completion_tokens_details"]["audio_tokens"] == noted.usage.audio_output
    assert (noted.id, noted.model, noted.billed, noted.calls, noted.status) == (answer.id, answer.model, True, 1, 200)
    expected = {"o3": "reasoning", "gpt-4o-cached": "cached", "gpt-4o-audio-preview": "audio_input", "gpt-5-cachewrite": "cache_written"}
    assert model not in expected or getattr(noted.usage, expected[model]) > 0


def test_chat_names_the_dated_model(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="gpt-4o-mini", messages=HELLO).model == "gpt-4o-mini-2024-07-18"


def test_counts_follow_from_what_was_sent(server: ProviderServer, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=HELLO)
    assert last(server).usage == Spent(input=31, output=8, total=39)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400}}
    parts: List[Any] = [{"role": "user", "content": [{"type": "text", "text": "Hello there"}, picture]}]
    client.chat.completions.create(model="m", messages=parts)
    assert last(server).usage.input == 31 + 85


@pytest.mark.parametrize("asked", [None, False, True])
def test_a_stream_has_usage_only_where_it_was_asked_for(server: ProviderServer, client: openai.OpenAI, asked: Any) -> None:
    options: Dict[str, Any] = {} if asked is None else {"stream_options": {"include_usage": asked}}
    chunks = list(client.chat.completions.create(model="o3", messages=HELLO, stream=True, **options))
    assert [chunk.choices == [] for chunk in chunks].count(True) == (1 if asked else 0)
    assert all(chunk.usage is None for chunk in chunks[:-1])
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("This is a loopback") and last(server).streamed
    if asked:
        same_tokens(chunks[-1].usage, last(server).usage)
    else:
        assert chunks[-1].usage is None


def test_several_choices_are_billed_together(server: ProviderServer, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert last(server).usage.output == sum(5 + (31 + index) % 7 for index in range(3))
    seen = {chunk.choices[0].index for chunk in client.chat.completions.create(model="m", messages=HELLO, n=2, stream=True)}
    assert seen == {0, 1}


def test_tools_are_called_and_their_results_answered(client: openai.OpenAI) -> None:
    tools: List[Any] = [{"type": "function", "function": WEATHER}]
    message = client.chat.completions.create(model="m", messages=HELLO, tools=tools).choices[0]
    assert message.finish_reason == "tool_calls" and message.message.tool_calls
    call: Any = message.message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "text", "days": 7}
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    done = client.chat.completions.create(model="m", messages=[*HELLO, message.message, result], tools=tools)  # type: ignore[list-item]
    assert done.choices[0].finish_reason == "stop"


def test_streamed_tool_calls_come_in_pieces(client: openai.OpenAI) -> None:
    tools: List[Any] = [{"type": "function", "function": WEATHER}, {"type": "function", "function": {**WEATHER, "name": "forecast"}}]
    arguments: Dict[int, str] = {}
    for chunk in client.chat.completions.create(model="m", messages=HELLO, tools=tools, stream=True, extra_body={"parallel_tool_calls": True}):
        for call in chunk.choices[0].delta.tool_calls or ():
            assert call.function is not None
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    assert [json.loads(text) for text in arguments.values()] == [{"city": "text", "days": 7}] * 2


def test_a_schema_is_kept_to(client: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    answer = client.chat.completions.create(model="m", messages=HELLO, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == {"name": "text", "tags": ["a"]}


def test_a_limit_ends_the_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=HELLO, max_tokens=2)
    assert answer.choices[0].finish_reason == "length" and answer.usage is not None and answer.usage.completion_tokens == 2


def test_async_chat(server: ProviderServer) -> None:
    async def calls() -> List[Any]:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any") as client:
            plain = await client.chat.completions.create(model="m", messages=HELLO)
            stream = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            return [plain.usage, [chunk async for chunk in stream]]

    usage, chunks = asyncio.run(calls())
    same_tokens(usage, server.log[0].usage)
    assert len(chunks) > 5 and server.calls == 2 and server.usage == server.log[0].usage + server.log[1].usage


@pytest.mark.parametrize("asked", [False, True])
def test_legacy_completions(server: ProviderServer, client: openai.OpenAI, asked: bool) -> None:
    answer = client.completions.create(model="gpt-3.5-turbo-instruct", prompt=["one", "two"])
    assert len(answer.choices) == 2
    same_tokens(answer.usage, last(server).usage)
    options: Dict[str, Any] = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(client.completions.create(model="m", prompt="one", stream=True, **options))
    assert (chunks[-1].usage is not None) is asked


# Embeddings, moderations, models


def test_embeddings_in_both_encodings(server: ProviderServer, client: openai.OpenAI) -> None:
    decoded = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    floats = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], encoding_format="float")
    raw = client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="one", encoding_format="base64")
    assert len(floats.data) == 2 and decoded.data[1].embedding == pytest.approx(floats.data[1].embedding)
    assert decoded.usage.prompt_tokens == server.log[0].usage.input == 26
    packed = json.loads(raw.text if isinstance(raw.text, str) else raw.text())["data"][0]["embedding"]
    assert struct.unpack("<16f", base64.b64decode(packed)) == pytest.approx(floats.data[0].embedding)


def test_free_endpoints_are_not_billed(server: ProviderServer, client: openai.OpenAI) -> None:
    assert client.moderations.create(input="hello").results[0].flagged is False
    assert client.models.list().data and client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert server.calls == 0 and server.usage == Spent()


def test_responses(server: ProviderServer, method: Method) -> None:
    answer = method("responses.create")(model="o3", input="Hello")
    assert answer.output_text and answer.status == "completed" and answer.output[0].type == "reasoning"
    same_tokens(answer.usage, last(server).usage)
    assert answer.usage.output_tokens_details.reasoning_tokens == last(server).usage.reasoning > 0
    again = method("responses.retrieve")(answer.id)
    assert again.id == answer.id and server.calls == 1


def test_streamed_responses(server: ProviderServer, method: Method) -> None:
    events = list(method("responses.create")(model="gpt-4o", input="Hello", stream=True))
    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == events[-1].response.output_text and events[-1].type == "response.completed"
    same_tokens(events[-1].response.usage, last(server).usage)
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_responses_stream_helper(method: Method) -> None:
    with method("responses.stream")(model="gpt-4o", input="Hello") as stream:
        assert stream.get_final_response().output_text


def test_responses_with_tools_schema_and_limit(method: Method) -> None:
    create = method("responses.create")
    call = create(model="m", input="Hello", tools=[{"type": "function", **WEATHER, "strict": False}]).output[0]
    assert call.type == "function_call" and json.loads(call.arguments)["city"] == "text"
    done = [event for event in create(model="m", input="Hello", tools=[{"type": "function", **WEATHER, "strict": False}], stream=True)]
    assert any(event.type == "response.function_call_arguments.done" for event in done)
    shaped = create(model="m", input="Hello", text={"format": {"type": "json_schema", "name": "city", "schema": CITY}})
    assert json.loads(shaped.output_text)["name"] == "text"
    assert create(model="m", input="Hello", max_output_tokens=2).status == "incomplete"


def test_a_background_response_is_billed_when_it_is_seen_done(server: ProviderServer, method: Method) -> None:
    made = method("responses.create")(model="o3", input="Hello", background=True)
    states = [made.status] + [method("responses.retrieve")(made.id).status for _ in range(3)]
    assert states == ["queued", "in_progress", "completed", "completed"]
    assert [each.billed for each in server.log] == [False, False, True, False]
    assert server.usage.reasoning > 0 and server.billed[0].id == made.id


def test_a_cancelled_background_response_is_free(server: ProviderServer, method: Method) -> None:
    made = method("responses.create")(model="m", input="Hello", background=True)
    assert method("responses.cancel")(made.id).status == "cancelled"
    assert method("responses.retrieve")(made.id).status == "cancelled" and server.calls == 0


def test_a_background_response_can_be_followed_as_a_stream(server: ProviderServer, method: Method) -> None:
    made = method("responses.create")(model="m", input="Hello", background=True)
    events = list(method("responses.retrieve")(made.id, stream=True))
    assert events[-1].type == "response.completed" and server.calls == 1


def test_compaction_is_billed_and_counting_is_not(server: ProviderServer, method: Method) -> None:
    compacted = method("responses.compact")(model="gpt-4o", input="Hello")
    same_tokens(compacted.usage, last(server).usage)
    assert method("responses.input_tokens.count")(model="gpt-4o", input="Hello").input_tokens == 25
    assert server.calls == 1


def test_beta_responses(server: ProviderServer, method: Method) -> None:
    answer = method("beta.responses.create")(model="gpt-4o", input="Hello")
    same_tokens(answer.usage, last(server).usage)
