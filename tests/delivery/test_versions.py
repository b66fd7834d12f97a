"""Ledger files of other versions: older ones are brought up to date once, newer ones are left alone."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._delivery import schema
from revenium_middleware._delivery.ledger import DELIVERED, EXPIRED, LOCAL, PENDING, REFUSED, STATES, Ledger, Outcome
from revenium_middleware._delivery.schema import VERSION, Newer, version_of
from revenium_middleware._delivery.store import Store

from .conftest import popen, record, settings_of

CREDENTIAL, URL = "1f2e3d4c5b6a7988", "http://127.0.0.1:9/meter/"
STATE_OF = {"waiting": PENDING, "tried": PENDING, "leased": PENDING, "delivered": DELIVERED, "refused": REFUSED, "local": LOCAL, "expired": EXPIRED}


def version_1(path: Path) -> Path:
    """A file as the first version left it, with a record in every state."""
    with closing(sqlite3.connect(str(path))) as old:
        old.executescript((Path(__file__).parent / "data" / "ledger_version_1.sql").read_text())
    return path


def shape(path: Path):
    with closing(sqlite3.connect(str(path))) as connection:
        columns = [tuple(row[1:]) for row in connection.execute("PRAGMA table_info(record)")]
        indexes = sorted(row[0] or "" for row in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index'"))
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return sorted(columns), indexes, connection.execute("PRAGMA user_version").fetchone()[0]


def test_a_file_of_the_first_version_keeps_every_record_and_what_is_known_of_it(tmp_path):
    ledger = Ledger(str(version_1(tmp_path / "old.db")))
    assert {row["id"]: row["state"] for row in ledger.query("SELECT id, state FROM record")} == STATE_OF
    assert ledger.counts() == {**{STATES[state]: list(STATE_OF.values()).count(state) for state in range(5)}, "torn": 2, "evicted": 5}
    assert ledger.position("0-1-dead.1.jnl") == 1234
    assert ledger.destinations() == [(CREDENTIAL, URL, 0.0)]
    ledger.free_leases("0-1-dead")
    rows = ledger.lease("me", CREDENTIAL, URL, 9, time.time())
    assert [(row.id, row.attempts, row.first_attempt) for row in rows] == [("waiting", 0, None), ("leased", 1, 4102444800.0)]
    ledger.settle([Outcome(row.key, DELIVERED) for row in rows])
    assert ledger.counts()["delivered"] == 3
    ledger.close()


def test_an_old_file_ends_up_like_a_new_one(tmp_path):
    Ledger(str(version_1(tmp_path / "old.db"))).close()
    Ledger(str(tmp_path / "new.db")).close()
    assert shape(tmp_path / "old.db") == shape(tmp_path / "new.db")
    assert shape(tmp_path / "new.db")[2] == VERSION == version_of(tmp_path / "new.db")


def test_processes_that_open_an_old_file_at_once_migrate_it_once(tmp_path):
    path, start = version_1(tmp_path / "old.db"), tmp_path / "start"
    children = [
        popen(
            """
            from revenium_middleware._delivery.ledger import Busy, Ledger
            print("ready", flush=True)
            while not os.path.exists(os.environ["START"]):
                time.sleep(0.001)
            for _ in range(100):
                try:
                    ledger = Ledger(os.environ["OWN"])
                    break
                except Busy:
                    pass
            print(sum(ledger.counts()[state] for state in ("pending", "delivered", "local", "refused", "expired")))
            """,
            OWN=str(path),
            START=str(start),
        )
        for _ in range(4)
    ]
    for each in children:
        assert each.stdout.readline().strip() == "ready"
    start.touch()
    for each in children:
        out, err = each.communicate(timeout=60)
        assert (each.returncode, out.strip()) == (0, "7"), err
    Ledger(str(tmp_path / "new.db")).close()
    assert shape(path) == shape(tmp_path / "new.db")


def test_a_migration_that_fails_half_way_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = version_1(tmp_path / "old.db")
    before = shape(path)
    first, indexed = schema.STEPS
    monkeypatch.setattr(schema, "STEPS", (first, (*indexed[:3], "CREATE INDEX nonsense ON nowhere (nothing)")))
    with pytest.raises(sqlite3.OperationalError):
        Ledger(str(path))
    assert shape(path) == before
    monkeypatch.undo()
    with closing(Ledger(str(path))) as ledger:
        assert ledger.counts()["pending"] == 3


def newer(path: Path) -> bytes:
    Ledger(str(path)).close()
    with closing(sqlite3.connect(str(path))) as connection:
        connection.execute("PRAGMA user_version = %d" % (VERSION + 1))
    return path.read_bytes()


def test_a_newer_file_is_not_touched_and_one_warning_names_the_way_out(metering, tmp_path, monkeypatch, caplog):
    path = tmp_path / "newer.db"
    content = newer(path)
    monkeypatch.setenv("REVENIUM_LEDGER", str(path))
    for _ in range(2):
        runtime.commit(record(settings=runtime.settings()))
        assert revenium_middleware.flush(20) == 0
    assert len(metering.accepted) == 2
    assert path.read_bytes() == content
    assert not path.with_name("newer.db.journal").exists()
    (entry,) = caplog.records
    assert "newer version" in entry.getMessage()
    assert "upgrade" in entry.getMessage()
    assert "REVENIUM_LEDGER" in entry.getMessage()
    assert "newer.db.v%d" % VERSION in entry.getMessage()


def test_a_file_that_becomes_newer_while_we_run_is_left_alone_too(tmp_path, caplog):
    path = tmp_path / "newer.db"
    kept = Store(settings_of(REVENIUM_LEDGER=str(path)))
    content = newer(path)
    with pytest.raises(Newer):
        Ledger(str(path))
    kept.append(record())
    assert kept.collect().counts()["pending"] == 1
    assert kept.collect().in_memory
    assert path.read_bytes() == content
    assert "newer version" in caplog.text
    kept.close()


def test_a_senders_questions_cost_the_same_however_much_is_waiting(tmp_path):
    steps = []
    for count in (100, 20_000):
        ledger = Ledger(str(tmp_path / ("%d.db" % count)))
        ledger.ingest(record("id-%d" % number) for number in range(count))
        spent = [0]

        def tick(spent=spent):
            spent[0] += 1

        ledger._connection.set_progress_handler(tick, 10)
        ((credential, url, _),) = ledger.destinations()
        rows = ledger.lease("me", credential, url, 20, time.time())
        ledger.settle([Outcome(row.key, DELIVERED) for row in rows])
        ledger.due_now()
        ledger.free_leases("me")
        steps.append(spent[0])
        ledger.close()
    assert steps[1] < 2 * steps[0], steps
