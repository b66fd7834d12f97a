"""Sends a recorded exchange through the real SDK; only the transport below it answers from the recording."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import urlsplit

import pytest

CLIENTS = {"openai": "OpenAI", "anthropic": "Anthropic"}
"""The SDK that speaks to a provider -> its client class."""


def http_library(sdk: Any) -> Any:
    """What the installed SDK runs on: httpx, or its successor."""
    return importlib.import_module(sdk.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])


def pieces(body: bytes) -> List[bytes]:
    return [body[start : start + 300] for start in range(0, len(body), 300)] or [b""]


class Exchange:
    """One request and the answer it got."""

    def __init__(self, row: Dict[str, Any]) -> None:
        request, response = row["request"], row["response"]
        recorded = isinstance(response, dict) and "body" in response and "status" in response
        self.method: str = request["method"] if recorded else row["method"]
        self.url: str = request["url"] if recorded else row["url"]
        self.streamed: bool = row["streamed"]
        name = "anthropic" if "anthropic.com" in self.url else "openai"
        self.sdk = pytest.importorskip(name, reason="this SDK is not installed")
        self.client = CLIENTS[name]
        self.status: int = response["status"] if recorded else row["status"]
        self.headers: Dict[str, str] = dict(response["headers"]) if recorded else {}
        self.body = _json(request["body"]) if recorded else request
        self.answer = _bytes(response) if recorded else (response if isinstance(response, str) else json.dumps(response)).encode()
        if not recorded:
            self.headers = {"content-type": "text/event-stream" if self.streamed else "application/json"}

    def send(self) -> Optional[Exception]:
        """Through a sync client; the SDK's exception, if any."""
        library = http_library(self.sdk)
        transport = library.MockTransport(lambda request: library.Response(self.status, headers=self.headers, content=iter(pieces(self.answer))))
        client, path = self._client(getattr(self.sdk, self.client), library.Client(transport=transport))
        try:
            answer = self._call(client, path)
            if self.streamed:
                list(answer)
        except self.sdk.APIError as error:
            return error
        return None

    def send_async(self) -> Optional[Exception]:
        return asyncio.run(self._send_async())

    async def _send_async(self) -> Optional[Exception]:
        library = http_library(self.sdk)

        async def body() -> Any:
            for piece in pieces(self.answer):
                yield piece

        transport = library.MockTransport(lambda request: library.Response(self.status, headers=self.headers, content=body()))
        client, path = self._client(getattr(self.sdk, "Async" + self.client), library.AsyncClient(transport=transport))
        try:
            answer = await self._call(client, path)
            if self.streamed:
                [chunk async for chunk in answer]
        except self.sdk.APIError as error:
            return error
        return None

    def _client(self, kind: Any, http_client: Any) -> Tuple[Any, str]:
        parts = urlsplit(self.url)
        path = parts.path + ("?" + parts.query if parts.query else "")
        return kind(api_key="test", base_url="%s://%s" % parts[:2], http_client=http_client, max_retries=0), path

    def _call(self, client: Any, path: str) -> Any:
        if self.method != "POST":
            return getattr(client, self.method.lower())(path, cast_to=object)
        if self.streamed:
            stream = self.sdk.AsyncStream if type(client).__name__.startswith("Async") else self.sdk.Stream
            chunk = self.sdk.types.chat.ChatCompletionChunk if "chat/completions" in path else object
            return client.post(path, body=self.body, cast_to=object, stream=True, stream_cls=stream[chunk])
        return client.post(path, body=self.body, cast_to=object)


def _json(body: Any) -> Any:
    try:
        return json.loads(body)
    except (TypeError, ValueError):
        return {}


def _bytes(response: Dict[str, Any]) -> bytes:
    return base64.b64decode(response["body"]) if response.get("body_encoding") == "base64" else response["body"].encode("utf-8", "surrogatepass")
