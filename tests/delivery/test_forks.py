"""Many processes on one ledger: forked, spawned, pooled, stopped. Each record is sent by one of them, and none is lost."""

from __future__ import annotations

import os
import signal
import time

import pytest

from revenium_middleware.testing import MeteringServer

from .conftest import PRELUDE, popen

METHODS = ("fork", "spawn", "forkserver")


@pytest.fixture
def script(tmp_path, child, monkeypatch):
    """Runs a program from a file, as processes that are spawned want it; ``work(name, n)`` records in any of them."""

    def run(main, code_of_return=0, **environment):
        path = tmp_path / "program.py"
        body = "\n".join("    " + line for line in main.strip("\n").splitlines())
        path.write_text(
            PRELUDE
            + """
import multiprocessing, threading

def work(name, n=5):
    for number in range(n):
        keep(1, agent=name, transaction_id="%%s-%%d-%%d" %% (name, os.getpid(), number))
    return n

def held(name):
    work(name)
    time.sleep(600)

if __name__ == "__main__":
%s
"""
            % body
        )
        code = "import runpy; sys.argv = [%r]; exec(compile(open(%r).read(), %r, 'exec'))" % (str(path), str(path), str(path))
        if "multiprocessing" in main:  # spawned processes look for the file of __main__
            code = "os.execv(sys.executable, [sys.executable, %r])" % str(path)
        return child(code, code_of_return, **environment)

    return run


def each_once(metering, **agents):
    """What the service stored: so many of each agent, each under one key.

    A process that ended without Python's own ending (``os._exit``, also after a forked worker of multiprocessing) may have had
    a POST under way: that one is repeated, under its key.
    """
    payloads = [payload for payload in metering.payloads() if payload.get("agent") != "next"]
    assert {agent: sum(payload["agent"] == agent for payload in payloads) for agent in agents} == agents
    assert len(payloads) == sum(agents.values())


def none_repeated(metering):
    keys = [each.key for each in metering.records]
    assert len(keys) == len(set(keys)), "a record was sent by two processes"


def rest_arrives(child):
    child("keep(1, agent='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")


@pytest.mark.parametrize("method", METHODS)
def test_processes_of_multiprocessing(metering, child, script, method):
    script(
        """
context = multiprocessing.get_context(%r)
work("parent")
children = [context.Process(target=work, args=("child",)) for _ in range(3)]
for each in children:
    each.start()
work("parent")
for each in children:
    each.join()
    assert each.exitcode == 0
revenium_middleware.flush(30)
"""
        % method
    )
    rest_arrives(child)
    each_once(metering, parent=10, child=15)
    if method == "spawn":
        none_repeated(metering)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_that_is_closed_and_joined(metering, child, script, method):
    script(
        """
work("parent")
with multiprocessing.get_context(%r).Pool(3, maxtasksperchild=2) as pool:
    assert pool.map(work, ["pool"] * 8, chunksize=1) == [5] * 8
    pool.close()
    pool.join()
"""
        % method
    )
    rest_arrives(child)
    each_once(metering, parent=5, pool=40)


def test_a_pool_that_is_terminated(metering, child, script):
    script(
        """
pool = multiprocessing.get_context("fork").Pool(3)
assert pool.map(work, ["pool"] * 6, chunksize=1) == [5] * 6
pool.terminate()
pool.join()
work("parent")
"""
    )
    rest_arrives(child)
    each_once(metering, parent=5, pool=30)


def test_a_process_pool_executor(metering, child, script):
    script(
        """
from concurrent.futures import ProcessPoolExecutor
work("parent")
with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
    assert sum(pool.map(work, ["pool"] * 6)) == 30
"""
    )
    rest_arrives(child)
    each_once(metering, parent=5, pool=30)


def test_subprocesses_that_record_share_the_ledger(metering, child, tmp_path):
    (tmp_path / "sub.py").write_text(PRELUDE + "keep(4, agent='sub')")
    child(
        """
        import subprocess
        keep(3, agent="parent")
        running = [subprocess.Popen([sys.executable, os.environ["PROGRAM"]]) for _ in range(3)]
        assert [each.wait() for each in running] == [0] * 3
        keep(3, agent="parent")
        """,
        PROGRAM=str(tmp_path / "sub.py"),
    )
    rest_arrives(child)
    each_once(metering, parent=6, sub=12)
    none_repeated(metering)


def test_a_living_parent_soon_delivers_what_a_forked_child_left(metering):
    """Nothing more is recorded by the parent, and nothing is flushed: it looks by itself."""
    process = popen(
        """
        keep(1, agent="parent")
        assert revenium_middleware.flush(30) == 0
        time.sleep(0.5)  # the sender rests
        if os.fork() == 0:
            runtime.delivery().sender.wake = lambda: None  # nor does the child send anything
            keep(7, agent="child")
            os._exit(0)
        os.wait()
        print("left", flush=True)
        time.sleep(600)
        """
    )
    try:
        assert process.stdout.readline() == "left\n"
        metering.wait_for(8, timeout=25)  # without looking it would be 30 s
    finally:
        process.kill()
        process.communicate()
    each_once(metering, parent=1, child=7)


def test_a_neighbour_under_steady_load_delivers_what_a_killed_process_left(metering):
    busy = popen("while True: keep(1, agent='busy'); time.sleep(0.01)")
    try:
        metering.wait_for(5, timeout=30)
        killed = popen("runtime.delivery().sender.wake = lambda: None\nkeep(7, agent='killed'); os.kill(os.getpid(), 9)")
        killed.communicate(timeout=60)
        until = time.monotonic() + 25
        while [payload["agent"] for payload in metering.payloads()].count("killed") < 7:
            assert time.monotonic() < until, "nobody took it over"
            time.sleep(0.1)
    finally:
        busy.kill()
        busy.communicate()


def test_grandchildren_and_siblings_by_raw_fork(metering, child):
    child(
        """
        keep(2, agent="parent")
        for _ in range(3):
            if os.fork() == 0:
                keep(2, agent="child")
                if os.fork() == 0:
                    keep(2, agent="grandchild")
                    os._exit(0)
                os.wait()
                assert revenium_middleware.flush(30) >= 0
                os._exit(0)
        keep(2, agent="parent")
        while True:
            try:
                os.wait()
            except ChildProcessError:
                break
        """
    )
    rest_arrives(child)
    each_once(metering, parent=4, child=6, grandchild=6)


def test_forks_while_every_thread_records_never_hang(metering, child):
    """Forks meet the journal, the sender's transactions, and connections that are being opened for a status."""
    done = child(
        """
        import threading
        going = True
        def recording(name):
            while going:
                keep(1, agent=name)
                time.sleep(0.001)
        def asking():
            while going:
                revenium_middleware.status()
                time.sleep(0.001)
        works = [(recording, ("thread",))] * 3 + [(asking, ())]
        threads = [threading.Thread(target=work, args=arguments, daemon=True) for work, arguments in works]
        for thread in threads:
            thread.start()
        for _ in range(30):
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)  # a hang would be forever
                keep(2, agent="child")
                revenium_middleware.status()  # opens a connection of its own
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        going = False
        for thread in threads:
            thread.join()
        print(runtime.delivery().recorded)
        """
    )
    rest_arrives(child)
    each_once(metering, thread=int(done.stdout), child=60)


def test_a_forked_child_starts_with_its_own_counters_and_no_thread(child):
    child(
        """
        import threading
        keep(3)
        if os.fork() == 0:
            assert threading.active_count() == 1
            assert revenium_middleware.status().recorded == 0
            keep(1)
            assert revenium_middleware.status().recorded == 1
            os._exit(0)
        assert os.wait()[1] == 0
        assert revenium_middleware.status().recorded == 3
        """
    )


# ---------------------------------------------------------------------- frozen between calls


def test_a_host_that_freezes_between_calls_delivers_at_each_flush(metering, child):
    """Stopped as functions as a service are, its connection gone when it goes on: ``flush`` delivers, and always returns."""
    process = popen(
        """
        for _ in range(4):
            keep(3, agent="frozen")
            print("left", revenium_middleware.flush(30), flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        """
    )
    server = metering
    try:
        for _ in range(4):
            assert process.stdout.readline() == "left 0\n"
            assert [each.payload["agent"] for each in server.records] == ["frozen"] * 3
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            server.stop()
            server = MeteringServer(port=int(metering.url.rpartition(":")[2]))
            process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        server.stop()
        process.kill()
        process.communicate()


def test_a_stopped_process_keeps_its_leases_and_goes_on(child, monkeypatch):
    """Another process meanwhile neither waits for it nor takes over what is its own."""
    with MeteringServer() as metering:
        monkeypatch.setenv("REVENIUM_METERING_API_KEY", "hak_loopback_0123456789")
        monkeypatch.setenv("REVENIUM_METERING_BASE_URL", metering.url)
        stopped = popen("while True: keep(1, agent='stopped'); time.sleep(0.005)")
        try:
            metering.wait_for(20, timeout=30)
            stopped.send_signal(signal.SIGSTOP)
            child("keep(5, agent='living'); revenium_middleware.flush(10)")
            assert [payload["agent"] for payload in metering.payloads()].count("living") == 5
            before = len(metering.accepted)
            stopped.send_signal(signal.SIGCONT)
            metering.wait_for(before + 20, timeout=30)
        finally:
            stopped.kill()
            stopped.communicate()
        child("keep(1, agent='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
        assert len(metering.payloads()) == len({each.key for each in metering.records})
