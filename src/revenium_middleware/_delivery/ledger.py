"""The durable local store of records: one SQLite file, written by senders and read by reports. SQL up to SQLite 3.24."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .._core.fields import BY_NAME
from .._core.record import Record
from .._core.shared import FORK

PENDING, DELIVERED, LOCAL, REFUSED, EXPIRED = range(5)
STATES = ("pending", "delivered", "local", "refused", "expired")
IDEMPOTENCY_SECONDS = 86_400.0
"""How long the server remembers a key: after that an attempt whose outcome is unknown may not be repeated."""

REPORTED = ("provider", "model", "organization_name", "product_name", "agent", "task_type", "total_cost", "cost_status", "usage_source")
"""Fields with a column of their own, so that a report over millions of records stays quick."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL,
    base_url TEXT NOT NULL, credential TEXT NOT NULL, state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, first_attempt REAL, next_attempt REAL NOT NULL DEFAULT 0,
    lease TEXT, reason TEXT, finished REAL, %s, input_tokens INTEGER, output_tokens INTEGER, priced_with TEXT, body TEXT NOT NULL,
    UNIQUE (id, credential, base_url)
);
CREATE INDEX IF NOT EXISTS record_pending ON record (credential, base_url, next_attempt) WHERE state = 0;
CREATE INDEX IF NOT EXISTS record_created ON record (created);
CREATE TABLE IF NOT EXISTS journal (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
""" % ", ".join(REPORTED)

_INSERT = "INSERT OR IGNORE INTO record (id, kind, created, base_url, credential, state, %s, input_tokens, output_tokens, body) VALUES (%s)" % (
    ", ".join(REPORTED),
    ", ".join("?" * (6 + len(REPORTED) + 3)),
)


VERSION = 1
"""Of the schema; a newer one migrates older files when it opens them."""
_HELD = "another process holds the ledger"


def _locked(error: sqlite3.OperationalError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


class Busy(Exception):
    """The ledger file is held by another process: nothing is wrong, try again later."""


class Pending(NamedTuple):
    """A leased record on its way out."""

    number: int
    id: str
    kind: str
    base_url: str
    credential: str
    attempts: int
    values: Dict[str, Any]


class Outcome(NamedTuple):
    """What became of one attempt."""

    number: int
    state: int
    reason: str = ""
    next_attempt: float = 0.0
    status: int = 0
    """Of the HTTP answer; 0 where there was none."""


class Standing(NamedTuple):
    """Where every record is that ever came into this ledger file, read in one moment; the first is the sum of the next six."""

    recorded: int = 0
    delivered: int = 0
    pending: int = 0
    local: int = 0
    refused: int = 0
    evicted: int = 0
    expired: int = 0
    oldest_pending: Optional[float] = None
    """When the oldest pending record was made."""
    refusals: Mapping[str, int] = MappingProxyType({})
    """Reason -> how many refused records that are still kept have it."""


class Ledger:
    """One connection to the ledger file; safe to share between threads of one process."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.in_memory = path == ":memory:"
        self.lock = FORK
        if not self.in_memory:
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with self.lock:
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            try:
                self._prepare()
            except sqlite3.OperationalError as error:
                self._connection.close()
                raise (Busy(_HELD) if _locked(error) else error) from None
            except sqlite3.DatabaseError:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        until = time.monotonic() + 1.0
        while not self._in_wal_mode(until):
            time.sleep(0.005)
        self._connection.execute("PRAGMA synchronous=NORMAL")
        if self._connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            self._connection.executescript(_SCHEMA)
            self._connection.execute("PRAGMA user_version=%d" % VERSION)

    def _in_wal_mode(self, until: float) -> bool:
        """Two that open a new file at once meet here, and for this lock SQLite does not wait by itself."""
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not _locked(error) or time.monotonic() > until:
                raise
            return False
        return True

    def close(self) -> None:
        with self.lock:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction. Raises Busy when another process holds the file for longer than a moment."""
        with self.lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise (Busy(_HELD) if _locked(error) else error) from None
            with self._connection:  # commits, or rolls back
                yield

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> List[sqlite3.Row]:
        with self.lock:
            return self._connection.execute(sql, parameters).fetchall()

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Give SQL a function of ours, for reports on SQLite builds that lack one."""
        with self.lock:
            self._connection.create_function(name, arguments, function)

    def ingest(self, records: Iterable[Record], journal: str = "", position: int = 0, torn: int = 0) -> int:
        """Add ``records`` and remember the journal's position in one transaction; known ids are ignored. Returns how many were new."""
        with self._writing():
            before = self._connection.total_changes
            self._connection.executemany(_INSERT, map(_row, records))
            added = self._connection.total_changes - before
            self._count("recorded", added)
            if journal:
                self._connection.execute("INSERT OR REPLACE INTO journal VALUES (?, ?)", (journal, position))
            if torn:
                self._count("torn", torn)
            return added

    def position(self, journal: str) -> int:
        rows = self.query("SELECT position FROM journal WHERE name = ?", (journal,))
        return int(rows[0][0]) if rows else 0

    def forget_journal(self, journal: str) -> None:
        with self._writing():
            self._connection.execute("DELETE FROM journal WHERE name = ?", (journal,))

    def lease(self, owner: str, credential: str, base_url: str, limit: int, now: float) -> List[Pending]:
        """Up to ``limit`` due records of one destination, oldest first, reserved for ``owner``."""
        due = "state = 0 AND credential = ? AND base_url = ? AND next_attempt <= ? AND lease IS NULL"
        with self._writing():
            self._connection.execute(
                "UPDATE record SET state = ?, reason = 'outcome of an attempt over 24 h ago is unknown', finished = ? "
                "WHERE state = 0 AND lease IS NULL AND first_attempt < ?",
                (EXPIRED, now, now - IDEMPOTENCY_SECONDS),
            )
            rows = self._connection.execute(
                "SELECT number, id, kind, base_url, credential, attempts, body FROM record WHERE %s ORDER BY number LIMIT ?" % due,
                (credential, base_url, now, limit),
            ).fetchall()
            self._connection.executemany(
                "UPDATE record SET lease = ?, attempts = attempts + 1, first_attempt = coalesce(first_attempt, ?) WHERE number = ?",
                [(owner, now, row["number"]) for row in rows],
            )
        return [Pending(values=json.loads(row["body"]), **{name: row[name] for name in Pending._fields[:-1]}) for row in rows]

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        now = time.time()
        with self._writing():
            self._connection.executemany(
                "UPDATE record SET lease = NULL, state = ?, reason = ?, next_attempt = ?, finished = ? WHERE number = ?",
                [(o.state, o.reason or None, o.next_attempt, None if o.state == PENDING else now, o.number) for o in outcomes],
            )

    def free_leases(self, owner: str) -> int:
        """Give back what a dead owner had reserved; returns how many records that were."""
        with self._writing():
            return self._connection.execute("UPDATE record SET lease = NULL WHERE lease = ?", (owner,)).rowcount

    def due_now(self) -> None:
        """Let every waiting record be tried at once (a flush was asked for)."""
        with self._writing():
            self._connection.execute("UPDATE record SET next_attempt = 0 WHERE state = 0 AND next_attempt > 0")

    def destinations(self) -> List[Tuple[str, str, float, int]]:
        """(credential, base_url, earliest due time, how many) of what is pending and not reserved."""
        sql = "SELECT credential, base_url, min(next_attempt), count(*) FROM record WHERE state = 0 AND lease IS NULL GROUP BY 1, 2"
        return [(row[0], row[1], row[2], row[3]) for row in self.query(sql)]

    def standing(self) -> Standing:
        """The books of this file, which balance also after old records were pruned."""
        with self.lock:
            self._connection.execute("BEGIN")  # one snapshot for all that follows
            try:
                found = {**self._states(), **self._counters()}
                oldest = self.query("SELECT min(created) FROM record WHERE state = 0")[0][0]
                reasons = self.query("SELECT reason, count(*) FROM record WHERE state = ? GROUP BY 1", (REFUSED,))
            finally:
                self._connection.execute("COMMIT")
        return Standing(
            found.get("recorded", 0),
            **{state: found[state] + found.get("pruned " + state, 0) for state in STATES},
            evicted=found.get("evicted", 0),
            oldest_pending=oldest,
            refusals=MappingProxyType({row[0] or "unknown": row[1] for row in reasons}),
        )

    def counts(self) -> Dict[str, int]:
        """Records by state, and what was evicted or torn."""
        return {**self._states(), **{name: value for name, value in self._counters().items() if name in ("evicted", "torn")}}

    def _states(self) -> Dict[str, int]:
        found = {state: 0 for state in STATES}
        found.update({STATES[row[0]]: row[1] for row in self.query("SELECT state, count(*) FROM record GROUP BY state")})
        return found

    def _counters(self) -> Dict[str, int]:
        return {row[0]: row[1] for row in self.query("SELECT name, value FROM counter")}

    def prune(self, keep_seconds: float, most: int) -> None:
        """Finished records past their time go; beyond ``most`` the oldest go, finished before pending, the pending counted."""
        with self._writing():
            past = self._connection.execute("DELETE FROM record WHERE state = ? AND finished < ?", (DELIVERED, time.time() - keep_seconds))
            self._count("pruned delivered", past.rowcount)
            excess = self._connection.execute("SELECT count(*) FROM record").fetchone()[0] - most
            if excess <= 0:
                return
            gone = self._connection.execute(
                "SELECT number, state FROM record WHERE lease IS NULL ORDER BY state IN (0, 2), number LIMIT ?", (excess,)
            ).fetchall()
            self._connection.executemany("DELETE FROM record WHERE number = ?", [(row["number"],) for row in gone])
            self._count("evicted", sum(row["state"] in (PENDING, LOCAL) for row in gone))
            for state in (DELIVERED, REFUSED, EXPIRED):
                self._count("pruned " + STATES[state], sum(row["state"] == state for row in gone))

    def price(self, prices: Iterable[Tuple[int, Optional[float], str, str]]) -> None:
        """Store (number, cost, status, catalogue) of records priced by a report."""
        with self._writing():
            self._connection.executemany(
                "UPDATE record SET total_cost = ?, cost_status = ?, priced_with = ? WHERE number = ?",
                [(cost, status, catalogue, number) for number, cost, status, catalogue in prices],
            )

    def _count(self, name: str, more: int) -> None:
        if more:
            self._connection.execute("INSERT OR IGNORE INTO counter VALUES (?, 0)", (name,))
            self._connection.execute("UPDATE counter SET value = value + ? WHERE name = ?", (more, name))


def _row(record: Record) -> Tuple[Any, ...]:
    values = record.values
    state = PENDING if record.credential else LOCAL
    return (
        (record.id, record.kind, record.created, record.base_url, record.credential, state)
        + tuple(values.get(name) for name in REPORTED)
        + (values.get("input_token_count"), values.get("output_token_count"), json.dumps(values, separators=(",", ":")))
    )


assert all(name in BY_NAME for name in REPORTED)
