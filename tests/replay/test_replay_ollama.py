"""Ollama's exchanges through its own SDK: our own small set always, recorded ones where there is a corpus."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any, Callable, Dict, List
from urllib.parse import urlsplit

import pytest

ollama = pytest.importorskip("ollama", reason="the ollama package is not installed")

import httpx  # noqa: E402

import revenium_middleware_ollama  # noqa: E402, F401

from .exchange import pieces  # noqa: E402
from .test_replay import _corpus, both_ways  # noqa: E402

_COUNTS = {
    "model": "m",
    "created_at": "2025-01-01T00:00:00Z",
    "done": True,
    "total_duration": 9,
    "load_duration": 1,
    "prompt_eval_count": 26,
    "eval_count": 298,
}
_SAID = {"message": {"role": "assistant", "content": "The"}, "done": False, "model": "m", "created_at": "2025-01-01T00:00:00Z"}

OWN: Dict[str, Any] = {
    "chat": ("chat", [{**_COUNTS, **{"message": _SAID["message"]}, "done_reason": "stop"}], (26, 298, "END")),
    "chat, streamed": ("chat", [_SAID, {**_COUNTS, "message": {"role": "assistant", "content": ""}, "done_reason": "length"}], (26, 298, "TOKEN_LIMIT")),
    "generate, prompt in the cache": ("generate", [{**_COUNTS, "response": "The", "prompt_eval_count": None, "done_reason": "stop"}], (None, 298, "END")),
    "generate, streamed": ("generate", [{"model": "m", "response": "The", "done": False}, {**_COUNTS, "response": "", "context": [1, 2]}], (26, 298, "END")),
    "embeddings": ("embeddings", [{"embedding": [0.5, 0.25]}], (None, None, "END")),
}
"""Method, objects of the answer, and (input, output, stop reason) of its record; after the API's documentation."""


def _send(method: str, arguments: Dict[str, Any], body: bytes, streamed: bool, way: str) -> None:
    async def bodies() -> Any:
        for piece in pieces(body):
            yield piece

    def answered(request: Any) -> Any:
        return httpx.Response(200, content=iter(pieces(body)) if way == "sync" else bodies())

    transport = httpx.MockTransport(answered)
    if way == "sync":
        client = ollama.Client("http://127.0.0.1:11434", transport=transport)
        answer = getattr(client, method)(**arguments)
        if streamed:
            list(answer)
        client._client.close()
        return

    async def work() -> None:
        client = ollama.AsyncClient("http://127.0.0.1:11434", transport=transport)
        answer = await getattr(client, method)(**arguments)
        if streamed:
            [each async for each in answer]
        await client._client.aclose()

    asyncio.run(work())


@both_ways
@pytest.mark.parametrize("name", sorted(OWN))
def test_own_exchange_gives_its_record(name: str, way: str, records: Callable[[], List[Any]]) -> None:
    method, objects, expected = OWN[name]
    arguments = {"model": "m", **({"messages": [{"role": "user", "content": "Hello"}]} if method == "chat" else {"prompt": "Hello"})}
    streamed = len(objects) > 1
    body = b"\n".join(json.dumps({key: value for key, value in each.items() if value is not None}).encode() for each in objects)
    _send(method, {**arguments, **({"stream": True} if streamed else {})}, body, streamed, way)
    (record,) = records()
    values = record.values
    assert (values.get("input_token_count"), values.get("output_token_count"), values["stop_reason"]) == expected
    assert values["usage_source"] == ("unknown" if expected[1] is None else "provider")


@both_ways
def test_every_recorded_exchange_gives_its_record(way: str, records: Callable[[], List[Any]]) -> None:
    if not hasattr(ollama.Client, "embed"):
        pytest.skip("this version refuses some of the requests that were recorded")
    rows = _corpus("ollama.jsonl")
    assert len(rows) == 12
    for seen, row in enumerate(rows):
        method = urlsplit(row["request"]["url"]).path.rpartition("/")[2]
        known = inspect.signature(getattr(ollama.Client, method)).parameters
        sent = {key: value for key, value in json.loads(row["request"]["body"]).items() if key in known and key != "stream"}
        if row["streamed"]:
            sent["stream"] = True
        _send(method, sent, row["response"]["body"].encode(), row["streamed"], way)
        made = records()
        assert len(made) == seen + 1, row["id"]
        values, expected = made[-1].values, row["expected"]
        assert (values.get("input_token_count"), values.get("output_token_count")) == (expected["input_tokens"], expected["output_tokens"]), row["id"]
        assert values["model"] == (expected["model"] or sent["model"]), row["id"]
