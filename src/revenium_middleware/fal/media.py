"""What an application of fal makes: told by its answer, else by its name."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from .._core.fields import AUDIO, COMPLETION, IMAGE, VIDEO
from .._core.values import amount, count
from .._usage.reading import listed, pick, text_of

_BY_NAME: Tuple[Tuple[str, str], ...] = (
    (r"any-llm|openrouter|(?:^|[/-])llm|llava|moondream", COMPLETION),
    (r"video|(?:^|[/-])(?:veo|sora|kling|wan|ltx|luma|hailuo|runway|pika|mochi|seedance|vidu|pixverse)|lip-?sync|animat|i2v|t2v", VIDEO),
    (r"audio|speech|(?:^|[/-])tts|whisper|wizper|transcri|voice|music|sound|elevenlabs|lyria|kokoro|playai|chatterbox|sonauto|ace-step", AUDIO),
    (r"image|flux|diffusion|sdxl|lcm|recraft|ideogram|imagen|photo|seedream|banana|bria|upscal|esrgan|background|kolors|sana|hidream|face", IMAGE),
)
_HEARS = re.compile(r"whisper|wizper|transcri|speech-to-text|stt")
_SOUNDS = ("audio", "audio_file", "audio_url")
UNITS: Mapping[str, str] = {IMAGE: "PER_IMAGE", VIDEO: "PER_SECOND"}
OPERATIONS: Mapping[str, str] = {IMAGE: "IMAGE", VIDEO: "VIDEO", AUDIO: "AUDIO", COMPLETION: "GENERATE"}


def kind_by_name(application: str) -> str:
    """The record kind that the name of an application tells; a completion where it tells nothing."""
    name = application.lower()
    return next((kind for pattern, kind in _BY_NAME if re.search(pattern, name)), COMPLETION)


def kind_by_answer(answer: Any) -> Optional[str]:
    """The record kind that an answer shows, whatever the application is called."""
    if count(pick(answer, "usage", "total_tokens")) is not None or count(pick(answer, "usage", "completion_tokens")) is not None:
        return COMPLETION
    if pick(answer, "video") or listed(pick(answer, "videos")):
        return VIDEO
    if any(pick(answer, name) for name in _SOUNDS) or (isinstance(pick(answer, "text"), str) and isinstance(pick(answer, "chunks"), list)):
        return AUDIO
    if listed(pick(answer, "images")) or pick(answer, "image"):
        return IMAGE
    return None


def subtype(kind: str, application: str) -> str:
    if kind == AUDIO:
        return "transcription" if _HEARS.search(application.lower()) else "speech"
    return "generation"


# ---------------------------------------------------------------------- what was asked for


def asked(kind: str, application: str, arguments: Mapping[str, Any]) -> Dict[str, Any]:
    """Record fields that the arguments of a call tell."""
    if kind == IMAGE:
        return _picture(arguments, requested_image_count=count(arguments.get("num_images")) or 1)
    if kind == VIDEO:
        seconds = _seconds(arguments)
        length = {} if seconds is None else {"duration_seconds": seconds, "requested_duration_seconds": seconds}
        return _picture(arguments, fps=count(arguments.get("fps")), **length)
    if kind == AUDIO and subtype(kind, application) == "speech":
        return _speech(arguments)
    return {}


def _picture(arguments: Mapping[str, Any], **more: Any) -> Dict[str, Any]:
    size = arguments.get("image_size") or arguments.get("resolution") or arguments.get("video_size")
    found = {
        "resolution": _size(size) or text_of(size),
        "aspect_ratio": text_of(arguments.get("aspect_ratio")),
        "format": text_of(arguments.get("output_format")),
        "quality": text_of(arguments.get("quality")),
        "style": text_of(arguments.get("style")),
        "source_image_provided": any(arguments.get(name) for name in ("image_url", "image_urls", "images")),
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def _speech(arguments: Mapping[str, Any]) -> Dict[str, Any]:
    text = next((arguments[name] for name in ("text", "gen_text", "input") if isinstance(arguments.get(name), str)), None)
    voice = text_of(arguments.get("voice")) or text_of(pick(arguments.get("voice_setting"), "voice_id"))
    found = {"voice": voice, "audio_format": text_of(arguments.get("output_format")), "playback_speed": amount(arguments.get("speed"))}
    if text is not None:
        found.update(character_count=len(text), billing_unit="PER_CHARACTER")
    return {name: value for name, value in found.items() if value is not None}


def _seconds(arguments: Mapping[str, Any]) -> Optional[float]:
    """The length asked for: ``5``, ``"5"``, ``"8s"``, or as many frames at so many a second."""
    given = arguments.get("duration") or arguments.get("duration_seconds")
    if isinstance(given, str):
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*s?", given)
        return amount(float(found.group(1))) if found is not None else None
    frames, rate = amount(arguments.get("num_frames")), amount(arguments.get("fps") or arguments.get("frames_per_second"))
    return amount(given) if given is not None else frames / rate if frames and rate else None


# ---------------------------------------------------------------------- what was made


def made(kind: str, answer: Any) -> Dict[str, Any]:
    """Record fields that the answer tells; they are above what was asked for."""
    if kind == IMAGE:
        return _images(answer)
    if kind == VIDEO:
        film = next(iter(listed(pick(answer, "videos"))), pick(answer, "video"))
        return _measured(film, answer, _size(film))
    if kind == AUDIO:
        sound = next((found for found in (pick(answer, name) for name in _SOUNDS) if found), None)
        return _measured(sound, answer, None)
    return {}


def _images(answer: Any) -> Dict[str, Any]:
    images = listed(pick(answer, "images")) or [image for image in [pick(answer, "image")] if image]
    if not images:
        return {}
    media_type = text_of(pick(images[0], "content_type")) or ""
    found = {"actual_image_count": len(images), "resolution": _size(images[0]), "format": media_type.partition("/")[2] or None}
    return {name: value for name, value in found.items() if value is not None}


def _measured(file: Any, answer: Any, size: Optional[str]) -> Dict[str, Any]:
    seconds = amount(pick(file, "duration"))
    if seconds is None:
        seconds = amount(pick(answer, "duration"))
    if seconds is None:
        milliseconds = amount(pick(answer, "duration_ms"))
        seconds = None if milliseconds is None else milliseconds / 1000
    found = {"duration_seconds": seconds, "resolution": size}
    return {name: value for name, value in found.items() if value is not None}


def _size(value: Any) -> Optional[str]:
    width, height = count(pick(value, "width")), count(pick(value, "height"))
    return "%dx%d" % (width, height) if width and height else None
