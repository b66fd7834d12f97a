"""Where a record is safe before the call returns: one ``os.write`` to this process's own file.

Only the sender touches SQLite. A journal file holds whole lines with a checksum each; a line torn by a crash or a full
disk is found by its checksum and left out.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path
from typing import Deque, Iterator, List, Optional, Tuple

from .._core.record import Record
from .claim import Claim
from .pace import Pause, at_once

ROTATE_BYTES = 1 << 20
MEMORY_RECORDS = 20_000
SUFFIX = ".jnl"


class File:
    """One journal file, open for appending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._torn = False
        self._descriptor = os.open(str(path), os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, line: bytes) -> None:
        rest = memoryview(b"\n" + line if self._torn else line)
        self._torn = True  # until the newline is on disk
        while rest:
            written = os.write(self._descriptor, rest)
            self.size += written
            rest = rest[written:]
        self._torn = False

    def gone(self) -> bool:
        """Whether the file was removed under us: writes would succeed and reach nobody."""
        return os.fstat(self._descriptor).st_nlink == 0

    def content(self) -> bytes:
        return os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)

    def close(self) -> None:
        os.close(self._descriptor)


class Journal:
    """The current file of this process, and the full ones the sender has not ingested yet."""

    def __init__(self, directory: Path) -> None:
        self.lock = threading.RLock()  # a signal handler may meter a call while this thread is appending
        self.directory = directory
        self.claim = Claim(directory)
        self._number = 0
        self._current: Optional[File] = None
        self._full: List[File] = []

    def append(self, record: Record) -> None:
        """Write ``record``; once this returns it survives the end of the process. Raises OSError."""
        line = record.line()
        with self.lock:
            current = self._current
            if current is None or current.gone():
                current = self._renewed(current)
            current.append(line)
            if current.size >= ROTATE_BYTES:
                self._full.append(current)
                self._current = None

    def files(self) -> List[Path]:
        with self.lock:
            return [file.path for file in self._full + ([self._current] if self._current else [])]

    def ingested(self, path: Path, offset: int) -> None:
        """All of ``path`` up to ``offset`` is in the ledger: a full file that has no more goes away."""
        with self.lock:
            for file in self._full:
                if file.path == path and offset >= file.size:
                    self._full.remove(file)
                    file.close()
                    unlink(path)
                    return

    def forget(self) -> None:
        """In a forked child: let go of the parent's files without touching them."""
        for file in self._full + ([self._current] if self._current else []):
            file.close()
        self._full, self._current = [], None
        self.claim.forget()

    def close(self) -> None:
        self.forget()

    def _renewed(self, lost: Optional[File]) -> File:
        if lost is not None and not self.claim.path.exists():
            self.claim.release()
            self.claim = Claim(self.directory)
        self._number += 1
        file = File(self.directory / ("%s.%d%s" % (self.claim.name, self._number, SUFFIX)))
        if lost is not None:
            file.append(lost.content())  # what of it was ingested is ignored the second time
            lost.close()
        self._current = file
        return file


class MemoryJournal:
    """The same in memory: for ``REVENIUM_LEDGER=memory`` and for disks that fail. Bounded; the oldest goes first, counted."""

    def __init__(self) -> None:
        self._records: Deque[Record] = deque()
        self.evicted = 0

    def append(self, record: Record) -> None:
        self._records.append(record)
        while len(self._records) > MEMORY_RECORDS:
            self._records.popleft()
            self.evicted += 1

    def waiting(self) -> List[Record]:
        return list(self._records)

    def take(self) -> List[Record]:
        taken = []
        while self._records:
            taken.append(self._records.popleft())
        return taken


def owned_by(directory: Path, owner: str) -> List[Path]:
    """The journal files of ``owner``, oldest first."""
    return sorted(directory.glob("%s.*%s" % (owner, SUFFIX)), key=lambda path: int(path.name.split(".")[-2]))


def live(directory: Path) -> List[Path]:
    return sorted(directory.glob("*" + SUFFIX))


def read(path: Path, offset: int, limit: int = 500, pause: Pause = at_once) -> Tuple[List[Record], int, int]:
    """Up to ``limit`` records after ``offset``: the records, the new offset, and how many lines were torn."""
    records, torn = [], 0
    for line in _lines(path, offset, limit):
        pause()
        offset += len(line)
        if line == b"\n":
            continue
        record = Record.from_line(line[:-1])
        if record is None:
            torn += 1
        else:
            records.append(record)
    return records, offset, torn


def _lines(path: Path, offset: int, limit: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            for _ in range(limit):
                line = stream.readline()
                if not line.endswith(b"\n"):
                    return
                yield line
    except FileNotFoundError:
        return


def unlink(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        pass
