"""Ledger files that are not as they should be: damaged, removed, or of a version to come."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Optional

from .._core.diagnostics import diagnostics
from .entries import DELIVERED
from .journal import unlink
from .ledger import Ledger
from .schema import VERSION, version_of


def cause(error: Exception) -> str:
    """What the operating system or SQLite calls it."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def usable(path: Optional[Path]) -> Optional[Path]:
    """``path``, or a file beside it where that one was written by a newer version of this SDK."""
    if path is None or version_of(path) <= VERSION:
        return path
    other = path.with_name("%s.v%d" % (path.name, VERSION))
    diagnostics.warn(
        "newer",
        "the ledger at %s was written by a newer version of this SDK and is left alone: upgrade this one, or name another file in "
        "REVENIUM_LEDGER; meanwhile records are kept in %s",
        path,
        other.name,
    )
    return other


def opened(path: Path) -> Ledger:
    """The ledger at ``path``; a file that is no ledger is set aside, not overwritten."""
    try:
        return Ledger(str(path))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        set_aside(path)
        return Ledger(str(path))


def set_aside(path: Path) -> None:
    """Keep a damaged ledger under another name, and say so."""
    aside = path.with_name("%s.corrupt-%d" % (path.name, time.time()))
    os.replace(str(path), str(aside))
    for suffix in ("-wal", "-shm"):
        unlink(path.with_name(path.name + suffix))
    diagnostics.count("corrupt ledger", "the ledger was damaged and set aside")
    diagnostics.warn("corrupt", "the ledger at %s was damaged: set aside as %s, a new one was started", path, aside.name)


def replaced(lost: Ledger, path: Path) -> Ledger:
    """A ledger in the place of one that was removed, with what that one still had to do."""
    first = not path.exists()  # else another process was quicker, and has the books
    if first:
        for suffix in ("-wal", "-shm"):  # of the removed file: a new one must not take them for its own
            unlink(path.with_name(path.name + suffix))
    ledger = opened(path)
    diagnostics.count("removed ledger", "the ledger was removed, and a new one started")
    if not diagnostics.failures["corrupt ledger"]:  # else we may have moved it ourselves, and said so
        diagnostics.warn("removed", "the ledger at %s was removed: a new one was started with what was not delivered yet", path)
    try:
        ledger.absorb(lost, "state != %d" % DELIVERED, books=first)
    except sqlite3.DatabaseError as error:
        diagnostics.failed("reading a removed ledger", error)
    lost.close()
    return ledger
