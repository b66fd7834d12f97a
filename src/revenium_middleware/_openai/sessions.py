"""Connections that stay open: what each event of a session says was used, one part per billed thing.

A reader of a session puts what has become due into ``result.parts``, as soon as the provider says it.
"""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Optional

from .._core.fields import AUDIO, COMPLETION
from .._core.values import amount
from .._usage.reading import Reader, Reading, Usage, pick, text_of
from .readers import INCOMPLETE, ResponsesReader, spent

_SECOND_OF_SOUND = 48_000
"""Bytes: translation takes 24 kHz PCM16 mono and nothing else."""
_ENDS = {"failed": "ERROR", "cancelled": "CANCELLED"}


class SessionReader(Reader):
    """What every kind of session has: a model, and parts that fall due while it goes on."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False
        self.session: Any = None

    def feed(self, event: Any) -> bool:
        session = pick(event, "session")
        if session is not None:
            self.session = session
            self.result.model = text_of(pick(session, "model")) or self.result.model
        self.heard(event, text_of(pick(event, "type")) or "")
        return False

    def heard(self, event: Any, kind: str) -> None:
        raise NotImplementedError

    def due(self, part: Reading) -> None:
        self.result.parts.append(part)

    def minutes(self, seconds: Optional[float], **fields: Any) -> None:
        """The session's own bill, where it is by the time of its sound."""
        if seconds:
            known = {"duration_seconds": seconds, "is_realtime": True, "billing_unit": "PER_MINUTE", **fields}
            self.due(Reading(text_of(pick(self.session, "id")), self.result.model, stop_reason="END", finished=True, kind=AUDIO, fields=known))


class RealtimeReader(SessionReader):
    """Realtime: each response is a bill, and so is each transcription of what the user said."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._running: Dict[str, Reading] = {}

    def heard(self, event: Any, kind: str) -> None:
        if kind == "response.created":
            answer = text_of(pick(event, "response", "id")) or ""
            self._running[answer] = Reading(answer, provider_time=time.time())
        elif kind == "response.done":
            self._answered(pick(event, "response"))
        elif kind == "conversation.item.input_audio_transcription.completed":
            self._transcribed(event)
        elif kind.endswith(".delta") and isinstance(pick(event, "delta"), str):
            running = self._running.get(text_of(pick(event, "response_id")) or "")
            if running is not None:
                running.output_characters += len(pick(event, "delta"))

    def _answered(self, answer: Any) -> None:
        part = self._running.pop(text_of(pick(answer, "id")) or "", None) or Reading(text_of(pick(answer, "id")))
        spent(part, pick(answer, "usage"))
        status = pick(answer, "status")
        reason = pick(answer, "status_details", "reason")
        part.stop_reason = INCOMPLETE.get(str(reason), "END") if status == "incomplete" else _ENDS.get(str(status), "END")
        if status == "failed":
            part.usage = part.usage if part.usage.known else Usage(input=0, output=0)
            part.fields["error_reason"] = text_of(pick(answer, "status_details", "error", "code")) or "failed"
        part.model, part.finished = self.result.model, True
        sound = bool(part.usage.input_audio or part.usage.output_audio)
        part.kind = AUDIO if sound else COMPLETION
        part.fields["operation_type"] = "AUDIO" if sound else "CHAT"
        if sound:
            voice = text_of(pick(self.session, "audio", "output", "voice")) or text_of(pick(self.session, "voice"))
            part.fields.update({"is_realtime": True, "billing_unit": "PER_TOKEN"}, **({"voice": voice} if voice else {}))
        self.due(part)

    def _transcribed(self, event: Any) -> None:
        usage = pick(event, "usage")
        item = "%s-%s-transcription" % (pick(event, "item_id"), pick(event, "content_index") or 0)
        set_up = pick(self.session, "audio", "input", "transcription") or pick(self.session, "input_audio_transcription")
        part = Reading(item, text_of(pick(set_up, "model")) or self.result.model, finished=True, stop_reason="END", kind=AUDIO)
        spent(part, usage)
        seconds = amount(pick(usage, "seconds"))
        part.fields.update(is_realtime=True, operation_type="AUDIO", operation_subtype="transcription")
        if seconds is not None:
            part.fields.update(duration_seconds=seconds, billing_unit="PER_MINUTE")
        if usage is not None:
            self.due(part)

    def reading(self) -> Reading:
        """A response that was running when the line went is billed for what it said."""
        for part in self._running.values():
            part.model, part.stop_reason = self.result.model, "CANCELLED"
            self.due(part)
        self._running = {}
        return self.result


class LiveReader(SessionReader):
    """Live: the session by its seconds, a running total; what it delegates to other APIs as those bill it."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._seconds: Optional[float] = None
        self._delegated = ResponsesSessionReader(request)

    def heard(self, event: Any, kind: str) -> None:
        if kind in ("session.usage.updated", "session.closed"):
            self._seconds = amount(pick(event, "usage", "seconds"))
        if kind == "session.closed":
            self._close()
        elif kind == "response.event":
            self._delegated.feed(pick(event, "event"))
            self._take()
        elif kind == "decision.event":
            decision = pick(event, "event", "decision")
            part = Reading(text_of(pick(event, "event_id")), text_of(pick(decision, "model")), finished=True, kind=COMPLETION)
            part.fields["operation_type"] = "CLASSIFY"
            spent(part, pick(decision, "usage"))
            self.due(part)

    def _take(self) -> None:
        for part in self._delegated.result.parts:
            part.kind, part.fields["operation_type"] = COMPLETION, "CHAT"
            self.due(part)
        self._delegated.result.parts = []

    def _close(self) -> None:
        self.minutes(self._seconds)
        self._seconds = None

    def reading(self) -> Reading:
        self._close()
        self._delegated.reading()
        self._take()
        return self.result


class TranslationReader(SessionReader):
    """Translation is billed by the time of its sound, which no event reports: it is that of the sound sent."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._sent = 0

    def sent(self, event: Any) -> None:
        if pick(event, "type") == "session.input_audio_buffer.append":
            sound = text_of(pick(event, "audio")) or ""
            self._sent += len(sound) * 3 // 4 - sound[-2:].count("=")

    def heard(self, event: Any, kind: str) -> None:
        if kind == "session.closed":
            self._close()

    def _close(self) -> None:
        language = text_of(pick(self.session, "audio", "output", "language"))
        self.minutes(self._sent / _SECOND_OF_SOUND, **({"target_language": language} if language else {}))
        self._sent = 0

    def reading(self) -> Reading:
        self._close()
        return self.result


class ResponsesSessionReader(SessionReader):
    """The Responses API over a connection: several answers, one after the other or at once, each a bill of its own."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._running: Dict[str, ResponsesReader] = {}
        self._latest = ""

    def heard(self, event: Any, kind: str) -> None:
        named = text_of(pick(event, "response", "id")) or text_of(pick(event, "response_id"))
        if named is not None and named not in self._running:
            self._running[named] = ResponsesReader(self.request)
            self._running[named].result.provider_time = time.time()
        self._latest = named or self._latest
        reader = self._running.get(self._latest)
        if reader is None:
            return
        reader.feed(event)
        if reader.result.finished:
            self._end(self._latest)

    def _end(self, named: str) -> None:
        part = self._running.pop(named).reading()
        self._latest = next(reversed(list(self._running)), "")
        if part.billable:
            self.due(part)

    def reading(self) -> Reading:
        for named, reader in list(self._running.items()):
            reader.result.stop_reason = "CANCELLED"
            self._end(named)
        return self.result
