"""Counts that add up whatever happens, callbacks for what fails, and the command that delivers."""

from __future__ import annotations

import contextlib
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

import revenium_middleware
from revenium_middleware import (
    MeteringConnectionError,
    MeteringErrorEvent,
    MeteringStatusError,
    client,
    flush_metering,
    get_buffer_stats,
    get_metering_status,
    on_metering_error,
    remove_metering_error_callback,
    reset_metering_status,
)
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.diagnostics import Guard, diagnostics
from revenium_middleware._core.shared import Tally
from revenium_middleware.testing import Fault

from .conftest import SOURCE


def balanced():
    """The books, checked."""
    status = get_metering_status()
    parts = (status.delivered, status.pending, status.local, status.refused, status.evicted, status.expired)
    assert status.recorded == sum(parts), status
    return status


def record(number, **fields):
    for _ in range(number):
        client.record_usage("m", 1, 1, **fields)


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_before_anything_happened_everything_is_zero_and_nothing_is_created(tmp_path):
    status = balanced()
    assert (status.recorded, status.error_count, status.success_count, status.oldest_pending_seconds, status.last_error) == (0, 0, 0, None, None)
    assert not (tmp_path / "ledger.db").exists()


def test_every_fate_of_a_record_is_counted_where_it_is_now(metering, monkeypatch, tmp_path):
    metering.script(*[Fault(status=400, body=b"{}")] * 2, Fault(status=401))
    record(3)
    assert flush_metering(30) == 0
    record(4)
    assert flush_metering(30) == 0
    monkeypatch.setenv("REVENIUM_METERING_BASE_URL", "http://127.0.0.1:9")
    record(5)
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", "")
    record(6)
    wait_until(lambda: balanced().recorded == 18)
    status = balanced()
    assert (status.delivered, status.refused, status.pending, status.local) == (4, 3, 5, 6)
    assert dict(status.refused_reasons) == {"HTTP 400": 2, "HTTP 401": 1}
    assert 0 <= status.oldest_pending_seconds < 60
    assert status.success_count == 4
    assert status.error_count >= 3
    assert (status.evicted, status.evicted_count, status.expired, status.adopted) == (0, 0, 0, 0)
    told = revenium_middleware.status()
    assert (told.recorded, told.pending, told.local, told.refusals) == (18, 5, 6, status.refused_reasons)


def test_the_books_balance_after_old_records_were_pruned_and_expired(metering, monkeypatch):
    record(8)
    metering.script(Fault(status=422))
    assert flush_metering(30) == 0
    monkeypatch.setenv("REVENIUM_METERING_BASE_URL", "http://127.0.0.1:9")
    record(4)
    wait_until(lambda: balanced().pending == 4)

    def aged():
        """Once more where an attempt was just being made, whose failure says that nobody was reached."""
        with contextlib.closing(sqlite3.connect(os.environ["REVENIUM_LEDGER"], isolation_level=None, timeout=30)) as direct:
            direct.execute("UPDATE record SET first_attempt = 1, lease = NULL WHERE state = 0 AND number = (SELECT max(number) FROM record)")
        flush_metering(0.2)
        return balanced().expired == 1

    wait_until(aged)
    monkeypatch.setenv("REVENIUM_LEDGER_MAX_RECORDS", "2")
    runtime.delivery().tidy()
    status = balanced()
    assert (status.recorded, status.delivered, status.refused, status.expired) == (12, 7, 1, 1)
    assert status.pending + status.evicted == 3
    assert status.evicted >= 1
    stats = get_buffer_stats()
    assert stats == {
        "size": status.pending, "max_size": 2, "total_buffered": 12, "total_replayed": 7, "total_evicted": status.evicted, "total_expired": 1,
        "total_discarded": 1, "total_overflowed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("ledger", ["memory", "off"])
def test_the_books_balance_without_a_file(monkeypatch, ledger, metering):
    monkeypatch.setenv("REVENIUM_LEDGER", ledger)
    record(3)
    assert flush_metering(30) == 0
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", "")
    record(2)
    flush_metering(5)
    status = balanced()
    assert (status.recorded, status.delivered, status.local) == (5, 3, 2)


def test_what_is_kept_nowhere_counts_as_given_up(monkeypatch):
    monkeypatch.setenv("REVENIUM_LEDGER", "off")
    record(2)
    status = balanced()
    assert (status.recorded, status.evicted) == (2, 2)


def test_a_disk_that_refuses_is_counted(metering, monkeypatch, tmp_path):
    monkeypatch.setattr(diagnostics, "reraise", False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REVENIUM_LEDGER", str(tmp_path / "file" / "ledger.db"))
    record(2)
    assert flush_metering(30) == 0
    status = balanced()
    assert (status.recorded, status.delivered) == (2, 2)
    assert "written" in status.last_error


def test_records_of_ended_processes_are_adopted_and_counted(program, metering):
    code = "import os; from revenium_middleware import client\nfor _ in range(5): client.record_usage('m', 1, 1)\nos.kill(os.getpid(), 9)"
    program(code, code_of_return=-9, REVENIUM_METERING_BASE_URL="http://127.0.0.1:9")
    record(1)
    wait_until(lambda: get_metering_status().adopted == 5)
    assert balanced().recorded == 6


def test_reset_starts_this_processs_counts_again_and_leaves_the_books(metering):
    metering.script(Fault(status=400))
    record(2)
    assert flush_metering(30) == 0
    assert (get_metering_status().error_count, get_metering_status().success_count) == (1, 1)
    reset_metering_status()
    status = balanced()
    assert (status.error_count, status.success_count, status.last_error, status.last_error_at) == (0, 0, None, None)
    assert (status.delivered, status.refused) == (1, 1)


def test_a_tally_counts_what_threads_do_at_once():
    tally = Tally()
    threads = [threading.Thread(target=lambda: [tally.add() for _ in range(5000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    readings = [int(tally) for _ in range(100)]
    for thread in threads:
        thread.join()
    assert readings == sorted(readings)
    assert int(tally) == int(tally) == 40_000


def test_the_books_balance_at_every_moment_while_processes_record_and_deliver(metering):
    code = "from revenium_middleware import client\nfor _ in range(150): client.record_usage('m', 1, 1)"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(3)]
    looks = 0
    while any(process.poll() is None for process in processes):
        record(5)
        balanced()
        looks += 1
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert flush_metering(60) == 0
    status = balanced()
    assert status.recorded == status.delivered == 450 + 5 * looks == len(metering.accepted)
    assert looks > 3


# ---------------------------------------------------------------------- callbacks


def test_a_callback_hears_of_refusals_and_of_failed_attempts(metering):
    events = []
    assert on_metering_error(events.append) == events.append
    metering.script(Fault(status=400), Fault(status=503), Fault.disconnect())
    record(1, agent="refused")
    assert flush_metering(30) == 0
    record(1, agent="late")
    assert flush_metering(30) == 0
    wait_until(lambda: len(events) == 3)
    assert all(isinstance(event, MeteringErrorEvent) and event.operation == "delivery" for event in events)
    assert [getattr(event.error, "status", None) for event in events] == [400, 503, None]
    assert [type(event.error) for event in events] == [MeteringStatusError, MeteringStatusError, MeteringConnectionError]
    status = balanced()
    assert (status.error_count, status.success_count) == (3, 1)
    assert status.last_error == str(events[-1].error)
    assert status.last_error_at == events[-1].timestamp == pytest.approx(time.time(), abs=60)


def test_it_decorates_runs_in_the_background_and_can_be_removed(metering):
    events, threads = [], []

    @on_metering_error
    def heard(event):
        events.append(event)
        threads.append(threading.current_thread().name)

    on_metering_error(heard)
    metering.script(Fault(status=400))
    record(1)
    assert flush_metering(30) == 0
    wait_until(lambda: len(events) == 1)
    assert threads == ["revenium-worker"]
    assert remove_metering_error_callback(heard) is True
    assert remove_metering_error_callback(heard) is False
    metering.script(Fault(status=400))
    record(1)
    assert flush_metering(30) == 0
    assert len(events) == 1
    assert get_metering_status().error_count == 2


def test_a_callback_that_raises_or_dawdles_costs_nothing_but_itself(metering, monkeypatch):
    monkeypatch.setattr(diagnostics, "reraise", False)
    gate, others = threading.Event(), []

    @on_metering_error
    def raising(event):
        gate.wait(30)
        raise ValueError("theirs")

    on_metering_error(others.append)
    metering.script(Fault(status=400), Fault(status=400))
    record(4)
    assert flush_metering(30) == 0, "delivery does not wait for callbacks"
    gate.set()
    wait_until(lambda: len(others) == 2)
    wait_until(lambda: revenium_middleware.status().failures.get("an error callback") == 2)
    assert balanced().delivered == 2


def test_internal_failures_are_told_without_what_they_were_about(monkeypatch):
    monkeypatch.setattr(diagnostics, "reraise", False)
    events = []
    on_metering_error(events.append)
    with Guard("reading"):
        raise KeyError("S3CRET")
    wait_until(lambda: len(events) == 1)
    assert events[0].operation == "reading"
    assert "KeyError" in str(events[0].error)
    assert "S3CRET" not in str(events[0].error)


def test_a_callback_may_use_the_api_itself(metering):
    seen = []
    on_metering_error(lambda event: seen.append((get_metering_status().error_count, client.record_usage("m", 1, 1, agent="told"))))
    metering.script(Fault(status=400))
    record(1)
    flush_metering(30)
    wait_until(lambda: len(seen) == 1)
    assert flush_metering(30) == 0
    assert [payload["agent"] for payload in metering.payloads()] == ["told"]


def test_what_fails_while_the_process_ends_is_still_told(program, metering):
    metering.script(Fault(status=400))
    done = program(
        """
        from revenium_middleware import client, on_metering_error
        on_metering_error(lambda event: print(event.operation, event.error.status, flush=True))
        client.record_usage("m", 1, 1)
        """
    )
    assert done.stdout.split() == ["delivery", "400"]


def test_a_forked_childs_failures_are_told_to_the_same_callback(program, metering):
    metering.script(Fault(), Fault(status=403))
    done = program(
        """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from revenium_middleware import client, flush, on_metering_error
        on_metering_error(lambda event: print(os.getpid() == parent, event.error.status, flush=True))
        parent = os.getpid()
        client.record_usage("m", 1, 1)
        assert flush(30) == 0
        pid = os.fork()
        if pid == 0:
            client.record_usage("m", 1, 1, agent="refused")
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="20",
    )
    assert done.stdout.split() == ["False", "403"]


# ---------------------------------------------------------------------- the command

FLUSH = ("-m", "revenium_middleware", "flush")
LEFT = "import os; from revenium_middleware import client, metering_key\nfor _ in range(50): client.record_usage('m', 1, 1)\n"


def leave(program, code="", **environment):
    program(LEFT + code + "\nos._exit(0)", **{"REVENIUM_METERING_BASE_URL": os.environ["REVENIUM_METERING_BASE_URL"], **environment})


def test_the_command_delivers_what_ended_processes_left(program, metering):
    metering.script(*[Fault.silence()] * 30)
    leave(program)
    leave(program)
    metering.reset()
    done = program("", *FLUSH)
    assert done.stdout.splitlines() == ["Delivered 100 records"]
    assert len(metering.accepted) == 100
    assert program("", *FLUSH).stdout.splitlines() == ["Nothing is pending"]


def test_the_command_says_what_is_left_and_why(program, metering, tmp_path):
    leave(program, "with metering_key('hak_another'): client.record_usage('m', 1, 1)", REVENIUM_METERING_BASE_URL="http://127.0.0.1:9")
    done = program("", *FLUSH, "--timeout", "1", "--ledger", str(tmp_path / "ledger.db"), code_of_return=1)
    first, second, third = done.stdout.splitlines()
    assert first == "Delivered 0 records"
    assert second.startswith("Still pending: 51 (last failure: the metering service could not be reached")
    assert third == "Of these, 1 record made with another key: flush again with that key"


def test_the_command_names_refusals(program, metering):
    metering.script(*[Fault.silence()] * 30)
    leave(program)
    metering.reset()
    metering.script(Fault(status=422), Fault(status=422))
    assert program("", *FLUSH).stdout.splitlines() == ["Delivered 48 records", "Refused by the service: 2 (HTTP 422: 2)"]


@pytest.mark.parametrize("key", ["", "sk-1"])
def test_the_command_needs_a_key_and_says_so(program, key):
    done = program("", *FLUSH, code_of_return=2, REVENIUM_METERING_API_KEY=key)
    assert done.stderr.startswith("revenium-meter: no usable Revenium key to deliver with: set REVENIUM_METERING_API_KEY")


def test_the_command_takes_no_file_that_is_no_ledger(program, metering, tmp_path):
    (tmp_path / "text").write_text("not a ledger")
    done = program("", *FLUSH, "--ledger", str(tmp_path / "text"), code_of_return=2)
    assert "is not a ledger" in done.stderr
    assert program("", *FLUSH, "--ledger", str(tmp_path / "none.db")).stdout.splitlines() == ["Nothing is pending"]


def test_what_is_told_survives_pickling():
    event = MeteringErrorEvent(MeteringStatusError("said", 503, "body", 2.0), "delivery", 1.0)
    again = pickle.loads(pickle.dumps(event))
    assert (str(again.error), again.error.status, again.error.body, again.error.retry_after) == ("said", 503, "body", 2.0)
    status = get_metering_status()
    assert pickle.loads(pickle.dumps(status)) == status
