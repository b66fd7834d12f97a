"""Pending records on their way out: leased, posted by a few workers at a time, settled."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Deque, Dict, List, Optional, Protocol, Set, Tuple

from .._core.diagnostics import Guard, diagnostics
from .client import CONNECTIONS, BlockingClient, Client
from .ledger import PENDING, REFUSED, Ledger, Outcome, Pending

IDLE = 30.0
BATCH = 128
OPEN_AFTER = 3
PROBE_EVERY = 5.0
HELD = "held back: the destination does not answer"

Destination = Tuple[str, str]


class Work(Protocol):
    """What the sender needs from the process it serves."""

    def collect(self) -> Ledger:
        """Bring everything recorded so far into the ledger, and return it."""

    def keys(self) -> Dict[str, str]:
        """Fingerprint -> key, for the credentials this process knows."""

    def client(self) -> Client: ...

    def blocking_client(self) -> BlockingClient: ...

    def owner(self) -> str: ...

    def adopt(self) -> bool:
        """Take over what dead processes left; whether to look again soon, since this process has neighbours or children."""

    def tidy(self) -> None:
        """Adopt what dead processes left, prune what is past its time."""

    def delivered(self, outcomes: List[Outcome]) -> None: ...


class Circuit:
    """Whether a destination answers. After a few failures in a row only a probe goes out, now and then."""

    def __init__(self) -> None:
        self.failures = 0
        self.closed_until = 0.0

    def allowed(self, now: float) -> int:
        if self.failures < OPEN_AFTER:
            return BATCH
        return 1 if now >= self.closed_until else 0

    def holds(self) -> bool:
        """Whether a record leased before the failures should wait rather than run into the same wall."""
        return self.failures >= OPEN_AFTER and time.time() < self.closed_until - PROBE_EVERY + 0.01

    def saw(self, outcome: Outcome, now: float) -> None:
        if outcome.state != PENDING:
            self.failures = 0
            return
        self.failures += 1
        self.closed_until = now + PROBE_EVERY


class Dispatch:
    """The records in flight, and the workers that post them."""

    def __init__(self, work: Work, circuits: Dict[Destination, Circuit]) -> None:
        self._work = work
        self._circuits = circuits
        self._client: Optional[Client] = None
        self._tasks: Set["asyncio.Task[None]"] = set()
        self._waiting: Deque[Tuple[Pending, str]] = deque()
        self._done: List[Tuple[Destination, Outcome]] = []

    async def step(self, ledger: Ledger) -> Tuple[bool, float]:
        """Lease, post for a moment, settle. Returns whether anything is under way, and when the next record is due."""
        wait = self._lease(ledger)
        if self._waiting or self._tasks:
            while self._waiting and len(self._tasks) < CONNECTIONS:
                self._tasks.add(asyncio.ensure_future(self._worker()))
            await asyncio.wait(self._tasks, timeout=0.02)
            for task in [task for task in self._tasks if task.done()]:
                self._tasks.discard(task)
                with Guard("posting"):
                    task.result()
        settled = self._settle(ledger)  # a record that failed may be due again before anything else: look once more
        return bool(settled or self._tasks or self._waiting), wait

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        if self._client is not None:
            await self._client.close()

    def _lease(self, ledger: Ledger) -> float:
        soonest, now = IDLE, time.time()
        if len(self._waiting) >= BATCH // 2:
            return 0.0
        keys = self._work.keys()
        for credential, base_url, due, _ in ledger.destinations() if keys else ():
            if credential not in keys:
                continue
            circuit = self._circuits.setdefault((credential, base_url), Circuit())
            allowed = circuit.allowed(now)
            if not allowed:
                soonest = min(soonest, circuit.closed_until - now)
            elif due > now:
                soonest = min(soonest, due - now)
            else:
                leased = ledger.lease(self._work.owner(), credential, base_url, allowed, now)
                self._waiting.extend((row, keys[credential]) for row in leased)
                if allowed == 1:
                    circuit.closed_until = now + PROBE_EVERY  # one probe at a time
        return max(soonest, 0.0)

    async def _worker(self) -> None:
        client = self._client = self._client or self._work.client()
        while self._waiting:
            row, key = self._waiting.popleft()
            circuit = self._circuits[(row.credential, row.base_url)]
            outcome = Outcome(row.number, PENDING, HELD, circuit.closed_until)
            try:
                if not circuit.holds():
                    outcome = await client.post(row, key)
            except (TypeError, ValueError) as error:  # cannot be serialised: never will be
                diagnostics.failed("serialising a record", error)
                outcome = Outcome(row.number, REFUSED, "not serialisable: %s" % type(error).__name__)
            finally:
                self._done.append(((row.credential, row.base_url), outcome))

    def _settle(self, ledger: Ledger) -> bool:
        if not self._done:
            return False
        done = self._done
        ledger.settle(outcome for _, outcome in done)
        self._done = []
        now = time.time()
        for destination, outcome in done:
            if outcome.reason != HELD:
                self._circuits[destination].saw(outcome, now)
            if outcome.state == REFUSED:
                diagnostics.warn(
                    "refused/" + outcome.reason, "the metering service refused a record (%s); it is kept, see revenium-meter report", outcome.reason
                )
        self._work.delivered([outcome for _, outcome in done])
        return True
