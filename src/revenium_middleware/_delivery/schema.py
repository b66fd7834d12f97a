"""The tables of a ledger file, as the ordered steps that lead to them from any earlier version, and the questions its indexes answer."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_FIRST = (
    """CREATE TABLE record (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL,
    base_url TEXT NOT NULL, credential TEXT NOT NULL, state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, first_attempt REAL, next_attempt REAL NOT NULL DEFAULT 0,
    lease TEXT, reason TEXT, finished REAL, provider, model, organization_name, product_name, agent, task_type,
    total_cost, cost_status, usage_source, input_tokens INTEGER, output_tokens INTEGER, priced_with TEXT, body TEXT NOT NULL,
    UNIQUE (id, credential, base_url)
)""",
    "CREATE INDEX record_pending ON record (credential, base_url, next_attempt) WHERE state = 0",
    "CREATE INDEX record_created ON record (created)",
    "CREATE TABLE journal (name TEXT PRIMARY KEY, position INTEGER NOT NULL)",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
)

_INDEXED = (
    # what the service asked to wait is kept apart from our own back-off, which ends when the service is back
    "ALTER TABLE record ADD COLUMN not_before REAL NOT NULL DEFAULT 0",
    # every question a sender asks is answered from an index: a million waiting records cost it no more than ten
    "DROP INDEX record_pending",
    "CREATE INDEX record_waiting ON record (credential, base_url, next_attempt) WHERE state = 0 AND lease IS NULL",
    "CREATE INDEX record_tried ON record (first_attempt) WHERE state = 0 AND first_attempt IS NOT NULL",
    "CREATE INDEX record_leased ON record (lease) WHERE lease IS NOT NULL",
    "CREATE INDEX record_state ON record (state, finished)",
)

STEPS = (_FIRST, _INDEXED)
"""Never changed once released: a new version is a new step at the end."""
VERSION = len(STEPS)


_WAITING = "FROM record INDEXED BY record_waiting WHERE state = 0 AND lease IS NULL AND"  # else a planner without statistics takes another index
_FIRST_WAITING = "SELECT credential, base_url, next_attempt " + _WAITING + " %s ORDER BY credential, base_url, next_attempt LIMIT 1"
SAME_CREDENTIAL, NEXT_CREDENTIAL = _FIRST_WAITING % "credential = ? AND base_url > ?", _FIRST_WAITING % "credential > ?"
"""The next destination in order, with the time at which its first record is due."""
_END = "SELECT number " + _WAITING + " credential = ? AND base_url = ? AND next_attempt <= ? ORDER BY %s LIMIT ?"
DUE = (
    "SELECT number, id, kind, base_url, credential, attempts, first_attempt, created, body FROM record "
    "WHERE number IN (SELECT number FROM (%s) UNION SELECT number FROM (%s)) ORDER BY number"
) % (_END % "next_attempt, number", _END % "next_attempt DESC, number DESC")
"""From both ends of what is due at one destination."""
DUE_UP_TO = "SELECT 1 " + _WAITING + " credential = ? AND base_url = ? AND next_attempt <= ? AND number <= ? LIMIT 1"
LEASED_UP_TO = "SELECT 1 FROM record INDEXED BY record_leased WHERE lease = ? AND number <= ? LIMIT 1"
"""Whether anything that came in before the end of the ledger was here is still due, or on its way."""


class Newer(OSError):
    """The file was written by a newer version of this SDK: it may be neither read nor written."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this version: all of it or nothing, once, whichever process comes first. Raises Newer."""
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back
        version = _version(connection)  # again: another process may have been here while we waited
        for step in STEPS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute("PRAGMA user_version = %d" % VERSION)


def _version(connection: sqlite3.Connection) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise Newer("it was written by a newer version of this SDK")
    return version


def version_of(path: Path) -> int:
    """The version of a ledger file, read without opening it as a database; 0 where there is none."""
    try:
        with path.open("rb") as stream:
            header = stream.read(100)
    except OSError:
        return 0
    return int.from_bytes(header[60:64], "big") if header.startswith(b"SQLite format 3\0") else 0
