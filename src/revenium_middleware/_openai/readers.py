"""How each OpenAI endpoint says what was used."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from .._core.values import amount
from .._usage.reading import Reader, Reading, Usage, listed, members, pick, prompt_usage, text_of

STOP_REASONS: Mapping[str, str] = {
    "stop": "END",
    "function_call": "END_SEQUENCE",
    "tool_calls": "END_SEQUENCE",
    "length": "TOKEN_LIMIT",
    "timeout": "TIMEOUT",
    "content_filter": "ERROR",
}
INCOMPLETE: Mapping[str, str] = {"max_output_tokens": "TOKEN_LIMIT", "content_filter": "ERROR"}
_TICKS_PER_DOLLAR = 1e10


def common(reading: Reading, answer: Any) -> None:
    """What every JSON answer of the family may say about itself."""
    said = members(answer)
    reading.id = text_of(said("id")) or reading.id
    reading.model = text_of(said("model")) or reading.model
    tier = text_of(said("service_tier"))
    if tier:
        reading.fields["actual_service_tier"] = tier
    fingerprint = text_of(said("system_fingerprint"))
    if fingerprint:
        reading.fields["system_fingerprint"] = fingerprint


def spent(reading: Reading, usage: Any) -> None:
    """Tokens and, where the provider says it, the money; a later report overwrites an earlier one."""
    if usage is None:
        return
    found = prompt_usage(usage)
    if not found.known:
        return
    said = members(usage)
    ticks, cost = amount(said("cost_in_usd_ticks")), said("cost")
    if ticks is not None:
        reading.fields["total_cost"] = ticks / _TICKS_PER_DOLLAR
        found = _reasoning_beside(found)
    elif cost is not None:
        dollars = amount(cost if isinstance(cost, (int, float)) else pick(cost, "total_cost"))
        if dollars is not None:
            reading.fields["total_cost"] = dollars
    if found.cache_read and found.input is not None and reading.model and "claude" in reading.model.lower():
        found = found._replace(reads_in_input=False)  # priced by the rule of that model's own API
    reading.usage = found


def _reasoning_beside(usage: Usage) -> Usage:
    """xAI counts reasoning beside the completion; both are billed as output."""
    if usage.output is None or not usage.reasoning:
        return usage
    whole = (usage.input or 0) + (usage.cache_read or 0) + usage.output
    if usage.total is not None and usage.total < whole + usage.reasoning:
        return usage
    return usage._replace(output=usage.output + usage.reasoning)


class ChatReader(Reader):
    """Chat completions and legacy completions, plain or streamed."""

    def feed(self, event: Any) -> bool:
        reading, said = self.result, members(event)
        usage = said("usage")
        if usage is None:
            usage = pick(said("x_groq"), "usage")
        if usage is not None or reading.id is None or reading.model is None:
            common(reading, event)
        if usage is not None:
            spent(reading, usage)
        characters = 0
        for choice in listed(said("choices")):
            characters += self._choice(members(choice))
        reading.output_characters += characters
        return characters > 0

    def _choice(self, said: Callable[[str], Any]) -> int:
        """How it ended, if it did; returns how many characters it brought."""
        finish = said("finish_reason")
        if finish:
            self.result.stop_reason = STOP_REASONS.get(finish, "END") if isinstance(finish, str) else "END"
            self.result.finished = True
        part = said("delta")
        if part is None:
            part = said("message")
        return _length(said("text")) if part is None else _characters(members(part))


def _characters(said: Callable[[str], Any]) -> int:
    """Of text, refusal, reasoning and tool arguments in one message or delta."""
    found = _length(said("content")) + _length(said("refusal")) + _length(said("reasoning_content")) + _length(said("reasoning"))
    for tool in listed(said("tool_calls")):
        found += _length(pick(tool, "function", "arguments")) + _length(pick(tool, "function", "name"))
    return found


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0


_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class ResponsesReader(Reader):
    """Responses: the answer itself, or events that carry it under ``response``."""

    def feed(self, event: Any) -> bool:
        if isinstance(pick(event, "event"), str) and pick(event, "data") is not None:
            event = pick(event, "data")  # older SDKs hand out what they do not know with its name beside it
        kind = pick(event, "type")
        answer = pick(event, "response")
        if answer is None:
            answer = event if pick(event, "object") in ("response", "response.compaction") or pick(event, "usage") is not None else None
        if answer is not None:
            self._answer(answer, kind if isinstance(kind, str) else "")
        if isinstance(kind, str) and kind.endswith(".delta"):
            delta = pick(event, "delta")
            self.result.output_characters += len(delta) if isinstance(delta, str) else 0
            return isinstance(delta, str) and bool(delta)
        return False

    def _answer(self, answer: Any, kind: str) -> None:
        reading = self.result
        common(reading, answer)
        spent(reading, pick(answer, "usage"))
        status = pick(answer, "status")
        if status in ("completed", "incomplete", "failed", "cancelled") or kind in _TERMINAL:
            reading.finished = True
            reading.stop_reason = _responses_stop(answer, status)
        self.background(answer, status)

    def background(self, answer: Any, status: Any) -> None:
        """A background job is billed when it is seen finished, not when it is started or its stream is left."""
        if pick(answer, "background") is True:
            self.result.job = self.result.id
            self.result.billable = self.result.finished


def _responses_stop(answer: Any, status: Any) -> str:
    if status == "failed":
        return "ERROR"
    if status == "cancelled":
        return "CANCELLED"
    reason = pick(answer, "incomplete_details", "reason")
    if status == "incomplete":
        return INCOMPLETE.get(reason, "END") if isinstance(reason, str) else "END"
    if any(pick(item, "type") in ("function_call", "custom_tool_call") for item in listed(pick(answer, "output"))):
        return "END_SEQUENCE"
    return "END"


class FinishedResponseReader(ResponsesReader):
    """``retrieve`` and ``cancel``: only a background job that has ended bills anything."""

    def background(self, answer: Any, status: Any) -> None:
        ended = status in ("completed", "incomplete", "failed", "cancelled") and self.result.usage.known
        self.result.billable = pick(answer, "background") is True and ended

    def reading(self) -> Reading:
        self.result.billable = self.result.billable and self.result.finished
        return self.result


class EmbeddingsReader(Reader):
    def feed(self, event: Any) -> bool:
        common(self.result, event)
        spent(self.result, pick(event, "usage"))
        usage = self.result.usage
        if usage.known:
            self.result.usage = usage._replace(output=usage.output or 0)
        self.result.finished = True
        return False


class AnyUsageReader(Reader):
    """An endpoint we do not know: recorded exactly when its answer says what it used."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        answer = pick(event, "response") if pick(event, "response", "usage") is not None else event
        usage = pick(answer, "usage")
        if usage is not None:
            common(reading, answer)
            spent(reading, usage)
        return False

    def reading(self) -> Reading:
        self.result.billable = self.result.usage.known
        return self.result
