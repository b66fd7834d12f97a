"""How ``predict``, behind which Vertex has pictures, embeddings and older text models, says what was used; and films."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional

from .._core.fields import IMAGE
from .._core.values import total
from .._usage.reading import Reader, Usage, listed, text_of
from .wire import asking, at, last, measure, whole

EMBED, GENERATE, VISION = "EMBED", "GENERATE", "VISION"
_PICTURES = ("image", "reference_images", "person_image", "product_images", "scribble")


class PredictReader(Reader):
    """What is asked for is told by the first instance, and then by the answer."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self._instance = next(iter(listed(at(request, "instances"))), None)
        self._is(_by_request(self._instance))

    def _is(self, operation: str) -> None:
        reading = self.result
        reading.fields = {"operation_type": operation}
        reading.kind = IMAGE if operation == "IMAGE" else None
        if reading.kind == IMAGE:
            reading.fields.update(self._asked())

    def feed(self, event: Any) -> bool:
        found = listed(at(event, "predictions"))
        operation = _by_answer(found[0]) if found else None
        if operation is not None and operation != self.result.fields["operation_type"]:
            self._is(operation)
        if self.result.kind == IMAGE:
            self._pictures(found)
        else:
            self._tokens(event, found)
        self.result.finished = True
        return False

    def _tokens(self, event: Any, predictions: Any) -> None:
        reading, metadata = self.result, at(event, "metadata")
        if reading.fields["operation_type"] == EMBED:
            counted = total(whole(at(each, "embeddings", "statistics", "token_count")) for each in predictions)
            reading.usage = Usage(input=counted, output=None if counted is None else 0)
            characters = whole(at(metadata, "billable_character_count"))
            if characters:
                reading.fields["character_count"] = characters
        else:
            reading.usage = _told(metadata)

    def _pictures(self, predictions: Any) -> None:
        made = [each for each in predictions if at(each, "bytes_base64_encoded") or at(each, "gcs_uri")]
        facts = self.result.fields
        facts["actual_image_count"] = len(made)
        facts.setdefault("requested_image_count", len(made))
        media_type = text_of(at(made[0], "mime_type")) if made else None
        if media_type:
            facts["format"] = media_type.partition("/")[2]
        facts["revised_prompt_provided"] = any(text_of(at(each, "prompt")) for each in made)

    def _asked(self) -> Dict[str, Any]:
        ask = asking(at(self.request, "parameters"))
        mode = "upscale" if ask("mode") == "upscale" or ask("upscale_config") else "edit" if ask("edit_mode") or ask("edit_config") else "generation"
        found = {
            "operation_subtype": mode,
            "billing_unit": "PER_IMAGE",
            "requested_image_count": whole(ask("sample_count")),
            "aspect_ratio": text_of(ask("aspect_ratio")),
            "resolution": text_of(ask("sample_image_size")) or text_of(at(ask("upscale_config"), "upscale_factor")),
            "style": text_of(ask("sample_image_style")),
            "source_image_provided": any(at(self._instance, name) is not None for name in _PICTURES),
        }
        return {name: value for name, value in found.items() if value is not None}


class StreamedTextReader(Reader):
    """Text of an older model as it comes. Few services count it; where one does, its last word stands."""

    def feed(self, event: Any) -> bool:
        usage = _told(at(event, "metadata"))
        if usage.known:
            self.result.usage = usage
        characters = sum(map(_written, listed(at(event, "predictions"))))
        self.result.output_characters += characters
        return characters > 0


def _written(prediction: Any) -> int:
    """How much text: a chat's is that of its candidates."""
    said = listed(at(prediction, "candidates")) or [prediction]
    return sum(len(text_of(at(each, "content")) or "") for each in said)


def _told(metadata: Any) -> Usage:
    sides = (at(metadata, "token_metadata", side, "total_tokens") for side in ("input_token_count", "output_token_count"))
    given, made = map(whole, sides)
    return Usage(input=given, output=made)


def _by_request(instance: Any) -> str:
    ask = asking(instance)
    if ask("prompt") is not None and not isinstance(ask("prompt"), str):
        return "IMAGE"
    if ask("content") is not None or (ask("prompt") is None and any(ask(name) is not None for name in ("text", "video"))):
        return EMBED
    if ask("prefix") is not None or ask("messages") is not None:
        return GENERATE
    return "IMAGE"


def _by_answer(prediction: Any) -> Optional[str]:
    if isinstance(prediction, str):
        return VISION
    if not isinstance(prediction, Mapping):
        return None
    ask = asking(prediction)
    if any(ask(name) is not None for name in ("embeddings", "text_embedding", "image_embedding", "video_embeddings")):
        return EMBED
    if ask("content") is not None or ask("candidates") is not None:
        return GENERATE
    return None


# ---------------------------------------------------------------------- films

_USUAL_SECONDS = 8
"""What Veo makes when the request does not say how long."""


class FilmReader(Reader):
    """A film is billed by its seconds once it is made: by the call that first shows the operation done."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self.result.fields.update(async_operation=True, billing_unit="PER_SECOND")
        self.result.billable = False

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        job = last(ask("name")) or last(at(self.request, "operation_name"))
        reading.id = reading.job = job
        if job is not None:
            reading.fields["video_job_id"] = job
        if ask("done") is True:
            self._done(ask("response"), ask("error"))
        return False

    def _done(self, response: Any, error: Any) -> None:
        reading = self.result
        shown = at(response, "generate_video_response") or response
        films = listed(at(shown, "generated_samples")) or listed(at(shown, "videos")) or listed(at(shown, "generated_videos"))
        if error is not None:
            reading.fields.update(completion_status="FAILED", duration_seconds=0.0, error_reason="operation failed (code %s)" % at(error, "code"))
        elif films:
            reading.fields["completion_status"], reading.pieces = "SUCCESS", len(films)
        elif at(shown, "rai_media_filtered_count"):
            reading.fields.update(completion_status="FAILED", duration_seconds=0.0, error_reason="filtered")
        else:
            return  # an operation of another kind
        reading.billable = reading.finished = True


class FilmStartReader(FilmReader):
    """Only the request says how long a film it wants."""

    def feed(self, event: Any) -> bool:
        ask = asking(at(self.request, "parameters"))
        instance = next(iter(listed(at(self.request, "instances"))), None)
        seconds = measure(ask("duration_seconds"))
        seconds = float(_USUAL_SECONDS) if seconds is None else seconds
        asked = {
            "duration_seconds": seconds,
            "requested_duration_seconds": seconds * (whole(ask("sample_count")) or 1),
            "resolution": text_of(ask("resolution")),
            "aspect_ratio": text_of(ask("aspect_ratio")),
            "fps": whole(ask("fps")),
        }
        if at(instance, "video") is not None:
            asked["duration_seconds"] = asked["requested_duration_seconds"] = None  # made longer, by as much as the model pleases
        self.result.facts = {"asked": {name: value for name, value in asked.items() if value is not None}}
        return super().feed(event)
