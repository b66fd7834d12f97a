"""A stream of a function-hooked SDK settles exactly once, whichever way it ends, and leaves nothing attached between its chunks."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, List

import pytest

pytest.importorskip("ollama", reason="the ollama package is not installed")

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core import scope
from revenium_middleware.testing import Fault

ASK = {"model": "m", "messages": [{"role": "user", "content": "Why is the sky blue?"}], "stream": True}
Records = Callable[[], List[Any]]


def ended(records: Records) -> List[Any]:
    return [(record.values["stop_reason"], record.values["usage_source"]) for record in records()]


def test_read_to_its_end(client: Any, provider: Any, records: Records) -> None:
    list(client.chat(**ASK))
    (record,) = records()
    assert (record.values["input_token_count"], record.values["output_token_count"]) == (provider.usage.input, provider.usage.output)
    assert record.values["is_streamed"] and record.values["time_to_first_token"] >= 0
    assert revenium_middleware.status().open_streams == 0


def test_closed_early_is_recorded_before_close_returns(client: Any, records: Records) -> None:
    stream = client.chat(**ASK)
    next(stream)
    stream.close()
    assert revenium_middleware.status().recorded == 1
    assert ended(records) == [("CANCELLED", "estimated")]
    (record,) = records()
    assert record.values["input_token_count"] > 0 and record.values["output_token_count"] > 0


def test_dropped_early(client: Any, records: Records) -> None:
    next(client.chat(**ASK))
    assert ended(records) == [("CANCELLED", "estimated")]


def test_left_by_break_it_stays_open_and_can_be_resumed(client: Any, records: Records) -> None:
    stream = client.chat(**ASK)
    for _ in stream:
        break
    assert records() == [] and revenium_middleware.status().open_streams == 1
    list(stream)
    assert ended(records) == [("END", "provider")]


@pytest.mark.parametrize("way", ["dropped", "closed", "collected in a cycle"])
def test_never_started_is_never_sent_and_no_record(way: str, client: Any, provider: Any, records: Records) -> None:
    stream = client.chat(**ASK)
    if way == "closed":
        stream.close()
    elif way == "collected in a cycle":
        cycle: List[Any] = [stream]
        cycle.append(cycle)
        del cycle
    del stream
    assert records() == [] and provider.log == []
    assert revenium_middleware.status().open_streams == 0


def test_its_clock_starts_with_the_first_step(client: Any, records: Records) -> None:
    stream = client.chat(**ASK)
    waited = threading.Event()
    waited.wait(0.3)
    list(stream)
    (record,) = records()
    assert record.values["request_duration"] < 300 or record.values["time_to_first_token"] < record.values["request_duration"]


def test_broken_off_within(client: Any, provider: Any, records: Records) -> None:
    provider.script(Fault.error_event(after=2))
    with pytest.raises(Exception, match="server had an error"):
        list(client.chat(**ASK))
    assert ended(records) == [("ERROR", "estimated")]


def test_refused_at_its_first_step(client: Any, provider: Any, records: Records) -> None:
    provider.script(Fault.bad_request())
    stream = client.chat(**ASK)
    with pytest.raises(Exception, match="Invalid value"):
        next(stream)
    (record,) = records()
    assert (record.values["error_code"], record.values["output_token_count"]) == (400, 0)


def test_what_could_not_be_sent_is_no_record(client: Any, provider: Any, records: Records) -> None:
    unsendable = {"model": object()}
    if hasattr(client, "_stream"):  # before 0.4
        stream = client._stream("POST", "/api/chat", json=unsendable)
    else:
        stream = client._request(dict, "POST", "/api/chat", json=unsendable, stream=True)
    with pytest.raises(TypeError):
        next(stream)
    assert records() == [] and provider.log == []


def test_async_endings(provider: Any, records: Records) -> None:
    import ollama

    async def work() -> None:
        client = ollama.AsyncClient(provider.url)
        async for _ in await client.chat(**ASK):
            pass
        closed = await client.chat(**ASK)
        await closed.__anext__()
        await closed.aclose()
        assert revenium_middleware.status().recorded == 2
        dropped = await client.chat(**ASK)
        await dropped.__anext__()
        del dropped
        never = await client.chat(**ASK)
        del never
        gc.collect()
        await client._client.aclose()

    asyncio.run(work())
    assert ended(records) == [("END", "provider"), ("CANCELLED", "estimated"), ("CANCELLED", "estimated")]


def test_a_cancelled_task_is_recorded(provider: Any, records: Records) -> None:
    import ollama

    async def work() -> None:
        client = ollama.AsyncClient(provider.url)
        provider.script(Fault.slow(between=5.0))

        async def read() -> None:
            async for _ in await client.chat(**ASK):
                pass

        task = asyncio.ensure_future(read())
        while not provider.log:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client._client.aclose()

    asyncio.run(work())
    assert [record.values["stop_reason"] for record in records()] == ["CANCELLED"]


def test_nothing_is_attached_between_chunks(client: Any) -> None:
    stream = client.chat(usage_metadata={"agent": "poet"}, **ASK)
    for _ in stream:
        assert scope.current() == scope.Scope()
    assert scope.current() == scope.Scope()


def test_many_at_once_are_one_record_each(client: Any, provider: Any, records: Records) -> None:
    streams = [client.chat(usage_metadata={"agent": "agent-%d" % number}, **ASK) for number in range(8)]
    while streams:
        streams = [stream for stream in streams if next(stream, None) is not None]
    found = records()
    assert {record.values["agent"] for record in found} == {"agent-%d" % number for number in range(8)}
    assert sum(record.values["output_token_count"] for record in found) == provider.usage.output


def test_a_collector_that_closes_a_stream_while_the_sender_is_being_started_does_not_block(client: Any, records: Records) -> None:
    """What a finaliser may interrupt is held here by this very thread; it has to come through, and the record to be kept."""
    stream = client.chat(**ASK)
    next(stream)
    sender = runtime.delivery().sender  # type: ignore[union-attr]
    done = threading.Event()

    class Holder:
        def __del__(self) -> None:
            stream.close()
            done.set()

    with sender._start:
        holder = Holder()
        sender._thread, thread = None, sender._thread
        del holder
        assert done.is_set()
        sender._thread = thread
    assert ended(records) == [("CANCELLED", "estimated")]


AT_EXIT = """
import ollama, revenium_middleware_ollama
stream = ollama.Client({url!r}).chat(model="m", messages=[{{"role": "user", "content": "Hello"}}], stream=True)
next(stream)
"""


def test_open_at_exit_is_recorded(provider: Any, tmp_path: Path, records: Records) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", AT_EXIT.format(url=provider.url)], env=environment, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    runtime.delivery()  # so that there is a ledger to look into
    assert ended(records) == [("CANCELLED", "estimated")]
