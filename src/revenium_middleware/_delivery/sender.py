"""One daemon thread that ingests journals, leases pending records and delivers them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from contextvars import Context
from typing import Any, Callable, Deque, List, Optional

from .._core.diagnostics import Guard
from .blocking import Drain, over_greenlets, threads_are_greenlets
from .dispatch import IDLE, Dispatch, Horizon, Work
from .entries import Busy
from .ledger import Ledger
from .pace import Pace, Selector

try:
    import concurrent.futures.thread  # noqa: F401 - refuses to be imported once shutdown began, and the HTTP library wants it
except RuntimeError:  # the first record of the process is made while it ends: flush delivers in its caller's thread
    pass

LINGER = 0.2
"""How long a fresh record waits for company: one round of transactions then serves many."""
BUSY = 0.5
LOOK = 0.1
"""How often somebody who watches a flush sees it."""
NEIGHBOURS = 2.0
"""How often a sender that is awake looks for what dead processes left: one listing of a directory. Alone it does not wake up for it."""


class _Loop(asyncio.SelectorEventLoop):
    """A plain loop that needs no executor: once interpreter shutdown began there is none, and look-ups would fail."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except (OSError, ValueError) as error:
            done.set_exception(error)
        return done


class _Flush(Horizon):
    """Somebody waits until what was recorded before is delivered."""

    def __init__(self, deadline: float, last: bool) -> None:
        super().__init__(deadline)
        self.last = last
        self.done = threading.Event()


class Sender:
    """Delivers in the background; ``flush`` waits for it, or does the work itself where no thread runs."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._thread: Optional[threading.Thread] = None
        self._loop: Optional[_Loop] = None
        self._wake: Optional[asyncio.Event] = None
        self._signal: Optional[threading.Event] = None
        self._awake = self._more = self._stopping = False  # more: appended since the sender last looked, it may not rest yet
        self._start = threading.Lock()
        self._asked: Deque[_Flush] = deque()
        self._flushes: List[_Flush] = []
        """Those the thread knows of."""
        self._next_tidy = self._next_look = 0.0
        self._in_company = False
        self._ending = False
        """The last flush has what it waited for: nothing more is begun."""
        self._pace = Pace()

    def wake(self) -> None:
        """A record was appended. Costs a flag when the sender is already awake."""
        self._more = True
        if self._thread is None:
            self._begin()
        elif self._signal is not None or (not self._awake and self._loop is not None):
            self._awake = True
            self._poke()

    def nudge(self) -> None:
        """Wake a running sender; never starts one and never blocks, so finalisers may call it."""
        if self._signal is None:  # an event has a lock, and the finaliser may have interrupted its holder
            self._poke()

    def forked(self) -> None:
        """A child was made: look now and then for what it left, however long this process rests otherwise."""
        self._in_company = True
        self._poke()

    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def flush(self, timeout: float, meanwhile: Optional[Callable[[], None]] = None, last: bool = False) -> None:
        """Deliver what was recorded until now, as far as that can be within ``timeout`` seconds. ``meanwhile`` is called now and then.

        ``last``: the process ends after it, so that nothing should be on its way any more: the next process would send it again.
        """
        timeout = min(max(0.0, timeout), threading.TIMEOUT_MAX)  # in this order NaN is no time at all
        if threading.current_thread() is self._thread:
            return  # a finaliser, or whatever else may run anywhere: nothing to wait for
        end = time.monotonic() + timeout
        if not self.running():
            self._drain(end)
            return
        flush = _Flush(end, last)
        self._asked.append(flush)
        self._awake = self._pace.hurried = True
        self._poke()
        while not flush.done.wait(min(timeout, LOOK) if meanwhile is not None else timeout) and time.monotonic() < end:
            if meanwhile is not None:
                meanwhile()

    def _drain(self, deadline: float) -> None:
        drain = Drain(self._work)
        with Guard("flush"):
            self._work.collect().due_now()
            drain.run(deadline)
        drain.close()

    def stop(self) -> None:
        """End the thread, for tests: what is in flight stays pending."""
        self._stopping = True
        thread = self._thread
        if thread is not None:
            self._poke()
            thread.join(5.0)

    def _begin(self) -> None:
        if not self._start.acquire(blocking=False):
            return  # somebody is at it; were it this very thread, interrupted by a finaliser or a signal, waiting would never end
        try:
            if self._thread is None:
                self._awake = True
                thread = threading.Thread(target=self._run, name="revenium-sender", daemon=True)
                self._thread = thread
                try:
                    Context().run(thread.start)  # it serves every scope, and belongs to none
                except RuntimeError:  # the interpreter is shutting down: flush works in its caller's thread
                    self._thread = None
        finally:
            self._start.release()

    def _poke(self) -> None:
        if self._signal is not None:
            self._signal.set()
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            try:
                loop.call_soon_threadsafe(wake.set)
            except RuntimeError:
                pass

    def _run(self) -> None:
        if threads_are_greenlets():
            self._serve_greenlets()
            return
        loop = _Loop(Selector(self._pace))
        try:
            loop.run_until_complete(self._serve(loop))
        finally:
            self._loop = self._wake = None
            loop.close()

    def _serve_greenlets(self) -> None:
        """Under gevent: the same rounds with blocking calls, which let other greenlets run."""
        self._signal = threading.Event()
        drain = Drain(self._work, over_greenlets())
        while not self._stopping:
            flushes = [self._asked.popleft() for _ in range(len(self._asked))]
            wait, self._more = IDLE, False
            with Guard("delivery"):
                self._tidy_when_due(bool(flushes))
                wait = drain.run(max(flush.deadline for flush in flushes)) if flushes else drain.turn(time.monotonic() + IDLE)
            for flush in flushes:
                flush.done.set()
            if not self._more and not self._asked:
                self._signal.wait(max(min(wait, self._until_look()), LINGER))
            self._signal.clear()

    async def _serve(self, loop: _Loop) -> None:
        self._wake = asyncio.Event()
        self._loop = loop
        delivery = Dispatch(self._work)
        try:
            while not self._stopping:
                wait = IDLE
                with Guard("delivery"):
                    wait = await self._turn(delivery)
                if not self._asked and not self._stopping:
                    await self._rest(wait)
        finally:
            for flush in (*self._flushes, *self._asked):
                flush.done.set()
            await delivery.close()

    async def _turn(self, delivery: "Dispatch") -> float:
        """Work as long as there is any; returns for how long nothing will be due."""
        try:
            while True:  # under a steady load without end
                fresh, began = len(self._asked), time.monotonic()
                self._more, self._pace.hurried = False, bool(self._flushes or fresh)
                self._tidy_when_due(bool(fresh))
                ledger = self._work.collect(self._pace)
                self._expect(delivery, ledger, fresh)
                busy, wait = await delivery.step(ledger, not self._ending)
                self._release(ledger, busy)
                self._pace.oldest = delivery.oldest
                if not busy or self._stopping:
                    return wait
                if not self._flushes and not self._asked and not delivery.crowded:
                    await self._linger(LINGER - (time.monotonic() - began))
        except Busy:
            return BUSY
        except (OSError, sqlite3.Error) as error:
            self._work.disk_failed(error)
            return BUSY

    def _expect(self, delivery: "Dispatch", ledger: Ledger, fresh: int) -> None:
        """The first ``fresh`` of those who asked for a flush, for whom was adopted what could be, wait for what is in the ledger now."""
        if fresh:
            self._ending = False
            delivery.reset()
            ledger.due_now()
        self._flushes.extend(self._asked.popleft() for _ in range(fresh))
        for flush in self._flushes:
            flush.begin(ledger)

    def _release(self, ledger: Ledger, busy: bool) -> None:
        """End the flushes that have nothing more to wait for."""
        for flush in list(self._flushes):
            if flush.look(ledger, self._work):
                self._ending = self._ending or flush.last
                if not (flush.last and busy):  # its own waiting ends with its time all the same
                    self._flushes.remove(flush)
                    flush.done.set()

    def _tidy_when_due(self, flushing: bool) -> None:
        if time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + IDLE
            self._work.tidy()
        if flushing or time.monotonic() >= self._next_look:
            self._in_company = self._work.adopt()
            self._next_look = time.monotonic() + NEIGHBOURS

    def _until_look(self) -> float:
        return max(0.0, self._next_look - time.monotonic()) if self._in_company else IDLE

    async def _rest(self, wait: float) -> None:
        assert self._wake is not None
        self._awake = False
        try:
            await asyncio.wait_for(self._wake.wait(), 0.0 if self._more else min(wait, self._until_look()))
        except asyncio.TimeoutError:
            pass
        self._wake.clear()
        self._awake = True
        await self._linger(LINGER)

    async def _linger(self, seconds: float) -> None:
        """Wait for company; whoever asks for a flush ends it."""
        assert self._wake is not None
        if seconds > 0.0 and not self._asked and not self._stopping:
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except asyncio.TimeoutError:
                pass
            self._wake.clear()
