"""Pending records on their way out: leased, posted by a few workers at a time, settled."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import Deque, Dict, List, Optional, Protocol, Set, Tuple

from .._core.diagnostics import Guard, diagnostics
from .circuit import Circuit
from .client import CONNECTIONS, MOST_CONNECTIONS, BlockingClient, Client
from .entries import PENDING, REFUSED, Key, Outcome, Pending
from .ledger import Ledger
from .pace import Pause, at_once

IDLE = 30.0
BATCH = 128
NARROW = 2
ROUND = 0.05
"""Seconds for which a round posts before it settles what was answered: one transaction then serves many."""

Destination = Tuple[str, str]


class Work(Protocol):
    """What the sender needs from the process it serves."""

    def collect(self, pause: Pause = at_once) -> Ledger:
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

    def disk_failed(self, error: Exception) -> None:
        """The ledger could not be read or written: go on without its file."""

    def settle(self, outcomes: List[Outcome]) -> None:
        """Store and count what became of leased records."""


class Horizon:
    """The last record that somebody waits for: under a steady load others follow without end."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.reached = False
        self._newest: Optional[Tuple[Ledger, int]] = None

    def begin(self, ledger: Ledger) -> None:
        """It is the last one there is now, unless this was said before; numbers are of one ledger file."""
        if self._newest is None or self._newest[0] is not ledger:
            self._newest = (ledger, ledger.newest())

    def look(self, ledger: Ledger, work: Work) -> bool:
        """Whether the time is over, or nothing more can be done within it."""
        left = self.deadline - time.monotonic()
        newest = self._newest[1] if self._newest is not None else 0
        self.reached = left <= 0 or not ledger.owes(work.owner(), work.keys(), newest, time.time() + left)
        return self.reached


class Lane:
    """What is on its way to one destination: another one's outage does not hold it up."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.circuit = Circuit()
        self.waiting: Deque[Tuple[Pending, str]] = deque()
        self.workers = 0
        self.width = NARROW
        """Most workers now: more only while there is more to send than they can, since each wakes the interpreter up."""

    @property
    def crowded(self) -> bool:
        return len(self.waiting) > self.width

    def adjust(self) -> None:
        """After a round: wider where it left something over, narrow again where it did not."""
        self.width = min(2 * self.width, CONNECTIONS) if self.waiting else NARROW


class Dispatch:
    """The records in flight, and the workers that post them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lanes: Dict[Destination, Lane] = {}
        self._client: Optional[Client] = None
        self._tasks: Set["asyncio.Task[None]"] = set()
        self._done: List[Outcome] = []
        self._unposted: List[Key] = []
        self._back: Set[Destination] = set()

    @property
    def oldest(self) -> float:
        """When the oldest record on its way was made."""
        return min((row.created for lane in self._lanes.values() for row, _ in lane.waiting), default=math.inf)

    @property
    def crowded(self) -> bool:
        return any(lane.crowded for lane in self._lanes.values())

    def reset(self) -> None:
        """A flush was asked for: try every destination at once, whatever it did before."""
        for lane in self._lanes.values():
            lane.circuit.reset()
            lane.width = CONNECTIONS

    async def step(self, ledger: Ledger, leasing: bool = True) -> Tuple[bool, float]:
        """Lease, post for a moment, settle. Returns whether anything is under way, and when the next record is due."""
        wait = self._lease(ledger) if leasing else IDLE
        for lane in self._lanes.values():
            for _ in range(min(len(lane.waiting), lane.width - lane.workers, MOST_CONNECTIONS - len(self._tasks))):
                lane.workers += 1
                self._tasks.add(asyncio.ensure_future(self._worker(lane)))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ROUND)
            for task in [task for task in self._tasks if task.done()]:
                self._tasks.discard(task)
                with Guard("posting"):
                    task.result()
        for lane in self._lanes.values():
            lane.adjust()
        settled = self._settle(ledger)  # a record that failed may be due again before anything else: look once more
        return bool(settled or self._tasks or any(lane.waiting for lane in self._lanes.values())), wait

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        if self._client is not None:
            await self._client.close()

    def _lease(self, ledger: Ledger) -> float:
        soonest, now, keys = IDLE, time.time(), self._work.keys()
        for credential, base_url, due in ledger.destinations() if keys else ():
            if credential not in keys:
                continue
            lane = self._lanes.setdefault((credential, base_url), Lane((credential, base_url)))
            if len(lane.waiting) >= BATCH // 2:
                soonest = 0.0
            elif due > now:
                soonest = min(soonest, due - now)
            else:
                allowed = lane.circuit.allowed(BATCH, now)
                if allowed:
                    leased = ledger.lease(self._work.owner(), credential, base_url, allowed, now)
                    lane.waiting.extend((row, keys[credential]) for row in leased)
                else:
                    soonest = min(soonest, lane.circuit.next_probe - now)
        return max(soonest, 0.0)

    async def _worker(self, lane: Lane) -> None:
        client = self._client = self._client or self._work.client()
        try:
            while lane.waiting:
                row, key = lane.waiting.popleft()
                outcome = Outcome(row.key, PENDING, "", time.time())
                try:
                    outcome = await client.post(row, key)
                except (TypeError, ValueError) as error:  # cannot be serialised: never will be
                    diagnostics.failed("serialising a record", error)
                    outcome = Outcome(row.key, REFUSED, "not serialisable: %s" % type(error).__name__)
                finally:
                    self._saw(lane, outcome)
        finally:
            lane.workers -= 1

    def _saw(self, lane: Lane, outcome: Outcome) -> None:
        self._done.append(outcome)
        if lane.circuit.saw(outcome, time.time()):
            self._back.add(lane.destination)
        elif lane.circuit.open:  # what was leased before need not run into the same wall
            self._unposted.extend(row.key for row, _ in lane.waiting)
            lane.waiting.clear()

    def _settle(self, ledger: Ledger) -> bool:
        if self._unposted:
            ledger.give_back(self._unposted)
            self._unposted = []
        done, self._done = self._done, []
        if done:
            self._work.settle(done)
        for destination in self._back:
            ledger.due(*destination, time.time())
        self._back.clear()
        for outcome in done:
            if outcome.state == REFUSED:
                diagnostics.warn(
                    "refused/" + outcome.reason, "the metering service refused a record (%s); it is kept, see revenium-meter report", outcome.reason
                )
        return bool(done)
