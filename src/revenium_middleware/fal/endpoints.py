"""fal's API as data. Paths are those of ``declaration``: below ``run``, ``queue``, ``stream`` and ``realtime`` comes the application."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from . import readers

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "run/.+", "OTHER", readers.ResultReader),
    Endpoint("POST", "stream/.+", "OTHER", readers.ResultReader),
    Endpoint("POST", "realtime/.+", "OTHER", readers.MessageReader, own_id=True),
    Endpoint("POST", "queue/.+", "OTHER", readers.SubmittedReader),
    Endpoint("GET", "queue/.+/requests/[^/]+/status(?:/stream)?", "OTHER", None),
    Endpoint("GET", "queue/.+/requests/([^/]+)", "OTHER", readers.QueuedResultReader, settles_jobs=True),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", None)
