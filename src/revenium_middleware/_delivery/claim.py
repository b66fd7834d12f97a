"""Which process owns which files: one lock file per process, held for life by the operating system.

A dead owner's lock can be taken, a living one's cannot: no clocks, heartbeats or process ids.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import List, Optional

try:
    import fcntl
except ImportError:  # Windows: nothing is adopted there, journals are still ingested by their own process
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".lock"


class Claim:
    """A name no other process has, and the lock that proves its owner is alive."""

    def __init__(self, directory: Path) -> None:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # by itself: made as a parent it would be everybody's
        directory.mkdir(mode=0o700, exist_ok=True)
        self.directory = directory
        self.name = "%x-%d-%s" % (time.time_ns() // 1_000_000, os.getpid(), secrets.token_hex(4))
        self.path = directory / (self.name + SUFFIX)
        temporary = directory / (self.name + ".new")
        self._descriptor = os.open(str(temporary), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(str(temporary), str(self.path))  # visible only once locked, so nobody adopts it in between
        except OSError:
            os.close(self._descriptor)
            temporary.unlink()
            raise

    def release(self) -> None:
        """Give the name up; what is left under it may be adopted."""
        os.close(self._descriptor)

    forget = release
    """In a forked child: closing our copy of the descriptor leaves the parent's lock held."""


def names(directory: Path) -> List[str]:
    """Every name in ``directory``, of the living and the dead, oldest first."""
    try:
        return sorted(name[: -len(SUFFIX)] for name in os.listdir(str(directory)) if name.endswith(SUFFIX))
    except FileNotFoundError:
        return []


def dead_owners(directory: Path) -> List["Adopted"]:
    """The names in ``directory`` whose owner is gone, each locked by us until ``done`` is called."""
    return [adopted for adopted in (take(directory, name) for name in names(directory)) if adopted is not None]


class Adopted:
    """A dead owner's name, ours to clean up."""

    def __init__(self, path: Path, name: str, descriptor: int) -> None:
        self.path = path
        self.name = name
        self._descriptor = descriptor

    def done(self, cleaned: bool) -> None:
        if cleaned:
            try:
                self.path.unlink()
            except FileNotFoundError:
                pass
        os.close(self._descriptor)


def take(directory: Path, name: str) -> Optional[Adopted]:
    """``name``, locked by us, if its owner is gone."""
    if fcntl is None:
        return None
    path = directory / (name + SUFFIX)
    try:
        descriptor = os.open(str(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(str(path)).st_ino:  # not unlinked while we waited
            return Adopted(path, name, descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None
