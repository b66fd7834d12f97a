"""How each Ollama endpoint says what was used."""

from __future__ import annotations

from typing import Any, Mapping

from .._usage.reading import Reader, Reading, Usage, first_count, listed, pick, prompt_usage, text_of

_STOP_REASONS: Mapping[str, str] = {
    "stop": "END",
    "length": "TOKEN_LIMIT",
    "error": "ERROR",
    "cancelled": "CANCELLED",
    "canceled": "CANCELLED",
    "tool_calls": "END_SEQUENCE",
}
_NOTHING_GENERATED = ("load", "unload")


class GeneratedReader(Reader):
    """Chat and generate: the last object of a stream, or the only one, has the counts."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.model = text_of(pick(event, "model")) or reading.model
        characters = _said(event)
        reading.output_characters += characters
        if pick(event, "done") is True:
            self._done(event)
        return characters > 0

    def _done(self, event: Any) -> None:
        reading, reason = self.result, text_of(pick(event, "done_reason"))
        reading.finished = True
        reading.stop_reason = _STOP_REASONS.get(reason or "stop", "END")
        reading.billable = reason not in _NOTHING_GENERATED
        reading.usage = Usage(input=first_count(event, "prompt_eval_count"), output=first_count(event, "eval_count"))


def _said(event: Any) -> int:
    """Characters of text, thinking and tool arguments in one object."""
    message = pick(event, "message")
    texts = [pick(event, "response"), pick(event, "thinking"), pick(message, "content"), pick(message, "thinking")]
    calls = listed(pick(message, "tool_calls"))
    return sum(len(text) for text in texts if isinstance(text, str)) + sum(len(str(pick(call, "function", "arguments"))) for call in calls)


class EmbeddedReader(Reader):
    """Embeddings; the older of the two endpoints reports no counts."""

    def feed(self, event: Any) -> bool:
        self.result.model = text_of(pick(event, "model"))
        tokens = first_count(event, "prompt_eval_count")
        if tokens is not None:
            self.result.usage = Usage(input=tokens, output=0)
        self.result.finished = True
        return False


class UsageReader(Reader):
    """Answers that report in the manner of OpenAI's."""

    def feed(self, event: Any) -> bool:
        self.result.model = text_of(pick(event, "model"))
        self.result.usage = prompt_usage(pick(event, "usage"))
        self.result.finished = True
        return False


class AnyUsageReader(UsageReader):
    """An endpoint we do not know: recorded exactly when its answer says what it used."""

    def feed(self, event: Any) -> bool:
        used = Usage(input=first_count(event, "prompt_eval_count"), output=first_count(event, "eval_count"))
        super().feed(event)
        self.result.usage = used if used.known else self.result.usage
        return False

    def reading(self) -> Reading:
        self.result.billable = self.result.usage.known
        return self.result


class WebReader(Reader):
    """A search or fetch by Ollama's cloud: counted by the request, no answer says what it took."""

    tool = "web_search"

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.model = self.tool

    def feed(self, event: Any) -> bool:
        self.result.finished = True
        return False


class FetchReader(WebReader):
    tool = "web_fetch"
