"""A stream of google-genai settles exactly once, whichever way it ends; every model call of automatic function calling is a record."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import GeneratorType
from typing import Any, Callable, List

import pytest

pytest.importorskip("google.genai", reason="google-genai is not installed")
from google import genai

import revenium_middleware
from revenium_middleware._core import scope
from revenium_middleware.testing import Fault

from .conftest import MODEL, client_of, run

ASK = {"model": MODEL, "contents": "Why is the sky blue?"}
Records = Callable[[], List[Any]]


def ended(records: Records) -> List[Any]:
    return [(record.values["stop_reason"], record.values["usage_source"]) for record in records()]


@pytest.fixture(params=["gemini", "vertex"])
def either(request: Any, provider: Any) -> Any:
    return client_of(provider.google_url, vertex=request.param == "vertex")


def test_read_to_its_end(either: Any, provider: Any, records: Records) -> None:
    stream = either.models.generate_content_stream(**ASK)
    assert isinstance(stream, GeneratorType)
    assert "".join(chunk.text for chunk in stream)
    (record,) = records()
    assert (record.values["input_token_count"], record.values["output_token_count"]) == (provider.usage.input, provider.usage.output)
    assert record.values["is_streamed"] and record.values["time_to_first_token"] >= 0
    assert record.values["transaction_id"] == provider.billed[0].id
    assert revenium_middleware.status().open_streams == 0


@pytest.mark.parametrize("way", ["closed", "dropped"])
def test_what_chunks_reported_is_kept_of_a_stream_left_early(way: str, provider: Any, records: Records) -> None:
    client = client_of(provider.google_url)
    stream = client.models.generate_content_stream(**ASK)
    next(stream)
    next(stream)
    if way == "closed":
        stream.close()
    del stream
    (record,) = records()
    assert (record.values["stop_reason"], record.values["output_token_count"]) == ("CANCELLED", 2)
    assert record.values["input_token_count"] == provider.usage.input


def test_where_chunks_report_nothing_it_is_estimated(vertex: Any, records: Records) -> None:
    next(vertex.models.generate_content_stream(**ASK))
    assert ended(records) == [("CANCELLED", "estimated")]
    (record,) = records()
    assert record.values["input_token_count"] > 0 and record.values["output_token_count"] > 0


def test_left_by_break_it_stays_open_and_can_be_resumed(client: Any, records: Records) -> None:
    stream = client.models.generate_content_stream(**ASK)
    for _ in stream:
        break
    assert records() == [] and revenium_middleware.status().open_streams == 1
    list(stream)
    assert ended(records) == [("END", "provider")]


def test_never_started_is_never_sent_and_no_record(client: Any, provider: Any, records: Records) -> None:
    stream = client.models.generate_content_stream(**ASK)
    del stream
    assert records() == [] and provider.log == []


def test_broken_off_within(vertex: Any, provider: Any, records: Records) -> None:
    provider.script(Fault.error_event(after=2))
    try:
        list(vertex.models.generate_content_stream(**ASK))
    except genai.errors.APIError as error:  # older versions hand the error out as an empty chunk
        assert error.code == 500
    assert ended(records) == [("ERROR", "estimated")]


def test_refused_at_its_first_step(client: Any, provider: Any, records: Records) -> None:
    provider.script(Fault.bad_request())
    with pytest.raises(Exception, match="Invalid value"):
        next(client.models.generate_content_stream(**ASK))
    (record,) = records()
    assert (record.values["error_code"], record.values["output_token_count"]) == (400, 0)


def test_what_could_not_be_sent_is_no_record(client: Any, provider: Any, records: Records) -> None:
    with pytest.raises(ValueError):
        client.models.generate_content(model="", contents="x")
    assert records() == [] and provider.log == []


def test_nothing_is_left_attached_between_chunks(client: Any) -> None:
    stream = client.models.generate_content_stream(**ASK, usage_metadata={"task_type": "t"})
    next(stream)
    assert scope.current() == scope.Scope()
    stream.close()


def test_async_endings(provider: Any, records: Records) -> None:
    async def work() -> None:
        client = client_of(provider.google_url)
        async for _ in await client.aio.models.generate_content_stream(**ASK):
            pass
        closed = await client.aio.models.generate_content_stream(**ASK)
        await closed.__anext__()
        await closed.aclose()
        dropped = await client.aio.models.generate_content_stream(**ASK)
        await dropped.__anext__()
        del dropped, closed
        gc.collect()
        await asyncio.sleep(0)

    run(work())
    assert sorted(ended(records)) == [("CANCELLED", "provider"), ("CANCELLED", "provider"), ("END", "provider")]


def test_a_cancelled_task_is_recorded(provider: Any, records: Records) -> None:
    async def work() -> None:
        client = client_of(provider.google_url)
        provider.script(Fault.slow(between=5.0))

        async def read() -> None:
            async for _ in await client.aio.models.generate_content_stream(**ASK):
                pass

        task = asyncio.ensure_future(read())
        while not provider.log:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(work())
    assert [record.values["stop_reason"] for record in records()] == ["CANCELLED"]


def test_a_stream_open_at_exit_is_recorded(provider: Any, tmp_path: Path, records: Records) -> None:
    program = """
        import revenium_middleware_google
        from google import genai
        client = genai.Client(api_key="none", http_options={"base_url": %r})
        stream = client.models.generate_content_stream(model="gemini-2.0-flash", contents="Why?")
        next(stream)
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program % provider.google_url)], env=environment, check=True, timeout=120)
    revenium_middleware.flush_metering(1.0)
    from revenium_middleware._calls.runtime import runtime

    runtime.delivery()
    assert ended(records) == [("CANCELLED", "provider")]


# ---------------------------------------------------------------------- automatic function calling


def weather() -> str:
    """The weather there."""
    return "sunny"


def test_every_call_of_automatic_function_calling_is_a_record(client: Any, provider: Any, records: Records) -> None:
    config = {"tools": [weather]}
    tag = {"usage_metadata": {"task_type": "afc"}}
    client.models.generate_content(**ASK, config=config, **tag)
    list(client.models.generate_content_stream(**ASK, config=config, **tag))
    chat = client.chats.create(model=MODEL, config=config)
    chat.send_message("Weather?", **tag)
    list(chat.send_message_stream("Weather?", **tag))

    async def work() -> None:
        apart = client_of(provider.google_url)
        await apart.aio.models.generate_content(**ASK, config=config, **tag)
        async for _ in await apart.aio.models.generate_content_stream(**ASK, config=config, **tag):
            pass

    run(work())
    found = records()
    assert len(found) == provider.calls == 11  # the chat's second message finds the function answered already
    assert {record.values["task_type"] for record in found} == {"afc"}
    assert sum(record.values["input_token_count"] for record in found) == provider.usage.input
    assert sum(record.values["output_token_count"] for record in found) == provider.usage.output
    assert {record.values["operation_type"] for record in found} == {"TOOL_CALL"}
    assert not any("usage_metadata" in repr(each.body) + repr(each.headers) for each in provider.log)
