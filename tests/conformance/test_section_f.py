"""Section F, 99 to 106: fal. There are no recordings: the loopback provider answers in fal's documented formats."""

from __future__ import annotations

import asyncio
import inspect
import sys

import pytest

from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.record import new_id

fal_client = pytest.importorskip("fal_client", reason="the fal_client package is not installed")

import revenium_middleware.fal  # noqa: E402, F401

PICTURE = ("fal-ai/flux/dev", {"prompt": "A sunset", "num_images": 2})
WHO = {"organizationName": "AcmeCorp"}


class Side:
    def __init__(self, asynchronous):
        self.asynchronous = asynchronous

    def __call__(self, *steps):
        """Each step is (method, arguments...), on a client of its own, or on the handle that the step before answered with."""
        return asyncio.run(self._work(steps))

    async def _work(self, steps):
        client = fal_client.AsyncClient(key="none") if self.asynchronous else fal_client.SyncClient(key="none")
        last = None
        for method, args, kwargs in steps:
            last = getattr(last if method == "get" else client, method)(*args, **kwargs)
            last = await last if inspect.isawaitable(last) else last
            last = [event async for event in last] if inspect.isasyncgen(last) else list(last) if inspect.isgenerator(last) else last
        http = client._client
        if self.asynchronous:
            await (await http if inspect.isawaitable(http) else http).aclose()
        else:
            http.close()
        return last


def step(method, *args, **kwargs):
    return method, args, kwargs


@pytest.fixture(params=["sync", "async"])
def side(request, provider, monkeypatch):
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "RUN_URL_FORMAT", provider.fal_url + "/")
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", provider.fal_url + "/queue/")
    return Side(request.param == "async")


@pytest.mark.parametrize("method", ["run", "subscribe"])
def test_99_clients_of_ones_own_are_one_record_per_call(side, method, one):
    side(step(method, *PICTURE, usage_metadata=WHO))
    payload = one("v2/ai/images")
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("fal_ai", "fal_ai", "fal_ai/fal-ai/flux/dev")
    assert (payload["actualImageCount"], payload["requestedImageCount"], payload["billingUnit"]) == (2, 2, "PER_IMAGE")
    assert (payload["organizationName"], payload["operationType"], payload["operationSubtype"]) == ("AcmeCorp", "IMAGE", "generation")


def test_100_a_queued_job_bills_with_its_first_fetch_and_never_again(side, provider, one):
    side(step("submit", *PICTURE, usage_metadata=WHO), step("get"))
    job = provider.billed[0].id
    side(step("result", PICTURE[0], job[len("fal-") :]))
    payload = one("v2/ai/images")
    assert (payload["transactionId"], payload["organizationName"]) == (job, "AcmeCorp")


def test_101_stream_async_is_an_async_iterator_and_one_record_at_its_end(side, one, same):
    events = side(step("stream", "fal-ai/any-llm", {"prompt": "Hello"}, usage_metadata=WHO))
    assert events[-1]["output"]
    payload = one("v2/ai/completions")
    same(payload)
    assert (payload["isStreamed"], payload["stopReason"], payload["organizationName"]) == (True, "END", "AcmeCorp")


def test_102_subscribe_with_a_client_timeout_keeps_the_metadata(side, one):
    if "client_timeout" not in inspect.signature(fal_client.SyncClient.subscribe).parameters:
        pytest.skip("this version has no client_timeout")
    side(step("subscribe", *PICTURE, client_timeout=30, usage_metadata=WHO))
    assert one("v2/ai/images")["organizationName"] == "AcmeCorp"


def test_103_a_job_of_another_process_has_the_same_key_and_takes_the_metadata_of_its_fetch(side, provider, one, records):
    handle = side(step("submit", *PICTURE))
    runtime.jobs.__init__()  # what another process knows of it
    side(step("result", PICTURE[0], handle.request_id, usage_metadata=WHO))
    assert one("v2/ai/images")["organizationName"] == "AcmeCorp"
    assert [record.id for record in records()] == [new_id("fal_ai/fal-%s" % handle.request_id)]


@pytest.mark.parametrize("application", ["fal-ai/any-llm", "openrouter/router"])
def test_104_language_models_are_completions_with_their_tokens(side, application, one, same):
    side(step("run", application, {"prompt": "Hello"}))
    payload = one("v2/ai/completions")
    same(payload)
    assert payload["model"] == "fal_ai/" + application


def test_105_results_are_not_changed(side, provider):
    result = side(step("run", *PICTURE))
    assert type(result) is dict and set(result) == {"images", "timings", "seed", "has_nsfw_concepts", "prompt"}


@pytest.mark.parametrize(
    ("application", "arguments", "path", "wanted"),
    [
        (
            "fal-ai/kling-video/v1/standard/text-to-video",
            {"duration": "5", "aspect_ratio": "16:9"},
            "v2/ai/video",
            {"durationSeconds": 5, "aspectRatio": "16:9", "billingUnit": "PER_SECOND", "asyncOperation": True, "operationType": "VIDEO"},
        ),
        (
            "fal-ai/playai/tts/v3",
            {"text": "Hello there", "voice": "Jennifer"},
            "v2/ai/audio",
            {"characterCount": 11, "voice": "Jennifer", "durationSeconds": 2.5, "billingUnit": "PER_CHARACTER", "operationSubtype": "speech"},
        ),
        ("fal-ai/whisper", {"audio_url": "https://example.com/a.mp3"}, "v2/ai/audio", {"operationSubtype": "transcription", "operationType": "AUDIO"}),
    ],
)
def test_media_go_where_they_belong_with_what_is_known_of_them(side, application, arguments, path, wanted, one):
    side(step("subscribe", application, arguments))
    payload = one(path)
    assert {name: payload.get(name) for name in wanted} == wanted
