"""How Google's endpoints for text say what was used."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.fields import IMAGE
from .._core.values import amount
from .._usage.reading import Reader, Reading, Usage, listed, members, prompt_usage, text_of
from .counts import interacted, spent
from .wire import asking, at

STOP_REASONS: Mapping[Any, str] = {
    "STOP": "END",
    "MAX_TOKENS": "TOKEN_LIMIT",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"), "ERROR"),
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MALFORMED_RESPONSE"), "ERROR"),
    **dict.fromkeys(("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"), "ERROR"),
    2: "TOKEN_LIMIT",  # older services answer with the numbers of the names
    **dict.fromkeys((3, 4, 6, 7, 8, 9), "ERROR"),
}


class ContentReader(Reader):
    """Generated content, plain or streamed: each chunk that reports usage reports all of it so far."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self._images = 0
        self._usage = Usage()
        temperature = amount(at(request, "generation_config", "temperature"))
        if temperature is not None:
            self.result.fields["temperature"] = temperature
        tier = text_of(at(request, "service_tier"))
        if tier:
            self.result.fields["requested_service_tier"] = tier

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        reading.id = text_of(ask("response_id")) or reading.id
        reading.model = text_of(ask("model_version")) or reading.model
        usage = ask("usage_metadata")
        if usage is not None:
            self._spent(usage)
        characters = sum(self._candidate(candidate) for candidate in listed(ask("candidates")))
        reading.output_characters += characters
        if at(ask("prompt_feedback"), "block_reason") or ask("error") is not None:
            reading.stop_reason, reading.finished = "ERROR", True
        return characters > 0 or self._images > 0

    def _spent(self, usage: Any) -> None:
        found = spent(usage)
        if found.known:
            self._usage = found
        tier = text_of(at(usage, "service_tier")) or text_of(at(usage, "traffic_type"))
        if tier:
            self.result.fields["actual_service_tier"] = tier

    def _candidate(self, candidate: Any) -> int:
        """How it ended, if it did; returns how many characters it brought."""
        ask = asking(candidate)
        reason = ask("finish_reason")
        if reason:
            self.result.stop_reason = STOP_REASONS.get(reason, "END")
            self.result.finished = True
        return sum(self._part(part) for part in listed(at(ask("content"), "parts")))

    def _part(self, part: Any) -> int:
        ask = asking(part)
        media = ask("inline_data")
        if media is not None and not ask("thought") and str(at(media, "mime_type")).startswith("image/"):
            self._images += 1
        call = ask("function_call")
        return len(ask("text") or "") + (len(str(at(call, "args") or "")) + len(at(call, "name") or "") if call is not None else 0)

    def reading(self) -> Reading:
        reading, usage = self.result, self._usage
        if usage.output_image and usage.output is not None:  # pictures have a price of their own, and a record
            usage = usage._replace(output=max(0, usage.output - usage.output_image), output_image=None)
            usage = usage._replace(total=None if usage.total is None else usage.total - (self._usage.output_image or 0))
        reading.usage = usage
        reading.partial = usage.known and not reading.finished and not usage.output and reading.output_characters > 0
        if self._images and not reading.beside:
            reading.beside = [_pictures(self._images, self._usage.output_image)]
        return reading


def _pictures(made: int, tokens: Any) -> Reading:
    """The pictures in an answer, for a record beside that of its text."""
    fields = {
        "operation_type": "IMAGE",
        "operation_subtype": "generation",
        "actual_image_count": made,
        "requested_image_count": made,
        "billing_unit": "PER_IMAGE",
    }
    return Reading(id="image", kind=IMAGE, usage=Usage(output_image=tokens), fields=fields, finished=True)


class EmbeddingReader(Reader):
    """Embeddings: the Gemini API reports no counts for most of its models, Vertex does."""

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        usage = spent(ask("usage_metadata"))
        if usage.input is not None:
            reading.usage = usage._replace(output=0)
        reading.finished = True
        return False


_ENDED: Mapping[Any, str] = {
    "completed": "END",
    "requires_action": "END_SEQUENCE",
    "requires_continuation": "TOKEN_LIMIT",
    "incomplete": "TOKEN_LIMIT",
    "budget_exceeded": "COST_LIMIT",
    "failed": "ERROR",
    "cancelled": "CANCELLED",
}


class InteractionReader(Reader):
    """An interaction: the answer itself, or events that carry it; one in the background is billed when it is seen ended."""

    def feed(self, event: Any) -> bool:
        said = members(event)
        answer = said("interaction") if said("event_type") is not None else event
        if answer is not None:
            self._answer(answer)
        if said("event_type") == "error":
            self.result.stop_reason, self.result.finished = "ERROR", True
        delta = members(said("delta"))
        text = delta("text") if isinstance(delta("text"), str) else at(delta("content"), "text")
        characters = len(text) if isinstance(text, str) else 0
        self.result.output_characters += characters
        return characters > 0

    def _answer(self, answer: Any) -> None:
        said, reading = members(answer), self.result
        reading.id = text_of(said("id")) or reading.id
        reading.model = text_of(said("model")) or text_of(said("agent")) or reading.model
        usage = interacted(said("usage"))
        if usage.known:
            reading.usage = usage
        tier = text_of(said("service_tier"))
        if tier:
            reading.fields["actual_service_tier"] = tier
        status = said("status")
        if status in _ENDED:
            reading.finished, reading.stop_reason = True, _ENDED[status]
        if self.request.get("background") is True or (self.request.get("agent") and not reading.finished):
            reading.job, reading.billable = reading.id, reading.finished


class FinishedInteractionReader(InteractionReader):
    """A look at one; the endpoint admits only those that were started here and not yet billed."""

    def reading(self) -> Reading:
        self.result.job = self.result.id
        self.result.billable = self.result.finished and self.result.usage.known
        return self.result


class TriggerReader(Reader):
    """A trigger that is run starts an interaction in the background."""

    def feed(self, event: Any) -> bool:
        self.result.job = text_of(at(event, "interaction_id"))
        self.result.billable = False
        return False


class DecisionReader(Reader):
    """Decisions report like an interaction, where they report."""

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        usage = interacted(ask("usage"))
        reading.usage = usage if usage.known else spent(ask("usage_metadata"))
        reading.finished = True
        return False


class AnyUsageReader(Reader):
    """An endpoint we do not know: recorded exactly when its answer says what it used."""

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        reading.id, reading.model = text_of(ask("response_id")), text_of(ask("model_version")) or text_of(ask("model"))
        usages = (spent(ask("usage_metadata")), interacted(ask("usage")), prompt_usage(ask("usage")))
        reading.usage = next((usage for usage in usages if usage.known), Usage())
        return False

    def reading(self) -> Reading:
        self.result.billable = self.result.usage.known
        return self.result
