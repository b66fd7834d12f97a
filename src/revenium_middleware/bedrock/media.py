"""How Bedrock's models for pictures and films say what was made."""

from __future__ import annotations

import re
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional

from .._core.fields import COMPLETION
from .._core.values import amount, count
from .._usage.reading import Reader, listed, pick, text_of
from .hosts import maker_of
from .readers import AnswerReader, whole_number

_EDITED = ("inPaintingParams", "outPaintingParams", "imageVariationParams", "backgroundRemovalParams", "colorGuidedGenerationParams", "image", "init_image")
"""Requests that have one of these work on a picture they were given."""


class ImagesReader(AnswerReader):
    """Pictures, billed by the piece."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.fields = _asked_picture(request)

    def feed(self, event: Any) -> bool:
        made = listed(pick(event, "images")) or listed(pick(event, "artifacts"))
        if isinstance(pick(event, "images"), list) or made:
            self.result.fields["actual_image_count"] = sum(1 for picture in made if picture)
        return False


def _asked_picture(request: Mapping[str, Any]) -> Dict[str, Any]:
    given = request.get("imageGenerationConfig")
    asked: Mapping[str, Any] = given if isinstance(given, Mapping) else request
    wide, high = count(asked.get("width")), count(asked.get("height"))
    found = {
        "requested_image_count": whole_number(asked.get("numberOfImages") or asked.get("samples")) or 1,
        "resolution": "%dx%d" % (wide, high) if wide and high else None,
        "aspect_ratio": text_of(asked.get("aspect_ratio")),
        "quality": text_of(asked.get("quality")),
        "style": text_of(asked.get("style_preset")),
        "format": text_of(asked.get("output_format")),
        "source_image_provided": any(request.get(name) is not None for name in _EDITED),
        "billing_unit": "PER_IMAGE",
    }
    return {name: value for name, value in found.items() if value is not None}


# ---------------------------------------------------------------------- jobs


class StartedReader(Reader):
    """A job that was started; it bills when it is done."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.job, reading.billable = text_of(pick(event, "invocationArn")), False
        reading.facts = {"asked": _asked_film(self.request)}
        return False


def _asked_film(request: Mapping[str, Any]) -> Dict[str, Any]:
    config = request.get("videoGenerationConfig")
    asked: Mapping[str, Any] = config if isinstance(config, Mapping) else request
    seconds = _seconds(asked.get("durationSeconds") or asked.get("duration"))
    found = {
        "duration_seconds": seconds,
        "requested_duration_seconds": seconds,
        "resolution": text_of(asked.get("dimension")) or text_of(asked.get("resolution")),
        "aspect_ratio": text_of(asked.get("aspect_ratio")),
        "fps": count(asked.get("fps")),
    }
    return {name: value for name, value in found.items() if value is not None}


def _seconds(value: Any) -> Optional[float]:
    if isinstance(value, str) and value.endswith("s"):
        number = whole_number(value[:-1])
        return None if number is None else float(number)
    return amount(value)


class JobReader(Reader):
    """A look at a job: the first that shows it done is the bill."""

    def feed(self, event: Any) -> bool:
        reading, model = self.result, (text_of(pick(event, "modelArn")) or "").rpartition("foundation-model/")[2]
        reading.id = text_of(pick(event, "invocationArn"))
        reading.model = model or None
        reading.billable = pick(event, "status") == "Completed"
        reading.fields["model_source"] = maker_of(model)
        if _VECTORS.search(model):
            reading.kind = COMPLETION
            reading.fields.update(operation_type="EMBED")
        else:
            reading.fields.update(async_operation=True, completion_status="SUCCESS", billing_unit="PER_SECOND", video_job_id=reading.id)
        return False


_VECTORS = re.compile("embed|marengo")
"""Models whose jobs make vectors of a film, not a film."""
