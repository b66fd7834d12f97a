"""What a process remembers from one call to the next: jobs, models and open streams. Bounded.

No locks: single operations on dicts, sets and queues are atomic, and a lock held at the moment of a fork would stay held
in the child.
"""

from __future__ import annotations

import logging
import queue
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Set
from urllib.parse import urlsplit

from .._core.diagnostics import logger

if TYPE_CHECKING:
    from .call import Call, Request
    from .streams import Watch

REMEMBERED = 10_000


class Jobs:
    """Jobs whose bill comes later: what was said when they were started, and which of them were recorded."""

    def __init__(self) -> None:
        self._started: Dict[str, Mapping[str, Any]] = {}
        self._facts: Dict[str, Mapping[str, Any]] = {}
        self._recorded: Dict[str, object] = {}

    def __len__(self) -> int:
        return len(self._started)

    def start(self, job: str, metadata: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self._started[job] = metadata
        _bound(self._started)
        if facts:
            self._facts.setdefault(job, facts)
            _bound(self._facts)

    def metadata(self, job: str) -> Optional[Mapping[str, Any]]:
        """What the starting call said; None for a job this process did not start."""
        return self._started.get(job)

    def facts(self, *names: Optional[str]) -> Dict[str, Any]:
        """Record fields that only the starting calls of these jobs could see."""
        if not self._facts:
            return {}
        return {field: value for name in names for field, value in self._facts.get(name or "", {}).items()}

    def seen(self, record_id: str) -> bool:
        """Whether this record was written before by this process; from now on it was."""
        mine = object()
        seen = self._recorded.setdefault(record_id, mine) is not mine
        _bound(self._recorded)
        return seen


def _bound(table: Dict[str, Any]) -> None:
    while len(table) > REMEMBERED:
        table.pop(next(iter(table)), None)


class Models:
    """The models that deployments of this process have answered with."""

    def __init__(self) -> None:
        self._deployments: Dict[str, str] = {}

    def resolve(self, model: str, request: Request, default: str) -> str:
        """The model to record: as answered; else what this deployment last answered with; else what its name tells."""
        host = request.host
        name = host.deployment_of(request.url, request.model, default)
        known, why = "%s|%s" % (_address(request.url), name), "as answered"
        if not model:
            model, why = self._deployments.get(known, ""), "as it answered before"
        elif name and (known in self._deployments or len(self._deployments) < 10_000):
            self._deployments[known] = model
        if not model:
            model, why = host.family_of(name) or "unknown", "by its name"
        if logger.isEnabledFor(logging.DEBUG):
            where = urlsplit(request.url)
            logger.debug("%s at %s%s: %s -> %s (%s)", host.provider, where.hostname, where.path, name or "no model named", model, why)
        return model


def _address(url: str) -> str:
    """Host and port of a URL, at the price of a split: a call has no time for more."""
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 else ""


class Streams:
    """Which streams are open, and those that nobody holds any more."""

    def __init__(self) -> None:
        self.open: Set[Call] = set()
        self._dropped: "queue.SimpleQueue[Watch]" = queue.SimpleQueue()

    def drop(self, watch: Watch) -> bool:
        """Called by a finaliser, at any point of any thread: True when somebody has to settle it later."""
        if watch.call.settled:
            return False
        self._dropped.put(watch)
        return True

    def settle_dropped(self) -> None:
        while True:
            try:
                watch = self._dropped.get_nowait()
            except queue.Empty:
                return
            watch.inside = False
            watch.closed()
