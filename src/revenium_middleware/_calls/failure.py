"""What a failed call says about itself in its record."""

from __future__ import annotations

from typing import Any, Dict, Optional

from .._core.settings import Settings
from .._usage.reading import pick

_STATUS = (
    ("status_code",),
    ("code",),
    ("response", "status_code"),
    ("response", "ResponseMetadata", "HTTPStatusCode"),
    ("__cause__", "response", "status_code"),
)
"""Where SDKs keep the HTTP status of an error."""


class HTTPStatusError(Exception):
    """An answer that says the call failed, where the SDK's own error comes only later."""

    def __init__(self, status_code: int) -> None:
        super().__init__("HTTP %d" % status_code)
        self.status_code = status_code


def status_of(error: BaseException) -> Optional[int]:
    for path in _STATUS:
        status = pick(error, *path)
        if isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600:
            return status
    return None


def failure(error: BaseException, settings: Settings) -> Dict[str, Any]:
    """Class and status of a failed call; the provider's message only where both capture switches allow it."""
    status = status_of(error)
    suffix = " (HTTP %d)" % status if status is not None else ""
    name = type(error).__name__
    if settings.capture_error_messages and settings.capture_prompts:
        name += ": " + " ".join(str(error).split())
    found: Dict[str, Any] = {"error_reason": name[: 255 - len(suffix)] + suffix}
    if status is not None:
        found["error_code"] = status
    return found
