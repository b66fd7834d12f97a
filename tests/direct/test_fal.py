"""fal: what is made is told by the answer, a queued job is one bill whoever fetches it, and whose it is was said at its start."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import Any, Callable, Dict, List

import pytest

fal_client = pytest.importorskip("fal_client", reason="the fal_client package is not installed")

import revenium_middleware  # noqa: E402
import revenium_middleware_fal  # noqa: E402, F401
from revenium_middleware._calls.runtime import runtime  # noqa: E402
from revenium_middleware.fal import media, readers  # noqa: E402
from revenium_middleware.testing import Fault  # noqa: E402

Records = Callable[[], List[Any]]
PICTURE = "fal-ai/flux/dev"
WHO = {"agent": "painter"}


@pytest.fixture
def client(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "RUN_URL_FORMAT", provider.fal_url + "/")
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", provider.fal_url + "/queue/")
    made = fal_client.SyncClient(key="none")
    yield made
    made._client.close()


def test_a_queued_job_is_one_record_with_the_first_fetch(client: Any, records: Records) -> None:
    handle = client.submit(PICTURE, {"prompt": "a cat", "num_images": 3, "aspect_ratio": "16:9"}, usage_metadata=WHO)
    handle.status()
    assert records() == []
    threading.Event().wait(0.2)
    first = handle.get()
    (record,) = records()
    assert record.values["request_duration"] >= 200  # from its submission on
    assert handle.get() == first == client.result(PICTURE, handle.request_id)
    assert len(records()) == 1
    values = record.values
    assert (record.kind, values["transaction_id"], values["model"]) == ("image", "fal-" + handle.request_id, "fal_ai/fal-ai/flux/dev")
    assert (values["actual_image_count"], values["requested_image_count"], values["resolution"]) == (3, 3, "1024x576")
    assert (values["aspect_ratio"], values["billing_unit"], values["operation_type"], values["operation_subtype"]) == (
        "16:9",
        "PER_IMAGE",
        "IMAGE",
        "generation",
    )
    assert (values["provider"], values["agent"]) == ("fal_ai", "painter")


def test_a_job_of_another_process_has_the_same_record_id_and_is_whose_the_fetch_says(client: Any, records: Records) -> None:
    handle = client.submit(PICTURE, {"prompt": "a cat"}, usage_metadata=WHO)
    handle.get()
    (known,) = records()
    runtime.reset()  # what another process knows
    client.result(PICTURE, handle.request_id, usage_metadata={"agent": "fetcher"})
    (found,) = records()  # in the same ledger: the same record, so it is there once
    assert found.id == known.id


def test_a_job_started_elsewhere_is_attributed_by_who_fetches_it(client: Any, records: Records) -> None:
    handle = client.submit(PICTURE, {"prompt": "a cat"})
    runtime.reset()
    client.get_handle(PICTURE, handle.request_id).get(usage_metadata={"agent": "fetcher"})
    (record,) = records()
    assert (record.values["agent"], record.values["actual_image_count"]) == ("fetcher", 1)
    assert record.values["model"] == "fal_ai/fal-ai/flux"  # the queue does not say which of its endpoints


def test_a_run_that_was_given_up_on_may_have_cost_something(client: Any, provider: Any, records: Records) -> None:
    handle = client.submit(PICTURE, {"prompt": "a cat"}, usage_metadata=WHO)
    for _ in range(3):
        handle.status()

    async def work() -> None:
        other = fal_client.AsyncClient(key="none")
        provider.script(Fault.slow(first=30.0))
        fetch = asyncio.ensure_future(other.run("fal-ai/any-llm", {"prompt": "Hello"}))
        while len(provider.log) < 5:
            await asyncio.sleep(0.01)
        fetch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetch
        http = other._client
        await (await http if hasattr(http, "__await__") else http).aclose()

    asyncio.run(work())
    handle.get()
    assert [(record.kind, record.values.get("stop_reason")) for record in records()] == [("completion", "CANCELLED"), ("image", None)]


def test_the_scope_follows_into_the_thread_that_waits(client: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    if "client_timeout" not in fal_client.SyncClient.subscribe.__code__.co_varnames:
        pytest.skip("this version waits in the caller's thread")
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "true")

    @revenium_middleware.revenium_meter()
    def work() -> Any:
        return client.subscribe(PICTURE, {"prompt": "a cat"}, client_timeout=30, usage_metadata=WHO)

    assert work()["images"]
    assert [record.values["agent"] for record in records()] == ["painter"]


def test_an_abandoned_stream_of_pictures_claims_none(client: Any, records: Records) -> None:
    stream = client.stream(PICTURE, {"prompt": "a cat"})
    next(stream)
    stream.close()
    (record,) = records()
    assert "actual_image_count" not in record.values and record.values["usage_source"] == "unknown"


def test_a_refused_run_is_an_error_record(client: Any, provider: Any, records: Records) -> None:
    provider.script(Fault.bad_request(), Fault.disconnect(), Fault.disconnect())
    with pytest.raises(fal_client.client.FalClientError if hasattr(fal_client.client, "FalClientError") else Exception):
        client.run(PICTURE, {"prompt": "a cat"})
    (record,) = records()
    assert (record.kind, record.values["error_code"]) == ("image", 400)
    assert record.values["error_reason"].endswith("(HTTP 400)")


def test_uploads_and_tokens_are_free(client: Any, provider: Any, records: Records) -> None:
    with pytest.raises(Exception, match="Invalid URL|404"):
        sys.modules["fal_client.client"]._maybe_retry_request(client._client, "POST", provider.url + "/storage/upload/initiate", json={})
    assert len(provider.log) == 1 and records() == []


def test_module_functions_are_metered_once_sync_and_async(client: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "none")

    async def work() -> None:
        await fal_client.run_async(PICTURE, {"prompt": "a cat"}, usage_metadata=WHO)
        assert [event async for event in fal_client.stream_async("fal-ai/any-llm", {"prompt": "Hello"}, usage_metadata=WHO)]
        inner = fal_client.async_client._client
        await (await inner if hasattr(inner, "__await__") else inner).aclose()

    fal_client.run(PICTURE, {"prompt": "a cat"}, usage_metadata=WHO)
    asyncio.run(work())
    fal_client.sync_client._client.close()
    for owner in (fal_client.sync_client, fal_client.async_client):
        for name in [name for name in vars(owner) if "client" in name and name != "default_timeout"]:
            vars(owner).pop(name)
    assert [(record.kind, record.values["agent"]) for record in records()] == [("image", "painter"), ("image", "painter"), ("completion", "painter")]


# ---------------------------------------------------------------------- readers

NAMES = {
    "fal-ai/flux/dev": "image",
    "fal-ai/stable-diffusion-v35-large": "image",
    "fal-ai/kling-video/v1/standard/text-to-video": "video",
    "fal-ai/veo3": "video",
    "fal-ai/wan/v2.2-a14b/image-to-video": "video",
    "fal-ai/minimax/hailuo-02/standard/text-to-video": "video",
    "fal-ai/whisper": "audio",
    "fal-ai/playai/tts/v3": "audio",
    "fal-ai/stable-audio": "audio",
    "fal-ai/any-llm": "completion",
    "fal-ai/any-llm/vision": "completion",
    "openrouter/router": "completion",
    "someone/something": "completion",
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_name_tells_what_is_made_where_no_answer_does(name: str) -> None:
    assert media.kind_by_name(name) == NAMES[name]


ANSWERS: Dict[str, Any] = {
    "video": {"video": {"url": "u", "duration": 4.5}},
    "audio": {"audio_file": {"url": "u"}, "duration_ms": 2500},
    "image": {"image": {"url": "u", "width": 8, "height": 4}},
    "completion": {"output": "Hello", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.25}},
}


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_the_answer_is_above_the_name(kind: str) -> None:
    reader = readers.ResultReader({readers.APPLICATION: "someone/image-or-video-tts"})
    reader.feed(ANSWERS[kind])
    reading = reader.reading()
    assert reading.kind == kind
    expected = {
        "video": {"duration_seconds": 4.5, "billing_unit": "PER_SECOND", "operation_type": "VIDEO"},
        "audio": {"duration_seconds": 2.5, "operation_type": "AUDIO", "operation_subtype": "speech"},
        "image": {"actual_image_count": 1, "resolution": "8x4", "billing_unit": "PER_IMAGE"},
        "completion": {"operation_type": "GENERATE", "total_cost": 0.25},
    }[kind]
    assert {name: reading.fields.get(name) for name in expected} == expected
    assert (reading.usage.input, reading.usage.output) == ((3, 2) if kind == "completion" else (None, None))


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [({"duration": 5}, 5), ({"duration": "8s"}, 8), ({"duration": "5"}, 5), ({"num_frames": 81, "fps": 16}, 81 / 16), ({"duration": "long"}, None), ({}, None)],
)
def test_the_length_of_a_film_is_what_was_asked_for_until_the_answer_says_it(arguments: Any, seconds: Any) -> None:
    reader = readers.ResultReader({readers.APPLICATION: "fal-ai/kling-video", **arguments})
    reader.feed({"video": {"url": "u"}})
    assert reader.reading().fields.get("duration_seconds") == seconds
    reader.feed({"video": {"url": "u", "duration": 4.5}})
    assert reader.reading().fields["duration_seconds"] == 4.5


EARLY = """
import sys
sys.path[:0] = {path!r}
import fal_client
from fal_client import stream
client = sys.modules["fal_client.client"]
client.RUN_URL_FORMAT = {url!r} + "/"
import revenium_middleware_fal, revenium_middleware
assert revenium_middleware_fal.is_initialized()
list(stream("fal-ai/any-llm", {{"prompt": "Hello"}}, usage_metadata={{"agent": "poet"}}))
assert revenium_middleware.status().recorded == 1
print("ok")
"""


def test_a_stream_function_imported_by_name_before_us_is_metered(provider: Any) -> None:
    code = EARLY.format(path=[path for path in sys.path if path], url=provider.fal_url)
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "FAL_KEY": "none"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.stdout.decode().strip() == "ok", done.stderr.decode()
