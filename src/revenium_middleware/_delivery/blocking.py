"""Delivery without an event loop: in the thread that asked for it, and in processes whose threads are greenlets.

Used where no sender thread runs (a forked child at its end, a host frozen between calls, interpreter shutdown) and
under gevent, whose patched threads cannot each have an event loop of their own.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Iterable, List, Optional

from .client import BlockingClient
from .dispatch import Work
from .ledger import PENDING, Busy, Ledger, Outcome, Pending

BATCH = 16
Spread = Callable[[Callable[[Pending], Outcome], List[Pending]], Iterable[Outcome]]


class Drain:
    """Posts what is due, batch by batch, with one client that is made when there is something to post."""

    def __init__(self, work: Work, spread: Spread = map) -> None:
        self._work = work
        self._spread = spread
        self._client: Optional[BlockingClient] = None

    def run(self, deadline: float) -> float:
        """Deliver what is due until ``deadline`` (monotonic); returns for how many seconds nothing more will be due."""
        while True:
            try:
                wait = self._round(deadline)
            except Busy:
                wait = 0.1
            left = deadline - time.monotonic()
            if left <= 0 or wait >= left:
                return wait
            time.sleep(wait)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _round(self, deadline: float) -> float:
        """One batch for every destination whose key we know; returns how long until the next is due."""
        ledger, keys, now, soonest = self._work.collect(), self._work.keys(), time.time(), 30.0
        for credential, base_url, due, _ in ledger.destinations() if keys else ():
            if credential not in keys:
                continue
            if due > now:
                soonest = min(soonest, due - now)
                continue
            self._post(ledger, ledger.lease(self._work.owner(), credential, base_url, BATCH, now), keys[credential], deadline)
            soonest = 0.0
        return soonest

    def _post(self, ledger: Ledger, rows: List[Pending], key: str, deadline: float) -> None:
        client = self._client = self._client or self._work.blocking_client()
        outcomes = {row.number: Outcome(row.number, PENDING, "", time.time()) for row in rows}

        def post(row: Pending) -> Outcome:
            left = deadline - time.monotonic()
            return client.post(row, key, left) if left > 0 else outcomes[row.number]

        try:
            for outcome in self._spread(post, rows):
                outcomes[outcome.number] = outcome
        finally:
            ledger.settle(outcomes.values())
            self._work.delivered(list(outcomes.values()))


def threads_are_greenlets() -> bool:
    """Whether gevent has replaced the threads of this process."""
    monkey: Any = sys.modules.get("gevent.monkey")
    return bool(monkey is not None and monkey.is_module_patched("threading"))


def over_greenlets() -> Spread:
    """Post a batch over as many greenlets as it has records."""
    from gevent.pool import Pool

    return lambda post, rows: Pool(BATCH).imap_unordered(post, rows)
