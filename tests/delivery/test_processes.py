"""Records outlive their process: killed, forked, ended with the service down, and found by the next one."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._delivery.claim import dead_owners
from revenium_middleware._delivery.intake import journals_of
from revenium_middleware.testing import Fault

from .conftest import popen


def test_a_kill_right_after_the_call_loses_nothing_and_the_next_process_delivers(metering, provider, child):
    child(
        """
        import openai
        client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k")
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}], usage_metadata={"agent": "killed"})
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        code_of_return=-9,
        PROVIDER=provider.openai_url,
        REVENIUM_METERING_BASE_URL="http://127.0.0.1:9",
    )
    child("keep(1); revenium_middleware.flush(20)", REVENIUM_METERING_API_KEY="")
    assert metering.records == []
    with sqlite3.connect(os.environ["REVENIUM_LEDGER"]) as direct:  # it was to go elsewhere: send it here
        direct.execute("UPDATE record SET base_url = ? WHERE state = 0", (metering.url + "/meter/",))
    direct.close()
    child("keep(1); assert revenium_middleware.flush(20) == 0, revenium_middleware.status()")
    assert sorted(payload.get("agent", "") for payload in metering.payloads()) == ["", "killed"]


def test_kills_at_any_moment_lose_nothing_that_was_acknowledged(metering, child, tmp_path):
    acknowledged = []
    for number in range(4):
        process = popen(
            """
            n = 0
            while True:
                keep(1, transaction_id="%s-%%d" %% n)
                print("%s-%%d" %% n, flush=True)
                n += 1
            """
            % (number, number)
        )
        lines = [process.stdout.readline().strip() for _ in range(30 + 7 * number)]
        process.kill()
        lines += process.communicate()[0].split()
        acknowledged += [line for line in lines if line]
    child("keep(1, transaction_id='last'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    arrived = {payload["transactionId"] for payload in metering.payloads()}
    assert set(acknowledged) <= arrived
    assert len(metering.payloads()) == len(arrived), "each once"


def test_a_restart_keeps_the_idempotency_key(metering, child):
    metering.script(*[Fault.server_error()] * 6)
    child("keep(3); print(revenium_middleware.flush(0.2))", REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="0.1")
    first = {each.key for each in metering.records}
    child("keep(1); assert revenium_middleware.flush(30) == 0")
    keys = [each.key for each in metering.records]
    assert first
    assert len(set(keys)) == 4
    assert len(metering.accepted) == 4


def test_normal_exit_delivers(metering, child):
    child("keep(25)")
    assert len(metering.accepted) == 25


def test_exit_with_a_hung_service_keeps_to_its_budget_and_the_records_stay(metering, child):
    metering.script(*[Fault.silence()] * 200)
    # the child is given a minute: without a budget of its own it would try for a day
    done = child("keep(40); print('end', flush=True)", REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="1")
    assert done.stdout.strip() == "end"
    metering.reset()
    child("keep(1); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    assert len(metering.accepted) == 41


def test_exit_with_a_budget_of_zero_leaves_everything_for_later(metering, child):
    nowhere = {"REVENIUM_SHUTDOWN_TIMEOUT_SECONDS": "0", "REVENIUM_METERING_BASE_URL": "http://127.0.0.1:9"}
    child("keep(5)", **nowhere)
    status = child("keep(1); s = revenium_middleware.status(); print(s.pending)", **nowhere).stdout
    assert int(status) == 6


def test_os_exit_loses_nothing(metering, child):
    child("keep(5); os._exit(0)")
    child("keep(1); assert revenium_middleware.flush(30) == 0")
    assert len(metering.accepted) == 6


def test_an_exception_and_a_sigint_are_the_apps_own(metering, child):
    failed = child("keep(1)\nraise SystemExit(3)", code_of_return=3)
    assert failed.stderr.count("Traceback") == 0
    interrupted = child("keep(1)\ntry:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(9)\nexcept KeyboardInterrupt:\n    print('seen')")
    assert interrupted.stdout.strip() == "seen"
    child("assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL; keep(1); assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL")
    assert len(metering.accepted) == 3


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_forked_childs_records_and_the_parents_are_each_delivered_once(metering, child, end):
    child(
        """
        keep(2, agent="parent"); revenium_middleware.flush(20); keep(2, agent="parent")
        pid = os.fork()
        if pid == 0:
            keep(3, agent="child")
            %s
        os.waitpid(pid, 0)
        keep(2, agent="parent")
        runtime.delivery().tidy()
        assert revenium_middleware.flush(30) == 0, revenium_middleware.status()
        """
        % end
    )
    child("keep(1, agent='last'); assert revenium_middleware.flush(30) == 0")
    agents = [payload["agent"] for payload in metering.payloads()]
    assert (agents.count("parent"), agents.count("child"), agents.count("last")) == (6, 3, 1)
    assert len(agents) == 10


def test_many_processes_share_one_ledger(metering, child):
    processes = [popen("keep(20, agent='p%d'); assert revenium_middleware.flush(30) >= 0" % number) for number in range(4)]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    child("keep(1); assert revenium_middleware.flush(30) == 0")
    assert len(metering.payloads()) == 81
    assert len({each.key for each in metering.records if each.accepted}) == 81


def test_nothing_is_left_beside_the_ledger_once_all_is_delivered(metering, child, tmp_path):
    child("keep(5)")
    child("keep(1); runtime.delivery().tidy(); assert revenium_middleware.flush(30) == 0")
    directory = journals_of(tmp_path / "ledger.db")
    for dead in dead_owners(directory):
        dead.done(False)
    owners = {path.name.split(".")[0] for path in directory.iterdir()}
    assert len(owners) <= 1, "the last process's own files, for the next one to take over"


def test_nothing_starts_before_the_first_record(child):
    done = child(
        """
        import threading
        before = threading.active_count()
        from revenium_middleware import status
        print(before, threading.active_count(), 'aiohttp' in sys.modules, 'sqlite3' in sys.modules, os.path.exists(os.environ["REVENIUM_LEDGER"]))
        """
    )
    assert done.stdout.split() == ["1", "1", "False", "False", "False"]


def test_flushes_of_many_threads_all_return(metering):
    from .test_sending import keep

    keep(10)
    left = []
    threads = [threading.Thread(target=lambda: left.append(revenium_middleware.flush(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert left == [0] * 8
    assert len(metering.accepted) == 10
    assert runtime.status().delivered == 10
