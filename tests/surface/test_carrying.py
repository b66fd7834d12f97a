"""Attribution follows work into threads, pools and tasks; nothing else does, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import revenium_middleware
from revenium_middleware import carry_context, metadata
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core import scope
from revenium_middleware._core.scope import current

OTHER = contextvars.ContextVar("other", default="default")


def agent():
    return current().metadata.get("agent")


@pytest.fixture
def hooked():
    """As after the first scope of a process."""
    scope.on_first_use(runtime._carry)
    with metadata(agent="first"):
        pass
    assert runtime._carrying.hooked


def in_thread(make):
    found = []
    thread = make(found)
    thread.start()
    thread.join(30)
    assert "run" not in vars(thread)
    return found


class Own(threading.Thread):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def run(self):
        self.found.append(agent())


class Starting(Own):
    def start(self):
        super().start()


THREADS = {
    "target": lambda found: threading.Thread(target=lambda: found.append(agent())),
    "own run()": Own,
    "own start()": Starting,
    "timer": lambda found: threading.Timer(0, lambda: found.append(agent())),
}


@pytest.mark.parametrize("kind", THREADS)
def test_a_thread_works_for_who_started_it(hooked, kind):
    with metadata(agent="a"):
        assert in_thread(THREADS[kind]) == ["a"]
    assert in_thread(THREADS[kind]) == [None]


def test_only_our_own_scope_is_carried(hooked):
    OTHER.set("set here")
    with metadata(agent="a"), ThreadPoolExecutor(1) as pool:
        plain = threading.Thread(target=lambda: seen.append(OTHER.get()))
        seen = []
        plain.start()
        plain.join(30)
        expected = contextvars.Context().run(OTHER.get) if not getattr(__import__("sys").flags, "thread_inherit_context", 0) else "set here"
        assert seen == [expected]
        assert pool.submit(OTHER.get).result(30) == expected


def test_threads_of_threads_work_for_the_first(hooked):
    with metadata(agent="a"):
        assert in_thread(lambda found: threading.Thread(target=lambda: found.extend(in_thread(Own)))) == ["a"]


def test_a_pool_works_for_who_submits_and_its_threads_for_nobody(hooked):
    begun = []
    with ThreadPoolExecutor(1, initializer=lambda: begun.append(agent())) as pool:
        with metadata(agent="a"):
            first = pool.submit(agent)
        assert first.result(30) == "a"
        assert pool.submit(agent).result(30) is None, "the pool's thread was started inside the block"
        with metadata(agent="b"):
            assert list(pool.map(lambda _: agent(), range(3))) == ["b"] * 3
            assert agent() == "b"
        assert pool.submit(agent).result(30) is None
    assert begun == [None]


def test_results_errors_and_arguments_are_those_of_the_function(hooked):
    with ThreadPoolExecutor(2) as pool, metadata(agent="a"):
        assert pool.submit(lambda *args, **kwargs: (args, kwargs), 1, x=2).result(30) == ((1,), {"x": 2})
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 // 0).result(30)
        with pytest.raises(TypeError):
            pool.submit()
        thread = threading.Thread(target=int)
        thread.start()
        thread.join(30)
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        assert "run" not in vars(thread)


def test_tasks_and_to_thread_follow_by_themselves(hooked):
    async def work():
        loop = asyncio.get_running_loop()
        with metadata(agent="a"):
            task = asyncio.ensure_future(later())
            in_executor = loop.run_in_executor(None, agent)
            threaded = asyncio.to_thread(agent) if hasattr(asyncio, "to_thread") else in_executor
            found = [await in_executor, await threaded]
        return [*found, await task, await loop.run_in_executor(None, agent)]

    async def later():
        await asyncio.sleep(0)
        return agent()

    found = asyncio.run(work())
    assert found == ["a", "a", "a", None]


def test_tasks_follow_without_any_hook_of_ours(monkeypatch):
    monkeypatch.setattr(runtime._carrying, "hooked", False)

    async def work():
        async def later():
            return agent()

        with metadata(agent="a"):
            task = asyncio.ensure_future(later())
        return await task

    assert asyncio.run(work()) == "a"


def test_other_patchers_before_and_after_us_still_work_and_uninstall_leaves_theirs(hooked):
    """As Sentry does: wraps start, and gives the thread a run of its own."""
    seen = []
    ours = threading.Thread.start

    def theirs(self, *args, **kwargs):
        own = self.run

        def run():
            seen.append(agent())
            own()

        self.run = run
        return ours(self, *args, **kwargs)

    threading.Thread.start = theirs
    try:
        found = []
        with metadata(agent="a"):
            thread = threading.Thread(target=lambda: found.append(agent()))
            thread.start()
            thread.join(30)
        assert (found, seen) == (["a"], ["a"])
        runtime._carrying.uninstall()
        with metadata(agent="a"):
            thread = threading.Thread(target=lambda: found.append(agent()))
            thread.start()
            thread.join(30)
        assert (found, threading.Thread.start) == (["a", None], theirs)
    finally:
        threading.Thread.start = ours.__wrapped__


MATRIX = """
import threading
from concurrent.futures import ThreadPoolExecutor
before = threading.Thread.start, ThreadPoolExecutor.submit
import revenium_middleware, revenium_middleware.openai
from revenium_middleware._core.scope import current
untouched = (threading.Thread.start, ThreadPoolExecutor.submit) == before
found = []
def seen():
    found.append(current().metadata.get("agent"))
def both():
    with revenium_middleware.metadata(agent="a"):
        thread = threading.Thread(target=seen)
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(seen).result()
both()
hooked = (threading.Thread.start, ThreadPoolExecutor.submit) != before
revenium_middleware.uninstall()
restored = (threading.Thread.start, ThreadPoolExecutor.submit) == before
both()
print(untouched, hooked, restored, *found)
"""


def test_nothing_is_hooked_before_the_first_scope_and_uninstall_restores(program):
    assert program(MATRIX).stdout.split() == ["True", "True", "True", "a", "a", "None", "None"]


def test_a_scope_alone_says_nothing_about_keys_and_hooks_once(program):
    code = """
import revenium_middleware
from revenium_middleware._calls.runtime import runtime
for _ in range(2):
    runtime._carry()
    runtime._carrying.uninstall()
with revenium_middleware.metadata(agent="a"):
    pass
from concurrent.futures import ThreadPoolExecutor
print(hasattr(ThreadPoolExecutor.submit.__wrapped__, "__wrapped__"))
"""
    done = program(code)
    assert (done.stdout.split(), done.stderr) == (["False"], "")


def test_it_can_be_switched_off(program):
    assert program(MATRIX, REVENIUM_CARRY_CONTEXT="0").stdout.split() == ["True", "False", "True", "None", "None", "None", "None"]


def test_greenlets_that_replace_threads_carry_it_too(program):
    pytest.importorskip("gevent")
    code = "import warnings; warnings.simplefilter('ignore')\nfrom gevent import monkey; monkey.patch_all()\n" + MATRIX
    assert program("", "-W", "ignore", "-c", code).stdout.split() == ["True", "True", "True", "a", "a", "None", "None"]


def test_carry_context_takes_a_function_anywhere(hooked):
    with metadata(agent="a"):
        plain, asynchronous, generator = carry_context(agent), carry_context(later), carry_context(stepping)
    assert (plain(), asyncio.run(asynchronous()), list(generator())) == ("a", "a", ["a", "a"])
    assert agent() is None


async def later():
    await asyncio.sleep(0)
    return agent()


def stepping():
    yield agent()
    yield agent()


def test_a_call_in_a_thread_is_attributed(hooked, provider, records):
    import openai

    with openai.OpenAI(base_url=provider.openai_url, api_key="k") as own:

        def ask():
            own.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}])

        with revenium_middleware.metadata(organization_name="AcmeCorp", agent="a"):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join(30)
    (record,) = records()
    assert (record.values["organization_name"], record.values["agent"]) == ("AcmeCorp", "a")
