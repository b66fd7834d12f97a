"""The ambient scope: blocks and decorators around every kind of function, nested, across tasks and threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading

import pytest

from revenium_middleware import metadata, revenium_metadata, revenium_meter
from revenium_middleware._core.scope import Scope, current, enter, leave


def seen():
    return dict(current().metadata)


@pytest.fixture(autouse=True)
def nothing_left_behind():
    yield
    assert current() == Scope()


def test_a_block_applies_inside_and_is_gone_outside():
    with metadata(agent="a", traceId="t"):
        assert seen() == {"agent": "a", "trace_id": "t"}
    assert seen() == {}


def test_blocks_nest_and_leaving_one_restores_the_outer():
    with metadata(agent="outer", task_type="kept", subscriber={"id": "u"}):
        with metadata(agent="inner", subscriber={"email": "e@x"}):
            assert seen() == {"agent": "inner", "task_type": "kept", "subscriber": {"id": "u", "email": "e@x"}}
        assert seen() == {"agent": "outer", "task_type": "kept", "subscriber": {"id": "u"}}


def test_a_block_that_raises_restores_too():
    with pytest.raises(KeyError), metadata(agent="a"):
        raise KeyError("x")
    assert seen() == {}


def test_later_changes_to_what_was_given_do_not_reach_the_scope():
    subscriber = {"id": "u", "credential": {"name": "n"}}
    with metadata(subscriber=subscriber):
        subscriber["id"] = "changed"
        subscriber["credential"]["name"] = "changed"
        assert seen() == {"subscriber": {"id": "u", "credential": {"name": "n"}}}


# ---------------------------------------------------------------------- every kind of function


@revenium_metadata(agent="a")
def plain(value):
    return value, seen()


@revenium_metadata(agent="a")
async def coroutine(value):
    await asyncio.sleep(0)
    return value, seen()


@revenium_metadata(agent="a")
def generator(value):
    try:
        while True:
            value = yield value, seen()
    except ValueError:
        yield "handled", seen()
    return "result"


@revenium_metadata(agent="a")
async def async_generator(value):
    try:
        while True:
            await asyncio.sleep(0)
            value = yield value, seen()
    except ValueError:
        yield "handled", seen()
    finally:
        await asyncio.sleep(0)


class Service:
    @revenium_metadata(agent="a")
    def method(self, value):
        return self, value, seen()

    @classmethod
    @revenium_metadata(agent="a")
    def of_class(cls, value):
        return cls, value, seen()

    @staticmethod
    @revenium_metadata(agent="a")
    def static(value):
        return value, seen()

    @property
    @revenium_metadata(agent="a")
    def calculated(self):
        return seen()


A = {"agent": "a"}


def test_functions_and_methods():
    service = Service()
    assert plain(1) == (1, A)
    assert service.method(2) == (service, 2, A)
    assert Service.of_class(3) == (Service, 3, A)
    assert Service.static(4) == (4, A)
    assert service.calculated == A


def test_coroutines():
    assert asyncio.run(coroutine(1)) == (1, A)


def test_a_generators_scope_holds_in_each_step_and_never_between():
    steps = generator(1)
    assert next(steps) == (1, A)
    assert seen() == {}
    with metadata(agent="outer", task_type="between"):
        assert steps.send(2) == (2, A)
        assert seen() == {"agent": "outer", "task_type": "between"}
    assert steps.throw(ValueError()) == ("handled", A)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "result"


def test_a_generator_is_closed_when_it_is_left():
    closed = []

    @revenium_metadata(agent="a")
    def numbers():
        try:
            yield 1
        finally:
            closed.append(seen())

    for _ in numbers():
        break
    steps = numbers()
    next(steps)
    steps.close()
    assert closed == [A, A]


def test_async_generators_likewise():
    async def consume():
        steps = async_generator(1)
        assert await steps.__anext__() == (1, A)
        assert seen() == {}
        assert await steps.asend(2) == (2, A)
        assert await steps.athrow(ValueError()) == ("handled", A)
        with pytest.raises(StopAsyncIteration):
            await steps.__anext__()
        left = async_generator(1)
        async for _ in left:
            break
        await left.aclose()
        assert seen() == {}

    asyncio.run(consume())


def test_an_exception_passes_unchanged_through_every_kind():
    error = RuntimeError("theirs")

    @revenium_meter()
    def fails():
        raise error

    @revenium_meter()
    async def fails_later():
        raise error

    @revenium_meter()
    def fails_stepwise():
        yield 1
        raise error

    for call in (fails, lambda: asyncio.run(fails_later()), lambda: list(fails_stepwise())):
        with pytest.raises(RuntimeError) as raised:
            call()
        assert raised.value is error


def test_a_decorated_function_stays_what_it_was():
    for function in (plain, coroutine, generator, async_generator):
        assert function.__name__ == function.__wrapped__.__name__
        assert inspect.signature(function) == inspect.signature(function.__wrapped__)
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isasyncgenfunction(async_generator)
    assert inspect.isgeneratorfunction(generator)


@pytest.mark.parametrize("wrong", [int, property(lambda self: 1), staticmethod(len), classmethod(len), 7, "text"], ids=lambda value: type(value).__name__)
def test_what_is_no_function_is_refused_at_once(wrong):
    with pytest.raises(TypeError, match="decorate the function itself"):
        revenium_metadata(agent="a")(wrong)


# ---------------------------------------------------------------------- selective metering and names


def test_the_meter_decorator_marks_the_scope_and_names_the_transaction():
    @revenium_meter(operation_type="CHAT", metadata={"agent": "a", "organizationName": "Acme"}, name="Answer")
    def metered():
        return current()

    scope = metered()
    assert scope.metered is True
    assert dict(scope.metadata) == {"agent": "a", "organization_name": "Acme", "transaction_name": "Answer"}
    assert revenium_meter()(current)() == Scope(metered=True)
    assert revenium_metadata(agent="x")(current)().metered is False


def test_an_inner_decorator_keeps_the_mark_of_the_outer():
    @revenium_meter()
    def outer():
        return revenium_metadata(agent="inner")(current)()

    assert outer() == Scope({"agent": "inner"}, metered=True)


# ---------------------------------------------------------------------- tasks and threads


def test_tasks_have_scopes_of_their_own():
    async def work(name):
        with metadata(agent=name):
            for _ in range(5):
                await asyncio.sleep(0)
                assert seen() == {"task_type": "all", "agent": name}
        return seen()

    async def together():
        with metadata(task_type="all"):
            return await asyncio.gather(*(work("agent-%d" % number) for number in range(10)))

    assert asyncio.run(together()) == [{"task_type": "all"}] * 10


def test_a_thread_has_the_scope_it_was_started_in_and_a_copied_context_its_own():
    found = []
    with metadata(agent="a"):
        context = contextvars.copy_context()
        for target in (lambda: found.append(seen()), lambda: context.run(lambda: found.append(seen()))):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert found == [A, A]


def test_threads_do_not_see_each_others_scopes():
    barrier = threading.Barrier(8)

    def work(name):
        with metadata(agent=name):
            barrier.wait()
            return seen()["agent"] == name

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, map(str, range(8))))


def test_the_scope_is_a_value_that_cannot_be_changed():
    with metadata(agent="a"):
        with pytest.raises(TypeError):
            current().metadata["agent"] = "b"
        with pytest.raises(AttributeError):
            current().metered = True
    token = enter(Scope(owner="x"))
    leave(token)
