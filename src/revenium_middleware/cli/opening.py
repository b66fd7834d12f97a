"""Which ledger, and how to read it without harming it."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path
from typing import Iterator, Optional

from .._core import settings as configuration
from .._core.settings import Settings
from .._delivery.intake import ingest, journals_of
from .._delivery.journal import live
from .._delivery.ledger import Ledger
from .._delivery.schema import VERSION
from .faults import Fault


def ledger_path(given: Optional[str], settings: Settings) -> Path:
    """The ledger file the user means. Raises Fault where there is none to read."""
    if given is not None:
        return Path(given).expanduser().absolute()
    path = configuration.ledger_path(settings)
    if path is not None:
        return path
    if not settings.ledger:
        raise Fault("there is no home directory to find a ledger in: name the file with --ledger PATH or REVENIUM_LEDGER")
    raise Fault("REVENIUM_LEDGER is '%s', so no record is on disk: set it to a file, or read another ledger with --ledger PATH" % settings.ledger.lower())


def is_empty(path: Path) -> bool:
    """No process has recorded anything there yet. Raises Fault for a file that is something else."""
    if path.is_dir():
        raise Fault("%s is a directory: --ledger takes the ledger file itself" % path)
    waiting = journals_of(path).is_dir() and bool(live(journals_of(path)))
    try:
        head = _head(path)
    except OSError as error:
        raise Fault("cannot read %s: %s" % (path, error.strerror)) from error
    if not head:
        return not waiting
    _must_be_ledger(path, head)
    return False


def _head(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as stream:
        return stream.read(16)


def _must_be_ledger(path: Path, head: bytes) -> None:
    """Opening creates tables and sets damaged files aside: neither may happen to somebody else's file."""
    fault = Fault("%s is not a ledger of this SDK: check --ledger or REVENIUM_LEDGER" % path)
    if head != b"SQLite format 3\0":
        raise fault
    try:
        with contextlib.closing(_source(path)) as connection:
            columns = [row[1] for row in connection.execute("PRAGMA table_info(record)")]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            begun = not version and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.Error as error:
        raise Fault("cannot read %s: %s" % (path, error)) from error
    if begun and journals_of(path).is_dir():
        return  # its process ended before it had made the tables
    if not {"number", "body", "priced_with"} <= set(columns):
        raise fault
    if version > VERSION:
        raise Fault("%s was written by a newer version of this SDK: upgrade this one" % path)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Ledger]:
    """The ledger with everything that is in journals. Raises Busy while another process keeps it locked."""
    with contextlib.closing(Ledger(str(path))) as ledger:
        _bring(ledger, path)
        yield ledger


def _bring(ledger: Ledger, path: Path) -> None:
    for file in live(journals_of(path)) if journals_of(path).is_dir() else []:
        ingest(ledger, file)


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Ledger]:
    """The same as a private copy, for a ledger we may not write or that another process keeps locked."""
    with tempfile.TemporaryDirectory(prefix="revenium-meter-") as directory:
        target = Path(directory) / path.name
        if path.exists():
            with contextlib.closing(_source(path)) as source, contextlib.closing(sqlite3.connect(str(target))) as copy:
                source.backup(copy)
        with contextlib.closing(Ledger(str(target))) as ledger:
            _bring(ledger, path)
            yield ledger


def _source(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; ``immutable`` where SQLite may not even keep its lock files beside a resting ledger."""
    address = path.as_uri() + "?mode=ro"
    try:
        return _opened(address)
    except sqlite3.OperationalError:
        return _opened(address + "&immutable=1")


def _opened(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=5.0)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
