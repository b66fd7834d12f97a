"""How OpenAI's endpoints for images and sound say what was used."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional

from .._core.values import amount, count
from .._usage.reading import Reader, Reading, pick, text_of
from .readers import common, spent


class ImagesReader(Reader):
    """Images, billed by tokens or by the piece."""

    from_image = False
    """Whether an image was sent to work on: uploads travel beside the body."""

    def feed(self, event: Any) -> bool:
        reading, request = self.result, self.request
        common(reading, event)
        spent(reading, pick(event, "usage"))
        facts = reading.fields
        facts["requested_image_count"] = count(request.get("n")) or _number(request.get("n")) or 1
        made = pick(event, "data")
        kind = pick(event, "type")
        if isinstance(made, list):
            facts["actual_image_count"] = len(made)
            facts["revised_prompt_provided"] = any(text_of(pick(image, "revised_prompt")) for image in made)
        elif isinstance(kind, str) and kind.endswith(".completed"):
            facts["actual_image_count"] = facts.get("actual_image_count", 0) + 1
        for name, asked in (("resolution", "size"), ("quality", "quality"), ("style", "style"), ("format", "output_format")):
            value = text_of(pick(event, asked)) or text_of(request.get(asked))
            if value and value != "auto":
                facts[name] = value
        facts["source_image_provided"] = self.from_image
        facts["billing_unit"] = "PER_TOKEN" if reading.usage.known else "PER_IMAGE"
        reading.finished = made is not None or reading.usage.known
        return isinstance(kind, str) and kind.endswith("partial_image")


class EditedImagesReader(ImagesReader):
    from_image = True


def _number(value: Any) -> Optional[int]:
    return int(value) if isinstance(value, str) and value.isdigit() else None


class SpeechReader(Reader):
    """Speech is billed by the characters sent; the sound itself is never read by us."""

    def feed(self, event: Any) -> bool:
        reading, request = self.result, self.request
        spoken = request.get("input")
        usage = pick(event, "usage") if isinstance(event, Mapping) or hasattr(event, "usage") else None
        spent(reading, usage)
        if isinstance(spoken, str):
            reading.fields["character_count"] = len(spoken)
            reading.fields["billing_unit"] = "PER_TOKEN" if reading.usage.known else "PER_CHARACTER"
        reading.fields.update(_given(request, voice="voice", response_format="response_format", audio_format="response_format"))
        speed = amount(request.get("speed"))
        if speed is not None:
            reading.fields["playback_speed"] = speed
        reading.finished = True
        return bool(pick(event, "type") == "speech.audio.delta") if isinstance(pick(event, "type"), str) else False

    def reading(self) -> Reading:
        if "character_count" not in self.result.fields:
            self.feed(None)  # a body read as bytes: the request says all there is
        return self.result


class TranscriptionReader(Reader):
    """Transcriptions and translations, by seconds or by tokens, plain or streamed."""

    def feed(self, event: Any) -> bool:
        reading, request = self.result, self.request
        usage = pick(event, "usage")
        seconds = amount(pick(usage, "seconds")) if usage is not None else None
        if seconds is None:
            seconds = _seconds(pick(event, "duration"))
        if seconds is not None:
            reading.fields["duration_seconds"] = seconds
        if usage is not None and pick(usage, "type") != "duration":
            spent(reading, usage)
        language = text_of(pick(event, "language")) or text_of(request.get("language"))
        if language:
            reading.fields["language"] = language
        if reading.usage.known:
            reading.fields["billing_unit"] = "PER_TOKEN"
        reading.fields.update(_given(request, response_format="response_format"))
        kind = pick(event, "type")
        streamed = isinstance(kind, str) and kind.startswith("transcript.")
        reading.finished = kind == "transcript.text.done" if streamed else True
        said = pick(event, "delta") if streamed else None
        if isinstance(said, str):
            reading.output_characters += len(said)
        return isinstance(said, str) and bool(said)


class TranslationReader(TranscriptionReader):
    def reading(self) -> Reading:
        self.result.fields["target_language"] = "en"
        return self.result


def _seconds(value: Any) -> Optional[float]:
    if isinstance(value, str):
        try:
            return amount(float(value))
        except ValueError:
            return None
    return amount(value)


def _given(request: Mapping[str, Any], **names: str) -> Dict[str, Any]:
    found = {field: request.get(name) for field, name in names.items()}
    return {field: value for field, value in found.items() if isinstance(value, str) and value}
