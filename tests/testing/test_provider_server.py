"""The loopback provider itself: hosts, life, bookkeeping."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from typing import Any, List

import openai
import pytest
from usage_checks import HELLO, last, same_tokens

from revenium_middleware.testing import Fault, ProviderServer


def test_azure_paths_name_the_model_that_runs() -> None:
    with ProviderServer(deployments={"mine": "gpt-4.1-2025-04-14"}) as server:
        with openai.AzureOpenAI(azure_endpoint=server.url, api_key="any", api_version="2024-10-21") as client:
            answers = [client.chat.completions.create(model=name, messages=HELLO).model for name in ("mine", "gpt-4o-mini", "other")]
            assert answers == ["gpt-4.1-2025-04-14", "gpt-4o-mini-2024-07-18", "gpt-4o-2024-11-20"]
            assert client.embeddings.create(model="mine", input="one").usage.total_tokens == 23
        assert server.log[0].path == "/openai/deployments/mine/chat/completions" and server.log[0].query == {"api-version": "2024-10-21"}
        with openai.OpenAI(base_url=server.url + "/openai/v1/", api_key="any") as client:
            assert client.chat.completions.create(model="mine", messages=HELLO).model == "gpt-4.1-2025-04-14"


def test_another_host_is_answered_through_the_server_as_proxy(server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with openai.OpenAI(base_url="http://api.groq.com/openai/v1", api_key="any") as client:
        client.chat.completions.create(model="m", messages=HELLO)
    assert last(server).host == "api.groq.com" and last(server).path == "/openai/v1/chat/completions"


def test_sonar_through_the_openai_client(server: ProviderServer) -> None:
    with openai.OpenAI(base_url=server.url, api_key="any") as client:
        answer: Any = client.chat.completions.create(model="sonar-pro", messages=HELLO)
        assert answer.citations and answer.usage.cost["total_cost"] == last(server).usage.cost > 0.005
        chunks: List[Any] = list(client.chat.completions.create(model="sonar-deep-research", messages=HELLO, stream=True))
    assert all(chunk.usage and chunk.citations for chunk in chunks) and chunks[0].usage.completion_tokens == 1
    same_tokens(chunks[-1].usage, last(server).usage)
    assert chunks[-1].usage.reasoning_tokens == last(server).usage.reasoning > 0


def test_it_starts_and_stops_at_once_and_keeps_connections(client: openai.OpenAI, server: ProviderServer) -> None:
    started = time.perf_counter()
    for _ in range(20):
        ProviderServer().stop()
    assert (time.perf_counter() - started) / 20 < 0.05
    for _ in range(5):
        client.chat.completions.create(model="m", messages=HELLO)
    assert server.connections == 1 and {each.connection for each in server.log} == {1}


def test_stopping_ends_what_hangs() -> None:
    server = ProviderServer(usual=Fault.silence())
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
        threading.Timer(0.1, server.stop).start()
        with pytest.raises(openai.APIConnectionError):
            client.models.list()
    server.stop()


def test_resetting_forgets_log_and_script(server: ProviderServer, client: openai.OpenAI) -> None:
    client.chat.completions.create(model="m", messages=HELLO)
    server.script(Fault.server_error())
    server.reset()
    assert server.log == [] and server.unplayed == [] and client.models.list().data


def test_identifiers_differ_between_servers() -> None:
    found = set()
    for _ in range(2):
        with ProviderServer() as server, openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
            found |= {client.chat.completions.create(model="m", messages=HELLO).id for _ in range(3)}
    assert len(found) == 6


def test_many_clients_at_once(server: ProviderServer) -> None:
    async def calls() -> None:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any") as client:
            await asyncio.gather(*(client.chat.completions.create(model="m", messages=HELLO) for _ in range(100)))

    asyncio.run(calls())
    assert server.calls == 100 and server.usage.total == 3900


def test_it_can_be_run_by_hand() -> None:
    command = [sys.executable, "-m", "revenium_middleware.testing", "--between-chunks", "0.001"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline().strip()
        try:
            with openai.OpenAI(base_url=first.partition("=")[2], api_key="any") as client:
                assert len(list(client.chat.completions.create(model="m", messages=HELLO, stream=True))) > 5
        finally:
            running.send_signal(signal.SIGINT)
        assert "1 calls" in running.stdout.read()
    shown = subprocess.run([*command[:3], "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "--refuse-stream-options" in shown
