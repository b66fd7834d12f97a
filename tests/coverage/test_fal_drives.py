"""The fal_client package: a method counts as metered only if it is driven here."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import Any, Callable, Iterator, List

import pytest

fal_client = pytest.importorskip("fal_client", reason="the fal_client package is not installed")

import revenium_middleware_fal  # noqa: E402

from .caller import Caller  # noqa: E402
from .fal_drives import DRIVES  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

NAMES = {**COUNTS, "actual_image_count": "images"}


@pytest.fixture
def fal(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The provider, in the place of fal's own hosts."""
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "RUN_URL_FORMAT", provider.fal_url + "/")
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", provider.fal_url + "/queue/")
    return provider


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, fal: Any, records: Callable[[], List[Any]]) -> None:
    client = fal_client.SyncClient(key="none") if side == "sync" else fal_client.AsyncClient(key="none")
    call = Caller(client, {"task_type": name})
    try:
        DRIVES[name](call)
    finally:
        call.close()
    found = records()
    compared(fal, found, NAMES)
    assert {record.values["provider"] for record in found} == {"fal_ai"}
    assert {record.values.get("task_type") for record in found} == {name}
    assert {record.values["usage_source"] for record in found} == {"provider"}
    assert not any("usage_metadata" in repr(each.body) for each in fal.log)
    if name != "stream":
        assert [record.kind for record in found] == ["image", "video", "audio", "completion"]
        assert [record.values["transaction_id"] for record in found] == [each.id for each in fal.billed]


@pytest.fixture
def line() -> Iterator[str]:
    """A realtime application: it answers every message with a picture, and says a word of its own in between."""
    pytest.importorskip("msgpack")
    server_module = pytest.importorskip("websockets.sync.server")
    import json
    import threading

    import msgpack

    def serve(socket: Any) -> None:
        for message in socket:
            socket.send(json.dumps({"type": "x-fal-message", "action": "metadata"}))
            socket.send(msgpack.packb({"images": [{"width": 512, "height": 512}], "asked": msgpack.unpackb(message)["prompt"]}))

    with server_module.serve(serve, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield "ws://127.0.0.1:%d/" % server.socket.getsockname()[1]
        server.shutdown()
        thread.join(5.0)


def needs_realtime(side: str) -> None:
    realtime = getattr(fal_client.SyncClient, "realtime", None)
    if realtime is None or "use_jwt" not in inspect.signature(realtime).parameters:
        pytest.skip("this version has no realtime connections, or none without asking fal for a token first")
    import websockets

    if side == "async" and int(websockets.__version__.partition(".")[0]) < 14:
        pytest.skip("fal_client's async connections need websockets 14, with and without us")


@pytest.mark.parametrize("side", ["sync", "async"])
def test_each_message_of_a_realtime_connection_is_a_record(side: str, line: str, monkeypatch: pytest.MonkeyPatch, records: Callable[[], List[Any]]) -> None:
    needs_realtime(side)
    monkeypatch.setattr(sys.modules["fal_client.client"], "REALTIME_URL_FORMAT", line)
    tag = {"task_type": "realtime"}
    if side == "sync":
        with fal_client.SyncClient(key="none").realtime("fal-ai/fast-lcm-diffusion", use_jwt=False) as connection:
            for word in ("one", "two"):
                connection.send({"prompt": word})
                assert connection.recv(usage_metadata=tag)["asked"] == word
    else:

        async def work() -> None:
            async with fal_client.AsyncClient(key="none").realtime("fal-ai/fast-lcm-diffusion", use_jwt=False) as connection:
                for word in ("one", "two"):
                    await connection.send({"prompt": word})
                    assert (await connection.recv(usage_metadata=tag))["asked"] == word

        asyncio.run(work())
    found = records()
    assert [(record.kind, record.values["actual_image_count"], record.values["task_type"]) for record in found] == [("image", 1, "realtime")] * 2
    assert {record.values["model"] for record in found} == {"fal_ai/fal-ai/fast-lcm-diffusion"}


def test_waiting_for_a_message_in_vain_is_no_record(line: str, monkeypatch: pytest.MonkeyPatch, records: Callable[[], List[Any]]) -> None:
    needs_realtime("async")
    monkeypatch.setattr(sys.modules["fal_client.client"], "REALTIME_URL_FORMAT", line)

    async def work() -> None:
        async with fal_client.AsyncClient(key="none").realtime("fal-ai/fast-lcm-diffusion", use_jwt=False) as connection:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.05)

    asyncio.run(work())
    assert records() == []


def test_the_middleware_is_ready() -> None:
    assert revenium_middleware_fal.is_initialized()
