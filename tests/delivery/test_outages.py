"""Outages of the metering service: nothing is lost, nothing waits for longer than it must, nobody waits for another."""

from __future__ import annotations

import email.utils
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.settings import load
from revenium_middleware._delivery.circuit import OPEN_AFTER, PROBE_LATEST, PROBE_SOONEST, Circuit
from revenium_middleware._delivery.client import judged
from revenium_middleware._delivery.delivery import Delivery
from revenium_middleware._delivery.ledger import DELIVERED, PENDING, Ledger, Outcome, Pending
from revenium_middleware.testing import Fault, MeteringServer
from revenium_middleware.testing.faults import Script

from .conftest import KEY, record


def keep(count=1, **values):
    made = [record(settings=runtime.settings(), number_of_test=number, **values) for number in range(count)]
    for each in made:
        runtime.commit(each)
    return made


def rows():
    found = runtime.delivery().collect().query("SELECT * FROM record ORDER BY number")
    return {row["id"]: dict(row) for row in found}


def until(condition, seconds=30.0):
    """What ``condition`` gives as soon as it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("not within %g s" % seconds)


class PerKey(Script):
    """Answers by idempotency key, the others as usual."""

    def __init__(self, faults, usual=None):
        super().__init__(usual)
        self.faults = faults

    def take(self, request):
        return self.faults.get(request.headers.get("idempotency-key")) or super().take(request)


# ---------------------------------------------------------------------- coming back


@pytest.mark.parametrize("fault", [Fault(500), Fault.rate_limited(), Fault.disconnect()], ids=["500", "429", "reset"])
def test_when_the_service_is_back_everything_that_waits_is_due_at_once(metering, fault):
    metering._script = Script(fault)
    made = keep(30)
    until(lambda: len(metering.records) >= OPEN_AFTER and not [row for row in rows().values() if row["lease"]])
    ledger = runtime.delivery().collect()
    with ledger._writing():  # as after a long outage: each waits for its own turn, an hour away
        ledger._connection.execute("UPDATE record SET next_attempt = ? WHERE state = 0", (time.time() + 3600,))
    metering._script = Script()
    made += keep(1)
    assert {each.key for each in metering.wait_for(31, 60)} == {each.id for each in made}


def test_what_the_service_asked_to_wait_waits_also_when_others_are_due(metering):
    asked = record(settings=runtime.settings())
    metering._script = PerKey({asked.id: Fault.rate_limited(3600)}, Fault(503))
    runtime.commit(asked)
    others = keep(5)
    until(lambda: len(metering.records) >= OPEN_AFTER)
    metering._script._usual = Fault()
    until(lambda: asked.id in {each.key for each in metering.records})
    metering._script = Script()
    others += keep(1)
    assert {each.key for each in metering.wait_for(6, 60)} == {each.id for each in others}
    assert revenium_middleware.flush(1) == 1  # not even a flush overrides it
    assert [each.status for each in metering.records if each.key == asked.id] == [429]


def test_new_records_and_a_backlog_share(metering):
    metering._script = Script(Fault(delay=0.02))
    backlog = keep(1500)
    metering.wait_for(50, 60)
    (late,) = keep()
    arrived = [each.key for each in metering.wait_for(1501, 120)]
    assert arrived.index(late.id) < 1000
    assert set(arrived) == {late.id} | {each.id for each in backlog}


def test_a_circuit_asks_often_after_a_short_outage_and_seldom_after_a_long_one():
    circuit, failed = Circuit(), Outcome(("id", "", ""), PENDING)
    for _ in range(OPEN_AFTER):
        assert circuit.allowed(100, 1000.0) == 100
        assert circuit.saw(failed, 1000.0) is False
    asked, now = [], 1000.0
    while now < 1100.0:
        if circuit.allowed(100, now):
            asked.append(now)
            circuit.saw(failed, now)
        now += 0.25
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:])]
    assert gaps[0] == PROBE_SOONEST
    assert gaps[-1] == PROBE_LATEST
    assert gaps == sorted(gaps)
    assert circuit.allowed(100, asked[-1]) == 0
    assert circuit.saw(Outcome(("id", "", ""), DELIVERED), now) is True
    assert circuit.allowed(100, now) == 100
    assert circuit.saw(Outcome(("id", "", ""), DELIVERED), now) is False


# ---------------------------------------------------------------------- nobody waits for another


def test_a_refused_and_a_poisoned_record_do_not_hold_up_the_others(metering):
    bad, poisoned = record(settings=runtime.settings()), record(settings=runtime.settings())
    metering._script = PerKey({bad.id: Fault(400), poisoned.id: Fault(500)})
    for each in (bad, poisoned):
        runtime.commit(each)
    good = keep(40)
    assert {each.key for each in metering.wait_for(40, 60)} == {each.id for each in good}
    until(lambda: (revenium_middleware.status().refused, revenium_middleware.status().pending) == (1, 1))
    metering._script = Script()
    assert revenium_middleware.flush(20) == 0
    assert [each.status for each in metering.records if each.key == bad.id] == [400]


def test_a_dead_tenants_endpoint_does_not_delay_anothers(tmp_path):
    with MeteringServer(usual=Fault.silence()) as dead, MeteringServer() as alive:
        tenants = [
            load(
                {
                    "REVENIUM_METERING_API_KEY": "hak_tenant_%d" % number,
                    "REVENIUM_METERING_BASE_URL": server.url,
                    "REVENIUM_METERING_TIMEOUT_SECONDS": "600",
                    "REVENIUM_LEDGER": str(tmp_path / "tenants.db"),
                }
            )
            for number, server in enumerate((dead, alive))
        ]
        delivery = Delivery(lambda: tenants[0], {each.credential: each.api_key for each in tenants}, lambda: None, lambda *_: None)
        for _ in range(500):
            delivery.append(record(settings=tenants[0]))
        until(lambda: len(dead.records) >= 10)
        made = [record(settings=tenants[1]) for _ in range(200)]
        for each in made:
            delivery.append(each)
        assert {each.key for each in alive.wait_for(200, 60)} == {each.id for each in made}
        assert dead.accepted == []  # and none has timed out yet: its workers are all still waiting
        assert delivery.last_refusal is None
        delivery.close()


def test_what_was_held_back_counts_as_never_tried(metering):
    metering._script = Script(Fault.disconnect())
    keep(200)
    until(lambda: len(metering.records) >= OPEN_AFTER)
    until(lambda: [row for row in rows().values() if row["lease"] is None and row["attempts"]])
    until(lambda: not [row for row in rows().values() if row["lease"]])
    assert len([row for row in rows().values() if row["attempts"]]) < 60
    assert all((row["first_attempt"] is None) == (row["attempts"] == 0) for row in rows().values())


# ---------------------------------------------------------------------- what does not even answer


def unreached(seconds=3.0):
    """Flush in vain; the one record's row."""
    (made,) = keep()
    assert revenium_middleware.flush(seconds) == 1
    row = until(lambda: [row for row in rows().values() if row["id"] == made.id and row["reason"] and row["lease"] is None])[0]
    assert row["state"] == PENDING
    return row


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid"], ids=["nobody listens", "no such name"])
def test_what_surely_reached_nobody_may_be_sent_however_late(monkeypatch, url):
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
    monkeypatch.setenv("REVENIUM_METERING_BASE_URL", url)
    row = unreached()
    assert row["attempts"] >= 1
    assert row["first_attempt"] is None  # only an attempt whose outcome is unknown starts the 24 hours


def test_an_attempt_of_unknown_outcome_starts_the_24_hours_and_a_later_one_that_reached_nobody_does_not_end_them(tmp_path):
    ledger = Ledger(str(tmp_path / "own.db"))
    ledger.ingest([record("one")])
    for number, more in enumerate(({}, {"first_attempt": 100.0})):
        ((credential, url, _),) = ledger.destinations()
        (row,) = ledger.lease("me", credential, url, 1, 100.0 + number)
        assert row.first_attempt == (None if number == 0 else 100.0)
        ledger.settle([Outcome(row.key, PENDING, **more)])
    assert ledger.query("SELECT first_attempt FROM record")[0][0] == 100.0
    ledger.close()


@contextmanager
def self_signed(directory):
    """A TLS server that nobody vouches for; gives its URL and what it was sent."""
    certificate, key = str(directory / "cert.pem"), str(directory / "key.pem")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, *subject]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    received = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(0.1)
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                    connection.settimeout(5.0)
                    with context.wrap_socket(connection, server_side=True) as wrapped:
                        received.append(wrapped.recv(1))
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "https://127.0.0.1:%d" % listener.getsockname()[1], received
        stop.set()
        thread.join(10)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_a_certificate_nobody_vouches_for_gets_no_record_and_no_key(monkeypatch, tmp_path):
    with self_signed(tmp_path) as (url, received):
        monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
        monkeypatch.setenv("REVENIUM_METERING_BASE_URL", url)
        row = unreached()
    assert "Certificate" in row["reason"]
    assert row["first_attempt"] is None
    assert b"".join(received) == b""


@pytest.mark.parametrize(
    ("headers", "floor"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "date"}, 30.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({}, 0.0),
    ],
    ids=str,
)
def test_retry_after_in_every_form_is_a_floor_of_at_most_an_hour(headers, floor):
    now = time.time()
    headers = {name: email.utils.formatdate(now + 30, usegmt=True) if value == "date" else value for name, value in headers.items()}
    outcome = judged(Pending(1, "one", "completion", "", "", 0, None, 0.0, "{}"), 429, headers)
    assert outcome.state == PENDING
    assert outcome.not_before == pytest.approx(now + floor if floor else 0.0, abs=5.0)
    assert outcome.next_attempt >= max(now + floor - 2.0, now)


# ---------------------------------------------------------------------- what an outage may cost


def test_a_hung_service_costs_one_thread_and_a_bounded_amount_of_memory(child):
    count = int(os.environ.get("REVENIUM_TEST_OUTAGE_RECORDS", "50000"))
    with MeteringServer(usual=Fault.silence()) as server:
        done = child(
            """
            import json, threading
            def used():
                text = open("/proc/self/status").read()
                return {name: int(text.split(name + ":")[1].split()[0]) for name in ("VmRSS", "Threads")}
            keep(100)
            revenium_middleware.flush(3)  # everything that is loaded once is loaded now
            before, most = used(), 0
            for _ in range(int(os.environ["COUNT"]) // 500):
                keep(500)
                most = max(most, threading.active_count())
            runtime.delivery().sender.nudge()
            for _ in range(600):
                books = runtime.delivery().store.standing()
                if books.pending >= int(os.environ["COUNT"]) + 100:
                    break
                time.sleep(0.1)
            after = used()
            found = {"before": before, "after": after, "python": most}
            print(json.dumps({**found, "pending": books.pending, "recorded": books.recorded, "evicted": books.evicted}))
            sys.stdout.flush()
            os._exit(0)
            """,
            COUNT=str(count),
            REVENIUM_METERING_API_KEY=KEY,
            REVENIUM_METERING_BASE_URL=server.url,
        )
    found = json.loads(done.stdout)
    print(found)
    assert found["python"] <= 2
    assert found["after"]["Threads"] <= found["before"]["Threads"] <= 3
    assert (found["pending"], found["recorded"], found["evicted"]) == (count + 100, count + 100, 0)
    assert found["after"]["VmRSS"] - found["before"]["VmRSS"] <= 20 * 1024
