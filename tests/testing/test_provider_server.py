"""The loopback provider, driven by the real openai package: every endpoint says what it noted down, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import Any, Callable, Dict, List

import openai
import pytest

from revenium_middleware.testing import Fault, ProviderServer, Spent, Upload

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK, for endpoints on their way out

HELLO: List[Any] = [{"role": "user", "content": "Hello there"}]
WEATHER: Dict[str, Any] = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
}
CITY: Dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}}
Method = Callable[..., Any]


def last(server: ProviderServer) -> Any:
    return server.log[-1]


def same_tokens(usage: Any, noted: Spent) -> None:
    """What the SDK parsed is what the server noted."""
    if hasattr(usage, "prompt_tokens"):
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (noted.input, noted.output, noted.total)
    else:
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (noted.input, noted.output, noted.total)


# Chat


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


# Responses


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


# Images


def test_dall_e_is_billed_by_the_image(server: ProviderServer, client: openai.OpenAI) -> None:
    answer = client.images.generate(model="dall-e-3", prompt="A cat", n=2)
    assert len(answer.data or ()) == 2 and last(server).usage == Spent(images=2)
    client.images.create_variation(image=b"png")
    assert isinstance(last(server).body["image"], Upload) and server.usage.images == 3


def test_gpt_image_is_billed_by_tokens(server: ProviderServer, method: Method) -> None:
    answer = method("images.generate")(model="gpt-image-1", prompt="A cat", n=2)
    if getattr(answer, "usage", None) is None:
        pytest.skip("openai %s drops the usage of images" % openai.__version__)
    usage = answer.usage if isinstance(answer.usage, dict) else answer.usage.model_dump()
    assert usage["input_tokens"] == last(server).usage.input == 25 and usage["output_tokens"] == last(server).usage.output
    several = hasattr(openai.types, "ImageGenStreamEvent")  # older ones send one image only
    edited = method("images.edit")(model="gpt-image-1", prompt="A dog", image=[b"one", b"two"] if several else b"one")
    noted = last(server).usage
    assert len(edited.data) == 1 and noted.image_input == (170 if several else 85) and noted.input == noted.image_input + 25


@pytest.mark.parametrize("path", ["images.generate", "images.edit"])
def test_streamed_images(server: ProviderServer, method: Method, path: str) -> None:
    if not hasattr(openai.types, "ImageGenStreamEvent"):
        pytest.skip("openai %s cannot stream images" % openai.__version__)
    more = {"image": b"one"} if path.endswith("edit") else {}
    events = list(method(path)(model="gpt-image-1", prompt="A cat", stream=True, partial_images=2, **more))
    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image", "partial_image", "completed"]
    same_tokens(events[-1].usage, last(server).usage)


# Audio


def test_speech_is_billed_by_the_character(server: ProviderServer, client: openai.OpenAI) -> None:
    sound = client.audio.speech.create(model="tts-1", voice="alloy", input="Hello there")
    assert len(sound.content) > 100 and last(server).usage == Spent(characters=11)


def test_speech_events_carry_tokens(server: ProviderServer, client: openai.OpenAI) -> None:
    sound = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello there", extra_body={"stream_format": "sse"})
    done = [json.loads(line[6:]) for line in sound.content.decode().splitlines() if line.startswith("data: ")][-1]
    assert done["type"] == "speech.audio.done" and done["usage"]["input_tokens"] == last(server).usage.input == 31


def test_whisper_is_billed_by_the_second(server: ProviderServer, client: openai.OpenAI) -> None:
    sound = ("a.mp3", b"x" * 10)
    plain = client.audio.transcriptions.create(model="whisper-1", file=sound)
    assert plain.text and last(server).usage == Spent(seconds=13.0)
    verbose: Any = client.audio.transcriptions.create(model="whisper-1", file=sound, response_format="verbose_json")
    assert float(verbose.duration) == pytest.approx(12.4) and verbose.model_dump()["usage"] == {"type": "duration", "seconds": 13}
    srt: Any = client.audio.transcriptions.create(model="whisper-1", file=sound, response_format="srt")
    assert "-->" in (srt if isinstance(srt, str) else srt.text)
    assert client.audio.translations.create(model="whisper-1", file=sound).text and server.usage.seconds == 52.0


def test_gpt_transcription_is_billed_by_tokens(server: ProviderServer, client: openai.OpenAI) -> None:
    answer: Any = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", b"x" * 10), prompt="Names")
    usage = answer.model_dump()["usage"]
    noted = last(server).usage
    assert (usage["input_tokens"], usage["output_tokens"]) == (noted.input, noted.output) == (135, noted.output)
    assert usage["input_token_details"] == {"audio_tokens": noted.audio_input, "text_tokens": 5}


def test_streamed_transcription(server: ProviderServer, client: openai.OpenAI) -> None:
    if not hasattr(openai.types.audio, "TranscriptionStreamEvent"):
        pytest.skip("openai %s cannot stream transcriptions" % openai.__version__)
    events: List[Any] = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", b"x"), stream=True))
    assert "".join(event.delta for event in events[:-1]) == events[-1].text
    assert events[-1].model_dump()["usage"]["output_tokens"] == last(server).usage.output


# Videos and other jobs


def test_a_video_is_billed_when_it_is_seen_done(server: ProviderServer, method: Method) -> None:
    made = method("videos.create_and_poll")(model="sora-2", prompt="A cat", seconds="8")
    assert made.status == "completed" and server.usage == Spent(seconds=8.0) and server.calls == 1
    assert len(method("videos.download_content")(made.id).content) > 10
    remix = method("videos.remix")(made.id, prompt="A dog")
    assert remix.remixed_from_video_id == made.id and remix.status == "queued" and remix.seconds == "8"
    assert method("videos.list")().data and method("videos.delete")(made.id).deleted


def test_video_edits_extensions_and_characters(client: openai.OpenAI, method: Method) -> None:
    made = method("videos.create")(model="sora-2", prompt="A cat", seconds="4")
    assert method("videos.edit")(video=b"mp4", prompt="A dog").status == "queued"
    assert method("videos.extend")(video=b"mp4", prompt="On", seconds="8").seconds == "8"
    assert method("videos.create_character")(name="Cat", video=b"mp4").id
    extended: Any = client.post("/videos/extensions", body={"video": {"id": made.id}, "prompt": "On", "seconds": "8"}, cast_to=object)
    assert extended["seconds"] == "12"  # the stitched whole


def test_a_batch_is_billed_by_the_lines_of_its_results(server: ProviderServer, client: openai.OpenAI) -> None:
    chat = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "o3", "messages": HELLO}}
    embed = {"custom_id": "b", "method": "POST", "url": "/v1/embeddings", "body": {"model": "e", "input": "one"}}
    file = client.files.create(file=("in.jsonl", b"\n".join(json.dumps(each).encode() for each in (chat, embed))), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert batch.status == "validating" and batch.output_file_id is None
    states = [client.batches.retrieve(batch.id) for _ in range(2)]
    assert [each.status for each in states] == ["in_progress", "completed"] and server.calls == 0
    assert states[-1].output_file_id is not None
    lines = [json.loads(line) for line in client.files.content(states[-1].output_file_id).text.splitlines()]
    assert [line["custom_id"] for line in lines] == ["a", "b"] and server.calls == 2
    assert server.usage.input == sum(line["response"]["body"]["usage"]["prompt_tokens"] for line in lines)
    client.files.content(states[-1].output_file_id)
    assert server.calls == 2 and client.files.retrieve(file.id).bytes > 0


def test_fine_tuning_is_billed_by_trained_tokens(server: ProviderServer, client: openai.OpenAI) -> None:
    file = client.files.create(file=("train.jsonl", b"x" * 50), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    states = [client.fine_tuning.jobs.retrieve(job.id) for _ in range(4)]
    assert [each.status for each in states] == ["queued", "running", "succeeded", "succeeded"]
    assert states[-1].trained_tokens == server.usage.input == 150 and server.calls == 1
    other = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    assert client.fine_tuning.jobs.cancel(other.id).status == "cancelled"


def test_an_evaluation_is_billed_by_the_model(server: ProviderServer, method: Method) -> None:
    schema = {"type": "custom", "item_schema": {"type": "object"}}
    made = method("evals.create")(data_source_config=schema, testing_criteria=[], name="e")
    source = {"type": "completions", "model": "gpt-4o", "source": {"type": "file_content", "content": []}}
    run = method("evals.runs.create")(made.id, data_source=source)
    states = [method("evals.runs.retrieve")(run.id, eval_id=made.id) for _ in range(3)]
    assert [each.status for each in states] == ["in_progress", "completed", "completed"] and server.calls == 2
    assert sum(each.total_tokens for each in states[-1].per_model_usage) == server.usage.total


def test_graders_and_decisions(server: ProviderServer, method: Method) -> None:
    run = method("fine_tuning.alpha.graders.run")
    run(grader={"type": "string_check", "name": "g", "input": "a", "reference": "a", "operation": "eq"}, model_sample="a")
    assert server.calls == 0
    graded = run(grader={"type": "score_model", "name": "g", "model": "gpt-4o", "input": []}, model_sample="abc")
    assert graded.metadata.token_usage == last(server).usage.total == 23
    answer = method("decisions.create")(model="gpt-6-luna", input="Hello", questions=[{"type": "predicate", "name": "q", "question": "Is it?"}])
    same_tokens(answer.usage, last(server).usage)


# Assistants


@pytest.fixture
def assistant(client: openai.OpenAI) -> Any:
    return client.beta.assistants.create(model="gpt-4o", instructions="Help.")


def test_runs_plain_and_polled(server: ProviderServer, client: openai.OpenAI, assistant: Any) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=1)
    assert run.status == "completed" and server.calls == 1
    same_tokens(run.usage, server.usage)
    assert client.beta.threads.messages.list(thread.id).data


def test_streamed_runs(server: ProviderServer, client: openai.OpenAI, assistant: Any) -> None:
    thread: Any = {"messages": [{"role": "user", "content": "Hello"}]}
    events = list(client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread, stream=True))
    names = [event.event for event in events]
    assert names[:2] == ["thread.created", "thread.run.created"] and names[-1] == "thread.run.completed" and "thread.message.delta" in names
    same_tokens(events[-1].data.usage, server.usage)  # type: ignore[union-attr]
    assert server.calls == 1


def test_runs_wait_for_the_results_of_functions(server: ProviderServer, client: openai.OpenAI) -> None:
    made: Any = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "function", "function": WEATHER}])  # type: ignore[typeddict-item]
    thread = client.beta.threads.create()
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=made.id, poll_interval_ms=1)
    assert run.status == "requires_action" and run.required_action is not None and server.calls == 0
    call = run.required_action.submit_tool_outputs.tool_calls[0]
    submit = client.beta.threads.runs.submit_tool_outputs_and_poll
    done = submit(run_id=run.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": call.id, "output": "sunny"}], poll_interval_ms=1)
    assert done.status == "completed" and server.calls == 1


# Hosts


def test_azure_paths_name_the_model_that_runs() -> None:
    with ProviderServer(deployments={"mine": "gpt-4.1-2025-04-14"}) as server:
        with openai.AzureOpenAI(azure_endpoint=server.url, api_key="any", api_version="2024-10-21") as client:
            answers = [client.chat.completions.create(model=name, messages=HELLO).model for name in ("mine", "gpt-4o-mini", "other")]
            assert answers == ["gpt-4.1-2025-04-14", "gpt-4o-mini-2024-07-18", "gpt-4o-2024-11-20"]
            assert client.embeddings.create(model="mine", input="one").usage.total_tokens == 23
        assert server.log[0].path == "/openai/deployments/mine/chat/completions" and server.log[0].query == {"api-version": "2024-10-21"}
        with openai.OpenAI(base_url=server.url + "/openai/v1/", api_key="any") as client:
            assert client.chat.completions.create(model="mine", messages=HELLO).model == "gpt-4.1-2025-04-14"


def test_another_host_is_answered_through_the_server_as_proxy(server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with openai.OpenAI(base_url="http://api.groq.com/openai/v1", api_key="any") as client:
        client.chat.completions.create(model="m", messages=HELLO)
    assert last(server).host == "api.groq.com" and last(server).path == "/openai/v1/chat/completions"


def test_sonar_through_the_openai_client(server: ProviderServer) -> None:
    with openai.OpenAI(base_url=server.url, api_key="any") as client:
        answer: Any = client.chat.completions.create(model="sonar-pro", messages=HELLO)
        assert answer.citations and answer.usage.cost["total_cost"] == last(server).usage.cost > 0.005
        chunks: List[Any] = list(client.chat.completions.create(model="sonar-deep-research", messages=HELLO, stream=True))
    assert all(chunk.usage and chunk.citations for chunk in chunks) and chunks[0].usage.completion_tokens == 1
    same_tokens(chunks[-1].usage, last(server).usage)
    assert chunks[-1].usage.reasoning_tokens == last(server).usage.reasoning > 0


# Faults


def test_status_faults_reach_the_client_one_by_one(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.unauthorized(), Fault.rate_limited(retry_after=3), Fault.server_error(), Fault.bad_request("No.", "temperature"))
    for kind in (openai.AuthenticationError, openai.RateLimitError, openai.InternalServerError, openai.BadRequestError):
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model="m", messages=HELLO)
        assert kind is not openai.RateLimitError or caught.value.response.headers["retry-after"] == "3"
    assert [each.status for each in server.log] == [401, 429, 500, 400] and server.calls == 0
    client.chat.completions.create(model="m", messages=HELLO)
    assert server.calls == 1 and not server.unplayed


def test_retries_are_seen_as_requests_of_their_own(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(429, headers={"retry-after-ms": "1"}))
    client.with_options(max_retries=2).chat.completions.create(model="m", messages=HELLO)
    assert [each.status for each in server.log] == [429, 200] and server.calls == 1


def test_faults_for_one_path_wait_for_it(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(500, path="/embeddings"))
    client.chat.completions.create(model="m", messages=HELLO)
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="e", input="one")


def test_a_stream_can_be_cut(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.cut(after=2))
    seen = []
    with pytest.raises(Exception, match="(?i)connection|peer|incomplete"):
        for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
            seen.append(chunk)
    assert len(seen) == 2 and last(server).billed


def test_a_stream_can_report_an_error(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.error_event(after=3))
    seen = []
    with pytest.raises(openai.APIError, match="server had an error"):
        for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
            seen.append(chunk)
    assert len(seen) == 3


def test_a_stream_without_its_done_line_still_ends(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(done=False))
    assert len(list(client.chat.completions.create(model="m", messages=HELLO, stream=True))) > 5


@pytest.mark.parametrize("fault", [Fault.silence(), Fault.slow(first=5)])
def test_silence_runs_into_the_clients_timeout(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).chat.completions.create(model="m", messages=HELLO)


@pytest.mark.parametrize("fault", [Fault.disconnect(), Fault.cut(after=20)])
def test_a_lost_connection_is_an_error_of_the_connection(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=HELLO)
    assert last(server).status == (0 if fault.drop else 200)


def test_events_can_be_slow(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.slow(first=0.05, between=0.02))
    started = time.monotonic()
    with client.chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
        next(iter(stream))
        assert 0.07 <= time.monotonic() - started < 1.0


@pytest.mark.parametrize("stream", [False, True])
def test_gzip(server: ProviderServer, client: openai.OpenAI, stream: bool) -> None:
    server.script(Fault(gzip=True))
    answer: Any = client.chat.completions.create(model="m", messages=HELLO, stream=stream)
    assert len(list(answer)) > 5 if stream else answer.usage.total_tokens == 39


@pytest.mark.parametrize("fault", [Fault.html(), Fault.empty()])
def test_other_bodies_arrive_as_they_are(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    raw = client.chat.completions.with_raw_response.create(model="m", messages=HELLO)
    assert raw.http_response.content == (b"" if fault.body == b"" else str(fault.body).encode()) and raw.status_code == 200


@pytest.mark.parametrize("fault, wanted", [(Fault.null_usage(), None), (Fault.negative_usage(), -31), (Fault.text_usage(), "31")])
@pytest.mark.parametrize("stream", [False, True])
def test_usage_can_be_anything(server: ProviderServer, client: openai.OpenAI, fault: Fault, wanted: Any, stream: bool) -> None:
    server.script(fault)
    options: Dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer: Any = client.chat.completions.create(model="m", messages=HELLO, **options)
    usage = (list(answer)[-1] if stream else answer).usage
    seen = usage if usage is None else usage.prompt_tokens
    assert (str(seen) if isinstance(wanted, str) else seen) == wanted and last(server).usage.input == 31


def test_a_host_may_refuse_stream_options() -> None:
    with ProviderServer(refuses_stream_options=True) as server:
        with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
            with pytest.raises(openai.BadRequestError, match="stream_options"):
                client.chat.completions.create(model="m", messages=HELLO, stream=True, stream_options={"include_usage": True})
            assert list(client.chat.completions.create(model="m", messages=HELLO, stream=True))


def test_a_key_can_be_required() -> None:
    with ProviderServer(api_key="right") as server:
        with openai.OpenAI(base_url=server.openai_url, api_key="wrong") as client:
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
            assert client.with_options(api_key="right").models.list().data


def test_wrong_requests_are_refused_as_openai_does(server: ProviderServer, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="m", messages=[])
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing/here", cast_to=object)
    connection = http.client.HTTPConnection(server.url[7:], timeout=2)
    connection.request("POST", "/v1/chat/completions", b"{no", {"content-type": "application/json"})
    assert connection.getresponse().status == 400 and last(server).body is None and server.calls == 0
    connection.close()


# The server itself


def test_it_starts_and_stops_at_once_and_keeps_connections(client: openai.OpenAI, server: ProviderServer) -> None:
    started = time.perf_counter()
    for _ in range(20):
        ProviderServer().stop()
    assert (time.perf_counter() - started) / 20 < 0.05
    for _ in range(5):
        client.chat.completions.create(model="m", messages=HELLO)
    assert server.connections == 1 and {each.connection for each in server.log} == {1}


def test_stopping_ends_what_hangs() -> None:
    server = ProviderServer(usual=Fault.silence())
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        threading.Timer(0.1, server.stop).start()
        with pytest.raises(openai.APIConnectionError):
            client.models.list()
    server.stop()


def test_resetting_forgets_log_and_script(server: ProviderServer, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=HELLO)
    server.script(Fault.server_error())
    server.reset()
    assert server.log == [] and server.unplayed == [] and client.models.list().data


def test_identifiers_differ_between_servers() -> None:
    found = set()
    for _ in range(2):
        with ProviderServer() as server, openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
            found |= {client.chat.completions.create(model="m", messages=HELLO).id for _ in range(3)}
    assert len(found) == 6


def test_many_clients_at_once(server: ProviderServer) -> None:
    async def calls() -> None:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any") as client:
            await asyncio.gather(*(client.chat.completions.create(model="m", messages=HELLO) for _ in range(100)))

    asyncio.run(calls())
    assert server.calls == 100 and server.usage.total == 3900


def test_it_can_be_run_by_hand() -> None:
    command = [sys.executable, "-m", "revenium_middleware.testing", "--between-chunks", "0.001"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline().strip()
        try:
            with openai.OpenAI(base_url=first.partition("=")[2], api_key="any") as client:
                assert len(list(client.chat.completions.create(model="m", messages=HELLO, stream=True))) > 5
        finally:
            running.send_signal(signal.SIGINT)
        assert "1 calls" in running.stdout.read()
    shown = subprocess.run([*command[:3], "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "--refuse-stream-options" in shown
