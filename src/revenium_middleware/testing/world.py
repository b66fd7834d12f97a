"""What a loopback provider remembers between requests: identifiers, jobs, files."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional


@dataclass
class Job:
    """Work that is answered for later: each retrieval moves it one step on, until its last."""

    id: str
    steps: List[str]
    """The states it goes through; a retrieval shows the next one."""
    view: Callable[[str], Dict[str, Any]]
    """The object shown for a state."""
    kept: Any = None
    """What the last step bills, or whatever else its endpoint needs."""
    billed: bool = False
    seen: int = 0
    group: str = ""
    """What it belongs to."""

    @property
    def state(self) -> str:
        return self.steps[min(self.seen, len(self.steps) - 1)]

    @property
    def ended(self) -> bool:
        return self.seen >= len(self.steps) - 1

    def advance(self) -> str:
        """The state to show now."""
        self.seen += 1
        return self.state

    def end(self, state: str) -> None:
        """Stop where it is, as cancelling does; nothing is billed any more."""
        if not self.ended:
            self.steps, self.seen, self.billed = [state], 0, True

    def bill(self) -> bool:
        """Whether this is the answer that bills: the first one that shows the job done."""
        due = self.ended and not self.billed
        self.billed = self.billed or due
        return due


@dataclass
class World:
    """Everything is reached under its server's lock."""

    jobs: Dict[str, Job] = field(default_factory=dict)
    files: Dict[str, bytes] = field(default_factory=dict)
    objects: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    """Anything else that can be retrieved again, by its id."""
    token: str = field(default_factory=lambda: secrets.token_hex(5))
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def id(self, prefix: str) -> str:
        """A new identifier, different from those of every other server."""
        return "%s%s%08d" % (prefix, self.token, next(self.numbers))

    @staticmethod
    def now() -> int:
        return int(time.time())

    def job(self, identifier: str) -> Optional[Job]:
        return self.jobs.get(identifier)
