"""Every metered method of the ollama package, driven."""

from __future__ import annotations

from typing import Any, Dict, Tuple
from urllib.parse import urlsplit

import httpx

from .flows import Drive, once, several

TEXT = {"model": "qwen2.5:0.5b", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
PROMPT = {"model": "qwen2.5:0.5b", "prompt": "Once upon a time"}
QUESTION = {"blue": {"type": "noul", "instructions": "Is it blue?"}}

DRIVES: Dict[str, Drive] = {
    "chat": several(once("chat", **TEXT), once("chat", stream=True, **TEXT), once("chat", options={"num_predict": 2}, **TEXT)),
    "generate": several(once("generate", **PROMPT), once("generate", stream=True, **PROMPT)),
    "embed": several(once("embed", model="nomic-embed-text", input="Hello"), once("embed", model="nomic-embed-text", input=["one", "two"])),
    "embeddings": once("embeddings", model="nomic-embed-text", prompt="Hello"),
    "systemone": once("systemone", model="systemone", state="The sky.", questions=QUESTION),
    "web_search": once("web_search", "the sky"),
    "web_fetch": once("web_fetch", "https://example.com/"),
}


def transports(url: str) -> Tuple[Any, Any]:
    """(sync, async) transports that lead every address to ``url``: the web tools always ask ollama.com."""
    to = urlsplit(url)

    def led(request: Any) -> Any:
        request.url = request.url.copy_with(scheme=to.scheme, host=to.hostname, port=to.port)
        return request

    class Sync(httpx.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(led(request))

    class Async(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(led(request))

    return Sync(), Async()
