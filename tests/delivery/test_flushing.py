"""What a flush waits for, and for how long: what was recorded before it, within its own time."""

from __future__ import annotations

import selectors
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._delivery.pace import Pace, Selector
from revenium_middleware.testing import Fault, MeteringServer

from .conftest import KEY
from .test_sending import keep


@pytest.fixture
def slow(monkeypatch):
    """A service that takes its time over each record."""
    with MeteringServer(usual=Fault.slow(0.1)) as server:
        monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
        monkeypatch.setenv("REVENIUM_METERING_BASE_URL", server.url)
        yield server


@contextmanager
def load():
    """Something is recorded, and is on its way, at every moment until the block or half a minute is over; tells which."""
    over, enough = threading.Event(), threading.Event()

    def records():
        end = time.monotonic() + 30.0
        while time.monotonic() < end and not enough.is_set():
            keep()
            enough.wait(0.02)
        over.set()

    thread = threading.Thread(target=records)
    thread.start()
    try:
        yield over
    finally:
        enough.set()
        thread.join()


def test_under_a_steady_load_it_does_not_wait_for_what_came_after_it(slow):
    before = {each.id for each in keep(20)}
    with load() as over:
        revenium_middleware.flush(60)
        assert not over.is_set()
        assert before <= {each.key for each in slow.accepted}


def test_under_a_steady_load_it_takes_over_what_ended_processes_left(slow, child):
    with load() as over:
        child("keep(5); os._exit(0)")
        revenium_middleware.flush(60)
        assert not over.is_set()
        assert runtime.status().adopted >= 5


def test_the_last_one_of_a_process_leaves_nothing_on_its_way_that_the_next_would_send_again(slow, monkeypatch):
    monkeypatch.setenv("REVENIUM_SHUTDOWN_TIMEOUT_SECONDS", "60")
    before = {each.id for each in keep(20)}
    with load() as over:
        runtime.shutdown()
        leased = runtime.delivery().store._ledger.owners()
        assert not over.is_set()
        assert before <= {each.key for each in slow.accepted}
        assert leased == set()
    assert revenium_middleware.flush(60) == 0  # asked again, it goes on
    assert len({each.key for each in slow.records}) == len(slow.records)


def test_one_that_waits_for_a_late_record_does_not_hold_up_another(metering):
    metering.script(Fault.rate_limited(retry_after=120))
    late = keep()
    waiting = threading.Thread(target=revenium_middleware.flush, args=(600,))
    waiting.start()
    while not metering.records:
        time.sleep(0.01)
    (soon,) = keep()
    assert revenium_middleware.flush(20) == len(late)
    assert [each.key for each in metering.accepted] == [soon.id]
    assert waiting.is_alive()
    runtime.reset()  # the sender ends, and nobody waits for it any longer
    waiting.join(20)
    assert not waiting.is_alive()


def test_what_the_service_wants_later_than_it_may_wait_is_not_waited_for(metering):
    metering.script(Fault.rate_limited(retry_after=3000))
    keep(3)
    finished = threading.Event()
    thread = threading.Thread(target=lambda: (revenium_middleware.flush(600), finished.set()), daemon=True)
    thread.start()
    assert finished.wait(60)
    assert len(metering.accepted) == 2


def test_a_ledger_that_another_process_holds_for_a_while_is_waited_for(metering, tmp_path):
    keep()
    assert revenium_middleware.flush(20) == 0
    other = sqlite3.connect(str(tmp_path / "ledger.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    left = []
    keep()
    thread = threading.Thread(target=lambda: left.append(revenium_middleware.flush(60)))
    thread.start()
    thread.join(2.5)  # longer than SQLite waits by itself
    other.execute("COMMIT")
    other.close()
    thread.join(60)
    assert left == [0]
    assert len(metering.accepted) == 2


@pytest.mark.parametrize("timeout", [0, -1, -1e300, float("nan"), float("-inf"), float("inf"), 1e300])
@pytest.mark.parametrize("running", [True, False])
def test_any_number_is_a_time_and_the_next_flush_works(metering, monkeypatch, timeout, running):
    if not running:
        monkeypatch.setattr(runtime.delivery().sender, "wake", lambda: None)  # as where no thread can be started
    keep(2)
    left = revenium_middleware.flush(timeout)
    assert left == 0 if timeout > 86_400 else left in (0, 1, 2)
    assert revenium_middleware.flush(20) == 0
    assert len(metering.accepted) == 2


def test_sockets_that_never_rest_do_not_keep_the_others_waiting():
    pairs = [socket.socketpair() for _ in range(5)]
    selector = Selector(Pace())
    try:
        for one, other in pairs:
            other.send(b"x")  # never read: ready at every look
            selector.register(one, selectors.EVENT_READ)
        looked = [key.fd for _ in range(3) for key, _ in selector.select(1)]
        assert set(looked[:5]) == {one.fileno() for one, _ in pairs}
        selector._pace.hurried = True
        assert len(selector.select(1)) == 5
    finally:
        selector.close()
        for pair in pairs:
            for each in pair:
                each.close()
