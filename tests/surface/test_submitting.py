"""The service's own endpoints: the names of its reference, its JSON, and typed errors without a key in them."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
import traceback

import pytest

from revenium_middleware import MeteringConnectionError, MeteringError, MeteringStatusError, client, idempotency_key, metering_key
from revenium_middleware.testing import Fault, MeteringServer

KEY = "hak_loopback_0123456789"
TIMES = {"request_time": "2026-11-20T14:30:00Z", "response_time": datetime.datetime(2026, 11, 20, 14, 30, 1, tzinfo=datetime.timezone.utc)}
WHEN = {"requestTime": "2026-11-20T14:30:00Z", "responseTime": "2026-11-20T14:30:01Z"}
CALLS = {
    "ai.create_completion": (
        "v2/ai/completions",
        dict(TIMES, model="m", provider="P", cost_type="AI", input_token_count=1, cache_creation1h_token_count=2, organization_id="Acme",
             input_token_cost=0.5, subscriber={"id": "s"}, credential_alias="a", speed="fast", agent=None, extra_body={"hasVisionContent": True}),
        dict(WHEN, model="m", provider="P", costType="AI", inputTokenCount=1, cacheCreation1hTokenCount=2, organizationName="Acme",
             inputTokenCost=0.5, subscriber={"id": "s"}, speed="fast", hasVisionContent=True),
    ),
    "ai.create_image": (
        "v2/ai/images", dict(model="m", actual_image_count=1, requestedImageCount=2), dict(model="m", actualImageCount=1, requestedImageCount=2),
    ),
    "ai.create_audio": ("v2/ai/audio", dict(model="m", speed=1.5, is_realtime=True), dict(model="m", speed=1.5, isRealtime=True)),
    "ai.create_video": ("v2/ai/video", dict(model="m", duration_seconds=2.5), dict(model="m", durationSeconds=2.5)),
    "events.create": (
        "v2/events",
        dict(payload={"any_thing": [1]}, source_type="SDK_PYTHON", transaction_id="t", source_id="s", subscriber_credential="c"),
        dict(payload={"any_thing": [1]}, sourceType="SDK_PYTHON", transactionId="t", sourceId="s", subscriberCredential="c"),
    ),
    "apis.meter_request": (
        "v2/apis/requests", dict(transaction_id="t", method="GET", request_message_size=3), dict(transactionId="t", method="GET", requestMessageSize=3),
    ),
    "apis.meter_response": (
        "v2/apis/responses", dict(transaction_id="t", response_code=200, total_duration=9), dict(transactionId="t", responseCode=200, totalDuration=9),
    ),
}  # fmt: skip


def call(name, asynchronous, fields):
    resource, method = name.split(".")
    owner = getattr(client, resource)
    return asyncio.run(getattr(owner, "async_" + method)(**fields)) if asynchronous else getattr(owner, method)(**fields)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_each_endpoint_takes_the_names_of_the_reference_and_returns_the_services_json(metering, name, asynchronous):
    path, fields, wanted = CALLS[name]
    assert call(name, asynchronous, fields) == {"id": "loopback-1", "resourceType": "metering"}
    (received,) = metering.records
    assert received.path == "/meter/" + path
    assert received.payload == wanted
    assert received.headers["x-api-key"] == KEY
    assert received.key


def test_a_name_that_is_not_in_the_reference_is_a_type_error(metering):
    with pytest.raises(TypeError, match="flavour"):
        client.ai.create_completion(model="m", flavour="vanilla")
    with pytest.raises(TypeError, match="agent"):
        client.events.create(agent="a")
    with pytest.raises(ValueError, match="JSON"):
        client.ai.create_completion(model="m", total_cost=float("nan"))
    assert metering.records == []


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 503])
def test_an_error_status_is_raised_with_its_body_and_without_the_key(metering, status, asynchronous):
    metering.script(Fault(status=status, headers={"Retry-After": "7"}, body=b"you sent %s" % KEY.encode()))
    with pytest.raises(MeteringStatusError) as caught:
        call("ai.create_completion", asynchronous, {"model": "m"})
    assert (caught.value.status, caught.value.body, caught.value.retry_after) == (status, "you sent ***", 7.0)
    assert isinstance(caught.value, MeteringError)
    assert KEY not in "".join(traceback.format_exception(type(caught.value), caught.value, caught.value.__traceback__))
    assert len(metering.records) == 1, "sent once"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_no_answer_is_raised_and_holds_no_request(monkeypatch, asynchronous):
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
    monkeypatch.setenv("REVENIUM_METERING_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(MeteringConnectionError, match="could not be reached") as caught:
        call("events.create", asynchronous, {"payload": {}, "timeout": 5})
    assert caught.value.__context__ is None


def test_any_success_is_one_whatever_its_body(metering):
    metering.script(Fault(status=204, body=b""), Fault(status=200, body=b"not json"))
    assert client.ai.create_completion(model="m") == {}
    assert client.ai.create_completion(model="m") == {}


def test_without_a_key_it_says_what_to_do():
    with pytest.raises(ValueError, match="REVENIUM_METERING_API_KEY"):
        client.ai.create_completion(model="m")


def test_tenant_and_idempotency_blocks_hold_for_it_too():
    with MeteringServer() as other, metering_key("rev_other_key", other.url), idempotency_key("k"):
        client.ai.create_completion(model="m")
        client.ai.create_completion(model="m")
        client.ai.create_completion(model="m", idempotency_key="given")
        assert [(each.headers["x-api-key"], each.key) for each in other.records] == [("rev_other_key", key) for key in ("k", "k:2", "given")]


def test_the_http_library_is_loaded_with_the_first_request_only():
    code = "import sys; from revenium_middleware import client; client.record_usage; client.ai.create_completion; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, universal_newlines=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
