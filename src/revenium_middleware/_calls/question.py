"""Asking a host to report usage in a stream: added to a copy of the body, hidden from the caller, withdrawn when refused."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Set

from .call import Call, Request, status_of
from .options import asks_for_usage, raw_mode


class Question:
    """``stream_options.include_usage``, for the hosts that do not mind."""

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
