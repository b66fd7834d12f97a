"""How a call's metadata travels from the public method to the waist: under one private header name, popped before sending."""

from __future__ import annotations

import json
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional, Tuple

from .._core.metadata import as_text, canonical, overlay

HEADER = "x-revenium-usage-metadata"
KEYWORD = "usage_metadata"


class Carrier(str):
    """Text that holds the metadata twice: as itself for SDKs that copy header text, and as an attribute for the rest."""

    metadata: Mapping[str, Any]

    def __new__(cls, metadata: Mapping[str, Any]) -> "Carrier":
        carrier = super().__new__(cls, as_text(metadata))
        carrier.metadata = metadata
        return carrier


def loaded(headers: Any, given: Any) -> Dict[str, Any]:
    """The caller's extra headers with the metadata aboard."""
    metadata = canonical(given)
    merged = dict(headers or {})  # None, NOT_GIVEN and omit are all falsy
    for name in list(merged):
        if isinstance(name, str) and name.lower() == HEADER:
            metadata = overlay(_metadata_of(merged.pop(name)), metadata)
    merged[HEADER] = Carrier(metadata)
    return merged


def unloaded(headers: Any) -> Tuple[Any, Optional[Mapping[str, Any]]]:
    """(headers without the carrier, its metadata); the same headers and None when there is none aboard."""
    if not isinstance(headers, Mapping):
        return headers, None
    for name in headers:
        if isinstance(name, str) and name.lower() == HEADER:
            kept = {key: value for key, value in headers.items() if not (isinstance(key, str) and key.lower() == HEADER)}
            return kept, _metadata_of(headers[name])
    return headers, None


def _metadata_of(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Carrier):
        return value.metadata
    try:
        decoded = json.loads(value)
    except (TypeError, ValueError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
