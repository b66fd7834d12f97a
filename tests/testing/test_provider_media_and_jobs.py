"""Media, and work that is billed later, driven by the real openai package."""

from __future__ import annotations

import json
from typing import Any, Callable, List

import openai
import pytest
from usage_checks import HELLO, WEATHER, last, same_tokens

from revenium_middleware.testing import ProviderServer, Spent, Upload

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK, for endpoints on their way out

Method = Callable[..., Any]


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
