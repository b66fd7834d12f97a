"""How Bedrock says what was used: in headers, in the last chunk of a stream, and in each model family's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional

from .._core.values import count
from .._usage.reading import Reader, Reading, Usage, first_count, listed, pick, prompt_usage, text_of
from .words import characters, stop_reason

_METRICS = "amazon-bedrock-invocationMetrics"
_GUARDED = "amazon-bedrock-guardrailAction"
_HEADERS: Mapping[str, str] = {
    "input": "x-amzn-bedrock-input-token-count",
    "output": "x-amzn-bedrock-output-token-count",
    "cache_read": "x-amzn-bedrock-cache-read-input-token-count",
    "cache_write": "x-amzn-bedrock-cache-write-input-token-count",
}
_NAMES: Mapping[str, Any] = {
    "input": ("inputTokens", "input_tokens", "inputTokenCount", "prompt_token_count", "inputTextTokenCount"),
    "output": ("outputTokens", "output_tokens", "outputTokenCount", "generation_token_count", "totalOutputTextTokenCount"),
    "cache_read": ("cacheReadInputTokens", "cache_read_input_tokens", "cacheReadInputTokenCount"),
    "cache_write": ("cacheWriteInputTokens", "cache_creation_input_tokens", "cacheWriteInputTokenCount"),
    "total": ("totalTokens", "total_tokens"),
}
"""Who counts what under which names: Converse and Nova, Claude and Cohere, the metrics of an invocation, Llama, Titan."""
_PLACES = (
    (),
    ("usage",),
    ("message", "usage"),
    ("metadata", "usage"),
    ("meta", "billed_units"),
    ("usage", "billed_units"),
    ("delta", "usage", "billed_units"),
    ("response", "meta", "billed_units"),
)
"""Where in an answer or an event of a stream."""


def counts(source: Any) -> Dict[str, int]:
    """What ``source`` reports under any of the names; input leaves out what was read from or written to a cache."""
    if not isinstance(source, Mapping):
        return {}
    if "prompt_tokens" in source or "completion_tokens" in source:
        return _openai(source)
    found = {name: first_count(source, *names) for name, names in _NAMES.items()}
    written = source.get("cache_creation")
    found["cache_write_5m"] = first_count(written, "ephemeral_5m_input_tokens")
    found["cache_write_1h"] = first_count(written, "ephemeral_1h_input_tokens")
    for detail in listed(source.get("cacheDetails")):
        if pick(detail, "ttl") in ("5m", "1h"):
            found["cache_write_%s" % pick(detail, "ttl")] = first_count(detail, "inputTokens")
    found["reasoning"] = first_count(source.get("output_tokens_details"), "thinking_tokens")
    return {name: number for name, number in found.items() if number is not None}


def _openai(source: Any) -> Dict[str, int]:
    """OpenAI's manner, in which Mistral, DeepSeek, Qwen, Jamba and gpt-oss answer too."""
    kept = prompt_usage(source)._asdict()
    del kept["reads_in_input"]
    return {name: number for name, number in kept.items() if number is not None}


class AnswerReader(Reader):
    """Text of any family, by any of the four ways to ask for it."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._own: Dict[str, int] = {}
        self._billed: Dict[str, int] = {}
        """Amazon's own counts are what it bills, where they differ from the model's."""

    def headers(self, headers: Mapping[str, str]) -> None:
        self.result.id = text_of(headers.get("x-amzn-requestid"))
        said = {name: headers.get(header) for name, header in _HEADERS.items()}
        self._billed.update({name: int(text) for name, text in said.items() if text is not None and text.isdigit()})
        self._tier(headers.get("x-amzn-bedrock-service-tier"))

    def feed(self, event: Any) -> bool:
        content = _opened(event)
        if not isinstance(content, Mapping):
            return False
        if "contentBlockDelta" not in content:  # most events are that
            self._facts(content)
        said = characters(content)
        self.result.output_characters += said
        return said > 0

    def _facts(self, content: Mapping[str, Any]) -> None:
        for place in _PLACES:
            self._own.update(counts(pick(content, *place)))
        results = [first_count(result, "tokenCount") or 0 for result in listed(content.get("results")) if isinstance(result, Mapping)]
        if any(results):  # Titan
            self._own["output"] = sum(results)
        self._billed.update(counts(content.get(_METRICS)))
        self._tier(pick(content, "serviceTier", "type") or pick(content, "metadata", "serviceTier", "type") or pick(content, "usage", "service_tier"))
        reason = stop_reason(content)
        if reason is not None:
            self.result.stop_reason, self.result.finished = reason, True
        if content.get(_GUARDED) == "INTERVENED":
            self.result.stop_reason = "ERROR"
        if content.get("type") == "message_start":
            self.result.partial = True
        elif pick(content, "usage", "output_tokens") is not None:
            self.result.partial = False

    def _tier(self, tier: Any) -> None:
        if text_of(tier):
            self.result.fields["actual_service_tier"] = tier

    def reading(self) -> Reading:
        found = {**self._own, **self._billed}
        if any(found.get(name) != self._own.get(name) for name in ("input", "output")):
            found.pop("total", None)
        self.result.usage = Usage(**found, reads_in_input=False) if found else Usage()
        self.result.partial = self.result.partial and "output" not in self._billed
        return self.result


class VectorsReader(AnswerReader):
    """Embeddings put out no tokens."""

    def feed(self, event: Any) -> bool:
        content = _opened(event)
        found = first_count(content, "inputTextTokenCount") if isinstance(content, Mapping) else None
        if found is not None:
            self._own["input"] = found
        return False

    def reading(self) -> Reading:
        super().reading()
        if self.result.usage.input is not None:
            self.result.usage = self.result.usage._replace(output=0, total=None)
        return self.result


class GuardrailReader(AnswerReader):
    """A text held against a guardrail, billed in text units, for which a record has no field."""

    def feed(self, event: Any) -> bool:
        return False


def _opened(event: Any) -> Any:
    """What an event of a stream carries: JSON in a chunk of bytes, or the event itself."""
    data = pick(event, "chunk", "bytes")
    if not isinstance(data, (bytes, bytearray)):
        return event
    try:
        return json.loads(data)
    except ValueError:
        return None


def whole_number(value: Any) -> Optional[int]:
    """A count given as a number or as digits."""
    return int(value) if isinstance(value, str) and value.isdigit() else count(value)
