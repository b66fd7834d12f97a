"""Journal and ledger of one process together: on disk where that works, in memory where it does not."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional, Union

from .._core.diagnostics import diagnostics
from .._core.record import Record
from .._core.settings import Settings, ledger_path
from .._core.shared import FORK, Tally
from . import claim
from .entries import Busy, Key, Outcome, Standing
from .files import cause, opened, replaced, set_aside, usable
from .intake import adopt, ingest, journals_of, standing_of
from .journal import MEMORY_RECORDS, Journal, MemoryJournal
from .ledger import Ledger
from .pace import Pause, at_once

MEMORY = "memory"


RETRY_SECONDS = 5.0
"""Between two looks whether a disk that failed works again."""


class Store:
    """Takes records from any thread; gives the sender a ledger that holds them all."""

    def __init__(self, settings: Settings) -> None:
        self.path = usable(ledger_path(settings))
        """The ledger file, or None when records live in memory only."""
        self._memory = MemoryJournal()
        self._journal: Union[Journal, MemoryJournal] = self._memory
        self._ledger: Optional[Ledger] = None
        self._overflowed = Tally()
        self._moving = threading.Lock()
        """Held while records go from memory into the ledger."""
        self.adopted = 0
        """Records taken over from processes that ended before they could deliver them."""
        self._most = settings.ledger_max_records
        self._retry = 0.0
        self._unsettled: List[Outcome] = []
        self._owed: Dict[Key, Optional[Outcome]] = {}
        """What was leased in a file that then failed, and what became of it."""
        if self.path is None:
            if settings.ledger.lower() not in ("memory", "off"):
                diagnostics.warn("disk", "there is no home directory for a ledger: records are kept in memory, and are lost with the process")
            return
        try:
            self._journal = Journal(journals_of(self.path))
        except OSError as error:
            self._on_disk_failure(error)

    def append(self, record: Record) -> None:
        """Once this returns the record survives the process, unless the disk refuses; then memory has it."""
        try:
            self._journal.append(record)
        except OSError as error:
            self._on_disk_failure(error)
            self._overflowed.add()
            self._memory.append(record)

    def collect(self, pause: Pause = at_once) -> Ledger:
        """Bring everything recorded so far into the ledger. Called by one sender at a time."""
        for _ in range(2):
            try:
                return self._brought(self._current(), pause)
            except (OSError, sqlite3.Error) as error:
                self.failed(error)
        return self._brought(self._current(), pause)

    def failed(self, error: Exception) -> None:
        """The ledger file cannot be used: start a new one where it is damaged, else go on in memory until it works again."""
        lost = self._ledger
        if lost is not None and lost.in_memory:
            self._on_disk_failure(error)
            return
        self._ledger = None
        if type(error) is sqlite3.DatabaseError and self.path is not None and lost is not None and not lost.gone():
            lost.close()
            set_aside(self.path)
            return
        self._on_disk_failure(error)
        self._retry = time.monotonic() + RETRY_SECONDS
        self._ledger = Ledger(":memory:")
        if lost is None:
            return
        try:
            self._owed.update((key, None) for key in lost.leased(self.owner))
            self._ledger.absorb(lost, "0", books=False)  # what its file has already need not be read from journals again
        except (Busy, sqlite3.Error):
            pass  # then it is, and sent with the same key
        finally:
            lost.close()

    def settle(self, outcomes: List[Outcome]) -> None:
        """Store what became of leased records, now or as soon as the ledger can be written."""
        self._unsettled.extend(outcomes)
        try:
            self._settle(self._current())
        except Busy:
            pass

    def _settle(self, ledger: Ledger) -> None:
        outcomes = list(self._unsettled)
        if outcomes:
            ledger.settle(outcomes)
            del self._unsettled[: len(outcomes)]
            self._owed.update((outcome.key, outcome) for outcome in outcomes if outcome.key in self._owed)

    def _brought(self, ledger: Ledger, pause: Pause) -> Ledger:
        self._settle(ledger)
        if isinstance(self._journal, Journal):
            for path in self._journal.files():
                reached = ingest(ledger, path, pause)
                if not ledger.in_memory:  # else the file is all that survives this process
                    self._journal.ingested(path, reached)
        if self._memory.waiting():
            with self._moving:
                self._move(ledger)
        return ledger

    def _move(self, ledger: Ledger) -> None:
        waiting = self._memory.take()
        try:
            ledger.ingest(waiting)
        except (Busy, sqlite3.Error):
            for record in waiting:
                self._memory.append(record)
            raise
        if ledger.in_memory:
            ledger.prune(float("inf"), min(self._most, MEMORY_RECORDS))

    def _current(self) -> Ledger:
        """The ledger in use: opened, made anew where its file was removed, back on a disk that works again."""
        ledger = self._ledger
        if self.path is None:
            self._ledger = ledger = ledger or Ledger(":memory:")
        elif ledger is None:
            self._ledger = ledger = opened(self.path)
        elif ledger.gone():
            self._ledger = ledger = replaced(ledger, self.path)
        elif ledger.in_memory and time.monotonic() >= self._retry:
            self._retry = time.monotonic() + RETRY_SECONDS
            self._ledger = ledger = self._returned(ledger, self.path)
        return ledger

    def _returned(self, memory: Ledger, path: Path) -> Ledger:
        """The ledger on disk with what memory took in meanwhile; memory again where that does not work yet."""
        try:
            if not isinstance(self._journal, Journal):
                with FORK:  # which lock a fork holds must not change meanwhile
                    self._journal = Journal(journals_of(path))
            disk = opened(path)
            try:
                disk.absorb(memory)
                disk.settle([outcome for outcome in self._owed.values() if outcome is not None])
                disk.give_back(key for key, outcome in self._owed.items() if outcome is None)
            except (Busy, sqlite3.Error):
                disk.close()
                raise
        except (Busy, OSError, sqlite3.Error):
            return memory
        self._owed.clear()
        return disk  # memory goes when nobody counts in it any more

    @property
    def owner(self) -> str:
        return self._journal.claim.name if isinstance(self._journal, Journal) else MEMORY

    @property
    def evicted(self) -> int:
        """Records that memory had no room for."""
        return self._memory.evicted

    @property
    def overflowed(self) -> int:
        """Records that the disk refused and memory took."""
        return int(self._overflowed)

    def adopt(self) -> bool:
        """Take over what dead processes left behind; returns whether any process but this one is or was there."""
        ledger = self._ledger or self.collect()
        if self.path is None or ledger.in_memory:
            return False
        self.adopted += adopt(ledger, journals_of(self.path), self.owner)[1]
        return len(claim.names(journals_of(self.path))) > 1

    def tidy(self, settings: Settings) -> None:
        """Adopt what dead processes left behind; drop what is past its time or over the bound."""
        self.adopt()
        ledger = self.collect()
        if not ledger.in_memory:
            ledger.prune(settings.ledger_keep_days * 86_400.0, settings.ledger_max_records)

    def standing(self) -> Standing:
        """Where the records are, with everything recorded so far: of the file, and what only this process's memory has."""
        with self._moving:  # else a record on its way would be counted twice, or not at all
            waiting, kept = self._memory.waiting(), self._kept()
        pending = [record for record in waiting if record.credential]
        oldest = [when for when in (kept.oldest_pending, *(record.created for record in pending)) if when is not None]
        return kept._replace(
            recorded=kept.recorded + len(waiting) + self.evicted,
            pending=kept.pending + len(pending),
            local=kept.local + len(waiting) - len(pending),
            evicted=kept.evicted + self.evicted,
            oldest_pending=min(oldest, default=None),
        )

    def _kept(self) -> Standing:
        """Read through a connection of its own, so that nobody waits for the sender."""
        if self._ledger is not None and self._ledger.in_memory:
            return self._ledger.standing()
        return standing_of(self.path if isinstance(self._journal, Journal) else None)

    def hold(self) -> None:
        """Before a fork: no thread may be inside SQLite or the journal while the process is copied."""
        if isinstance(self._journal, Journal):
            self._journal.lock.acquire()

    def let_go(self) -> None:
        if isinstance(self._journal, Journal):
            self._journal.lock.release()

    def forget(self) -> None:
        """In a forked child: leave the parent's files and connection alone."""
        if isinstance(self._journal, Journal):
            self._journal.forget()

    def close(self) -> None:
        if isinstance(self._journal, Journal):
            self._journal.close()
        if self._ledger is not None:
            self._ledger.close()

    def _on_disk_failure(self, error: Exception) -> None:
        diagnostics.count("disk", "the ledger cannot be written: %s" % type(error).__name__)
        diagnostics.warn("disk", "the ledger at %s cannot be written (%s): records are kept in memory, and are lost with the process", self.path, cause(error))
