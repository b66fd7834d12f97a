"""One record, one POST: what is sent, and what each answer means."""

from __future__ import annotations

import asyncio
import email.utils
import encodings.idna  # noqa: F401 - else the first look-up of a host imports it, in a thread of which a fork knows nothing
import functools
import json
import random
import ssl
import time
import urllib.request
from typing import Any, Dict, Mapping, Optional, Tuple, Type
from urllib.parse import urlsplit

from .._core.fields import ENDPOINTS, to_wire
from .._core.settings import Settings
from .entries import DELIVERED, KEEP, PENDING, REFUSED, Outcome, Pending

CONNECTIONS = 24
"""At a time to one destination."""
MOST_CONNECTIONS = 4 * CONNECTIONS
"""To all of them: one that hangs keeps a quarter busy at most."""
_RETRIED = frozenset((408, 425, 429))
_NOT_TAKEN = frozenset((425, 429))
_LONGEST_WAIT = 3600.0
_BACK_OFF, _RECONNECT = 60.0, 5.0
"""Longest own pause of a record: after an answer, and where nobody was reached, so that nobody is bothered."""


class Client:
    """Posts records from the sender's loop with keep-alive. aiohttp: a quarter of the CPU of the alternatives per POST."""

    def __init__(self, settings: Settings, version: str) -> None:
        import aiohttp

        self._errors: Tuple[Type[BaseException], ...] = (aiohttp.ClientError, OSError, asyncio.TimeoutError)
        self._unsent = (aiohttp.ClientConnectorError, getattr(aiohttp, "ConnectionTimeoutError", ()))
        connector = aiohttp.TCPConnector(
            limit=MOST_CONNECTIONS,
            resolver=aiohttp.ThreadedResolver(),  # asks our loop, whatever else is installed
            ssl=certificates(),
            keepalive_timeout=60,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds, connect=settings.connect_timeout_seconds),
            headers={"User-Agent": "revenium-python-sdk/%s" % version, "Accept": "application/json"},
            auto_decompress=False,
        )

    async def post(self, row: Pending, key: str) -> Outcome:
        """One attempt. Any 2xx is success, whatever its body."""
        url, body, headers = request_for(row, key)
        try:
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False, proxy=proxy_for(row.base_url)) as answer:
                await answer.content.read(65_536)
                return judged(row, answer.status, answer.headers)
        except self._errors as error:
            return unreachable(row, error, not isinstance(error, self._unsent))

    async def close(self) -> None:
        await self._session.close()


class BlockingClient:
    """The same for a thread that has no event loop."""

    def __init__(self, settings: Settings, version: str) -> None:
        import httpx

        self._errors: Tuple[Type[BaseException], ...] = (httpx.HTTPError, OSError)
        self._timeout, self._connect = settings.timeout_seconds, settings.connect_timeout_seconds
        self._httpx = httpx
        self._client = httpx.Client(verify=certificates(), headers={"User-Agent": "revenium-python-sdk/%s" % version, "Accept": "application/json"})

    def post(self, row: Pending, key: str, most: float) -> Outcome:
        """One attempt of at most ``most`` seconds per step of it."""
        url, body, headers = request_for(row, key)
        timeout = self._httpx.Timeout(min(self._timeout, most), connect=min(self._connect, most))
        try:
            answer = self._client.post(url, content=body, headers=headers, timeout=timeout, follow_redirects=False)
        except self._errors as error:
            return unreachable(row, error, not isinstance(error, (self._httpx.ConnectError, self._httpx.ConnectTimeout)))
        return judged(row, answer.status_code, answer.headers)

    def close(self) -> None:
        self._client.close()


def request_for(row: Pending, key: str) -> Tuple[str, bytes, Dict[str, str]]:
    """Address, body and headers of one record."""
    body = json.dumps(to_wire(row.kind, json.loads(row.body)), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return row.base_url + ENDPOINTS[row.kind], body, {"x-api-key": key, "Idempotency-Key": row.id, "Content-Type": "application/json"}


@functools.lru_cache(maxsize=64)
def proxy_for(base_url: str) -> Optional[str]:
    """The proxy that the environment names for this address."""
    parts = urlsplit(base_url)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def unreachable(row: Pending, error: BaseException, sent: bool) -> Outcome:
    pause = _backoff(row.attempts, _BACK_OFF if sent else _RECONNECT)
    return Outcome(row.key, PENDING, type(error).__name__, time.time() + pause, first_attempt=KEEP if sent else row.first_attempt)


def judged(row: Pending, status: int, headers: Mapping[str, str]) -> Outcome:
    """Delivered, to be tried again, or refused for good."""
    if 200 <= status < 300:
        return Outcome(row.key, DELIVERED)
    reason = "HTTP %d" % status
    wanted = retry_after(headers)
    advice = headers.get("x-should-retry", "").lower()
    again = status in _RETRIED or status >= 500 or wanted is not None
    if advice == "true" or (again and advice != "false"):
        now, floor = time.time(), wanted or 0.0
        first_attempt = row.first_attempt if status in _NOT_TAKEN else KEEP
        return Outcome(row.key, PENDING, reason, now + max(floor, _backoff(row.attempts, _BACK_OFF)), now + floor if floor else 0.0, first_attempt, status)
    if 300 <= status < 400:
        reason += " (redirect to %s: set the base URL to where it should go)" % headers.get("location", "nowhere").split("?")[0]
    return Outcome(row.key, REFUSED, reason, status=status)


def _backoff(attempts: int, most: float) -> float:
    """Half a second, doubled at each attempt up to ``most``, with jitter so that processes do not march in step."""
    return float(min(0.5 * 2.0 ** min(attempts, 10), most)) * random.uniform(0.75, 1.25)


def retry_after(headers: Mapping[str, str]) -> Optional[float]:
    milliseconds, text = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds:
            return min(float(milliseconds) / 1000.0, _LONGEST_WAIT)
        if text:
            return min(float(text), _LONGEST_WAIT)
    except ValueError:
        date = email.utils.parsedate_tz(text or "")
        if date is not None:
            return max(0.0, min(email.utils.mktime_tz(date) - time.time(), _LONGEST_WAIT))
    return None


def certificates() -> Any:
    """The platform's certificates where it has any, else certifi's; verification is never off."""
    context = ssl.create_default_context()
    if not context.get_ca_certs() and ssl.get_default_verify_paths().cafile is None:
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
