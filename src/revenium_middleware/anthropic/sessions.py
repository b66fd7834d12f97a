"""Work that runs at the provider: sessions of managed agents, and dreams."""

from __future__ import annotations

import datetime
from typing import Any, Mapping, Optional

from .._usage.reading import Reader, Reading, pick, text_of
from .readers import usage_of


def _moment(value: Any) -> Optional[float]:
    """Seconds since the epoch of a time that an answer names, parsed by the SDK or not."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
    return value.timestamp() if isinstance(value, datetime.datetime) else None


def _model_of(value: Any) -> Optional[str]:
    return text_of(value) or text_of(pick(value, "id"))


_SPENDING = {"span.model_request_end": "model_usage", "span.outcome_evaluation_end": "usage"}
"""The events that end something billed, and where each says what it used."""


class SessionReader(Reader):
    """What starts a session or goes on with it. Its own usage is a running total: the requests within it are what bills."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False

    def feed(self, event: Any) -> bool:
        session = text_of(pick(event, "session_id")) or (text_of(pick(event, "id")) if pick(event, "type") == "session" else None)
        if session is not None:
            self.result.job = self.result.id = session
        model = _model_of(pick(event, "agent", "model"))
        if model is not None:
            self.result.facts["model"] = model
        return False


class EventsReader(Reader):
    """A session's events, streamed or listed: each request to a model is reported when it ends."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False

    def feed(self, event: Any) -> bool:
        listed_events = pick(event, "data")
        for each in listed_events if isinstance(listed_events, list) else (event,):
            self._event(each)
        return False

    def _event(self, event: Any) -> None:
        usage = pick(event, _SPENDING.get(pick(event, "type"), ""))
        name = text_of(pick(event, "id"))
        if usage is None or name is None:
            return
        part = Reading(id=name, usage=usage_of(usage), finished=True, provider_time=_moment(pick(event, "processed_at")))
        part.fields["is_streamed"] = False
        if pick(event, "is_error") is True:
            part.stop_reason = "ERROR"
        speed = text_of(pick(usage, "speed"))
        if speed:
            part.fields["speed"] = speed
        if part.usage.known:
            self.result.parts.append(part)


class DreamReader(Reader):
    """A dream is billed by what it used in all, known when it has ended."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.id = reading.job = text_of(pick(event, "id"))
        reading.model = _model_of(pick(event, "model"))
        reading.usage = usage_of(pick(event, "usage"))
        reading.provider_time = _moment(pick(event, "created_at"))
        status = pick(event, "status")
        reading.stop_reason = {"failed": "ERROR"}.get(str(status), "END")
        reading.finished = True
        reading.billable = status in ("completed", "failed") and reading.usage.known
        return False
