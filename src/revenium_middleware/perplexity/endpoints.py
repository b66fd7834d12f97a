"""Perplexity's own API as data; paths are the same with and without the version before them."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from .._openai import jobs
from .._openai import readers as family
from . import readers

_ID = r"([^/]+)"

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "async/chat/completions", "CHAT", readers.AsyncChatReader),
    Endpoint("GET", "async/chat/completions/%s" % _ID, "CHAT", readers.AsyncChatReader, settles_jobs=True),
    Endpoint("POST", "chat/completions", "CHAT", family.ChatReader),
    Endpoint("POST", "responses", "CHAT", family.ResponsesReader),
    Endpoint("POST", "responses/%s/cancel" % _ID, "CHAT", family.FinishedResponseReader, settles_jobs=True),
    Endpoint("GET", "responses/%s" % _ID, "CHAT", family.FinishedResponseReader, settles_jobs=True),
    Endpoint("POST", "embeddings", "EMBED", family.EmbeddingsReader, own_id=True),
    Endpoint("POST", "contextualizedembeddings", "EMBED", family.EmbeddingsReader, own_id=True),
    Endpoint("POST", "decisions", "CLASSIFY", family.EmbeddingsReader, own_id=True),
    Endpoint("POST", "search", "SEARCH", readers.SearchReader),
    Endpoint("POST", "batches", "OTHER", jobs.BatchReader),
    Endpoint("POST", "batches/%s/cancel" % _ID, "OTHER", jobs.BatchReader, settles_jobs=True),
    Endpoint("GET", "batches/%s" % _ID, "OTHER", jobs.BatchReader, settles_jobs=True),
    Endpoint("GET", "files/%s/content" % _ID, "CHAT", jobs.BatchOutputReader, settles_jobs=True),
    Endpoint("POST", "browser/sessions", "OTHER", readers.BrowserReader, subtype="browser"),
)
