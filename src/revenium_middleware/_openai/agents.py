"""Sessions that run at the provider: agents, and calls and sessions that a connection listens to later."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .._core.values import amount
from .._usage.reading import Reader, Reading, pick, text_of
from .readers import common, spent

_ENDS = {"completed": "END", "failed": "ERROR", "cancelled": "CANCELLED"}


class TurnReader(Reader):
    """One turn of an agent's session; it is billed when it has ended, to whoever the session belongs."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        common(reading, event)
        reading.stop_reason = _ENDS.get(text_of(pick(event, "status")) or "")
        spent(reading, pick(event, "usage"))
        reading.job = text_of(pick(event, "session_id"))
        reading.provider_time = amount(pick(event, "started_at")) or amount(pick(event, "created_at"))
        reading.finished = reading.stop_reason is not None
        reading.billable = reading.finished and reading.usage.known
        return False


class AgentReader(Reader):
    """An agent's session: what starts it, and the events that show its turns ending."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False

    def feed(self, event: Any) -> bool:
        kind = text_of(pick(event, "type")) or ""
        session = pick(event, "session") if kind == "agent.session.created" else event
        if pick(session, "object") == "agent.session":
            self._session(session)
        elif kind.startswith("agent.session.turn.") and kind.rpartition(".")[2] in _ENDS:
            self._ended(event)
        delta = pick(event, "delta")
        return kind.endswith("output_text.delta") and isinstance(delta, str) and bool(delta)

    def _session(self, session: Any) -> None:
        self.result.job = self.result.id = text_of(pick(session, "id"))
        model = text_of(pick(session, "agent", "model"))
        if model is not None:
            self.result.facts["model"] = model

    def _ended(self, event: Any) -> None:
        reader = TurnReader(self.request)
        reader.feed(pick(event, "turn"))
        part = reader.reading()
        if not part.usage.known:
            spent(part, pick(event, "usage"))
        part.id = part.id or text_of(pick(event, "turn_id"))
        part.job = part.job or text_of(pick(event, "session_id"))
        part.model = self.result.facts.get("model")
        if part.usage.known:
            self.result.parts.append(part)


class StartReader(Reader):
    """The start of something that bills elsewhere: its name links what is billed to who asked for it."""

    def feed(self, event: Any) -> bool:
        self.result.id = text_of(pick(event, "id"))
        self.result.job = text_of(pick(event, "session", "id")) or text_of(pick(event, "session_id")) or self.result.job or self.result.id
        return False

    def headers(self, headers: Mapping[str, str]) -> None:
        place: Optional[str] = headers.get("location")
        if place:
            self.result.job = place.partition("?")[0].rstrip("/").rpartition("/")[2]

    def reading(self) -> Reading:
        self.result.billable = False
        return self.result
