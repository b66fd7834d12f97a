"""The durable local store of records: one SQLite file, written by senders and read by reports. SQL up to SQLite 3.24."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Container, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from .._core.record import Record
from .._core.shared import FORK
from .entries import DELIVERED, EXPIRED, INSERT, KEEP, LOCAL, PENDING, REFUSED, STATES, Busy, Key, Outcome, Pending, Standing, rows_of
from .pace import Pause, at_once
from .schema import DUE, DUE_UP_TO, LEASED_UP_TO, NEXT_CREDENTIAL, SAME_CREDENTIAL, Newer, migrate

IDEMPOTENCY_SECONDS = 86_400.0
"""How long the server remembers a key: after that an attempt whose outcome is unknown may not be repeated."""


_HELD = "another process holds the ledger"


def _locked(error: sqlite3.OperationalError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


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
            self._inode = 0 if self.in_memory else os.stat(path).st_ino
            try:
                self._prepare()
            except sqlite3.OperationalError as error:
                self._connection.close()
                raise (Busy(_HELD) if _locked(error) else error) from None
            except (sqlite3.DatabaseError, Newer):
                self._connection.close()
                raise

    def _prepare(self) -> None:
        until = time.monotonic() + 1.0
        while not self._in_wal_mode(until):
            time.sleep(0.005)
        self._connection.execute("PRAGMA synchronous=NORMAL")
        migrate(self._connection)

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

    def gone(self) -> bool:
        """Whether the file was removed or replaced under us: writing would succeed and reach nobody."""
        try:
            return not self.in_memory and os.stat(self.path).st_ino != self._inode
        except OSError:
            return True

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

    def ingest(self, records: Iterable[Record], journal: str = "", position: int = 0, torn: int = 0, pause: Pause = at_once) -> int:
        """Add ``records`` and remember the journal's position in one transaction; known ids are ignored. Returns how many were new."""
        with self._writing():
            before = self._connection.total_changes
            self._connection.executemany(INSERT, rows_of(records, pause))
            added = self._connection.total_changes - before
            self._count("recorded", added)
            if journal:
                self._connection.execute("INSERT OR REPLACE INTO journal VALUES (?, ?)", (journal, position))
            if torn:
                self._count("torn", torn)
            return added

    def absorb(self, other: "Ledger", which: str = "1", books: bool = True) -> None:
        """Take over the records ``which`` names, how far journals were read, and the books; what is settled on either side stays so."""
        columns = [row["name"] for row in other.query("PRAGMA table_info(record)") if row["name"] != "number"]
        values = (", ".join(columns), ", ".join("?" * len(columns)))
        changed = ", ".join("%s = excluded.%s" % (name, name) for name in ("state", "attempts", "reason", "lease", "finished"))
        insert = "INSERT INTO record (%s) VALUES (%s) ON CONFLICT (id, credential, base_url) DO UPDATE SET %s WHERE state = 0 AND excluded.state != 0"
        with other.lock, self._writing():
            before = self._total()
            self._connection.executemany(
                insert % (*values, changed), map(tuple, other._connection.execute("SELECT %s FROM record WHERE %s" % (values[0], which)))
            )
            self._connection.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?)", map(tuple, other.query("SELECT name, position FROM journal")))
            if books:
                for name, value in other._counters().items():
                    self._count(name, value)
                here = other._total(which)
                self._count("pruned delivered", other._total() - here)
                self._count("recorded", -here)
            self._count("recorded", self._total() - before)

    def _total(self, which: str = "1") -> int:
        return int(self.query("SELECT count(*) FROM record WHERE %s" % which)[0][0])

    def leased(self, owner: str) -> Set[Key]:
        """What is reserved for ``owner``."""
        return {tuple(row) for row in self.query("SELECT id, credential, base_url FROM record WHERE lease = ?", (owner,))}

    def owners(self) -> Set[str]:
        """Whose leases there are."""
        return {row[0] for row in self.query("SELECT DISTINCT lease FROM record WHERE lease IS NOT NULL")}

    def position(self, journal: str) -> int:
        rows = self.query("SELECT position FROM journal WHERE name = ?", (journal,))
        return int(rows[0][0]) if rows else 0

    def forget_journal(self, journal: str) -> None:
        with self._writing():
            self._connection.execute("DELETE FROM journal WHERE name = ?", (journal,))

    def lease(self, owner: str, credential: str, base_url: str, limit: int, now: float) -> List[Pending]:
        """Up to ``limit`` due records of one destination, reserved for ``owner``: half of them the newest, so that old and new share."""
        with self._writing():
            self._connection.execute(
                "UPDATE record INDEXED BY record_tried SET state = ?, reason = 'outcome of an attempt over 24 h ago is unknown', finished = ? "
                "WHERE state = 0 AND lease IS NULL AND first_attempt < ?",
                (EXPIRED, now, now - IDEMPOTENCY_SECONDS),
            )
            where = (credential, base_url, now)
            rows = self._connection.execute(DUE, (*where, limit - limit // 2, *where, limit // 2)).fetchall()
            self._connection.executemany(
                "UPDATE record SET lease = ?, attempts = attempts + 1, first_attempt = coalesce(first_attempt, ?) WHERE number = ?",
                [(owner, now, row["number"]) for row in rows],
            )
        return [Pending(*row) for row in rows]

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """End the leases of what was posted; what is settled for good already stays as it is."""
        now = time.time()
        with self._writing():
            self._connection.executemany(
                "UPDATE record SET lease = NULL, state = ?, reason = ?, next_attempt = ?, not_before = ?, finished = ?, "
                "first_attempt = CASE WHEN ?6 = ?7 THEN first_attempt ELSE ?6 END WHERE id = ?8 AND credential = ?9 AND base_url = ?10 AND state = 0",
                [
                    (o.state, o.reason or None, o.next_attempt, o.not_before, None if o.state == PENDING else now, o.first_attempt, KEEP, *o.key)
                    for o in outcomes
                ],
            )

    def give_back(self, keys: Iterable[Key]) -> None:
        """End leases of what was not posted after all, as if there had been none."""
        with self._writing():
            self._connection.executemany(
                "UPDATE record SET lease = NULL, attempts = attempts - 1, first_attempt = CASE attempts WHEN 1 THEN NULL ELSE first_attempt END "
                "WHERE id = ? AND credential = ? AND base_url = ? AND state = 0 AND lease IS NOT NULL",
                keys,
            )

    def free_leases(self, owner: str) -> int:
        """Give back what a dead owner had reserved; returns how many records that were."""
        with self._writing():
            return self._connection.execute("UPDATE record SET lease = NULL WHERE lease = ?", (owner,)).rowcount

    def due(self, credential: str, base_url: str, now: float) -> None:
        """Let every waiting record of one destination be tried at once, but for what the service asked to wait."""
        with self._writing():
            self._connection.execute(
                "UPDATE record SET next_attempt = not_before "
                "WHERE state = 0 AND lease IS NULL AND credential = ? AND base_url = ? AND next_attempt > ? AND not_before < next_attempt",
                (credential, base_url, now),
            )

    def due_now(self) -> None:
        """The same for every destination (a flush was asked for)."""
        for credential, base_url, _ in self.destinations():
            self.due(credential, base_url, time.time())

    def destinations(self) -> List[Tuple[str, str, float]]:
        """(credential, base_url, earliest due time) of what is pending and not reserved."""
        found: List[Tuple[str, str, float]] = []
        credential = base_url = ""
        while True:  # from one to the next in the index: grouping would read every waiting record
            rows = self.query(SAME_CREDENTIAL, (credential, base_url)) or self.query(NEXT_CREDENTIAL, (credential,))
            if not rows:
                return found
            credential, base_url, due = rows[0]
            found.append((credential, base_url, due))

    def newest(self) -> int:
        """The number of the last record that came in."""
        return int(self.query("SELECT coalesce(max(number), 0) FROM record")[0][0])

    def owes(self, owner: str, credentials: Container[str], newest: int, until: float) -> bool:
        """Whether a record up to number ``newest`` is on its way from ``owner``, or due by ``until`` under one of ``credentials``."""
        if self.query(LEASED_UP_TO, (owner, newest)):
            return True
        return any(
            credential in credentials and due <= until and self.query(DUE_UP_TO, (credential, base_url, until, newest))
            for credential, base_url, due in self.destinations()
        )

    def waiting(self) -> Dict[str, int]:
        """Credential -> how many pending records are nobody's."""
        return {row[0]: row[1] for row in self.query("SELECT credential, count(*) FROM record WHERE state = 0 AND lease IS NULL GROUP BY 1")}

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
            for state in (DELIVERED, REFUSED, EXPIRED, LOCAL, PENDING):
                excess -= self._drop(state, excess) if excess > 0 else 0

    def _drop(self, state: int, most: int) -> int:
        oldest = "SELECT number FROM record WHERE state = ? AND lease IS NULL ORDER BY number LIMIT ?"
        gone = self._connection.execute("DELETE FROM record WHERE number IN (%s)" % oldest, (state, most)).rowcount
        self._count("evicted" if state in (LOCAL, PENDING) else "pruned " + STATES[state], gone)
        return gone

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
