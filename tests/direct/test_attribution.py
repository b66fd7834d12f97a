"""``usage_metadata=`` on function-hooked SDKs: accepted everywhere, passed on, never sent; names, scopes, owners and identity."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any, Callable, Iterator, List

import pytest

pytest.importorskip("ollama", reason="the ollama package is not installed")

import revenium_middleware
from revenium_middleware._core.scope import current, enter, leave

ASK = {"model": "m", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
WHO = {"organization_name": "AcmeCorp", "agent": "poet"}
Records = Callable[[], List[Any]]


def said(records: Records) -> List[Any]:
    return [(record.values.get("organization_name"), record.values.get("agent")) for record in records()]


def test_the_call_says_whose_it_is_and_the_provider_never_hears_it(client: Any, provider: Any, records: Records) -> None:
    client.chat(usage_metadata=WHO, **ASK)
    list(client.chat(usage_metadata=WHO, stream=True, **ASK))
    client.generate(model="m", prompt="Hello", usage_metadata=WHO)
    assert said(records) == [("AcmeCorp", "poet")] * 3
    assert not any("usage_metadata" in repr(each.body) or "revenium" in repr(each.headers) for each in provider.log)


def test_the_callers_own_mapping_is_left_alone(client: Any) -> None:
    mine = {**ASK, "usage_metadata": dict(WHO)}
    client.chat(**mine)
    assert mine == {**ASK, "usage_metadata": WHO}


def test_async_calls_and_tasks_keep_theirs_apart(provider: Any, records: Records) -> None:
    import ollama

    async def work() -> None:
        client = ollama.AsyncClient(provider.url)

        async def one(number: int) -> None:
            await client.chat(usage_metadata={"agent": "plain-%d" % number}, **ASK)
            async for _ in await client.chat(usage_metadata={"agent": "stream-%d" % number}, stream=True, **ASK):
                await asyncio.sleep(0)

        await asyncio.gather(*(one(number) for number in range(4)))
        await client._client.aclose()

    asyncio.run(work())
    assert sorted(record.values["agent"] for record in records()) == sorted("%s-%d" % (way, number) for way in ("plain", "stream") for number in range(4))


def test_a_block_around_the_call_attributes_a_stream_read_after_it(client: Any, records: Records) -> None:
    with revenium_middleware.metadata(organization_name="AcmeCorp"):
        stream = client.chat(stream=True, usage_metadata={"agent": "poet"}, **ASK)
    list(stream)
    assert said(records) == [("AcmeCorp", "poet")]


def test_selective_metering_leaves_unmarked_calls_alone(client: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "true")
    client.chat(**ASK)
    list(client.chat(stream=True, **ASK))

    @revenium_middleware.revenium_meter(metadata={"agent": "marked"})
    def marked() -> Iterator[Any]:
        return client.chat(stream=True, **ASK)

    list(marked())
    assert [record.values["agent"] for record in records()] == ["marked"]


def test_a_layer_above_that_measures_silences_this_one(client: Any, records: Records) -> None:
    token = enter(current()._replace(owner="above"))
    try:
        client.chat(**ASK)
        list(client.chat(stream=True, **ASK))
    finally:
        leave(token)
    assert records() == []


def test_this_layer_silences_the_one_below(provider: Any, records: Records) -> None:
    """A transport that asks OpenAI for the answer: two SDKs, one bill."""
    import httpx
    import ollama
    import openai

    with openai.OpenAI(base_url=provider.openai_url, api_key="none") as below:

        class Asks(httpx.HTTPTransport):
            def handle_request(self, request: Any) -> Any:
                below.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
                return super().handle_request(request)

        client = ollama.Client(provider.url, transport=Asks())
        client.chat(**ASK)
        list(client.chat(stream=True, **ASK))
        client._client.close()
    assert [record.values["provider"] for record in records()] == ["OLLAMA", "OLLAMA"]


def test_answers_and_chunks_name_their_record(client: Any, records: Records) -> None:
    answer = client.chat(**ASK)
    if isinstance(answer, dict):
        pytest.skip("this version answers with dicts, which cannot carry it")
    chunks = list(client.chat(stream=True, **ASK))
    embedded = client.embed(model="m", input="Hello")
    first, second, third = (record.values["transaction_id"] for record in records())
    assert answer._revenium_transaction_id == first and embedded._revenium_transaction_id == third
    assert {chunk._revenium_transaction_id for chunk in chunks} == {second}
    assert "_revenium_transaction_id" not in answer.model_dump() and "_revenium_transaction_id" not in repr(answer)
    assert type(answer).model_validate(answer.model_dump()) == answer


def test_async_answers_name_their_record(provider: Any, records: Records) -> None:
    import ollama

    async def work() -> Any:
        client = ollama.AsyncClient(provider.url)
        answer = await client.generate(model="m", prompt="Hello")
        chunks = [chunk async for chunk in await client.generate(model="m", prompt="Hello", stream=True)]
        await client._client.aclose()
        return answer, chunks

    answer, chunks = asyncio.run(work())
    if isinstance(answer, dict):
        pytest.skip("this version answers with dicts, which cannot carry it")
    first, second = (record.values["transaction_id"] for record in records())
    assert answer._revenium_transaction_id == first
    assert {chunk._revenium_transaction_id for chunk in chunks} == {second}


ORDERS = """
import os, sys
sys.path[:0] = {path!r}
{imports}
import ollama, revenium_middleware, inspect
from revenium_middleware._calls.runtime import runtime
answer = {call}(model="m", messages=[{{"role": "user", "content": "Hello"}}], usage_metadata={{"agent": "poet"}})
assert revenium_middleware.status().recorded == 1, revenium_middleware.status()
assert revenium_middleware_ollama.is_initialized()
assert ollama.chat.__self__ is {call}.__self__ and inspect.ismethod(ollama.chat)
revenium_middleware.uninstall()
assert type(ollama.chat).__name__ == "method" and type({call}).__name__ == "method", {call}
assert type(vars(ollama.Client)["chat"]).__name__ == "function"
{call}(model="m", messages=[{{"role": "user", "content": "Hello"}}])
assert revenium_middleware.status().recorded == 1
print("ok")
"""


@pytest.mark.parametrize("call", ["ollama.chat", "chat"])
@pytest.mark.parametrize("first", ["ollama", "revenium_middleware_ollama"])
def test_module_functions_in_either_order_of_imports_and_back_again(first: str, call: str, provider: Any) -> None:
    names = ["from ollama import chat", "import revenium_middleware_ollama"]
    code = ORDERS.format(path=[path for path in sys.path if path], imports="\n".join(names if first == "ollama" else names[::-1]), call=call)
    environment = {**os.environ, "OLLAMA_HOST": provider.url}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.stdout.decode().strip() == "ok", done.stderr.decode()
