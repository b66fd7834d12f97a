"""Ollama's own API as data; its OpenAI-compatible one is met through the ``openai`` package."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from . import readers

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "api/chat", "CHAT", readers.GeneratedReader, own_id=True),
    Endpoint("POST", "api/generate", "GENERATE", readers.GeneratedReader, own_id=True),
    Endpoint("POST", "api/embed", "EMBED", readers.EmbeddedReader, own_id=True),
    Endpoint("POST", "api/embeddings", "EMBED", readers.EmbeddedReader, own_id=True),
    Endpoint("POST", "v1/systemone", "CLASSIFY", readers.UsageReader, own_id=True),
    Endpoint("POST", "api/web_search", "SEARCH", readers.WebReader, subtype="web_search", own_id=True),
    Endpoint("POST", "api/web_fetch", "SEARCH", readers.FetchReader, subtype="web_fetch", own_id=True),
    Endpoint("POST", r"api/(?:pull|push|create|copy|show|blobs/[^/]+)", "OTHER", None),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", readers.AnyUsageReader, own_id=True)
