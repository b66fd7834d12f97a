"""Store and sender of one process together, and what became of its records."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Mapping, Optional

from .._core.errors import MeteringConnectionError, MeteringError, MeteringStatusError
from .._core.record import Record
from .._core.settings import Settings
from .._core.shared import FORK, Tally
from .._core.version import VERSION
from .client import BlockingClient, Client
from .entries import DELIVERED, REFUSED, Outcome
from .ledger import Ledger
from .pace import Pause, at_once
from .sender import Sender
from .store import Store

Failed = Callable[[str, MeteringError], None]
"""Who is told of an attempt that did not succeed: (operation, error)."""


class Delivery:
    """Keeps records and has them delivered; what the sender needs to know of the process, it asks here."""

    def __init__(self, settings: Callable[[], Settings], keys: Mapping[str, str], before_collecting: Callable[[], None], failed: Failed) -> None:
        self._settings = settings
        self._keys = keys
        self._before_collecting = before_collecting
        self._failed = failed
        self._has_forked = False
        self.store = Store(settings())
        self.sender = Sender(self)
        self._recorded, self._delivered, self._refused = Tally(), Tally(), Tally()
        self.last_refusal: Optional[str] = None
        self.last_delivery: Optional[float] = None

    def append(self, record: Record) -> None:
        """Keep ``record``, and let the sender know."""
        self.store.append(record)
        self._recorded.add()
        self.sender.wake()

    def flush(self, timeout: float, meanwhile: Optional[Callable[[], None]] = None, last: bool = False) -> None:
        self.sender.flush(timeout, meanwhile, last)

    # ------------------------------------------------------------------ what the sender asks

    def collect(self, pause: Pause = at_once) -> Ledger:
        self._before_collecting()
        return self.store.collect(pause)

    def keys(self) -> Dict[str, str]:
        self._settings()  # a key that arrived since is known from now on
        return dict(self._keys)

    def client(self) -> Client:
        with FORK:  # it imports, and a child forked meanwhile could never import the same
            return Client(self._settings(), VERSION)

    def blocking_client(self) -> BlockingClient:
        with FORK:
            return BlockingClient(self._settings(), VERSION)

    def owner(self) -> str:
        return self.store.owner

    def adopt(self) -> bool:
        return self.store.adopt() or self._has_forked

    def tidy(self) -> None:
        self.store.tidy(self._settings())

    def disk_failed(self, error: Exception) -> None:
        self.store.failed(error)

    def settle(self, outcomes: List[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.state == DELIVERED:
                self._delivered.add()
                self.last_delivery = time.time()
                continue
            if outcome.state == REFUSED:
                self._refused.add()
                self.last_refusal = outcome.reason
            if outcome.reason:
                self._failed("delivery", _error(outcome))
        self.store.settle(outcomes)

    @property
    def recorded(self) -> int:
        """By this process; so are the next two."""
        return int(self._recorded)

    @property
    def delivered_count(self) -> int:
        return int(self._delivered)

    @property
    def refused_count(self) -> int:
        return int(self._refused)

    # ------------------------------------------------------------------ ends and forks

    def hold(self) -> None:
        """Before a fork: no thread may be inside SQLite or the journal while the process is copied."""
        self.store.hold()

    def let_go(self) -> None:
        self._has_forked = True
        self.store.let_go()
        self.sender.forked()

    def forget(self) -> None:
        """In a forked child: leave the parent's files, connection and sender alone."""
        self.store.let_go()
        self.store.forget()

    def close(self) -> None:
        self.sender.stop()
        self.store.close()


def _error(outcome: Outcome) -> MeteringError:
    if outcome.status:
        return MeteringStatusError("the metering service answered: %s" % outcome.reason, outcome.status)
    return MeteringConnectionError("the metering service could not be reached: %s" % outcome.reason)
