"""Perplexity's own API as data."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from ..openai import readers

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "chat/completions", "CHAT", readers.ChatReader),
    Endpoint("POST", "responses", "CHAT", readers.ResponsesReader),
    Endpoint("POST", "embeddings", "EMBED", readers.EmbeddingsReader, own_id=True),
)
