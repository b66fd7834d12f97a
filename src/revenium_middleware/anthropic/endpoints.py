"""The Anthropic API as data: which calls bill, and how each says so. Every path is matched at the end of the URL."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from . import jobs, readers, sessions

_ID = r"([^/]+)"
_ANY = r"[^/]+"
_EVENTS = "sessions/%s/(?:threads/%s/)?(?:events|stream|events/stream)" % (_ID, _ANY)

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "messages", "CHAT", readers.MessagesReader),
    Endpoint("POST", "messages/count_tokens", "OTHER", None),
    Endpoint("POST", "complete", "GENERATE", readers.CompletionReader),
    Endpoint("POST", "messages/batches", "OTHER", jobs.BatchReader),
    Endpoint("POST", "messages/batches/%s/cancel" % _ANY, "OTHER", None),
    Endpoint("GET", "messages/batches/%s/results" % _ID, "CHAT", jobs.BatchResultsReader, subtype="batch", settles_jobs=True),
    Endpoint("POST", "sessions", "CHAT", sessions.SessionReader, subtype="agent"),
    Endpoint("POST", "sessions/%s/events" % _ID, "CHAT", sessions.SessionReader, subtype="agent", starts_named=True),
    Endpoint("GET", _EVENTS, "CHAT", sessions.EventsReader, subtype="agent", settles_jobs=True),
    Endpoint("POST", "sessions/.*", "OTHER", None),  # its answers repeat the session's running total
    Endpoint("POST", "deployments/%s/run" % _ANY, "CHAT", sessions.SessionReader, subtype="agent"),
    Endpoint("POST", "dreams", "CHAT", sessions.DreamReader, subtype="dream"),
    Endpoint("POST", "dreams/%s/(?:cancel|archive)" % _ID, "CHAT", sessions.DreamReader, subtype="dream", settles_jobs=True),
    Endpoint("GET", "dreams/%s" % _ID, "CHAT", sessions.DreamReader, subtype="dream", settles_jobs=True),
    Endpoint("POST", "(?:files|skills|agents|vaults|environments|memory_stores|user_profiles|deployments|tunnels|organizations)(?:/.*)?", "OTHER", None),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", readers.AnyUsageReader)
