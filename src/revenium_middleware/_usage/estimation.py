"""Counts for an answer whose usage never arrived: always flagged ``estimated``, never passed off as the provider's."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any

from .reading import Usage

CHARACTERS_PER_TOKEN = 4.0
"""English text on current tokenizers; other languages use more tokens per character, code fewer."""
_PER_MESSAGE = 4
"""What chat formats add around each message."""
_WHOLE = ("messages", "input", "prompt", "instructions", "system", "tools", "functions", "contents", "instances", "systemInstruction", "system_instruction")
_MEDIA = ("inlineData", "fileData", "data", "bytesBase64Encoded")
"""Where requests hold what is no text."""


def estimated(request: Mapping[str, Any], output_characters: int) -> Usage:
    """Input counted from the request, output from the text received."""
    characters, messages = 0, 0
    for key in _WHOLE:
        value = request.get(key)
        characters += _characters(value, 0)
        messages += len(value) if isinstance(value, (list, tuple)) and key in ("messages", "input", "contents") else 0
    return Usage(input=_tokens(characters) + messages * _PER_MESSAGE, output=_tokens(output_characters))


def completed(usage: Usage, output_characters: int) -> Usage:
    """A usage whose input is the provider's and whose output stands where the answer began: the text received says more."""
    return usage._replace(output=max(usage.output or 0, _tokens(output_characters)))


def _tokens(characters: int) -> int:
    return int(characters / CHARACTERS_PER_TOKEN + 0.999)


def _characters(value: Any, depth: int) -> int:
    """Text in a request, media left out: a base64 picture is not billed by its length."""
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if depth > 8:
        return 0
    if isinstance(value, Mapping):
        return sum(_characters(part, depth + 1) for key, part in value.items() if key not in _MEDIA)
    if isinstance(value, (list, tuple)):
        return sum(_characters(part, depth + 1) for part in value)
    return 0
