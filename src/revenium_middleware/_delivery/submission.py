"""One request to the metering service whose answer somebody waits for: sent once, at once, errors raised."""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, NamedTuple, Optional

from .._core.errors import ConfigurationError, MeteringConnectionError, MeteringError, MeteringStatusError
from .._core.settings import Settings
from .._core.version import VERSION
from .client import certificates, retry_after

_EXCERPT = 1_000


class Submission(NamedTuple):
    """What is sent, where, and for whom."""

    url: str
    key: str
    idempotency_key: str
    payload: Dict[str, Any]
    timeout: Optional[float]
    """Seconds; None: as the settings say."""


def send(submission: Submission, settings: Settings) -> Any:
    """The service's JSON; {} where it sent none. Raises MeteringConnectionError and MeteringStatusError."""
    import httpx

    failed: Optional[MeteringError] = None
    try:
        with httpx.Client(**_options(submission, settings)) as client:
            answer = client.post(submission.url, content=_body(submission.payload))
    except (httpx.HTTPError, OSError) as error:
        failed = _unreachable(submission, error)
    if failed is not None:  # outside the handler: the library's error holds the request, and that the key
        raise failed
    return _judged(submission, answer)


async def send_async(submission: Submission, settings: Settings) -> Any:
    """The same without blocking the event loop."""
    import httpx

    failed: Optional[MeteringError] = None
    try:
        async with httpx.AsyncClient(**_options(submission, settings)) as client:
            answer = await client.post(submission.url, content=_body(submission.payload))
    except (httpx.HTTPError, OSError) as error:
        failed = _unreachable(submission, error)
    if failed is not None:
        raise failed
    return _judged(submission, answer)


def _options(submission: Submission, settings: Settings) -> Dict[str, Any]:
    import httpx

    timeout = settings.timeout_seconds if submission.timeout is None else submission.timeout
    return {
        "verify": _shared_certificates(),
        "timeout": httpx.Timeout(timeout, connect=min(settings.connect_timeout_seconds, timeout)),
        "follow_redirects": False,
        "headers": {
            "User-Agent": "revenium-python-sdk/%s" % VERSION,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "x-api-key": submission.key,
            "Idempotency-Key": submission.idempotency_key,
        },
    }


_shared_certificates = functools.lru_cache(maxsize=1)(certificates)
"""Reading them takes longer than a request to a service nearby."""


def _body(payload: Dict[str, Any]) -> bytes:
    try:
        return json.dumps(payload, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError("the payload cannot be written as JSON: %s" % error) from None


def _unreachable(submission: Submission, error: Exception) -> MeteringError:
    return MeteringConnectionError("%s could not be reached: %s" % (submission.url, type(error).__name__))


def _judged(submission: Submission, answer: Any) -> Any:
    if 200 <= answer.status_code < 300:
        try:
            return answer.json()
        except ValueError:
            return {}
    body = answer.text.replace(submission.key, "***")[:_EXCERPT]
    raise MeteringStatusError("%s answered HTTP %d: %s" % (submission.url, answer.status_code, body), answer.status_code, body, retry_after(answer.headers))
