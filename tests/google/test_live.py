"""A live session is one record per turn, whoever ends it."""

from __future__ import annotations

import json
import threading
from typing import Any, Callable, Dict, Iterator, List

import pytest

pytest.importorskip("google.genai", reason="google-genai is not installed")

import revenium_middleware

from .conftest import MODEL, client_of, run

live = pytest.importorskip("google.genai.live")
server_module = pytest.importorskip("websockets.sync.server")
client_module = pytest.importorskip("websockets.asyncio.client")

Records = Callable[[], List[Any]]
USED = {"promptTokenCount": 12, "responseTokenCount": 30, "totalTokenCount": 42, "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 25}]}


def turn(way: str) -> List[Dict[str, Any]]:
    said = {"serverContent": {"modelTurn": {"parts": [{"text": "Hello"}]}}}
    end: Dict[str, Any] = {"serverContent": {"turnComplete": True}}
    return {
        "with the end": [said, {**end, "usageMetadata": USED}],
        "before the end": [said, {"usageMetadata": {**USED, "responseTokenCount": 4, "totalTokenCount": 16}}, {"usageMetadata": USED}, end],
        "after the end": [said, end, {"usageMetadata": USED}],
        "unfinished": [said, {"usageMetadata": USED}],
    }[way]


@pytest.fixture
def session(request: Any, provider: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client whose live sessions are answered, each message by one turn, as the test's ``way`` has it."""

    def serve(socket: Any) -> None:
        for number, _ in enumerate(socket):
            answers = turn(request.param) if number else [{"setupComplete": {}}]
            for answer in answers:
                socket.send(json.dumps(answer))

    with server_module.serve(serve, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = "127.0.0.1:%d" % server.socket.getsockname()[1]

        if not hasattr(live, "ws_connect"):
            pytest.skip("this version reaches its sessions another way")

        def plain(uri: str, **more: Any) -> Any:  # the SDK insists on TLS
            more.pop("ssl", None)
            return client_module.connect(uri.replace("wss://", "ws://"), **more)

        monkeypatch.setattr(live, "ws_connect", plain)
        yield client_of("http://" + url)
        server.shutdown()
        thread.join(5.0)


TAG = {"usage_metadata": {"task_type": "live"}}


async def _talk(client: Any, turns: int, messages: int) -> None:
    async with client.aio.live.connect(model=MODEL, config={"response_modalities": ["TEXT"]}, **TAG) as session:
        assert type(session).__name__ == "AsyncSession"
        for _ in range(turns):
            await session.send_client_content(turns={"role": "user", "parts": [{"text": "Hello"}]})
            for _ in range(messages):
                await session._receive()


@pytest.mark.parametrize("session", ["with the end", "before the end", "after the end"], indirect=True)
def test_each_turn_is_a_record(session: Any, request: Any, records: Records) -> None:
    if not hasattr(live.AsyncSession, "send_client_content"):
        pytest.skip("this version has no send_client_content")
    messages = len(turn(request.node.callspec.params["session"]))
    run(_talk(session, 2, messages))
    found = records()
    assert [(record.values["input_token_count"], record.values["output_token_count"], record.values["total_token_count"]) for record in found] == [
        (12, 30, 42)
    ] * 2
    assert {(record.values["task_type"], record.values["model"], record.values["output_audio_token_count"]) for record in found} == {("live", MODEL, 25)}
    assert len({record.values["transaction_id"] for record in found}) == 2
    assert revenium_middleware.status().open_streams == 0


@pytest.mark.parametrize("session", ["unfinished"], indirect=True)
def test_a_session_that_ends_within_a_turn_is_recorded_too(session: Any, records: Records) -> None:
    if not hasattr(live.AsyncSession, "send_client_content"):
        pytest.skip("this version has no send_client_content")
    run(_talk(session, 1, 2))
    assert [(record.values["stop_reason"], record.values["output_token_count"]) for record in records()] == [("CANCELLED", 30)]
    assert revenium_middleware.status().open_streams == 0
