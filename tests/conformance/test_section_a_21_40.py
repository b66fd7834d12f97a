"""Section A, 21 to 31 and 36: background jobs, sound, failures."""

from __future__ import annotations

import logging

import openai
import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware.testing import Fault

from .conftest import ASK, has, missing

CHAT = "chat.completions.create"
SOUND = ("speech.mp3", b"x" * 40, "audio/mpeg")
SAID = {"organization_name": "Acme", "agent": "starter"}


# ---------------------------------------------------------------------- 21, 22: background responses


def _started(client):
    return client.responses.create(model="gpt-5-cached", input="Hello", background=True, usage_metadata=SAID)


def _finish(client, job):
    for _ in range(3):
        job = client.responses.retrieve(job.id)
    assert job.status == "completed"


def _said(payload):
    return {"organization_name": payload.get("organizationName"), "agent": payload.get("agent")}


@has("responses.cancel")
@pytest.mark.parametrize("way", ["retrieve", "retrieve streamed", "stream of the job"])
def test_a21_a_background_response_is_recorded_by_the_first_call_that_sees_it_finished(client, way, delivered, same):
    job = _started(client)
    delivered(0)
    if way == "retrieve":
        _finish(client, job)
    elif way == "retrieve streamed":
        events = list(client.responses.retrieve(job.id, stream=True))
        assert events[-1].type == "response.completed"
    else:
        with client.responses.stream(response_id=job.id) as stream:
            assert [event.type for event in stream][-1] == "response.completed"
    (payload,) = delivered(1)
    same(payload)
    assert payload["transactionId"] == job.id
    assert _said(payload) == SAID
    client.responses.retrieve(job.id)
    delivered(1)


@has("responses.cancel")
def test_a21_a_cancelled_background_response_that_reports_usage_is_recorded(client, provider, one):
    job = _started(client)
    body = {"id": job.id, "object": "response", "model": "gpt-5", "status": "cancelled", "background": True, "output": []}
    provider.script(Fault(body={**body, "usage": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}))
    client.responses.cancel(job.id)
    payload = one()
    assert (payload["stopReason"], payload["totalTokenCount"], _said(payload)) == ("CANCELLED", 9, SAID)


@has("responses.cancel")
def test_a22_a_background_response_of_another_process_is_recorded_by_the_one_that_sees_it_finished(client, delivered, same):
    job = _started(client)
    runtime.jobs.__init__()  # as in a process that did not start it
    _finish(client, job)
    (payload,) = delivered(1)
    same(payload)
    assert _said(payload) == {"organization_name": None, "agent": None}
    runtime.jobs.__init__()
    client.responses.retrieve(job.id)  # and a third one: the same idempotency key, so the service stores it once
    delivered(1)


@has("responses.cancel")
def test_a22_jobs_that_never_show_usage_are_not_billed(client, delivered):
    job = _started(client)
    client.responses.cancel(job.id)  # cancelled before it used anything: the provider reports no usage
    _started(client)  # never retrieved: nothing that the process sees says what it cost
    delivered(0)


@has("responses.cancel")
def test_a22_a_streaming_response_of_a_retrieve_records_the_job_once(client, delivered, same):
    job = _started(client)
    for _ in range(4):
        with client.responses.with_streaming_response.retrieve(job.id) as response:
            response.parse()
    (payload,) = delivered(1)
    same(payload)
    assert _said(payload) == SAID


@has("responses.cancel")
def test_a22_a_job_created_through_a_streaming_response_keeps_its_metadata(client, provider, one, same):
    create = client.responses.with_streaming_response.create
    with create(model="gpt-5", input="Hello", background=True, extra_body={"usage_metadata": SAID}) as response:
        job = response.parse()
    _finish(client, job)
    payload = one()
    same(payload)
    assert _said(payload) == SAID


# ---------------------------------------------------------------------- 23 to 25: sound


def test_a23_whisper_is_billed_by_seconds(side, one, provider):
    side.call("audio.transcriptions.create", model="whisper-1", file=SOUND, response_format="verbose_json")
    payload = one("audio")
    assert payload["durationSeconds"] == provider.billed[0].usage.seconds
    assert (payload["operationType"], payload["operationSubtype"]) == ("AUDIO", "transcription")
    assert "inputTokenCount" not in payload


@pytest.mark.parametrize("stream", [False, pytest.param(True, marks=has("responses"))])
def test_a23_the_gpt_models_are_billed_by_tokens(side, one, provider, stream):
    more = {"stream": True} if stream else {}
    side.call("audio.transcriptions.create", model="gpt-4o-transcribe", file=SOUND, **more)
    payload, used = one("audio"), provider.billed[0].usage
    counted = [payload["inputTokenCount"], payload["outputTokenCount"], payload["inputAudioTokenCount"]]
    assert counted == [used.input, used.output, used.audio_input]
    assert payload["billingUnit"] == "PER_TOKEN"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own
@pytest.mark.parametrize("form", ["verbose_json", "json", "text", "srt", "vtt"])
def test_a24_translations(side, one, records, form):
    side.call("audio.translations.create", model="whisper-1", file=SOUND, response_format=form)
    payload = one("audio")
    assert (payload["operationSubtype"], payload["targetLanguage"]) == ("translation", "en")
    if form == "verbose_json":
        assert payload["durationSeconds"] == pytest.approx(2.4 + len(SOUND[1]))
    else:
        assert "durationSeconds" not in payload, "the provider does not say how long the sound was"
        assert records()[0].values["usage_source"] == "unknown"


def test_a25_speech_is_billed_by_characters_and_its_body_is_left_to_the_caller(side, one, provider):
    def read(answer):
        return answer.content

    sound = side.call("audio.speech.create", then=read, model="tts-1", voice="alloy", input="Good morning!", speed=1.5, response_format="wav")
    payload = one("audio")
    assert len(sound) > 1000
    kept = {name: payload[name] for name in ("characterCount", "voice", "speed", "responseFormat", "operationSubtype")}
    assert kept == {"characterCount": 13, "voice": "alloy", "speed": 1.5, "responseFormat": "wav", "operationSubtype": "tts"}


def test_a25_speech_streamed_to_a_file_is_recorded_and_never_kept(provider, one, tmp_path):
    with openai.OpenAI(base_url=provider.openai_url, api_key="k") as client:
        with client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input="Good morning!") as response:
            response.stream_to_file(tmp_path / "out.mp3")
    assert (tmp_path / "out.mp3").stat().st_size > 1000
    assert one("audio")["characterCount"] == 13


# ---------------------------------------------------------------------- 26 to 31: failures


WAYS = [
    pytest.param(CHAT, {"messages": ASK}, id="chat"),
    pytest.param(CHAT, {"messages": ASK, "stream": True}, id="chat streamed"),
    pytest.param("responses.create", {"input": "Hello"}, id="responses", marks=has("responses")),
    pytest.param("responses.create", {"input": "Hello", "stream": True}, id="responses streamed", marks=has("responses")),
    pytest.param("embeddings.create", {"input": "Hello"}, id="embeddings"),
]


@pytest.mark.parametrize(("path", "arguments"), WAYS)
@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [(Fault.bad_request(), "BadRequestError", 400), (Fault.rate_limited(), "RateLimitError", 429), (Fault.server_error(), "InternalServerError", 500)],
    ids=["400", "429", "500"],
)
def test_a26_a_refused_call_is_one_error_record_and_the_error_passes(side, one, provider, path, arguments, fault, error, status):
    provider.script(fault)
    with pytest.raises(getattr(openai, error)) as raised:
        side.call(path, model="gpt-4o", **arguments)
    assert type(raised.value) is getattr(openai, error)
    payload = one()
    assert (payload["stopReason"], payload["errorCode"], payload["errorReason"]) == ("ERROR", status, "%s (HTTP %d)" % (error, status))
    assert [payload[name + "TokenCount"] for name in ("input", "output", "total")] == [0, 0, 0]
    assert payload["isStreamed"] is arguments.get("stream", False)


@pytest.mark.parametrize(("messages", "prompts"), [("", ""), ("true", ""), ("", "true"), ("true", "true")])
def test_a27_the_providers_message_only_with_both_switches(side, one, provider, monkeypatch, messages, prompts):
    monkeypatch.setenv("REVENIUM_CAPTURE_ERROR_MESSAGES", messages)
    monkeypatch.setenv("REVENIUM_CAPTURE_PROMPTS", prompts)
    provider.script(Fault.bad_request("S3CRET " * 100))
    with pytest.raises(openai.BadRequestError):
        side.call(CHAT, model="gpt-4o", messages=ASK)
    reason = one()["errorReason"]
    assert ("S3CRET" in reason) is bool(messages and prompts)
    assert len(reason) <= 255
    assert reason.endswith(" (HTTP 400)")


@pytest.mark.parametrize(("fault", "error"), [(Fault.disconnect(), "APIConnectionError"), (Fault.silence(), "APITimeoutError")], ids=["connection", "timeout"])
def test_a27_without_an_answer_there_is_no_error_code(side, one, provider, fault, error):
    provider.script(fault)
    with pytest.raises(getattr(openai, error)):
        side.call(CHAT, client=side.client(timeout=0.5), model="gpt-4o", messages=ASK)
    payload = one()
    assert (payload["stopReason"], payload["errorReason"]) == ("ERROR", error)
    assert "errorCode" not in payload


@pytest.mark.parametrize("fault", [Fault.cut(after=4), Fault.error_event(after=4)], ids=["connection cut", "error event"])
def test_a28_a_stream_that_breaks_is_one_error_record_with_what_was_seen(side, one, provider, fault):
    provider.script(fault)
    with pytest.raises(Exception) as raised:
        side.call(CHAT, model="gpt-4o", messages=ASK, stream=True)
    payload = one()
    assert payload["stopReason"] == "ERROR"
    assert payload["errorReason"].split(" ")[0].split(":")[0] == type(raised.value).__name__
    assert payload["outputTokenCount"] > 0


@pytest.mark.skipif(missing("chat.completions.parse"), reason="no chat.completions.parse")
def test_a28_parse_and_embeddings_that_are_refused_are_recorded_too(client, provider, delivered):
    provider.script(Fault.server_error(), Fault.server_error())
    for call in (lambda: client.chat.completions.parse(model="m", messages=ASK), lambda: client.embeddings.create(model="m", input="x")):
        with pytest.raises(openai.InternalServerError):
            call()
    assert {payload["operationType"] for payload in delivered(2)} == {"CHAT", "EMBED"}


def test_a29_an_error_record_has_an_id_and_key_of_its_own_so_the_retry_is_recorded(side, provider, metering, delivered):
    provider.script(Fault.server_error())
    with pytest.raises(openai.InternalServerError):
        side.call(CHAT, model="gpt-4o", messages=ASK)
    side.call(CHAT, model="gpt-4o", messages=ASK)
    failed, succeeded = sorted(delivered(2), key=lambda payload: payload["stopReason"] != "ERROR")
    assert failed["transactionId"] != succeeded["transactionId"]
    assert len({record.key for record in metering.records}) == 2


def test_a29_retries_within_the_sdk_are_one_record(side, provider, one, same):
    provider.script(Fault.rate_limited(retry_after=0.01))
    side.call(CHAT, client=side.client(max_retries=2), model="gpt-4o", messages=ASK)
    same(one())


def test_a30_counts_sent_as_text_are_what_the_sdk_makes_of_them(side, provider, one, same):
    provider.script(Fault.text_usage())
    answer = side.call(CHAT, model="gpt-4o", messages=ASK)
    payload = one()
    assert type(answer.usage.total_tokens) is int, "the SDK itself turns text into numbers before anybody reads them"
    assert payload["totalTokenCount"] == answer.usage.total_tokens == provider.billed[0].usage.total


@pytest.mark.parametrize("fault", [Fault.null_usage(), Fault.negative_usage()], ids=["null", "negative"])
def test_a30_without_usage_the_answer_passes_and_the_record_says_unknown(side, provider, one, records, fault):
    provider.script(fault)
    assert side.call(CHAT, model="gpt-4o", messages=ASK).choices[0].message.content
    payload = one()
    assert [payload[name + "TokenCount"] for name in ("input", "output", "total")] == [0, 0, 0]
    assert payload["stopReason"] == "END"
    assert records()[0].values["usage_source"] == "unknown"
    assert "input_token_count" not in records()[0].values


def test_a31_without_an_id_the_record_has_one_of_its_own(side, provider, one):
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    provider.script(Fault(body={"object": "chat.completion", "model": "gpt-4o", "choices": [choice], "usage": usage}))
    side.call(CHAT, model="gpt-4o", messages=ASK)
    payload = one()
    assert len(payload["transactionId"]) == 36
    assert payload["totalTokenCount"] == 5


def test_a36_an_undelivered_record_is_not_reported_as_a_failure(side, provider, metering, delivered, caplog):
    caplog.set_level(logging.DEBUG, "revenium_middleware")
    metering.script(Fault.server_error(), Fault.disconnect())
    side.call(CHAT, model="gpt-4o", messages=ASK)
    delivered(1)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Traceback" not in caplog.text
    assert revenium_middleware.status().failures == {}
