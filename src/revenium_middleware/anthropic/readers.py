"""How Anthropic's messages say what was used."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from .._core.values import count
from .._usage.reading import Reader, Reading, Usage, counted, first_count, listed, members, pick, text_of

STOP_REASONS: Mapping[str, str] = {
    "end_turn": "END",
    "stop_sequence": "END_SEQUENCE",
    "tool_use": "END_SEQUENCE",
    "max_tokens": "TOKEN_LIMIT",
    "model_context_window_exceeded": "TOKEN_LIMIT",
    "content_filter": "ERROR",
    "refusal": "ERROR",
}
_METRICS = "amazon-bedrock-invocationMetrics"
_PASSES = ("advisor_message", "compaction")
"""Steps of a call that are billed beside its own usage."""


def usage_of(usage: Any, known: Optional[Usage] = None) -> Usage:
    """Usage in Anthropic's manner: input leaves out what was read from or written to a cache.

    ``known`` is what an earlier event reported: counts are cumulative, so a later one replaces it, and what a later
    event leaves out is still what it was.
    """
    known = known or Usage(reads_in_input=False)
    said = members(usage)
    written = members(said("cache_creation"))
    found = {
        "input": counted(said, "input_tokens"),
        "output": counted(said, "output_tokens"),
        "cache_read": counted(said, "cache_read_input_tokens"),
        "cache_write": counted(said, "cache_creation_input_tokens"),
        "cache_write_5m": counted(written, "ephemeral_5m_input_tokens"),
        "cache_write_1h": counted(written, "ephemeral_1h_input_tokens"),
        "reasoning": first_count(said("output_tokens_details"), "thinking_tokens"),
    }
    if found["cache_write"] is None and (found["cache_write_5m"], found["cache_write_1h"]) != (None, None):
        found["cache_write"] = (found["cache_write_5m"] or 0) + (found["cache_write_1h"] or 0)
    reported: Dict[str, Any] = {name: number for name, number in found.items() if number is not None}
    return known._replace(**reported)


def served(reading: Reading, usage: Any) -> None:
    """The tier and the speed that were served, as far as an answer says."""
    tier, speed = text_of(pick(usage, "service_tier")), text_of(pick(usage, "speed"))
    if tier:
        reading.fields["actual_service_tier"] = tier
    if speed:
        reading.fields["speed"] = speed


def _beside(usage: Any) -> List[Reading]:
    """The passes that were billed outside the usage they are listed in."""
    found = []
    for number, entry in enumerate(listed(pick(usage, "iterations"))):
        if pick(entry, "type") in _PASSES:
            found.append(Reading(id="iteration-%d" % number, model=text_of(pick(entry, "model")), usage=usage_of(entry), finished=True))
    return [each for each in found if each.usage.known]


class MessagesReader(Reader):
    """A message, whole or in events."""

    def feed(self, event: Any) -> bool:
        kind = pick(event, "type")
        if kind == "content_block_delta":  # most events are
            return self._said(pick(event, "delta"))
        if kind == "content_block_start":
            return self._said(pick(event, "content_block"))
        if kind == "message_delta":
            self._stopped(pick(event, "delta", "stop_reason"))
            self._used(pick(event, "usage"))
        elif kind == "message_stop":
            self.result.finished = True
            self._invoiced(pick(event, _METRICS))
        else:
            self._message(event, kind)
        return False

    def _message(self, event: Any, kind: Any) -> None:
        """A whole message, or the shell of one that begins: how much it will say is not known then."""
        begins = kind == "message_start"
        message = pick(event, "message") if begins else event
        usage = pick(message, "usage")
        if usage is None and kind != "message" and not begins:
            return
        self.result.id = text_of(pick(message, "id")) or self.result.id
        self.result.model = text_of(pick(message, "model")) or self.result.model
        for block in listed(pick(message, "content")):
            self._said(block)
        self._used(usage)
        self._stopped(pick(message, "stop_reason"))
        self.result.partial = begins
        self.result.finished = self.result.finished or not begins

    def _used(self, usage: Any) -> None:
        reading = self.result
        if usage is None:
            return
        reading.usage = usage_of(usage, reading.usage if reading.usage.known else None)
        reading.partial = reading.partial and first_count(usage, "output_tokens") is None
        passes = _beside(usage)
        if passes:
            reading.beside = passes
        served(reading, usage)

    def _stopped(self, reason: Any) -> None:
        if isinstance(reason, str):
            self.result.stop_reason = STOP_REASONS.get(reason, "END")
            self.result.finished = True

    def _said(self, part: Any) -> bool:
        """Count what a part of the answer says: text, thoughts, the input of a tool."""
        said = 0
        for name in ("text", "thinking", "partial_json", "name"):
            value = pick(part, name)
            said += len(value) if isinstance(value, str) else 0
        self.result.output_characters += said
        return said > 0

    # ------------------------------------------------------------------ what Amazon counts

    def headers(self, headers: Mapping[str, str]) -> None:
        if headers.get("x-amzn-bedrock-input-token-count") is not None:
            counted_too = ("input", "output", "cache-read-input", "cache-write-input")
            self._billed = {name: headers.get("x-amzn-bedrock-%s-token-count" % name) for name in counted_too}

    def _invoiced(self, metrics: Any) -> None:
        """Bedrock's own counts are what it bills, where they differ from the model's."""
        self._overrule(*(first_count(metrics, name + "TokenCount") for name in ("input", "output", "cacheReadInput", "cacheWriteInput")))

    def _overrule(self, *counts: Optional[int]) -> None:
        found: Dict[str, Any] = {name: number for name, number in zip(("input", "output", "cache_read", "cache_write"), counts) if number is not None}
        if found:
            known = self.result.usage if self.result.usage.known else Usage(reads_in_input=False)
            self.result.usage = known._replace(**found)
            self.result.partial = self.result.partial and "output" not in found

    _billed: Mapping[str, Optional[str]] = {}

    def reading(self) -> Reading:
        self._overrule(*(count(int(text)) if text is not None and text.isdigit() else None for text in self._billed.values()))
        return self.result


class CompletionReader(Reader):
    """The old text completions, which report no usage at all."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.id = text_of(pick(event, "id")) or reading.id
        reading.model = text_of(pick(event, "model")) or reading.model
        reason = text_of(pick(event, "stop_reason"))
        if reason:
            reading.stop_reason, reading.finished = STOP_REASONS.get(reason, "END"), True
        said = len(text_of(pick(event, "completion")) or "")
        reading.output_characters += said
        return said > 0


class AnyUsageReader(MessagesReader):
    """An endpoint we do not know: recorded exactly when its answer says what it used."""

    def reading(self) -> Reading:
        self.result.billable = self.result.usage.known
        return self.result
