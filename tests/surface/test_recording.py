"""Usage that the application reports itself, and the two snippets of the core page."""

from __future__ import annotations

import asyncio
import datetime
import logging
import uuid

import pytest

import revenium_middleware
from revenium_middleware import client, get_client

SNIPPET = """
from revenium_middleware import client, run_async_in_thread, shutdown_event

# Record usage directly
client.record_usage(
    model="gpt-4o",
    prompt_tokens=500,
    completion_tokens=200,
    user_id="user123",
    session_id="session456"
)

# Run async metering tasks in background threads
async def async_metering_task():
    await client.async_record_usage(
        model="gpt-3.5-turbo",
        prompt_tokens=300,
        completion_tokens=150,
        user_id="user789"
    )

thread = run_async_in_thread(async_metering_task())

# Application continues while metering happens in background
"""

MIDDLEWARE = """
from types import SimpleNamespace as Object
from revenium_middleware import client, run_async_in_thread

# Example of how a provider-specific middleware might use the core
def record_provider_usage(response_data, metadata):
    # Extract token counts from provider-specific response format
    prompt_tokens = response_data.usage.prompt_tokens
    completion_tokens = response_data.usage.completion_tokens

    # Use the core client to record the usage
    run_async_in_thread(
        client.async_record_usage(
            model=response_data.model,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            **metadata
        )
    )

answer = Object(model="claude-3-5-sonnet-20241022", usage=Object(prompt_tokens=7, completion_tokens=3))
record_provider_usage(answer, {"organizationName": "AcmeCorp", "agent": "support", "subscriber": {"email": "u@example.com"}, "trace_id": "t"})
"""


def test_the_first_snippet_of_the_core_page_runs_as_it_stands_and_both_records_arrive(program, metering):
    program(SNIPPET)
    first, second = sorted(metering.payloads("completions"), key=lambda payload: -payload["inputTokenCount"])
    assert (first["model"], first["inputTokenCount"], first["outputTokenCount"], first["totalTokenCount"]) == ("gpt-4o", 500, 200, 700)
    assert (first["subscriber"], first["traceId"]) == ({"id": "user123"}, "session456")
    assert (second["model"], second["inputTokenCount"], second["outputTokenCount"]) == ("gpt-3.5-turbo", 300, 150)
    assert second["subscriber"] == {"id": "user789"}
    assert "traceId" not in second


def test_the_second_snippet_of_the_core_page_runs_as_it_stands(program, metering):
    program(MIDDLEWARE)
    (payload,) = metering.payloads("completions")
    assert (payload["model"], payload["inputTokenCount"], payload["outputTokenCount"]) == ("claude-3-5-sonnet-20241022", 7, 3)
    assert (payload["organizationName"], payload["agent"], payload["traceId"]) == ("AcmeCorp", "support", "t")
    assert payload["subscriber"] == {"email": "u@example.com"}


def test_without_a_key_the_client_is_there_and_the_records_stay_in_the_ledger(program, tmp_path):
    done = program(SNIPPET + "\nthread.join(30)\nimport revenium_middleware as r\nprint(client is not None, r.flush(20), r.status().local)")
    assert done.stdout.split() == ["True", "0", "2"]


def test_every_measure_arrives_under_its_name(sent, metering):
    begun = datetime.datetime(2026, 11, 20, 14, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    identifier = client.record_usage(
        "m", 100, 50, total_tokens=175, cache_read_tokens=5, cache_creation_tokens=30, cache_creation_5m_tokens=20, cache_creation_1h_tokens=10,
        reasoning_tokens=9, provider="ACME", model_source="RELAY", request_time=begun, response_time="2026-11-20T13:30:02Z",
        completion_start_time=1795181401.9, time_to_first_token=1900, cost=0.25, is_streamed=True, stop_reason="token_limit",
        operation_type="GENERATE", operation_subtype="s", temperature=0.5, transaction_id="mine", agent="a", effort="high", retry_number=3,
    )  # fmt: skip
    assert identifier == "mine"
    (payload,) = sent(1)
    wanted = {
        "transactionId": "mine", "model": "m", "provider": "ACME", "modelSource": "RELAY", "middlewareSource": "PYTHON", "costType": "AI",
        "operationType": "GENERATE", "operationSubtype": "s", "requestTime": "2026-11-20T13:30:00Z", "responseTime": "2026-11-20T13:30:02Z",
        "completionStartTime": "2026-11-20T13:30:01Z", "requestDuration": 2000, "timeToFirstToken": 1900, "isStreamed": True,
        "stopReason": "TOKEN_LIMIT", "temperature": 0.5, "inputTokenCount": 100, "outputTokenCount": 50, "totalTokenCount": 175,
        "reasoningTokenCount": 9, "cacheReadTokenCount": 5, "cacheCreationTokenCount": 30, "cacheCreation5mTokenCount": 20,
        "cacheCreation1hTokenCount": 10, "totalCost": 0.25, "agent": "a", "effort": "high", "retryNumber": 3,
    }  # fmt: skip
    assert payload == wanted
    assert metering.records[0].headers["x-api-key"] == "hak_loopback_0123456789"


def test_what_is_not_given_is_unknown_and_the_identifier_is_made(records):
    identifier = client.record_usage(model="m")
    assert str(uuid.UUID(identifier)) == identifier
    (record,) = records()
    assert record.values["transaction_id"] == identifier
    assert record.values["usage_source"] == "unknown"
    assert not [name for name in record.values if name.endswith("_token_count")]
    assert "cost_status" not in record.values


def test_environment_and_scope_are_merged_and_the_call_wins(records, monkeypatch):
    monkeypatch.setenv("REVENIUM_REGION", "eu")
    monkeypatch.setenv("REVENIUM_TRACE_NAME", "below")
    with revenium_middleware.metadata(organization_name="AcmeCorp", agent="scope", trace_name="scope", subscriber={"email": "u@example.com"}):
        client.record_usage("m", 1, 2, agent="call", user_id="u1")
    (record,) = records()
    said = {name: record.values[name] for name in ("region", "trace_name", "organization_name", "agent", "subscriber")}
    wanted = {"region": "eu", "trace_name": "scope", "organization_name": "AcmeCorp", "agent": "call", "subscriber": {"email": "u@example.com", "id": "u1"}}
    assert said == wanted


@pytest.mark.parametrize(
    "model, provider",
    [("gpt-4o", "OPENAI"), ("claude-3-5-sonnet-20241022", "ANTHROPIC"), ("openai/gpt-4o", "OPENAI"), ("text-embedding-3-small", "OPENAI")],
)
def test_the_provider_is_that_of_the_price_list(records, model, provider):
    pytest.importorskip("genai_prices")
    client.record_usage(model, 1, 1)
    assert (records()[0].values["provider"], records()[0].values["model_source"]) == (provider, provider)


@pytest.mark.parametrize("model", ["our-own", "gpt-banana", "openai", "azure"])
def test_a_model_nobody_knows_has_an_unknown_provider(records, model):
    client.record_usage(model, 1, 1)
    assert records()[0].values["provider"] == "UNKNOWN"


WRONG = [
    ("model", 5), ("model", None), ("model", " "), ("prompt_tokens", "12"), ("prompt_tokens", -1), ("prompt_tokens", 1.5), ("completion_tokens", True),
    ("total_tokens", [1]), ("cost", float("nan")), ("cost", "0.1"), ("request_time", "yesterday"), ("response_time", object()), ("is_streamed", "yes"),
    ("stop_reason", "BORED"), ("operation_type", "SING"), ("provider", 1), ("request_duration", -5), ("error_code", 200),
]  # fmt: skip


@pytest.mark.parametrize("name, value", WRONG)
def test_a_measure_of_the_wrong_type_is_a_value_error_that_names_it_and_records_nothing(records, name, value):
    with pytest.raises(ValueError, match=name):
        client.record_usage(**{"model": "m", name: value})
    assert records() == []


def test_a_name_nobody_knows_warns_once_and_a_bad_attribution_is_dropped(records, caplog):
    for _ in range(2):
        client.record_usage("m", 1, 1, flavour="vanilla", effort="very high", agent="kept")
    assert [record.values.get("agent") for record in records()] == ["kept", "kept"]
    assert not [record for record in records() if "effort" in record.values]
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING and "ledger" not in record.getMessage()]
    assert len([line for line in lines if "flavour" in line]) == 1
    assert len([line for line in lines if "effort" in line]) == 1
    assert len(lines) == 2


def test_both_forms_record_the_same_and_the_client_is_one(records):
    assert get_client() is client is revenium_middleware.client
    first = client.record_usage("m", 1, 2, agent="a")
    second = asyncio.run(client.async_record_usage("m", 1, 2, agent="a"))
    one, other = ({**record.values, "transaction_id": ""} for record in records())
    assert first != second
    for timed in ("request_time", "response_time", "completion_start_time"):
        del one[timed], other[timed]
    assert one == other
