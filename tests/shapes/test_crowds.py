"""Many calls at once: no record lost, none twice, none with another call's numbers or names."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List

import openai

from .wire import MODEL, Wire

THREADS, CALLS, TASKS = 32, 20, 100
Records = Callable[[], List[Any]]


def _asked(number: int) -> Dict[str, Any]:
    """A request of its own length, so that its counts tell whose record it is."""
    return {"model": MODEL, "messages": [{"role": "user", "content": "x" * number}], "usage_metadata": {"agent": "agent-%d" % number}}


def _whole(records: List[Any], wire: Wire, numbers: List[int]) -> None:
    spent = {each.id: each.usage for each in wire.bills}
    assert len(spent) == len(numbers)
    assert sorted(record.values["agent"] for record in records) == sorted("agent-%d" % number for number in numbers)
    assert len({record.id for record in records}) == len(numbers)
    for record in records:
        values, bill = record.values, spent.pop(record.values["transaction_id"])
        assert values["agent"] == "agent-%d" % (bill.input - 20)
        assert (values["input_token_count"], values["output_token_count"], values["total_token_count"]) == (bill.input, bill.output, bill.total)
        assert values["usage_source"] == "provider"
    assert not spent


def test_threads_share_a_client(wire: Wire, records: Records) -> None:
    together = threading.Barrier(THREADS, timeout=60)

    def work(thread: int) -> int:
        together.wait()
        chunks = 0
        for call in range(CALLS):
            number = 1 + thread * CALLS + call
            if call % 2:
                chunks += sum(1 for _ in client.chat.completions.create(stream=True, **_asked(number)))
            else:
                answer = client.chat.completions.create(**_asked(number))
                assert getattr(answer, "_revenium_transaction_id", None) == answer.id
        return chunks

    with openai.OpenAI(api_key="sk-test", base_url=wire.openai_url, max_retries=0, timeout=60) as client:
        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(work, range(THREADS)))
    _whole(records(), wire, list(range(1, THREADS * CALLS + 1)))


def test_tasks_share_a_loop(wire: Wire, records: Records) -> None:
    async def work(client: openai.AsyncOpenAI, number: int) -> None:
        if number % 3 == 0:
            answer = await client.chat.completions.create(**_asked(number))
            assert answer._revenium_transaction_id == answer.id  # type: ignore[attr-defined]
        elif number % 3 == 1:
            async for _ in await client.chat.completions.create(stream=True, **_asked(number)):
                await asyncio.sleep(0)
        else:
            async with client.chat.completions.with_streaming_response.create(**_asked(number)) as response:
                assert await response.parse()

    async def main() -> None:
        async with openai.AsyncOpenAI(api_key="sk-test", base_url=wire.openai_url, max_retries=0, timeout=60) as client:
            await asyncio.gather(*(work(client, number) for number in range(1, TASKS + 1)))

    asyncio.run(main())
    _whole(records(), wire, list(range(1, TASKS + 1)))


def test_one_stream_read_by_several_threads_is_one_record(wire: Wire, records: Records) -> None:
    """Nobody should; whoever does gets one record all the same."""
    lock, seen = threading.Lock(), []

    def read() -> None:
        while True:
            with lock:
                chunk = next(stream, None)
            if chunk is None:
                return
            seen.append(chunk)

    with openai.OpenAI(api_key="sk-test", base_url=wire.openai_url) as client:
        stream = client.chat.completions.create(stream=True, **_asked(9))
        workers = [threading.Thread(target=read) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(seen) == 8
    _whole(records(), wire, [9])
