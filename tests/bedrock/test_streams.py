"""Streams of Bedrock: read, left, dropped, broken, and what a user sees of them."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from itertools import islice
from typing import Any, List

import pytest

from revenium_middleware._calls.runtime import runtime
from revenium_middleware.testing import Fault

from .asked import CONVERSED, FAMILIES, invoked
from .test_answers import agrees

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"


def texts(events: List[Any]) -> str:
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)


def test_a_streamed_conversation_is_one_record(bedrock: Any, provider: Any, one: Any, records: Any) -> None:
    from botocore.eventstream import EventStream

    answer = bedrock.converse_stream(**CONVERSED, usage_metadata={"agent": "streamer"})
    assert type(answer["stream"]) is EventStream
    assert records() == [] and runtime.status().open_streams == 1
    assert texts(list(answer["stream"])).startswith("This is a loopback")
    values = one()
    agrees(values, provider)
    assert values["transaction_id"] == answer["ResponseMetadata"]["RequestId"] == answer["stream"]._revenium_transaction_id
    assert (values["agent"], values["is_streamed"], values["stop_reason"]) == ("streamer", True, "END")
    assert 0 <= values["time_to_first_token"] <= values["request_duration"]
    assert list(answer["stream"]) == [] and runtime.status().open_streams == 0


@pytest.mark.parametrize("model", sorted(FAMILIES))
def test_a_stream_of_each_family_is_one_record(model: str, bedrock: Any, provider: Any, one: Any) -> None:
    chunks = list(bedrock.invoke_model_with_response_stream(**invoked(model, FAMILIES[model]))["body"])
    assert all(json.loads(chunk["chunk"]["bytes"]) for chunk in chunks)
    values = one()
    agrees(values, provider)
    assert values["stop_reason"] == ("TOKEN_LIMIT" if "titan" in model else "END")


def left(answer: Any, way: str) -> None:
    stream = answer["stream"]
    if way == "closed":
        list(islice(stream, 4))
        stream.close()
    elif way == "closed unread":
        stream.close()
    elif way == "dropped":
        list(islice(stream, 4))
    elif way == "thrown out of":
        with pytest.raises(RuntimeError):
            for _ in islice(stream, 4):
                raise RuntimeError


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # sockets of the dropped
@pytest.mark.parametrize("way", ["closed", "closed unread", "dropped", "dropped unread", "thrown out of"])
def test_a_stream_that_is_left_is_one_cancelled_record(way: str, bedrock: Any, provider: Any, one: Any) -> None:
    answer = bedrock.converse_stream(**CONVERSED)
    left(answer, way)
    del answer
    gc.collect()
    values = one()
    assert (values["stop_reason"], values["usage_source"]) == ("CANCELLED", "estimated")
    assert values["input_token_count"] > 0
    assert (values["output_token_count"] > 0) is (way in ("closed", "dropped"))


def test_a_claude_stream_that_is_left_keeps_the_providers_input(bedrock: Any, provider: Any, one: Any) -> None:
    body = bedrock.invoke_model_with_response_stream(**invoked(CLAUDE, FAMILIES[CLAUDE]))["body"]
    list(islice(body, 5))
    body.close()
    values = one()
    assert values["input_token_count"] == provider.billed[0].usage.input
    assert (values["stop_reason"], values["usage_source"]) == ("CANCELLED", "estimated")
    assert values["output_token_count"] > 1


def test_a_stream_that_was_broken_off_can_be_gone_on_with(bedrock: Any, provider: Any, one: Any) -> None:
    stream = bedrock.converse_stream(**CONVERSED)["stream"]
    for event in stream:
        if "contentBlockDelta" in event:
            break
    rest = list(stream)
    assert "metadata" in rest[-1]
    agrees(one(), provider)


def test_an_error_among_the_events_is_an_error_record(bedrock: Any, provider: Any, one: Any) -> None:
    from botocore.exceptions import EventStreamError

    provider.script(Fault.error_event(after=3))
    seen = []
    with pytest.raises(EventStreamError) as caught:
        for event in bedrock.converse_stream(**CONVERSED)["stream"]:
            seen.append(event)
    assert caught.value.response["Error"]["Code"] == "throttlingException" and len(seen) == 3
    values = one()
    assert values["stop_reason"] == "ERROR" and values["error_reason"].startswith("EventStreamError")
    assert values["usage_source"] == "estimated" and values["input_token_count"] > 0  # answered in part, so billed in part


@pytest.mark.parametrize("operation", ["converse_stream", "invoke_model_with_response_stream"])
def test_a_stream_that_is_cut_is_an_error_record(operation: str, bedrock: Any, provider: Any, one: Any) -> None:
    provider.script(Fault.cut(after=3))
    asked = CONVERSED if operation == "converse_stream" else invoked("meta.llama3", FAMILIES["meta.llama3-1-70b-instruct-v1:0"])
    answer = getattr(bedrock, operation)(**asked)
    with pytest.raises(Exception) as caught:
        list(answer.get("stream") or answer["body"])
    assert type(caught.value).__name__ in ("ProtocolError", "ResponseStreamingError", "InvalidChunkLength")
    values = one()
    assert values["stop_reason"] == "ERROR"
    assert values["input_token_count"] > 0 and values["output_token_count"] > 0


def test_garbage_in_the_frames_is_an_error_record(bedrock: Any, provider: Any, one: Any) -> None:
    provider.script(Fault(200, b"no frame of Amazon's at all, but long enough for one", {"content-type": "application/vnd.amazon.eventstream"}))
    with pytest.raises(Exception) as caught:
        list(bedrock.converse_stream(**CONVERSED)["stream"])
    values = one()
    assert values["error_reason"] == type(caught.value).__name__
    assert (values["stop_reason"], values["usage_source"]) == ("ERROR", "estimated")


def test_a_refused_stream_is_an_error_record(bedrock: Any, provider: Any, one: Any) -> None:
    provider.script(Fault(429, {"message": "Slow down."}, {"x-amzn-errortype": "ThrottlingException"}))
    with pytest.raises(bedrock.exceptions.ThrottlingException):
        bedrock.converse_stream(**CONVERSED)
    values = one()
    assert (values["stop_reason"], values["error_code"], values["output_token_count"]) == ("ERROR", 429, 0)


def test_a_stream_still_open_at_exit_is_recorded(provider: Any, records: Any) -> None:
    code = (
        "import sys, revenium_middleware_bedrock\n"
        "from tests.bedrock.conftest import made\n"
        "from tests.bedrock.asked import CONVERSED\n"
        "stream = iter(made(sys.argv[1]).converse_stream(**CONVERSED)['stream'])\n"
        "next(stream)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code, provider.url], stderr=subprocess.PIPE, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    found = records() or runtime.delivery().collect() and records()
    assert [record.values["stop_reason"] for record in found] == ["CANCELLED"]


def test_a_reader_that_fails_costs_the_user_nothing(bedrock: Any, provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from revenium_middleware._core.diagnostics import diagnostics
    from revenium_middleware.bedrock.readers import AnswerReader

    monkeypatch.setattr(diagnostics, "reraise", False)
    monkeypatch.setattr(AnswerReader, "feed", lambda self, event: 1 / 0)
    assert texts(list(bedrock.converse_stream(**CONVERSED)["stream"]))
    assert bedrock.converse(**CONVERSED)["output"]
    assert json.loads(bedrock.invoke_model(**invoked("meta.llama3", {"prompt": "Hello"}))["body"].read())["generation"]


@pytest.mark.parametrize("operation", ["converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream"])
def test_answers_are_what_they_are_without_us(operation: str, bedrock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = CONVERSED if "converse" in operation else invoked(CLAUDE, FAMILIES[CLAUDE])

    def shape() -> Any:
        answer = getattr(bedrock, operation)(**asked)
        streams = [name for name in ("body", "stream") if name in answer]
        read = [answer[name].read() if hasattr(answer[name], "read") else list(answer[name]) for name in streams]
        kinds = {name: type(value) for name, value in answer.items()}
        del answer["ResponseMetadata"]
        return list(kinds.items()), read if "stream" in operation else None, None if streams else answer

    metered = shape()
    monkeypatch.setenv("REVENIUM_BEDROCK_TRANSPORT", "0")
    unmetered = shape()
    assert json.dumps(metered, default=repr).replace("msg_bdrk", "") and metered[0] == unmetered[0]
    if operation.startswith("converse"):
        assert metered == unmetered
