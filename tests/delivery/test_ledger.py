"""The ledger: ingested once, leased by one, settled, adopted, bounded, and never lost to a damaged file."""

from __future__ import annotations

import sqlite3
import stat
import time
from pathlib import Path

import pytest

from revenium_middleware._core.diagnostics import diagnostics
from revenium_middleware._delivery.files import opened
from revenium_middleware._delivery.intake import adopt, ingest, journals_of, up_to_date
from revenium_middleware._delivery.journal import Journal
from revenium_middleware._delivery.ledger import DELIVERED, EXPIRED, IDEMPOTENCY_SECONDS, LOCAL, PENDING, REFUSED, Busy, Ledger, Outcome
from revenium_middleware._delivery.store import Store

from .conftest import record, settings_of

WHERE = record().credential, record().base_url


@pytest.fixture
def path(tmp_path):
    return tmp_path / "own.db"


@pytest.fixture
def ledger(path):
    made = Ledger(str(path))
    yield made
    made.close()


def states(ledger):
    return {row["id"]: row["state"] for row in ledger.query("SELECT id, state FROM record")}


def lease(ledger, owner="me", limit=100, now=None):
    return ledger.lease(owner, *WHERE, limit, time.time() if now is None else now)


def test_ingesting_the_same_again_changes_nothing(ledger):
    records = [record() for _ in range(3)]
    assert ledger.ingest(records, "j", 100) == 3
    assert ledger.ingest(records + [record()], "j", 140) == 1
    assert ledger.position("j") == 140
    assert ledger.counts()["pending"] == 4


def test_a_journal_is_ingested_once_however_often_it_is_read(ledger, path):
    journal = Journal(journals_of(path))
    for _ in range(1200):
        journal.append(record())
    (file,) = journal.files()
    reached = [ingest(ledger, file), ingest(ledger, file)]
    assert reached == [file.stat().st_size] * 2
    ledger.forget_journal(file.name)  # as after a crash between the two
    ingest(ledger, file)
    assert ledger.counts()["pending"] == 1200
    journal.close()


def test_a_record_without_a_destination_stays(ledger):
    local = record(settings=settings_of(REVENIUM_METERING_API_KEY=""))
    ledger.ingest([local])
    assert states(ledger) == {local.id: LOCAL}
    assert ledger.destinations() == []


def test_a_leased_record_is_nobody_elses(ledger):
    records = [record() for _ in range(5)]
    ledger.ingest(records)
    mine, theirs = lease(ledger, "me", 2), lease(ledger, "you", 10)
    assert [row.id for row in mine] == [records[0].id, records[4].id]  # the oldest and the newest: neither waits for the other
    assert [row.id for row in theirs] == [each.id for each in records[1:4]]
    assert lease(ledger, "third") == []
    assert [row.attempts for row in mine] == [0, 0]


def test_settling_ends_the_lease(ledger):
    records = [record() for _ in range(3)]
    ledger.ingest(records)
    rows, now = lease(ledger), time.time()
    ledger.settle([Outcome(rows[0].key, DELIVERED), Outcome(rows[1].key, REFUSED, "HTTP 400"), Outcome(rows[2].key, PENDING, "HTTP 500", now + 60)])
    assert list(states(ledger).values()) == [DELIVERED, REFUSED, PENDING]
    assert lease(ledger, now=now) == []
    (again,) = lease(ledger, now=now + 61)
    assert (again.id, again.attempts) == (records[2].id, 1)


def test_a_flush_makes_what_waits_due(ledger):
    ledger.ingest([record()])
    (row,) = lease(ledger)
    ledger.settle([Outcome(row.key, PENDING, "HTTP 500", time.time() + 3600)])
    assert lease(ledger) == []
    ledger.due_now()
    assert len(lease(ledger)) == 1


def test_destinations_are_leased_apart(ledger):
    other = record(settings=settings_of(REVENIUM_METERING_BASE_URL="http://other"))
    ledger.ingest([record(), other])
    assert sorted(where[1] for where in ledger.destinations()) == ["http://127.0.0.1:9/meter/", "http://other/meter/"]
    assert [row.base_url for row in lease(ledger)] == ["http://127.0.0.1:9/meter/"]


def test_what_was_first_tried_over_a_day_ago_is_marked_and_not_repeated(ledger):
    ledger.ingest([record()])
    (row,) = lease(ledger, now=1000.0)
    ledger.settle([Outcome(row.key, PENDING, "timeout", 0.0)])
    assert len(lease(ledger, now=1000.0 + IDEMPOTENCY_SECONDS - 1)) == 1
    ledger.settle([Outcome(row.key, PENDING, "timeout", 0.0)])
    assert lease(ledger, now=1000.0 + IDEMPOTENCY_SECONDS + 1) == []
    assert list(states(ledger).values()) == [EXPIRED]


def test_what_was_never_tried_does_not_expire(ledger):
    ledger.ingest([record()])
    assert len(lease(ledger, now=time.time() + 30 * IDEMPOTENCY_SECONDS)) == 1


def test_a_dead_owners_journal_and_leases_are_taken_over(ledger, path, child):
    child(
        """
        from pathlib import Path
        from revenium_middleware._delivery.journal import Journal
        from revenium_middleware._delivery.ledger import Ledger
        own = Path(os.environ["OWN"])
        journal = Journal(own.with_name(own.name + ".journal"))
        for n in range(3):
            journal.append(Record("dead-%d" % n, "completion", 1.0, os.environ["URL"], os.environ["CREDENTIAL"], {"model": "m"}))
        ledger = Ledger(str(own))
        ledger.ingest([Record("leased", "completion", 1.0, os.environ["URL"], os.environ["CREDENTIAL"], {"model": "m"})])
        assert len(ledger.lease(journal.claim.name, os.environ["CREDENTIAL"], os.environ["URL"], 9, time.time())) == 1
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        code_of_return=-9,
        OWN=str(path),
        URL=WHERE[1],
        CREDENTIAL=WHERE[0],
    )
    assert lease(ledger) == []
    assert adopt(ledger, journals_of(path))[0] == 1
    assert sorted(row.id for row in lease(ledger)) == ["dead-0", "dead-1", "dead-2", "leased"]
    assert list(journals_of(path).iterdir()) == []
    assert adopt(ledger, journals_of(path))[0] == 0


def test_a_living_owners_are_not(ledger, path):
    living = Journal(journals_of(path))
    living.append(record())
    assert adopt(ledger, journals_of(path))[0] == 0
    assert living.files()[0].exists()
    living.close()


def test_readers_see_live_journals_without_taking_them(path):
    living = Journal(journals_of(path))
    living.append(record())
    for _ in range(2):
        reader = up_to_date(path)
        assert reader.counts()["pending"] == 1
        reader.close()
    assert living.files()[0].exists()
    living.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000], ids=["text", "damaged"])
def test_a_damaged_file_is_set_aside_and_kept(path, content, caplog):
    path.write_bytes(content)
    ledger = opened(path)
    ledger.ingest([record()])
    assert ledger.counts()["pending"] == 1
    ledger.close()
    (aside,) = path.parent.glob("own.db.corrupt-*")
    assert aside.read_bytes() == content
    assert [entry.getMessage() for entry in caplog.records] == ["the ledger at %s was damaged: set aside as %s, a new one was started" % (path, aside.name)]
    assert diagnostics.failures["corrupt ledger"] == 1


def test_pruning_drops_delivered_records_past_their_time_only(ledger):
    ledger.ingest([record("old"), record("new"), record("waiting")])
    rows = {row.id: row for row in lease(ledger)}
    ledger.settle([Outcome(rows["old"].key, DELIVERED), Outcome(rows["new"].key, DELIVERED), Outcome(rows["waiting"].key, PENDING)])
    with sqlite3.connect(ledger.path) as direct:
        direct.execute("UPDATE record SET finished = finished - 1000 WHERE id = 'old'")
    direct.close()
    ledger.prune(500.0, 1000)
    assert sorted(states(ledger)) == ["new", "waiting"]


def test_beyond_the_bound_finished_records_go_before_pending_ones_and_those_are_counted(ledger):
    ledger.ingest([record("p%d" % number) for number in range(4)] + [record("d%d" % number) for number in range(2)])
    rows = {row.id: row for row in lease(ledger)}
    ledger.settle([Outcome(row.key, DELIVERED if name.startswith("d") else PENDING) for name, row in rows.items()])
    ledger.prune(1e9, 4)
    assert sorted(states(ledger)) == ["p0", "p1", "p2", "p3"]
    assert ledger.counts().get("evicted", 0) == 0
    ledger.prune(1e9, 3)
    assert sorted(states(ledger)) == ["p1", "p2", "p3"]
    assert ledger.counts()["evicted"] == 1


def test_the_file_is_the_owners_alone(ledger, path):
    ledger.ingest([record()])
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        assert stat.S_IMODE(path.with_name(name).stat().st_mode) == 0o600, name


# ---------------------------------------------------------------------- disks that fail


@pytest.mark.parametrize("where", ["journal directory is a file", "ledger is a directory", "parent is a file", "nobody may write there"])
def test_a_disk_that_fails_means_memory_one_warning_and_a_count(where, tmp_path, caplog):
    path = tmp_path / "own.db"
    if where == "journal directory is a file":
        journals_of(path).write_text("in the way")
    elif where == "ledger is a directory":
        path.mkdir()
    elif where == "nobody may write there":
        path = Path("/proc/self/own.db")  # not even root
    else:
        path = tmp_path / "file" / "own.db"
        (tmp_path / "file").write_text("not a directory")
    kept = Store(settings_of(REVENIUM_LEDGER=str(path)))
    for _ in range(3):
        kept.append(record())
    assert kept.collect().counts()["pending"] == 3
    assert len(caplog.records) == 1
    assert "records are kept in memory" in caplog.text
    assert diagnostics.failures["disk"] >= 1
    kept.close()


def test_a_full_disk_means_memory_and_nothing_is_lost(child, tmp_path):
    done = child(
        """
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        keep(1)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
        keep(5)
        revenium_middleware.flush(20)
        now = revenium_middleware.status()
        print(now.recorded, now.local, now.dropped)
        """,
        REVENIUM_METERING_API_KEY="",
    )
    assert done.stdout.split() == ["6", "6", "0"], done.stderr
    assert done.stderr.count("records are kept in memory") == 1


def test_what_a_ledger_in_memory_has_taken_in_stays_in_its_journal(path, monkeypatch, caplog):
    monkeypatch.setattr("revenium_middleware._delivery.journal.ROTATE_BYTES", 500)
    path.mkdir()  # no ledger can be opened there, journals can be written
    kept, dead = Store(settings_of(REVENIUM_LEDGER=str(path))), Journal(journals_of(path))
    dead.append(record("dead"))
    dead.close()
    for number in range(6):
        kept.append(record("r%d" % number))
    assert kept.collect().counts()["pending"] == kept.standing().pending == 6
    kept.tidy(settings_of())
    kept.close()
    path.rmdir()
    ledger = Ledger(str(path))
    adopt(ledger, journals_of(path))
    assert sorted(states(ledger)) == ["dead", "r0", "r1", "r2", "r3", "r4", "r5"]
    ledger.close()
    assert "records are kept in memory" in caplog.text


def test_a_second_process_may_hold_the_file_for_a_while(ledger, path):
    other = sqlite3.connect(str(path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        ledger.ingest([record()])
    other.execute("COMMIT")
    other.close()
    assert ledger.ingest([record()]) == 1
