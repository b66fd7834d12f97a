"""The sender against a metering service on this machine: what each answer means, and what is promised about each record."""

from __future__ import annotations

import json
import logging
import re

import openai
import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.fields import FIELDS
from revenium_middleware.testing import Fault

from .conftest import KEY, record


def keep(count=1, **values):
    settings = runtime.settings()
    made = [record(settings=settings, number_of_test=number, **values) for number in range(count)]
    for each in made:
        runtime.commit(each)
    return made


def states():
    return {row["id"]: (row["state"], row["reason"]) for row in runtime.delivery().collect().query("SELECT id, state, reason FROM record")}


def test_records_arrive_with_their_key_and_headers(metering):
    made = keep(3)
    assert revenium_middleware.flush(20) == 0
    received = metering.accepted
    assert {each.key for each in received} == {each.id for each in made}
    for each in received:
        assert each.path == "/meter/v2/ai/completions"
        assert each.headers["x-api-key"] == KEY
        assert each.headers["content-type"] == "application/json"
        assert re.fullmatch(r"revenium-python-sdk/[\w.]+", each.headers["user-agent"])
    assert not metering.unexpected


def test_records_arrive_without_being_asked(metering):
    keep(2)
    assert len(metering.wait_for(2, timeout=20)) == 2


@pytest.mark.parametrize(
    "fault",
    [Fault(200, b""), Fault(201, "not json"), Fault(202, "<html>", {"content-type": "text/html"}), Fault(204, b""), Fault(299, "{")],
    ids=["empty", "no json", "html", "204", "299"],
)
def test_any_2xx_is_success_whatever_its_body(metering, fault):
    metering.script(fault)
    keep()
    assert revenium_middleware.flush(20) == 0
    assert [each.status for each in metering.records] == [fault.status]
    assert revenium_middleware.status().delivered == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 302, 307])
def test_a_refusal_is_kept_counted_shown_and_never_repeated(metering, status, caplog):
    metering.script(Fault(status, b"{}", {"location": metering.url + "/elsewhere?token=S3CRET"} if status < 400 else {}))
    (made,) = keep()
    for _ in range(2):
        assert revenium_middleware.flush(20) == 0
    assert [each.status for each in metering.records] == [status]
    now = revenium_middleware.status()
    assert (now.refused, now.delivered, now.pending) == (1, 0, 0)
    assert now.last_refusal.startswith("HTTP %d" % status)
    assert states()[made.id] == (3, now.last_refusal)
    assert len([entry for entry in caplog.records if entry.levelno >= logging.WARNING]) == 1
    assert "S3CRET" not in caplog.text


@pytest.mark.parametrize(
    "fault",
    [Fault(408), Fault(425), Fault(429), Fault(500), Fault(502), Fault(503), Fault(504), Fault.disconnect(), Fault(409, headers={"retry-after": "0"})]
    + [Fault(400, headers={"x-should-retry": "true"}), Fault(200, cut_after=0, body=b"{}")],
    ids=lambda fault: "%s %s" % (fault.status, "dropped" if fault.drop else ",".join(fault.headers)),
)
def test_what_may_pass_is_tried_again_with_the_same_key(metering, fault):
    metering.script(fault)
    (made,) = keep()
    assert revenium_middleware.flush(20) == 0
    assert {each.key for each in metering.records} == {made.id}
    assert len(metering.accepted) == 1
    assert revenium_middleware.status().delivered == 1


def test_a_veto_of_the_service_is_heeded(metering):
    metering.script(Fault(503, headers={"x-should-retry": "false"}))
    keep()
    assert revenium_middleware.flush(20) == 0
    assert len(metering.records) == 1
    assert revenium_middleware.status().refused == 1


def test_retry_after_is_a_floor(metering):
    metering.script(Fault.rate_limited(retry_after=1.5))
    keep()
    assert revenium_middleware.flush(20) == 0
    first, second = metering.records
    assert second.time - first.time >= 1.4


def test_an_endpoint_that_hangs_costs_a_flush_its_budget_and_nothing_else(metering, monkeypatch):
    monkeypatch.setenv("REVENIUM_METERING_TIMEOUT_SECONDS", "0.3")
    metering.script(Fault.silence())
    keep()
    assert revenium_middleware.flush(20) == 0
    assert [each.status for each in metering.records] == [0, 201]
    assert len({each.key for each in metering.records}) == 1


def test_connections_are_kept_alive(metering):
    for _ in range(4):
        keep(5)
        assert revenium_middleware.flush(20) == 0
    assert len(metering.accepted) == 20
    assert metering.connections < 20
    assert metering.connections <= 5


def test_a_flush_says_how_many_are_left(monkeypatch):
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
    monkeypatch.setenv("REVENIUM_METERING_BASE_URL", "http://127.0.0.1:9")  # nobody listens there
    keep(3)
    assert revenium_middleware.flush(0.5) == 3
    now = revenium_middleware.status()
    assert (now.recorded, now.delivered, now.pending, now.refused, now.mode) == (3, 0, 3, 0, "api")


def test_the_status_tells_the_truth(metering):
    before = revenium_middleware.status()
    assert (before.recorded, before.delivered, before.pending, before.last_delivery) == (0, 0, 0, None)
    metering.script(Fault(400))
    keep(4)
    assert revenium_middleware.flush(20) == 0
    now = revenium_middleware.status()
    assert (now.recorded, now.delivered, now.refused, now.pending, now.dropped, now.local) == (4, 3, 1, 0, 0, 0)
    assert now.last_delivery is not None
    assert now.failures == {}


# ---------------------------------------------------------------------- local mode, memory, off


def test_local_mode_sends_nothing_then_or_later(metering, monkeypatch):
    monkeypatch.delenv("REVENIUM_METERING_API_KEY")
    keep(3)
    assert revenium_middleware.flush(5) == 0
    assert revenium_middleware.status().local == 3
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)  # a key that comes later is for later records
    keep(1)
    assert revenium_middleware.flush(20) == 0
    assert len(metering.records) == 1
    assert (revenium_middleware.status().local, revenium_middleware.status().mode) == (3, "api")


@pytest.mark.parametrize("ledger", ["memory", "MEMORY", "off"])
def test_without_a_ledger_file_records_are_delivered_all_the_same(metering, monkeypatch, tmp_path, ledger):
    monkeypatch.setenv("REVENIUM_LEDGER", ledger)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    keep(3)
    assert revenium_middleware.flush(20) == 0
    assert len(metering.accepted) == 3
    assert revenium_middleware.status().delivered == 3
    assert list(tmp_path.iterdir()) == []


def test_with_the_ledger_off_and_no_key_records_are_dropped_and_counted(monkeypatch, caplog):
    monkeypatch.setenv("REVENIUM_LEDGER", "off")
    keep(3)
    assert revenium_middleware.flush(1) == 0
    now = revenium_middleware.status()
    assert (now.recorded, now.dropped) == (0, 3)
    assert revenium_middleware.openai.is_initialized() is False
    assert "the ledger is off" in now.not_initialized["openai"]


# ---------------------------------------------------------------------- what is on the wire and on the disk


def test_the_payload_has_no_nulls_and_documented_names_only(metering, provider):
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-S3CRETKEY")
    said = {"agent": None, "organization_name": "Acme", "unknown": 1, "subscriber": {"id": "u", "email": None}}
    with client:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "S3CRETPROMPT"}], usage_metadata=said)
    assert revenium_middleware.flush(20) == 0
    (payload,) = metering.payloads()
    assert set(payload) <= {field.wire for field in FIELDS}
    assert None not in payload.values()
    assert payload["subscriber"] == {"id": "u"}
    for moment in ("requestTime", "responseTime", "completionStartTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", payload[moment])
    for number in ("requestDuration", "inputTokenCount", "retryNumber"):
        assert type(payload[number]) is int


def test_no_key_and_no_prompt_is_ever_written_or_logged(metering, provider, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-S3CRETKEY")
    said = {"subscriber": {"credential": {"name": "n", "value": "S3CRETCREDENTIAL"}}}
    metering.script(Fault.server_error())
    with client:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "S3CRETPROMPT"}], usage_metadata=said)
    assert revenium_middleware.flush(20) == 0
    ours = "\n".join(entry.getMessage() for entry in caplog.records if entry.name.startswith("revenium"))
    assert "record " in ours
    runtime.delivery().collect()
    disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"gpt-4o" in disk
    for secret in (KEY, "S3CRETKEY", "S3CRETPROMPT"):
        assert secret not in ours
        assert secret.encode() not in disk
    assert "S3CRETCREDENTIAL" not in ours
    assert metering.payloads()[0]["subscriber"]["credential"] == {"name": "n", "value": "S3CRETCREDENTIAL"}


def test_a_payload_that_cannot_be_written_as_json_is_refused_and_the_rest_goes_on(metering, monkeypatch):
    monkeypatch.setattr(revenium_middleware._core.diagnostics.diagnostics, "reraise", False)
    keep(1, temperature=float("nan"))
    keep(1)
    assert revenium_middleware.flush(20) == 0
    assert revenium_middleware.status().refused == 1
    assert len(metering.accepted) == 1
    assert json.dumps(metering.payloads(), allow_nan=False)
