"""Delivery without an event loop: in the thread that asked for it, and in processes whose threads are greenlets.

Used where no sender thread runs (a forked child at its end, a host frozen between calls, interpreter shutdown) and
under gevent, whose patched threads cannot each have an event loop of their own.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from typing import Any, Callable, Dict, Iterable, List, Optional

from .circuit import Circuit
from .client import BlockingClient
from .dispatch import Destination, Horizon, Work
from .entries import PENDING, Busy, Key, Outcome, Pending
from .ledger import Ledger

BATCH = 16
Spread = Callable[[Callable[[Pending], Optional[Outcome]], List[Pending]], Iterable[Optional[Outcome]]]


class Drain:
    """Posts what is due, batch by batch, with one client that is made when there is something to post."""

    def __init__(self, work: Work, spread: Spread = map) -> None:
        self._work = work
        self._spread = spread
        self._client: Optional[BlockingClient] = None
        self._circuits: Dict[Destination, Circuit] = {}
        self._horizon: Optional[Horizon] = None

    def run(self, deadline: float) -> float:
        """Deliver what there is by now and is due before ``deadline`` (monotonic); returns for how many seconds nothing more will be due."""
        horizon = self._horizon = Horizon(deadline)
        while True:
            wait = self.turn(deadline)
            left = deadline - time.monotonic()
            if left <= 0 or wait >= left or horizon.reached:
                self._horizon = None
                return wait
            time.sleep(wait)

    def turn(self, deadline: float) -> float:
        """One batch for every destination, or a moment's rest where the ledger cannot be used just now."""
        try:
            return self._round(deadline)
        except Busy:
            return 0.1
        except (OSError, sqlite3.Error) as error:
            self._work.disk_failed(error)
            return 0.1

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _round(self, deadline: float) -> float:
        """One batch for every destination whose key we know; returns how long until the next is due."""
        ledger, keys, now, soonest = self._work.collect(), self._work.keys(), time.time(), 30.0
        if self._horizon is not None:
            self._horizon.begin(ledger)
        for credential, base_url, due in ledger.destinations() if keys else ():
            if credential not in keys:
                continue
            circuit = self._circuits.setdefault((credential, base_url), Circuit())
            allowed = circuit.allowed(BATCH, now) if due <= now else 0
            if not allowed:
                soonest = min(soonest, max(due, circuit.next_probe) - now)
                continue
            rows = ledger.lease(self._work.owner(), credential, base_url, allowed, now)
            if [outcome for outcome in self._post(ledger, rows, keys[credential], deadline) if circuit.saw(outcome, now)]:
                ledger.due(credential, base_url, now)
            soonest = 0.0
        if self._horizon is not None:
            self._horizon.look(ledger, self._work)
        return soonest

    def _post(self, ledger: Ledger, rows: List[Pending], key: str, deadline: float) -> Iterable[Outcome]:
        client = self._client = self._client or self._work.blocking_client()
        outcomes: Dict[Key, Outcome] = {}

        def post(row: Pending) -> Optional[Outcome]:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            outcomes[row.key] = Outcome(row.key, PENDING, "", time.time())
            return client.post(row, key, left)

        try:
            outcomes.update((outcome.key, outcome) for outcome in self._spread(post, rows) if outcome is not None)
        finally:
            self._work.settle(list(outcomes.values()))
            ledger.give_back([row.key for row in rows if row.key not in outcomes])
        return outcomes.values()


def threads_are_greenlets() -> bool:
    """Whether gevent has replaced the threads of this process."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return bool(monkey is not None and monkey.is_module_patched("threading"))


def over_greenlets() -> Spread:
    """Post a batch over as many greenlets as it has records."""
    from gevent.pool import Pool

    return lambda post, rows: Pool(BATCH).imap_unordered(post, rows)
