"""The request options of a Stainless-generated SDK: read, and changed on a copy only; among them the question for a stream's usage."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional, Set, Tuple

from .._core.metadata import canonical, overlay
from .call import Call, Request
from .carrier import KEYWORD, unloaded
from .failure import status_of

RAW_HEADER = "x-stainless-raw-response"


def copied(options: Any) -> Any:
    copy = options.model_copy if hasattr(options, "model_copy") else options.copy
    return copy()


def body_of(options: Any) -> Mapping[str, Any]:
    """The body as it will be sent: what the caller put into ``extra_body`` lies over the rest."""
    body = options.json_data if isinstance(options.json_data, Mapping) else {}
    extra = options.extra_json if isinstance(options.extra_json, Mapping) else None
    return {**body, **extra} if extra else body


def without_ours(options: Any) -> Tuple[Any, Optional[Mapping[str, Any]]]:
    """(options with nothing of ours in headers, body or query; the metadata found): the same options when there was none."""
    headers, metadata = unloaded(options.headers)
    changes: Dict[str, Any] = {} if headers is options.headers else {"headers": headers}
    for home in ("params", "json_data", "extra_json"):
        content = getattr(options, home, None)
        if isinstance(content, Mapping) and KEYWORD in content:
            changes[home] = {key: value for key, value in content.items() if key != KEYWORD}
            metadata = overlay(canonical(content[KEYWORD]), metadata or {})
    if not changes:
        return options, None
    clean = copied(options)
    for name, value in changes.items():
        setattr(clean, name, value)
    return clean, metadata


def raw_mode(options: Any) -> str:
    if not isinstance(options.headers, Mapping):
        return ""
    return next((str(value) for name, value in options.headers.items() if str(name).lower() == RAW_HEADER), "")


def asks_for_usage(body: Mapping[str, Any]) -> bool:
    """Whether the caller asked for the usage chunk of a stream."""
    options = body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def joined(base: str, url: str) -> str:
    return url if "://" in url else base.rstrip("/") + "/" + url.lstrip("/")


class Question:
    """``stream_options.include_usage``: asked of the hosts that do not mind, hidden from the caller, withdrawn when refused."""

    def __init__(self) -> None:
        self._stubborn: Set[str] = set()
        """Addresses that refused to be asked."""

    def ask(self, options: Any, request: Request) -> bool:
        """Add it where the answer will become a stream object and the caller did not; True when added."""
        wanted = request.streamed and request.endpoint.usage_on_request and not request.host.reports_usage_unasked
        if not wanted or _address(request) in self._stubborn or raw_mode(options) == "stream" or asks_for_usage(request.body):
            return False
        home = "extra_json" if isinstance(options.extra_json, Mapping) and "stream_options" in options.extra_json else "json_data"
        body = getattr(options, home)
        if not isinstance(body, Mapping):
            return False
        before = body.get("stream_options")
        setattr(options, home, {**body, "stream_options": {**(before if isinstance(before, Mapping) else {}), "include_usage": True}})
        return True

    def refused(self, call: Call, error: BaseException) -> bool:
        """The host refused the request because of what we added: it is not asked again."""
        if call.settled or status_of(error) not in (400, 422):
            return False
        text = str(error)
        if "stream_options" not in text and "include_usage" not in text:
            return False
        self._stubborn.add(_address(call.request))
        return True

    @staticmethod
    def withdraw(options: Any, request: Request) -> None:
        """Give the options the ``stream_options`` that the caller gave, if any."""
        for home in ("json_data", "extra_json"):
            body = getattr(options, home)
            if isinstance(body, Mapping) and isinstance(body.get("stream_options"), Mapping):
                without = {key: value for key, value in body.items() if key != "stream_options"}
                given = {"stream_options": request.body["stream_options"]} if "stream_options" in request.body else {}
                setattr(options, home, {**without, **given})


def _address(request: Request) -> str:
    return request.url.split("?")[0]
