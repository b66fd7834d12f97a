"""Tasks in the background: one thread, the caller's context, a bounded end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest

import revenium_middleware
from revenium_middleware import run_async_in_thread, shutdown_event
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.scope import current

VARIABLE = contextvars.ContextVar("variable", default="")


def agent():
    return current().metadata.get("agent")


async def noting(found):
    await asyncio.sleep(0)
    found.append((agent(), VARIABLE.get(), threading.current_thread().name))


@pytest.mark.parametrize("form", ["coroutine", "function", "plain function"])
def test_it_runs_elsewhere_in_the_callers_context(form):
    found = []

    def plain():
        found.append((agent(), VARIABLE.get(), threading.current_thread().name))

    VARIABLE.set("copied")
    with revenium_middleware.metadata(agent="a"):
        task = run_async_in_thread({"coroutine": lambda: noting(found), "function": lambda: lambda: noting(found), "plain function": lambda: plain}[form]())
    task.join(30)
    assert (task.is_alive(), task.error) == (False, None)
    assert found == [("a", "copied", "revenium-worker")]


def test_the_next_task_does_not_see_the_context_of_the_first():
    found = []
    with revenium_middleware.metadata(agent="a"):
        run_async_in_thread(noting(found)).join(30)
    run_async_in_thread(noting(found)).join(30)
    assert [each[0] for each in found] == ["a", None]


def test_a_hundred_tasks_run_side_by_side_in_one_thread(metering):
    revenium_middleware.client.record_usage("m", 1, 1)
    before = threading.active_count()
    gate = threading.Event()

    async def waiting():
        while not gate.is_set():
            await asyncio.sleep(0.01)

    tasks = [run_async_in_thread(waiting()) for _ in range(100)]
    assert threading.active_count() == before + 1
    assert all(task.is_alive() for task in tasks)
    tasks[0].join(0.01)
    assert tasks[0].is_alive()
    gate.set()
    for task in tasks:
        task.join(30)
    assert len({task.name for task in tasks}) == 100
    assert not any(task.is_alive() for task in tasks)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_error_is_the_tasks_and_the_next_one_runs(error, caplog):
    async def failing():
        raise error("x")

    task = run_async_in_thread(failing())
    task.join(30)
    assert isinstance(task.error, error)
    found = []
    run_async_in_thread(noting(found)).join(30)
    assert len(found) == 1


def test_what_cannot_be_run_is_logged_once(caplog):
    assert [run_async_in_thread(each) for each in (5, 6, None)] == [None, None, None]
    assert [record.getMessage() for record in caplog.records if "run_async_in_thread takes" in record.getMessage()] == [
        "run_async_in_thread takes a coroutine or a function, not int: ignored"
    ]


def test_a_task_cannot_wait_for_itself():
    caught = []

    async def own():
        try:
            task.join()
        except RuntimeError as error:
            caught.append(error)

    ready = threading.Event()

    async def begin():
        while not ready.is_set():
            await asyncio.sleep(0.01)
        await own()

    task = run_async_in_thread(begin())
    ready.set()
    task.join(30)
    assert len(caught) == 1


def test_exit_waits_for_what_runs_and_what_it_records_arrives(program, metering):
    done = program(
        """
        import asyncio
        from revenium_middleware import client, run_async_in_thread
        async def work():
            await asyncio.sleep(0.5)
            await client.async_record_usage("m", 1, 1, agent="at exit")
        run_async_in_thread(work())
        """
    )
    assert [payload["agent"] for payload in metering.payloads()] == ["at exit"]
    assert done.stderr == ""


def test_exit_does_not_wait_for_ever_and_says_that_it_began(program, metering):
    started = time.monotonic()
    done = program(
        """
        import asyncio, threading
        from revenium_middleware import client, run_async_in_thread, shutdown_event
        async def endless():
            while True:
                await asyncio.sleep(0.05)
        async def until_shutdown():
            while not shutdown_event.is_set():
                await asyncio.sleep(0.05)
            print("ended", flush=True)
        assert isinstance(shutdown_event, threading.Event) and not shutdown_event.is_set()
        client.record_usage("m", 1, 1)
        run_async_in_thread(until_shutdown()); run_async_in_thread(endless())
        """,
        REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="2",
    )
    assert (done.stdout.split(), done.stderr) == (["ended"], "")
    assert len(metering.accepted) == 1
    assert time.monotonic() - started < 60, "and not for ever"


def test_a_forked_child_has_a_worker_of_its_own_and_nothing_to_wait_for(program, metering):
    done = program(
        """
        import asyncio, os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from revenium_middleware import client, run_async_in_thread
        async def forever():
            while True:
                await asyncio.sleep(0.05)
        async def record(agent):
            await client.async_record_usage("m", 1, 1, agent=agent)
        task = run_async_in_thread(forever())
        pid = os.fork()
        if pid == 0:
            task.join()
            assert not task.is_alive()
            run_async_in_thread(record("child")).join(30)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert task.is_alive()
        run_async_in_thread(record("parent")).join(30)
        """,
        REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="3",
    )
    assert done.stdout == ""
    assert sorted(payload["agent"] for payload in metering.payloads()) == ["child", "parent"]


def test_nothing_starts_with_the_import(program):
    done = program(
        """
        import sys, threading
        from revenium_middleware import run_async_in_thread, shutdown_event, client, on_metering_error, metering_key
        print(threading.active_count(), "aiohttp" in sys.modules, "sqlite3" in sys.modules, "httpx" in sys.modules, "genai_prices" in sys.modules)
        """
    )
    assert done.stdout.split() == ["1", "False", "False", "False", "False"]
    assert done.stderr == "", "nor is anything said at exit"


def test_the_event_is_the_runtimes_own():
    assert shutdown_event is runtime.shutdown_event
    assert not shutdown_event.is_set()


def test_greenlets_that_replace_threads_run_them_too(program, metering):
    pytest.importorskip("gevent")
    code = """
from gevent import monkey; monkey.patch_all()
import asyncio
from revenium_middleware import client, run_async_in_thread
async def work(number):
    await asyncio.sleep(0.05)
    await client.async_record_usage("m", 1, 1, agent=str(number))
tasks = [run_async_in_thread(work(number)) for number in range(3)]
for task in tasks:
    task.join(30)
    assert (task.error, task.is_alive()) == (None, False)
"""
    program("", "-W", "ignore", "-c", code)
    assert sorted(payload["agent"] for payload in metering.payloads()) == ["0", "1", "2"]
