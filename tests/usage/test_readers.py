"""Every reader on answers as dicts and as objects: exact where the answer says something, silent where it does not."""

from __future__ import annotations

import dataclasses
import json
import types
from types import SimpleNamespace

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revenium_middleware._openai import media, readers
from revenium_middleware._openai.endpoints import ENDPOINTS, UNKNOWN
from revenium_middleware._usage.estimation import estimated
from revenium_middleware._usage.reading import Reading, Usage, listed, members, pick, prompt_usage
from revenium_middleware.perplexity.endpoints import ENDPOINTS as PERPLEXITY


def as_object(value):
    """The same answer as an SDK would show it: attributes instead of keys."""
    if isinstance(value, dict):
        return SimpleNamespace(**{key: as_object(item) for key, item in value.items()})
    return [as_object(item) for item in value] if isinstance(value, list) else value


SHAPES = [pytest.param(lambda value: value, id="dict"), pytest.param(as_object, id="object")]


def read(reader, events, request=None):
    reader = reader(request or {})
    for event in events:
        reader.feed(event)
    return reader.reading()


def counts(reading):
    names = ("input_token_count", "output_token_count", "total_token_count", "cache_read_token_count", "cache_creation_token_count", "reasoning_token_count")
    return tuple(reading.usage.values().get(name) for name in names)


CHAT_USAGE = {
    "prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130,
    "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10, "audio_tokens": 7, "image_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 4, "image_tokens": 2},
}  # fmt: skip
RESPONSE_USAGE = {
    "input_tokens": 100, "output_tokens": 30, "total_tokens": 130,
    "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 20},
}  # fmt: skip
EXACT = (90, 30, 130, 40, 10, 20)
HEAD = {"id": "a-1", "model": "m-1", "service_tier": "default", "system_fingerprint": "fp"}


def choice(text="Hi", finish="stop", key="message"):
    return {"index": 0, key: {"role": "assistant", "content": text}, "finish_reason": finish}


RESPONSE = {"id": "a-1", "object": "response", "model": "m-1", "status": "completed", "output": [], "usage": RESPONSE_USAGE, "service_tier": "default"}
CASES = {
    "chat": (readers.ChatReader, [{**HEAD, "choices": [choice()], "usage": CHAT_USAGE}]),
    "chat streamed": (
        readers.ChatReader,
        [{**HEAD, "choices": [choice("Hi", None, "delta")]}, {**HEAD, "choices": [choice(None, "stop", "delta")]}]
        + [{**HEAD, "choices": [], "usage": CHAT_USAGE}],
    ),
    "chat that counts as it goes": (
        readers.ChatReader,
        [{**HEAD, "choices": [choice("H", None, "delta")], "usage": {**CHAT_USAGE, "completion_tokens": 1, "total_tokens": 101}}]
        + [{**HEAD, "choices": [choice("i", "stop", "delta")], "usage": CHAT_USAGE}],
    ),
    "groq": (readers.ChatReader, [{**HEAD, "choices": [choice("Hi", "stop", "delta")], "x_groq": {"usage": CHAT_USAGE}}]),
    "responses": (readers.ResponsesReader, [RESPONSE]),
    "responses streamed": (
        readers.ResponsesReader,
        [{"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "usage": None}}]
        + [{"type": "response.output_text.delta", "delta": "Hi"}, {"type": "response.completed", "response": RESPONSE}],
    ),
    "an endpoint nobody knows": (UNKNOWN.reader, [{**HEAD, "usage": RESPONSE_USAGE}]),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", sorted(CASES))
def test_text_answers_are_read_exactly(name, shape):
    reader, events = CASES[name]
    reading = read(reader, [shape(event) for event in events])
    assert counts(reading) == EXACT
    assert (reading.id, reading.model, reading.fields["actual_service_tier"]) == ("a-1", "m-1", "default")
    assert reading.billable
    if name != "an endpoint nobody knows":
        assert (reading.stop_reason, reading.finished) == ("END", True)


@pytest.mark.parametrize("shape", SHAPES)
def test_audio_and_image_tokens_are_read_as_parts(shape):
    usage = prompt_usage(shape(CHAT_USAGE))
    assert (usage.input_audio, usage.output_audio, usage.input_image, usage.output_image) == (7, 4, 3, 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_embeddings_have_no_output(shape):
    reading = read(readers.EmbeddingsReader, [shape({"object": "list", "data": [], "model": "e", "usage": {"prompt_tokens": 8, "total_tokens": 8}})])
    assert counts(reading)[:3] == (8, 0, 8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("usage", "unit"), [({"input_tokens": 5, "output_tokens": 9, "total_tokens": 14}, "PER_TOKEN"), (None, "PER_IMAGE")])
def test_images(shape, usage, unit):
    answer = shape({"created": 1, "data": [{"revised_prompt": "x"}, {}], "usage": usage, "size": "1024x1024", "quality": "high"})
    reading = read(media.ImagesReader, [answer], {"n": 3, "model": "m", "style": "vivid", "size": "auto"})
    wanted = {"actual_image_count": 2, "requested_image_count": 3, "revised_prompt_provided": True, "resolution": "1024x1024", "style": "vivid"}
    assert {name: reading.fields[name] for name in wanted} == wanted
    assert reading.fields["billing_unit"] == unit


@pytest.mark.parametrize("shape", SHAPES)
def test_transcriptions_by_seconds_and_by_tokens(shape):
    seconds = read(media.TranscriptionReader, [shape({"text": "x", "duration": 9.5, "usage": {"type": "duration", "seconds": 10}})])
    assert seconds.fields["duration_seconds"] == 10
    assert not seconds.usage.known
    old = read(media.TranscriptionReader, [shape({"text": "x", "duration": "9.5", "language": "english"})])
    assert (old.fields["duration_seconds"], old.fields["language"]) == (9.5, "english")
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19, "input_token_details": {"audio_tokens": 12, "text_tokens": 2}}
    events = [{"type": "transcript.text.delta", "delta": "x"}, {"type": "transcript.text.done", "usage": usage}]
    tokens = read(media.TranscriptionReader, [shape(event) for event in events])
    assert counts(tokens)[:3] == (14, 5, 19)
    assert (tokens.usage.input_audio, tokens.finished, tokens.output_characters) == (12, True, 1)


def test_speech_is_read_from_the_request():
    request = {"model": "tts-1", "input": "Good morning", "voice": "alloy", "response_format": "wav", "speed": 1.25}
    for event in (b"\xff\xfb", None, object()):
        fields = read(media.SpeechReader, [event], request).fields
        assert (fields["character_count"], fields["voice"], fields["audio_format"], fields["playback_speed"]) == (12, "alloy", "wav", 1.25)


# ---------------------------------------------------------------------- stop reasons


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "END"), ("function_call", "END_SEQUENCE"), ("tool_calls", "END_SEQUENCE"), ("length", "TOKEN_LIMIT"), ("timeout", "TIMEOUT")]
    + [("content_filter", "ERROR"), ("something_new", "END"), (7, "END")],
)
def test_stop_reasons_of_chat(finish, reason):
    assert read(readers.ChatReader, [{"choices": [choice(finish=finish)]}]).stop_reason == reason


@pytest.mark.parametrize(
    ("status", "details", "output", "reason"),
    [
        ("completed", None, [], "END"),
        ("completed", None, [{"type": "function_call"}], "END_SEQUENCE"),
        ("failed", None, [], "ERROR"),
        ("cancelled", None, [], "CANCELLED"),
        ("incomplete", {"reason": "max_output_tokens"}, [], "TOKEN_LIMIT"),
        ("incomplete", {"reason": "content_filter"}, [], "ERROR"),
        ("incomplete", {"reason": "something_new"}, [], "END"),
        ("in_progress", None, [], None),
    ],
)
def test_stop_reasons_of_responses(status, details, output, reason):
    answer = {"object": "response", "status": status, "incomplete_details": details, "output": output}
    assert read(readers.ResponsesReader, [answer]).stop_reason == reason


# ---------------------------------------------------------------------- arithmetic


COUNT = st.integers(0, 10**9)


@given(COUNT, COUNT, COUNT, COUNT, st.integers(0, 100))
def test_the_buckets_are_disjoint_and_add_up_to_the_providers_total(plain, cached, written, output, percent):
    whole, reasoning = plain + cached + written, output * percent // 100
    details = {"cached_tokens": cached, "cache_write_tokens": written}
    usage = {"prompt_tokens": whole, "completion_tokens": output, "total_tokens": whole + output, "prompt_tokens_details": details}
    found = prompt_usage({**usage, "completion_tokens_details": {"reasoning_tokens": reasoning}})
    assert (found.input, found.cache_read, found.cache_write, found.output) == (plain, cached, written, output)
    assert found.input + found.cache_read + found.cache_write + found.output == found.total
    assert found.reasoning <= found.output
    values = found.values()
    assert values["input_token_count"] == plain + cached
    assert values["input_token_count"] + values["cache_creation_token_count"] + values["output_token_count"] == values["total_token_count"]


def test_a_cache_counted_beside_the_input_is_not_taken_from_it():
    found = prompt_usage({"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 40}})
    assert (found.input, found.cache_read) == (10, 40)
    assert found.values()["input_token_count"] == 50


def test_a_total_that_is_not_given_is_the_sum_and_an_unknown_one_is_absent():
    assert Usage(input=3, output=4).values()["total_token_count"] == 7
    assert Usage().values() == {}
    assert not Usage().known


def test_an_estimate_counts_text_and_leaves_media_out():
    picture = {"type": "image_url", "image_url": {"url": "data:" + "A" * 90_000}}
    usage = estimated({"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 400}, picture]}]}, 40)
    assert 104 <= usage.input <= 110
    assert (usage.output, usage.total) == (10, None)
    assert estimated({}, 0) == Usage(input=0, output=0)


# ---------------------------------------------------------------------- garbage


NAMES = ["id", "model", "usage", "choices", "data", "type", "object", "status", "response", "delta", "message", "content", "tool_calls", "function", "event"]
NAMES += ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "prompt_tokens_details", "cached_tokens", "reasoning_tokens"]
NAMES += ["cost", "seconds", "duration", "finish_reason", "custom_id", "body", "status_code", "per_model_usage", "background", "output", "created_at", "item"]
WORDS = ["response", "response.completed", "thread.run", "completed", "failed", "incomplete", "transcript.text.done", "response.done", "stop", "length", "list"]
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5) | st.just(10**400) | st.binary(max_size=5)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6), max_leaves=30)
READERS = sorted({endpoint.reader for endpoint in (*ENDPOINTS, *PERPLEXITY, UNKNOWN) if endpoint.reader is not None}, key=lambda reader: reader.__name__)


def numbers_in(value):
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_in(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def counted(reading: Reading):
    usage = [number for name, number in reading.usage._asdict().items() if name != "reads_in_input" and number is not None]
    return usage + [number for part in reading.parts for number in counted(part)]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@settings(max_examples=40, deadline=None)
@given(events=st.lists(TREES, max_size=4), request=st.dictionaries(st.sampled_from(NAMES + ["n", "input", "voice", "speed", "stream"]), TREES, max_size=4))
def test_garbage_is_read_without_an_exception_and_without_a_number_of_ours(reader, events, request):
    read(reader, [as_object(event) for event in events], request)
    reading = read(reader, events, request)
    seen = [number for number in numbers_in(events) + [0] if -(2**60) < number < 2**60]
    possible = set(seen) | {a - b for a in seen for b in seen} | {a + b for a in seen for b in seen}
    for number in counted(reading):
        assert type(number) is int
        assert number >= 0
        assert number in possible or any(number == total - part for total in possible for part in seen), number
    json.dumps({name: value for name, value in reading.fields.items()}, allow_nan=False)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_an_answer_that_says_nothing_leaves_everything_unknown(reader):
    for event in (None, {}, [], "", "text", b"bytes", 7, object(), {"usage": None}, {"usage": {}}, {"usage": "many"}, {"usage": {"prompt_tokens": "7"}}):
        reading = read(reader, [event])
        assert counted(reading) in ([], [0]), event  # embeddings and training have no output by their nature


def test_picking_and_listing_are_tolerant():
    assert pick({"a": SimpleNamespace(b={"c": 1})}, "a", "b", "c") == 1
    assert pick(None, "a") is pick(7, "a", "b") is pick({"a": None}, "a", "b") is None
    assert [list(listed(given)) for given in ((1, 2), "ab", None, {1: 2})] == [[1, 2], [], [], []]


class Answering(dict):
    """As some wrappers are: every name is an attribute."""

    __getattr__ = dict.get


class Partly(pydantic.BaseModel):
    prompt_tokens: int = 3

    @property
    def completion_tokens(self):
        return 4


class Open(Partly, extra="allow"):
    pass


class Narrow:
    __slots__ = ("prompt_tokens", "completion_tokens")

    def __init__(self, prompt_tokens, completion_tokens):
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens


class Anything:
    """Whatever it is asked for it has, and none of that is a count."""

    prompt_tokens, completion_tokens = 3, 4

    def __getattr__(self, name):
        return Anything()


COUNTS = {"prompt_tokens": 3, "completion_tokens": 4}


@pytest.mark.parametrize(
    "usage",
    [
        COUNTS,
        Answering(COUNTS),
        types.MappingProxyType(COUNTS),
        SimpleNamespace(**COUNTS),
        Narrow(**COUNTS),
        Partly(),
        Open(**COUNTS),
        Anything(),
        dataclasses.make_dataclass("Usage", COUNTS)(**COUNTS),
    ],
    ids=lambda usage: type(usage).__name__,
)
def test_whatever_holds_the_counts_they_are_found_by_either_way_of_asking(usage):
    assert [members(usage)(name) for name in COUNTS] == [pick(usage, name) for name in COUNTS] == [3, 4]
    assert prompt_usage(usage)[:2] == (3, 4)
