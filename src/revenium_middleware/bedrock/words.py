"""Where each model family says text, and why it stopped."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Optional

from .._usage.reading import listed, pick

_STOPS: Mapping[str, str] = {
    "max_tokens": "TOKEN_LIMIT",
    "length": "TOKEN_LIMIT",
    "model_length": "TOKEN_LIMIT",
    "error_limit": "TOKEN_LIMIT",
    "model_context_window_exceeded": "TOKEN_LIMIT",
    "stop_sequence": "END_SEQUENCE",
    "stop_criteria_met": "END_SEQUENCE",
    "tool_use": "END_SEQUENCE",
    "tool_call": "END_SEQUENCE",
    "tool_calls": "END_SEQUENCE",
    "function_call": "END_SEQUENCE",
    "content_filter": "ERROR",
    "content_filtered": "ERROR",
    "guardrail_intervened": "ERROR",
    "malformed_model_output": "ERROR",
    "malformed_tool_use": "ERROR",
    "refusal": "ERROR",
    "safety": "ERROR",
    "error": "ERROR",
    "error_toxic": "ERROR",
    "user_cancel": "CANCELLED",
    "timeout": "TIMEOUT",
}
"""What is not listed is a natural end."""
_REASONS = ("stopReason", "stop_reason", "finish_reason", "completionReason", "finishReason")
_ENDS = ("messageStop", "delta", "choices", "results", "outputs", "generations", "completions")
"""What may hold the reason, itself or its first item."""

_WORDS = frozenset(
    ("text", "thinking", "partial_json", "completion", "generation", "outputText", "content", "reasoning_content", "reasoning", "arguments", "input")
)
_BRANCHES = frozenset(
    ("contentBlockDelta", "delta", "choices", "outputs", "results", "generations", "completions", "message", "content")
    + ("output", "reasoningContent", "toolUse", "tool_calls", "function", "data")
)


def stop_reason(content: Mapping[str, Any]) -> Optional[str]:
    """Why the model stopped, in our words; None while it goes on."""
    for holder in (content, *(content.get(name) for name in _ENDS)):
        first: Any = next(iter(listed(holder)), holder)
        for name in _REASONS if isinstance(first, Mapping) else ():
            reason = pick(first, name, "reason") if isinstance(first.get(name), Mapping) else first.get(name)
            if isinstance(reason, str) and reason:
                return _STOPS.get(reason.lower(), "END")
    return None


def characters(content: Any) -> int:
    """Characters of text, thought and tool input in an answer or an event."""
    if isinstance(content, (list, tuple)):
        return sum(characters(part) for part in content)
    if not isinstance(content, Mapping):
        return 0
    found = 0
    for name, value in content.items():
        if isinstance(value, str):
            found += len(value) if name in _WORDS else 0
        elif name in _BRANCHES:
            found += characters(value)
    return found
