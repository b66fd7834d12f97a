"""Bedrock's runtime as data. What a model makes shows in its id; the ids of a customer's own resources count as text."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from .._core.fields import IMAGE, VIDEO
from . import readers
from .media import ImagesReader, JobReader, StartedReader

_PICTURES = r"model/.*(?:titan-image|nova-canvas|stability\.)[^/]*/invoke"
_VECTORS = r"model/.*(?:embed|marengo)[^/]*/invoke"
_RANKING = r"model/.*rerank[^/]*/invoke"

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", _PICTURES, "IMAGE", ImagesReader, IMAGE, "generation"),
    Endpoint("POST", _VECTORS, "EMBED", readers.VectorsReader),
    Endpoint("POST", _RANKING, "RERANK", readers.AnswerReader),
    Endpoint("POST", r"model/.+/(?:invoke|invoke-with-response-stream|converse|converse-stream)", "CHAT", readers.AnswerReader),
    Endpoint("POST", "async-invoke", "VIDEO", StartedReader, VIDEO),
    Endpoint("GET", "async-invoke/(.+)", "VIDEO", JobReader, VIDEO, "generation", settles_jobs=True),
    Endpoint("POST", r"(?:guardrail/.+/apply|guardrail-checks/invoke)", "GUARDRAIL", readers.GuardrailReader),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", None)
