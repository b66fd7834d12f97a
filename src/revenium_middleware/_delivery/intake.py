"""How records come into a ledger: from journals of the living, and from what the dead left."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Tuple

from .._core.shared import FORK
from . import claim
from .entries import Busy, Standing
from .files import opened
from .journal import live, owned_by, read, unlink
from .ledger import Ledger
from .pace import Pause, at_once


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


def ingest(ledger: Ledger, path: Path, pause: Pause = at_once) -> int:
    """Everything in one journal file that the ledger does not have yet; returns the position reached."""
    position = ledger.position(path.name)
    while True:
        records, reached, torn = read(path, position, pause=pause)
        if reached == position:
            return position
        ledger.ingest(records, path.name, reached, torn, pause)
        position = reached


def adopt(ledger: Ledger, directory: Path, me: str = "") -> Tuple[int, int]:
    """Take over journals and leases of processes that are gone; returns how many processes, and how many records, those were."""
    processes = records = 0
    leaving = ledger.owners() - {me}  # asked before the names: whoever reserved something has had its lock since
    names = claim.names(directory)
    for owner in leaving - set(names):  # the directory was removed, and nobody can ever take its lock
        records += ledger.free_leases(owner)
    for name in names:
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
