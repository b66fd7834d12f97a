"""Journal and ledger of one process together: on disk where that works, in memory where it does not."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import List, Optional, Tuple, Union

from .._core.diagnostics import diagnostics
from .._core.record import Record
from .._core.settings import Settings, ledger_path
from .._core.shared import FORK, Tally
from . import claim
from .journal import Journal, MemoryJournal, live, owned_by, read, unlink
from .ledger import Busy, Ledger, Standing

MEMORY = "memory"


class Store:
    """Takes records from any thread; gives the sender a ledger that holds them all."""

    def __init__(self, settings: Settings) -> None:
        self.path = ledger_path(settings)
        """The ledger file, or None when records live in memory only."""
        self._memory = MemoryJournal()
        self._journal: Union[Journal, MemoryJournal] = self._memory
        self._ledger: Optional[Ledger] = None
        self._overflowed = Tally()
        self._moving = threading.Lock()
        """Held while records go from memory into the ledger."""
        self.adopted = 0
        """Records taken over from processes that ended before they could deliver them."""
        if self.path is not None:
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

    def collect(self) -> Ledger:
        """Bring everything recorded so far into the ledger. Called by one sender at a time."""
        ledger = self._ledger or self._opened()
        try:
            return self._brought(ledger)
        except (OSError, sqlite3.Error) as error:
            self._on_disk_failure(error)
            self._ledger = Ledger(":memory:")
            return self._brought(self._ledger)

    def _brought(self, ledger: Ledger) -> Ledger:
        if isinstance(self._journal, Journal):
            for path in self._journal.files():
                reached = ingest(ledger, path)
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

    @property
    def owner(self) -> str:
        return self._journal.claim.name if isinstance(self._journal, Journal) else MEMORY

    @property
    def evicted(self) -> int:
        return self._memory.evicted

    @property
    def overflowed(self) -> int:
        """Records that the disk refused and memory took."""
        return int(self._overflowed)

    def adopt(self) -> bool:
        """Take over what dead processes left behind; returns whether any process but this one is or was there."""
        ledger = self._ledger or self._opened()
        if self.path is None or ledger.in_memory:
            return False
        self.adopted += adopt(ledger, journals_of(self.path))[1]
        return len(claim.names(journals_of(self.path))) > 1

    def tidy(self, settings: Settings) -> None:
        """Adopt what dead processes left behind; drop what is past its time or over the bound."""
        self.adopt()
        ledger = self._ledger or self._opened()
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

    def _opened(self) -> Ledger:
        if self.path is not None and isinstance(self._journal, Journal):
            try:
                self._ledger = opened(self.path)
                return self._ledger
            except (OSError, sqlite3.Error) as error:
                self._on_disk_failure(error)
        self._ledger = Ledger(":memory:")
        return self._ledger

    def _on_disk_failure(self, error: Exception) -> None:
        diagnostics.count("disk", "the ledger cannot be written: %s" % type(error).__name__)
        diagnostics.warn(
            "disk", "the ledger at %s cannot be written (%s): records are kept in memory, and are lost with the process", self.path, type(error).__name__
        )


def standing_of(path: Optional[Path]) -> Standing:
    """The books of the ledger file at ``path``, journals included; nothing is created where there is none."""
    if path is None or not (path.exists() or journals_of(path).exists()):
        return Standing()
    ledger = up_to_date(path)
    try:
        return ledger.standing()
    finally:
        ledger.close()


def journals_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


def opened(path: Path) -> Ledger:
    """The ledger at ``path``; a file that is no ledger is set aside, not overwritten."""
    try:
        return Ledger(str(path))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        aside = path.with_name("%s.corrupt-%d" % (path.name, time.time()))
        os.replace(str(path), str(aside))
        for suffix in ("-wal", "-shm"):
            unlink(path.with_name(path.name + suffix))
        diagnostics.count("corrupt ledger", "the ledger was damaged and set aside")
        diagnostics.warn("corrupt", "the ledger at %s was damaged: set aside as %s, a new one was started", path, aside.name)
        return Ledger(str(path))


def ingest(ledger: Ledger, path: Path) -> int:
    """Everything in one journal file that the ledger does not have yet; returns the position reached."""
    position = ledger.position(path.name)
    while True:
        records, reached, torn = read(path, position)
        if reached == position:
            return position
        ledger.ingest(records, path.name, reached, torn)
        position = reached


def adopt(ledger: Ledger, directory: Path) -> Tuple[int, int]:
    """Take over journals and leases of processes that are gone; returns how many processes, and how many records, those were."""
    processes = records = 0
    for name in claim.names(directory):
        with FORK:  # no fork may copy the dead owner's lock: the child would hold it for as long as it lives
            adopted = claim.take(directory, name)
            if adopted is not None:
                records += _inherit(ledger, directory, adopted)
                processes += 1
    return processes, records


def _inherit(ledger: Ledger, directory: Path, adopted: claim.Adopted) -> int:
    records, cleaned = 0, False
    try:
        for path in owned_by(directory, adopted.name):
            ingest(ledger, path)
            records += _waiting(ledger, path)
            unlink(path)
            ledger.forget_journal(path.name)
        records += ledger.free_leases(adopted.name)
        cleaned = True
    finally:
        adopted.done(cleaned)
    return records


def _waiting(ledger: Ledger, path: Path) -> int:
    """How many records of a journal are still to be delivered by somebody."""
    found, position = 0, 0
    while True:
        records, reached, _ = read(path, position)
        if reached == position:
            return found
        ids = [record.id for record in records]
        marks = ", ".join("?" * len(ids))
        found += ledger.query("SELECT count(*) FROM record WHERE state = 0 AND lease IS NULL AND id IN (%s)" % marks, ids)[0][0]
        position = reached


def up_to_date(path: Path) -> Ledger:
    """For readers: the ledger with everything that is in any journal, without taking anything over."""
    ledger = opened(path)
    files: List[Path] = live(journals_of(path)) if journals_of(path).is_dir() else []
    try:
        for file in files:
            ingest(ledger, file)
    except Busy:
        pass  # what is not in yet will be in a moment; a reader does not wait for it
    return ledger
