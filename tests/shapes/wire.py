"""The loopback provider with nothing left to chance: the same requests get the same bytes, in every process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Callable, List, NamedTuple, Optional

from revenium_middleware.testing import ProviderServer
from revenium_middleware.testing.answers import Answered
from revenium_middleware.testing.loopback import Reply, Request
from revenium_middleware.testing.world import World

MODEL = "o3-cached"
"""A name that makes the loopback provider bill reasoning and cached tokens too."""


CLAUDE = "claude-cached-cachewrite"
"""The same at Anthropic, tokens written to a cache among them."""


class _Still(World):
    @staticmethod
    def now() -> int:
        return 1_700_000_000


class Sent(NamedTuple):
    """What arrived of one request, in the spelling of the wire."""

    method: str
    path: str
    query: Any
    headers: Any
    content: bytes


class Wire(ProviderServer):
    """A provider that is as new after ``clear``, and keeps the raw requests."""

    def __init__(self) -> None:
        self.sent: List[Sent] = []
        self.instead: Optional[Callable[[Request], Reply]] = None
        """Answers in the provider's place, where a test needs bytes that it would never send."""
        super().__init__(deployments={"my-deployment": MODEL})
        self.clear()

    def clear(self) -> None:
        self.reset()
        with self._lock:
            self._world = _Still(token="t")
            self._refuses_stream_options = False
            self.sent.clear()
            self.instead = None
            self.bent = (b"", b"")
            self._gzip = False

    @property
    def port(self) -> int:
        return self._loopback.port

    def set_gzip(self, gzip: bool) -> None:
        self._gzip = gzip

    def say_instead(self, text: str, other: str) -> None:
        """Replace a text in every JSON answer by another."""
        self.bent = (json.dumps(text)[1:-1].encode(), json.dumps(other)[1:-1].encode())

    def refuse_stream_options(self) -> None:
        self._refuses_stream_options = True

    @property
    def bills(self) -> List[Answered]:
        """The requests that cost something, in order."""
        return [each for each in self.log if each.billed]

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            self.sent.append(Sent(request.method, request.path, dict(request.query), dict(request.headers), request.body))
        reply = self.instead(request) if self.instead is not None else super()._answer(request)
        reply = replace(reply, gzip=reply.gzip or self._gzip)
        return replace(reply, body=reply.body.replace(*self.bent)) if self.bent[0] else reply
