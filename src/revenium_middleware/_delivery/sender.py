"""One daemon thread that ingests journals, leases pending records and delivers them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Protocol, Set, Tuple

from .._core.diagnostics import Guard, diagnostics
from .client import CONNECTIONS, Client
from .ledger import PENDING, REFUSED, Busy, Ledger, Outcome, Pending

LINGER = 0.05
"""How long a fresh record waits for company: one transaction then serves many."""
IDLE = 30.0
BATCH = 128
OPEN_AFTER = 3
PROBE_EVERY = 5.0
BUSY = 0.5
_HELD = "held back: the destination does not answer"

Destination = Tuple[str, str]


class Work(Protocol):
    """What the sender needs from the process it serves."""

    def collect(self) -> Ledger:
        """Bring everything recorded so far into the ledger, and return it."""

    def keys(self) -> Dict[str, str]:
        """Fingerprint -> key, for the credentials this process knows."""

    def client(self) -> Client: ...

    def owner(self) -> str: ...

    def tidy(self) -> None:
        """Adopt what dead processes left, prune what is past its time."""

    def delivered(self, outcomes: List[Outcome]) -> None: ...


class _Loop(asyncio.SelectorEventLoop):
    """A plain loop whose look-ups need no executor: after interpreter shutdown began there is none."""

    async def getaddrinfo(self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        return socket.getaddrinfo(host, port, family, type, proto, flags)


class _Circuit:
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


class Sender:
    """Delivers in the background; ``flush`` waits for it, or does the work itself where no thread runs."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._thread: Optional[threading.Thread] = None
        self._loop: Optional[_Loop] = None
        self._wake: Optional[asyncio.Event] = None
        self._awake = self._more = self._stopping = False  # more: appended since the sender last looked, it may not rest yet
        self._start = threading.Lock()
        self._flushes: Deque[Tuple[threading.Event, float]] = deque()
        self._circuits: Dict[Destination, _Circuit] = {}
        self._next_tidy = 0.0

    def wake(self) -> None:
        """A record was appended. Costs a flag when the sender is already awake."""
        self._more = True
        if self._thread is None:
            self._begin()
        elif not self._awake and self._loop is not None:
            self._awake = True
            self._poke()

    def nudge(self) -> None:
        """Wake a running sender; never starts one and never blocks, so finalisers may call it."""
        self._poke()

    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def flush(self, timeout: float) -> None:
        """Deliver what can be delivered within ``timeout`` seconds; never longer."""
        done = threading.Event()
        self._flushes.append((done, time.monotonic() + timeout))
        if self.running():
            self._awake = True
            self._poke()
            done.wait(timeout)
        elif threading.current_thread() is not self._thread:
            self._run(until=time.monotonic() + timeout)

    def stop(self) -> None:
        """End the thread, for tests: what is in flight stays pending."""
        self._stopping = True
        thread = self._thread
        if thread is not None:
            self._poke()
            thread.join(5.0)

    def _begin(self) -> None:
        with self._start:
            if self._thread is None:
                self._awake = True
                thread = threading.Thread(target=self._run, name="revenium-sender", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is shutting down: flush works in its caller's thread
                    self._thread = None

    def _poke(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            try:
                loop.call_soon_threadsafe(wake.set)
            except RuntimeError:
                pass

    def _run(self, until: float = 0.0) -> None:
        loop = _Loop()
        try:
            loop.run_until_complete(self._serve(loop, until))
        finally:
            self._loop = self._wake = None
            loop.close()

    async def _serve(self, loop: _Loop, until: float) -> None:
        self._wake = asyncio.Event()
        self._loop = loop
        delivery = _Delivery(self._work, self._circuits)
        try:
            while True:
                wait = IDLE
                with Guard("delivery"):
                    try:
                        wait = await self._turn(delivery)
                    except Busy:
                        wait = BUSY
                if self._stopping or until:
                    return
                if not self._flushes:
                    await self._rest(wait)
        finally:
            await delivery.close()

    async def _turn(self, delivery: "_Delivery") -> float:
        """One round of work; returns for how long nothing will be due."""
        flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
        try:
            return await self._deliver(delivery, max((deadline for _, deadline in flushes), default=0.0))
        finally:
            for done, _ in flushes:
                done.set()

    async def _deliver(self, delivery: "_Delivery", deadline: float) -> float:
        if time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + IDLE
            self._work.tidy()
        self._more = False
        ledger = self._work.collect()
        if deadline:
            for circuit in self._circuits.values():  # records in flight still need theirs
                circuit.failures = 0
            ledger.due_now()
        while True:
            busy, wait = await delivery.step(ledger)
            ledger = self._work.collect()
            left = deadline - time.monotonic()
            if (deadline and left <= 0) or (self._flushes and not deadline) or self._stopping:
                return wait
            if not busy:
                if not deadline or wait >= IDLE:
                    return wait
                await asyncio.sleep(min(wait, left))

    async def _rest(self, wait: float) -> None:
        assert self._wake is not None
        self._awake = False
        try:
            await asyncio.wait_for(self._wake.wait(), 0.0 if self._more else min(wait, IDLE))
        except asyncio.TimeoutError:
            pass
        self._wake.clear()
        self._awake = True
        if not self._flushes and not self._stopping:
            await asyncio.sleep(LINGER)


class _Delivery:
    """The records in flight, and the workers that post them."""

    def __init__(self, work: Work, circuits: Dict[Destination, _Circuit]) -> None:
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
            circuit = self._circuits.setdefault((credential, base_url), _Circuit())
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
            outcome = Outcome(row.number, PENDING, _HELD, circuit.closed_until)
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
            if outcome.reason != _HELD:
                self._circuits[destination].saw(outcome, now)
            if outcome.state == REFUSED:
                diagnostics.warn(
                    "refused/" + outcome.reason, "the metering service refused a record (%s); it is kept, see revenium-meter report", outcome.reason
                )
        self._work.delivered([outcome for _, outcome in done])
        return True
