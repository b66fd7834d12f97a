"""Section J, as far as it belongs here: configuration, keys, values, attribution, logging, first tokens."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import logging
import math
import subprocess
import sys
import threading
import uuid
import warnings

import openai
import pytest

import revenium_middleware
from revenium_middleware.testing import Fault, MeteringServer

from .conftest import ASK

CHAT = "chat.completions.create"
OTHER_KEY = "rev_mk_other_0123456789"


def ask(client, **arguments):
    return client.chat.completions.create(**{"model": "gpt-4o", "messages": ASK, **arguments})


def test_j164_without_a_key_nothing_is_an_error_and_one_line_says_so(client, records, caplog):
    for _ in range(3):
        ask(client)
    assert len(records()) == 3
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "stay in the local ledger" in lines[0]


@pytest.mark.parametrize("key", ["sk-1234", "", "hak 1", "revenue"])
def test_j165_a_key_without_its_prefix_is_a_value_error_where_it_is_given_by_hand(key):
    with pytest.raises(ValueError, match="hak_"):
        revenium_middleware.initialize_metering(api_key=key)


def test_j166_settings_that_arrive_after_import_count_for_the_next_call(client, provider, monkeypatch, records, tmp_path):
    import dotenv

    ask(client)
    with MeteringServer() as first, MeteringServer() as second:
        (tmp_path / ".env").write_text("REVENIUM_METERING_API_KEY=hak_from_dotenv\nREVENIUM_METERING_BASE_URL=%s\n" % first.url)
        for name in ("REVENIUM_METERING_API_KEY", "REVENIUM_METERING_BASE_URL"):
            monkeypatch.setenv(name, "")
        dotenv.load_dotenv(tmp_path / ".env", override=True)
        ask(client)
        assert revenium_middleware.flush(20) == 0
        monkeypatch.setenv("REVENIUM_METERING_API_KEY", OTHER_KEY)
        ask(client)
        assert revenium_middleware.flush(20) == 0
        monkeypatch.setenv("REVENIUM_METERING_BASE_URL", second.url)
        monkeypatch.setenv("REVENIUM_TRACE_NAME", "Later")
        ask(client)
        assert revenium_middleware.flush(20) == 0
        assert [each.headers["x-api-key"] for each in first.records] == ["hak_from_dotenv", OTHER_KEY]
        assert [(each.headers["x-api-key"], each.payload["traceName"]) for each in second.records] == [(OTHER_KEY, "Later")]
    assert len(records()) == 4


def test_j166_initialize_metering_counts_for_the_next_call(client, metering, monkeypatch):
    monkeypatch.delenv("REVENIUM_METERING_API_KEY")
    ask(client)
    assert revenium_middleware.initialize_metering(api_key=OTHER_KEY) is True
    ask(client)
    assert revenium_middleware.flush(20) == 0
    assert [each.headers["x-api-key"] for each in metering.records] == [OTHER_KEY]


def test_j167_every_post_has_an_idempotency_key_of_its_own(client, metering, delivered):
    for _ in range(3):
        ask(client, extra_headers={"Idempotency-Key": "the caller's own, for the provider"})
    delivered(3)
    keys = [each.key for each in metering.records]
    assert len(set(keys)) == 3
    assert all(str(uuid.UUID(key)) == key for key in keys)


def test_j169_the_scope_is_the_callers_whoever_delivers(client, delivered):
    with revenium_middleware.metadata(agent="outer"):
        ask(client)
    ask(client)
    assert sorted(payload.get("agent", "") for payload in delivered(2)) == ["", "outer"]


def test_j171_many_calls_need_one_thread(client, delivered):
    before = set(threading.enumerate())
    for _ in range(30):
        ask(client)
    (ours,) = [thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("loopback")]
    assert ours.name == "revenium-sender"
    assert ours.daemon
    delivered(30)


UNSAFE = {
    "trace_id": uuid.UUID(int=7), "response_quality_score": decimal.Decimal("0.5"), "agent": b"bytes", "task_type": "half \ud83d",
    "ticket_id": datetime.date(2026, 1, 2), "cost_multiplier": math.nan, "retry_number": math.inf, "region": {"a": 1},
}  # fmt: skip


def test_j178_values_json_cannot_carry_are_converted_or_left_off(side, one, caplog):
    side.call(CHAT, model="gpt-4o", messages=ASK, usage_metadata=UNSAFE)
    payload = one()
    kept = {name: payload.get(name) for name in ("traceId", "responseQualityScore", "agent", "taskType", "ticketId", "costMultiplier", "region")}
    assert kept == {
        "traceId": str(uuid.UUID(int=7)), "responseQualityScore": 0.5, "agent": "bytes", "taskType": "half ?", "ticketId": "2026-01-02",
        "costMultiplier": None, "region": None,
    }  # fmt: skip
    assert payload["retryNumber"] == 0
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 3


def test_j179_over_long_tags_are_cut_and_bad_shapes_dropped_with_a_warning(side, one, caplog):
    said = {"agent": "a" * 300, "product_name": "p" * 300, "effort": "very high", "entrypoint": "a b", "task_type": "kept"}
    side.call(CHAT, model="gpt-4o", messages=ASK, usage_metadata=said)
    payload = one()
    assert (len(payload["agent"]), len(payload["productName"]), payload["taskType"]) == (255, 224, "kept")
    assert not {"effort", "entrypoint"} & set(payload)
    for name in ("agent", "product_name", "effort", "entrypoint"):
        assert caplog.text.count("usage_metadata field %s " % name) == 1


@pytest.mark.parametrize("job", ["types", "conversion-funnel", "-dash", "a b", "x" * 256, "ok/slash"])
def test_j180_a_bad_job_id_is_left_off_and_the_record_is_kept(client, delivered, caplog, job):
    for _ in range(2):
        ask(client, usage_metadata={"agentic_job_id": job, "agentic_job_name": "kept"})
    for payload in delivered(2):
        assert "agenticJobId" not in payload
        assert payload["agenticJobName"] == "kept"
    assert caplog.text.count("agentic_job_id") == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_j181_camel_case_is_accepted_and_snake_case_wins(client, one):
    said = {"traceId": "camel", "trace_id": "snake", "taskType": "camel only", "organizationId": "4", "organization_id": "3", "organizationName": "2"}
    ask(client, usage_metadata=said)
    payload = one()
    assert (payload["traceId"], payload["taskType"], payload["organizationName"]) == ("snake", "camel only", "2")


def test_j182_a_deprecated_name_warns_once_at_the_callers_line(side, delivered):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            side.call(CHAT, model="gpt-4o", messages=ASK, usage_metadata={"organization_id": "Acme"})
    ours = [each for each in caught if "usage_metadata" in str(each.message)]
    assert len(ours) == 1
    assert ours[0].filename.endswith("conformance/conftest.py"), "where the method is called, in this suite"
    assert {payload["organizationName"] for payload in delivered(3)} == {"Acme"}


def test_j182_with_warnings_as_errors_the_call_and_its_record_succeed(client, one):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(client, usage_metadata={"organization_id": "Acme"})
    assert one()["organizationName"] == "Acme"


def test_j183_retry_number_and_ticket_are_sent_with_media_too(side, one):
    said = {"retry_number": 2, "ticket_id": "T-1"}
    side.call("audio.speech.create", then=lambda answer: answer.content, model="tts-1", voice="alloy", input="x", extra_body={"usage_metadata": said})
    payload = one("audio")
    assert (payload["retryNumber"], payload["ticketId"]) == (2, "T-1")


def test_j184_selective_metering_skips_what_is_not_asked_for_and_sends_nothing_of_ours(side, provider, delivered, monkeypatch):
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "true")
    said = {"agent": "S3CRET"}
    side.call(CHAT, model="gpt-4o", messages=ASK, usage_metadata=said)
    side.call(CHAT, model="gpt-4o", messages=ASK, extra_body={"usage_metadata": said})
    metered = revenium_middleware.revenium_meter(metadata=said)(lambda: side.call(CHAT, model="gpt-4o", messages=ASK))
    metered()
    delivered(1)
    for request in provider.log:
        assert "S3CRET" not in "%s %s %s" % (request.body, request.headers, request.query)
        assert "usage_metadata" not in str(request.body)


def test_j185_generators_keep_their_scope_step_by_step(client, provider, delivered):
    @revenium_middleware.revenium_metadata(agent="generator")
    def answers():
        for _ in range(2):
            yield ask(client).id

    for _ in answers():
        ask(client)
    agents = [payload.get("agent") for payload in delivered(4)]
    assert sorted(map(str, agents)) == ["None", "None", "generator", "generator"]

    @revenium_middleware.revenium_metadata(agent="later")
    async def later():
        async with openai.AsyncOpenAI(base_url=provider.openai_url, api_key="k") as own:
            stream = await own.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
            async for chunk in stream:
                yield chunk

    async def consume():
        return [chunk async for chunk in later()]

    assert asyncio.run(consume())
    assert delivered(5)[-1]["agent"] == "later"


def test_j186_debug_shows_the_payload_and_neither_prompt_nor_key(client, one, caplog):
    caplog.set_level(logging.DEBUG, "revenium_middleware")
    said = {"subscriber": {"credential": {"name": "n", "value": "S3CRETVALUE"}}}
    ask(client, messages=[{"role": "user", "content": "S3CRETPROMPT"}], usage_metadata=said)
    one()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name == "revenium_middleware")
    for shown in ("CUSTOM", "/v1/chat/completions", "gpt-4o -> gpt-4o-2024-08-06", "'input_token_count'", "***"):
        assert shown in ours
    for secret in ("S3CRET", "sk-loopback", "hak_loopback"):
        assert secret not in ours


@pytest.mark.parametrize("installed", [True, False])
def test_j188_an_sdk_that_cannot_be_hooked_is_loud_and_one_that_is_not_installed_is_not(installed):
    code = "import sys, logging; logging.basicConfig()\n"
    code += "import openai._base_client as base; del base.SyncAPIClient._process_response\n" if installed else "sys.modules['openai'] = None\n"
    code += "import revenium_middleware.openai as middleware\nassert middleware.is_initialized() is False"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
    assert done.returncode == 0, done.stderr
    wanted = "SyncAPIClient._process_response does not exist" if installed else "has nothing to meter: install openai"
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


def test_j190_the_first_token_of_a_stream_is_its_first_content(side, provider, one):
    provider.script(Fault.slow(first=0.3, between=0.05))
    side.call(CHAT, model="gpt-4o", messages=ASK, stream=True)
    payload = one()
    assert 300 <= payload["timeToFirstToken"] < payload["requestDuration"]
    assert payload["requestTime"] <= payload["completionStartTime"] <= payload["responseTime"]


def test_j190_a_plain_call_has_no_first_token(side, one):
    side.call(CHAT, model="gpt-4o", messages=ASK)
    payload = one()
    assert "timeToFirstToken" not in payload
    assert payload["completionStartTime"] == payload["responseTime"]
