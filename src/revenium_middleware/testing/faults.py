"""What a loopback server is told to do instead of answering properly.

    server.script(Fault.rate_limited(retry_after=2), Fault.cut(after=3), Fault())

plays one fault per request, in that order; ``Fault()`` is a proper answer, and so is everything after the last one.
The fields combine: ``Fault(gzip=True, chunk_delay=0.05, cut_after=4)``.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Union

from .loopback import Reply, Request

Rewrite = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Fault:
    """One deviation from a proper answer. Every default means: as usual."""

    status: Optional[int] = None
    """Answer with this status. Below 400 the proper body is kept unless ``body`` is given."""
    body: Union[None, bytes, str, Mapping[str, Any]] = None
    """Sent instead of the proper body: JSON for a mapping, else as it is."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    chunk_delay: float = 0.0
    """Seconds before each event of a stream."""
    cut_after: Optional[int] = None
    """Cut the connection after that many events of a stream, or bytes of a plain answer."""
    error_after: Optional[int] = None
    """Send an error event after that many events of a stream, then end it."""
    usage: Optional[Rewrite] = None
    """Replaces every usage object of the answer by what this returns for it."""
    done: bool = True
    """Whether a stream ends with its ``[DONE]`` line."""
    gzip: bool = False
    drop: bool = False
    """Close the connection without a byte."""
    hang: bool = False
    """Never answer: until the client leaves or the server stops."""
    path: Optional[str] = None
    """Only for a request whose path ends with this; others pass it by."""

    @classmethod
    def unauthorized(cls) -> Fault:
        """401, as for a wrong key."""
        return cls(401, error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"))

    @classmethod
    def rate_limited(cls, retry_after: Optional[float] = None) -> Fault:
        """429, with ``Retry-After`` in seconds if given."""
        headers = {} if retry_after is None else {"retry-after": "%g" % retry_after}
        return cls(429, error("Rate limit reached.", "requests", "rate_limit_exceeded"), headers)

    @classmethod
    def server_error(cls, status: int = 500) -> Fault:
        """500, or another status of that family."""
        return cls(status, error("The server had an error while processing your request.", "server_error"))

    @classmethod
    def bad_request(cls, message: str = "Invalid value.", param: Optional[str] = None) -> Fault:
        """400 that names a parameter."""
        return cls(400, error(message, "invalid_request_error", None, param))

    @classmethod
    def stream_options_refused(cls) -> Fault:
        """400 that names ``stream_options``, as hosts answer that do not know it."""
        return cls.bad_request("Unknown parameter: 'stream_options'.", "stream_options")

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """A page, as a proxy in between would send it."""
        return cls(status, "<html><body><h1>Welcome</h1></body></html>", {"content-type": "text/html"})

    @classmethod
    def empty(cls, status: int = 200) -> Fault:
        """A JSON content type and no body."""
        return cls(status, b"")

    @classmethod
    def slow(cls, first: float = 0.0, between: float = 0.0) -> Fault:
        """Seconds before the first byte and before each event."""
        return cls(delay=first, chunk_delay=between)

    @classmethod
    def cut(cls, after: int = 1) -> Fault:
        """The connection breaks after that many events, or bytes of a plain answer."""
        return cls(cut_after=after)

    @classmethod
    def error_event(cls, after: int = 1) -> Fault:
        """A stream that reports an error after that many events."""
        return cls(error_after=after)

    @classmethod
    def disconnect(cls) -> Fault:
        """The connection closes without a byte."""
        return cls(drop=True)

    @classmethod
    def silence(cls) -> Fault:
        """No answer at all."""
        return cls(hang=True)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Fault:
        """Somewhere else."""
        return cls(status, b"", {"location": location})

    @classmethod
    def null_usage(cls) -> Fault:
        """``usage: null``."""
        return cls(usage=lambda usage: None)

    @classmethod
    def negative_usage(cls) -> Fault:
        """Every count below zero."""
        return cls(usage=lambda usage: _counts(usage, lambda count: -count))

    @classmethod
    def text_usage(cls) -> Fault:
        """Every count as a string."""
        return cls(usage=lambda usage: _counts(usage, str))


def error(message: str, kind: str, code: Optional[str] = None, param: Optional[str] = None) -> Dict[str, Any]:
    """An error body as OpenAI writes it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def failed(fault: Fault) -> bool:
    """Whether the fault takes the place of the answer, so that nothing was produced."""
    return fault.drop or fault.hang or (fault.status is not None and fault.status >= 300)


def rewritten(value: Any, rewrite: Rewrite) -> Any:
    """``value`` with every usage object in it replaced."""
    if isinstance(value, dict):
        return {key: rewrite(item) if key == "usage" and isinstance(item, dict) else rewritten(item, rewrite) for key, item in value.items()}
    if isinstance(value, list):
        return [rewritten(item, rewrite) for item in value]
    return value


def distorted(reply: Reply, fault: Fault) -> Reply:
    """The reply as the fault has it."""
    if fault.body is not None or failed(fault):
        body = fault.body if fault.body is not None else b""
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        reply = Reply(200, {"x-request-id": reply.headers.get("x-request-id", "")}, data)
    return replace(
        reply,
        status=fault.status if fault.status is not None else reply.status,
        headers={**reply.headers, **fault.headers},
        delay=fault.delay or reply.delay,
        chunk_delay=fault.chunk_delay or reply.chunk_delay,
        cut_after=fault.cut_after,
        gzip=fault.gzip,
        drop=fault.drop,
        hang=fault.hang,
    )


class Script:
    """Faults waiting for their request. Not locked: its server is."""

    def __init__(self, usual: Optional[Fault] = None) -> None:
        self._usual = usual or Fault()
        self._waiting: Deque[Fault] = deque()

    def add(self, *faults: Fault) -> None:
        self._waiting.extend(faults)

    def clear(self) -> None:
        self._waiting.clear()

    @property
    def waiting(self) -> List[Fault]:
        """Those that no request has met yet."""
        return list(self._waiting)

    def take(self, request: Request) -> Fault:
        """The first one meant for this request, else the usual behaviour."""
        for fault in self._waiting:
            if fault.path is None or request.path.endswith(fault.path):
                self._waiting.remove(fault)
                return fault
        return self._usual


def _counts(usage: Mapping[str, Any], change: Callable[[int], Any]) -> Dict[str, Any]:
    return {key: _counts(value, change) if isinstance(value, dict) else change(value) if isinstance(value, int) else value for key, value in usage.items()}
