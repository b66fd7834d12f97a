"""Store and sender of one process together, and what became of its records."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Mapping, Optional

from .._core.record import Record
from .._core.settings import Settings
from .._core.version import VERSION
from .client import BlockingClient, Client
from .ledger import DELIVERED, REFUSED, Ledger, Outcome
from .sender import Sender
from .store import Store


class Delivery:
    """Keeps records and has them delivered; what the sender needs to know of the process, it asks here."""

    def __init__(self, settings: Callable[[], Settings], keys: Mapping[str, str], before_collecting: Callable[[], None]) -> None:
        self._settings = settings
        self._keys = keys
        self._before_collecting = before_collecting
        self.store = Store(settings())
        self.sender = Sender(self)
        self.recorded = self.delivered_count = self.refused_count = 0
        self.last_refusal: Optional[str] = None
        self.last_delivery: Optional[float] = None

    def append(self, record: Record) -> None:
        """Keep ``record``, and let the sender know."""
        self.store.append(record)
        self.recorded += 1
        self.sender.wake()

    def flush(self, timeout: float) -> None:
        self.sender.flush(timeout)

    # ------------------------------------------------------------------ what the sender asks

    def collect(self) -> Ledger:
        self._before_collecting()
        return self.store.collect()

    def keys(self) -> Dict[str, str]:
        self._settings()  # a key that arrived since is known from now on
        return dict(self._keys)

    def client(self) -> Client:
        return Client(self._settings(), VERSION)

    def blocking_client(self) -> BlockingClient:
        return BlockingClient(self._settings(), VERSION)

    def owner(self) -> str:
        return self.store.owner

    def tidy(self) -> None:
        self.store.tidy(self._settings())

    def delivered(self, outcomes: List[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.state == DELIVERED:
                self.delivered_count += 1
                self.last_delivery = time.time()
            elif outcome.state == REFUSED:
                self.refused_count += 1
                self.last_refusal = outcome.reason

    # ------------------------------------------------------------------ ends and forks

    def hold(self) -> None:
        """Before a fork: no thread may be inside SQLite or the journal while the process is copied."""
        self.store.hold()

    def let_go(self) -> None:
        self.store.let_go()

    def forget(self) -> None:
        """In a forked child: leave the parent's files, connection and sender alone."""
        self.store.let_go()
        self.store.forget()

    def close(self) -> None:
        self.sender.stop()
        self.store.close()
