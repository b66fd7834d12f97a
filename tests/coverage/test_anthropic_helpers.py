"""Helpers of anthropic that make several calls: a thread that the server holds, and a session's tools run here."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, List

import pytest

anthropic = pytest.importorskip("anthropic", reason="the Anthropic SDK is not installed")

from .anthropic_drives import SAID, TEXT  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

Records = Callable[[], List[Any]]


def client_of(provider: Any, kind: str, path: str) -> Any:
    client = getattr(anthropic, kind)(base_url=provider.url, api_key="none", max_retries=0)
    found: Any = client
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is None:
        pytest.skip("anthropic %s has no %s" % (anthropic.__version__, path))
    return client


def test_each_turn_of_a_thread_is_a_record(provider: Any, records: Records) -> None:
    with client_of(provider, "Anthropic", "beta.messages.thread") as client:
        thread = client.beta.messages.thread(model=TEXT["model"], max_tokens=50, usage_metadata={"task_type": "thread"})
        thread.send(*TEXT["messages"])
        with thread.stream(*TEXT["messages"]) as stream:
            stream.until_done()
    found = records()
    compared(provider, found, COUNTS)
    assert [(record.values["is_streamed"], record.values.get("task_type")) for record in found] == [(False, "thread"), (True, "thread")]


def test_running_a_sessions_tools_hears_what_it_bills(provider: Any, records: Records) -> None:
    client = client_of(provider, "AsyncAnthropic", "beta.sessions.events.tool_runner")

    async def run() -> None:
        async with client:
            session = await client.beta.sessions.create(agent="agent_1", environment_id="env_1", usage_metadata={"task_type": "tools"})
            await client.beta.sessions.events.send(session.id, events=SAID)
            async for _ in client.beta.sessions.events.tool_runner(session.id, tools=[], max_idle=0.05):
                raise AssertionError("no tool was called for")

    asyncio.run(asyncio.wait_for(run(), 60))
    found = records()
    compared(provider, found, COUNTS)
    assert {record.values.get("task_type") for record in found} == {"tools"}
