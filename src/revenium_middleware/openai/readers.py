"""How each OpenAI endpoint says what was used."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.values import amount
from .._usage.reading import Reader, Reading, Usage, listed, pick, prompt_usage, text_of

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
    reading.id = text_of(pick(answer, "id")) or reading.id
    reading.model = text_of(pick(answer, "model")) or reading.model
    tier = text_of(pick(answer, "service_tier"))
    if tier:
        reading.fields["actual_service_tier"] = tier
    fingerprint = text_of(pick(answer, "system_fingerprint"))
    if fingerprint:
        reading.fields["system_fingerprint"] = fingerprint


def spent(reading: Reading, usage: Any) -> None:
    """Tokens and, where the provider says it, the money; a later report overwrites an earlier one."""
    if usage is None:
        return
    found = prompt_usage(usage)
    if not found.known:
        return
    ticks, dollars = amount(pick(usage, "cost_in_usd_ticks")), amount(pick(usage, "cost", "total_cost"))
    plain = amount(pick(usage, "cost"))
    if ticks is not None:
        reading.fields["total_cost"] = ticks / _TICKS_PER_DOLLAR
        found = _reasoning_beside(found)
    elif dollars is not None or plain is not None:
        reading.fields["total_cost"] = dollars if dollars is not None else plain
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
        reading = self.result
        if reading.id is None or reading.model is None:
            common(reading, event)
        usage = pick(event, "usage")
        if usage is None:
            usage = pick(event, "x_groq", "usage")
        if usage is not None:
            common(reading, event)
            spent(reading, usage)
        content = False
        for choice in listed(pick(event, "choices")):
            finish = pick(choice, "finish_reason")
            if finish:
                reading.stop_reason = STOP_REASONS.get(finish, "END") if isinstance(finish, str) else "END"
                reading.finished = True
            characters = _said(choice)
            reading.output_characters += characters
            content = content or characters > 0
        return content


def _said(choice: Any) -> int:
    """Characters of text, refusal, reasoning and tool arguments in one choice or delta."""
    part = pick(choice, "delta")
    if part is None:
        part = pick(choice, "message")
    if part is None:
        return len(text_of(pick(choice, "text")) or "")
    content = pick(part, "content")
    found = len(content) if isinstance(content, str) else 0
    for name in ("refusal", "reasoning_content", "reasoning"):
        value = pick(part, name)
        if isinstance(value, str):
            found += len(value)
    for tool in listed(pick(part, "tool_calls")):
        found += len(text_of(pick(tool, "function", "arguments")) or "") + len(text_of(pick(tool, "function", "name")) or "")
    return found


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
