"""Disks that are full, read-only, removed, damaged or without locks: the app never sees it, nothing is lost, it is said once."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.diagnostics import diagnostics
from revenium_middleware._delivery import claim, journal, store
from revenium_middleware._delivery.intake import adopt, journals_of
from revenium_middleware._delivery.ledger import DELIVERED, Ledger, Outcome
from revenium_middleware._delivery.store import Store
from revenium_middleware.testing import Fault
from revenium_middleware.testing.faults import Script

from .conftest import record, settings_of

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def keep(count=1):
    made = [record(settings=runtime.settings()) for _ in range(count)]
    for each in made:
        runtime.commit(each)
    return {each.id for each in made}


def store_at(path) -> Store:
    return Store(settings_of(REVENIUM_LEDGER=str(path)))


def keys(server):
    return {each.key for each in server.accepted}


def warned(caplog):
    return [entry.getMessage() for entry in caplog.records if entry.levelname in ("WARNING", "ERROR")]


# ---------------------------------------------------------------------- removed under us


@pytest.mark.parametrize("what", ["the file", "the file and its own", "the directory", "the journals"])
def test_what_is_removed_under_us_is_made_again_with_what_was_pending(metering, tmp_path, monkeypatch, caplog, what):
    path = tmp_path / "state" / "ledger.db"
    monkeypatch.setenv("REVENIUM_LEDGER", str(path))
    metering._script = Script(Fault(503))
    made = keep(20)
    assert revenium_middleware.flush(1) == 20
    if what == "the directory":
        shutil.rmtree(str(path.parent))
    elif what == "the journals":
        shutil.rmtree(str(journals_of(path)))
    else:
        path.unlink()
        for suffix in ("-wal", "-shm") if what.endswith("own") else ():
            path.with_name(path.name + suffix).unlink()
    made |= keep(5)
    metering._script = Script()
    assert revenium_middleware.flush(30) == 0
    assert keys(metering) == made
    with closing(Ledger(str(path))) as ledger:
        assert ledger.counts()["delivered"] == 25
        assert ledger.query("PRAGMA integrity_check")[0][0] == "ok"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(warned(caplog)) == (0 if what == "the journals" else 1)
    assert diagnostics.failures["removed ledger"] == (0 if what == "the journals" else 1)
    assert revenium_middleware.status().dropped == 0


def test_leases_of_an_owner_whose_lock_was_removed_are_given_back(tmp_path):
    path = tmp_path / "own.db"
    with closing(Ledger(str(path))) as ledger:
        journals_of(path).mkdir()
        ledger.ingest([record("a"), record("b")])
        ((credential, url, _),) = ledger.destinations()
        assert len(ledger.lease("gone", credential, url, 1, 1e9)) == 1
        assert len(ledger.lease("me", credential, url, 1, 1e9)) == 1
        adopt(ledger, journals_of(path), "me")
        assert ledger.owners() == {"me"}


def test_two_processes_whose_ledger_was_removed_meet_in_the_new_one(tmp_path):
    path = tmp_path / "own.db"
    mine, theirs = store_at(path), store_at(path)
    mine.append(record("mine"))
    theirs.append(record("theirs"))
    ledger = mine.collect()
    theirs.collect()
    ((credential, url, _),) = ledger.destinations()
    (row,) = ledger.lease(mine.owner, credential, url, 1, 1e10)
    path.unlink()
    theirs.collect()
    mine.settle([Outcome(row.key, DELIVERED)])
    for each in (mine, theirs):
        found = {row["id"]: row["state"] for row in each.collect().query("SELECT id, state FROM record")}
        assert found == {"mine": int(row.id == "mine"), "theirs": int(row.id == "theirs")}
        assert not each.collect().gone()
    mine.close()
    theirs.close()


# ---------------------------------------------------------------------- damaged


def test_a_ledger_damaged_while_it_is_in_use_is_set_aside_and_a_new_one_started(metering, tmp_path, caplog):
    path = tmp_path / "ledger.db"
    keep(3)
    assert revenium_middleware.flush(20) == 0
    for each in (path, path.with_name(path.name + "-wal")):
        each.write_bytes(b"\xde\xad" * (max(each.stat().st_size, 8192) // 2))
    more = keep(4)
    for _ in range(2):  # the status after the first may be what notices the damage
        left = revenium_middleware.flush(20)
    assert left == 0
    assert more <= keys(metering)
    (aside,) = tmp_path.glob("ledger.db.corrupt-*")
    assert b"\xde\xad" in aside.read_bytes()
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert len([text for text in warned(caplog) if "damaged" in text]) == 1
    assert diagnostics.failures["corrupt ledger"] == 1
    with closing(Ledger(str(path))) as ledger:
        assert ledger.counts()["delivered"] >= 4


def test_damaged_journal_lines_cost_only_themselves_and_are_counted(tmp_path):
    path = tmp_path / "own.db"
    kept = store_at(path)
    for number in range(10):
        kept.append(record("r%d" % number))
    (file,) = journals_of(path).glob("*.jnl")
    content = file.read_bytes().split(b"\n")
    content[3], content[7] = content[3][:-1] + b"\x00", b"\xff\xfe" + content[7]
    file.write_bytes(b"\n".join(content))
    counts = kept.collect().counts()
    assert (counts["pending"], counts["torn"]) == (8, 2)
    kept.close()


# ---------------------------------------------------------------------- full, and free again

FULL = """
from revenium_middleware._delivery import store
store.RETRY_SECONDS = 0.0
keep(5)
revenium_middleware.flush(20)
%s
fill()
keep(50)
revenium_middleware.flush(20)
during = revenium_middleware.status()
in_memory = runtime.delivery().store._ledger.in_memory
empty()
keep(5)
revenium_middleware.flush(20)
after = runtime.delivery().store._ledger
counts = after.counts()
print(during.delivered, during.dropped, in_memory, after.in_memory, counts["delivered"], counts["pending"], revenium_middleware.status().delivered)
"""


def check_full(done, metering):
    assert done.stdout.split() == ["55", "0", "True", "False", "60", "0", "60"], (done.stdout, done.stderr)
    assert len(metering.accepted) == 60
    assert len(metering.records) == 60  # nothing was sent twice on the way out or back
    assert done.stderr.count("records are kept in memory") == 1
    assert "Traceback" not in done.stderr


def test_a_limit_on_file_sizes_means_memory_until_it_is_lifted(metering, child):
    limit = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
def fill(): resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
def empty(): resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
"""
    check_full(child(FULL % limit), metering)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB of its own."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = ROOT and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(directory)], stderr=subprocess.DEVNULL, check=False)
    if not mounted or mounted.returncode:
        pytest.skip("cannot mount a small disk here")
    yield directory
    subprocess.run(["umount", "-l", str(directory)], check=True)


def test_a_full_disk_means_memory_until_there_is_room_again(metering, child, small_disk):
    blocks = """
filler = os.path.join(os.path.dirname(os.environ["REVENIUM_LEDGER"]), "filler")
def fill():
    with open(filler, "wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 4096):
                pass
        except OSError:
            pass
def empty(): os.unlink(filler)
"""
    done = child((FULL % blocks).replace("keep(50)", "keep(50, task_type='t' * 2000)"), REVENIUM_LEDGER=str(small_disk / "ledger.db"))
    check_full(done, metering)


def test_memory_is_bounded_and_what_it_has_no_room_for_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MEMORY_RECORDS", 30)
    monkeypatch.setattr(store, "MEMORY_RECORDS", 30)
    (tmp_path / "file").write_text("not a directory")
    kept = store_at(tmp_path / "file" / "own.db")
    for batch in range(10):
        for number in range(20):
            kept.append(record("%d-%d" % (batch, number)))
        if batch % 2:
            kept.collect()
    assert kept.collect().counts()["pending"] == 30
    assert kept.standing().evicted == 170
    assert kept.standing().recorded == 200
    kept.close()


# ---------------------------------------------------------------------- no locks, no rights, no home


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_files_cannot_be_locked_memory_is_used_and_nothing_is_adopted(metering, tmp_path, monkeypatch, caplog, number):
    dead = store_at(tmp_path / "ledger.db")
    dead.append(record("dead", settings=runtime.settings()))
    dead.close()
    before = sorted(path.name for path in journals_of(tmp_path / "ledger.db").iterdir())

    def refuse(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(claim.fcntl, "flock", refuse)
    made = keep(3)
    assert revenium_middleware.flush(20) == 0
    assert keys(metering) == made
    assert len(warned(caplog)) == 1
    assert os.strerror(number) in caplog.text
    assert "records are kept in memory" in caplog.text
    assert sorted(path.name for path in journals_of(tmp_path / "ledger.db").iterdir()) == before


def test_where_sqlite_cannot_lock_memory_is_used(metering, monkeypatch, caplog):
    prepare = Ledger._prepare

    def refuse(ledger):
        if not ledger.in_memory:
            raise sqlite3.OperationalError("locking protocol")
        prepare(ledger)

    monkeypatch.setattr(Ledger, "_prepare", refuse)
    made = keep(3)
    assert revenium_middleware.flush(20) == 0
    assert keys(metering) == made
    assert len(warned(caplog)) == 1
    assert "locking protocol" in caplog.text


UNPRIVILEGED = """
import aiohttp, httpx  # while we may still read them, as the next
import revenium_middleware._delivery.client, revenium_middleware._delivery.delivery, revenium_middleware._calls.status
os.setgid(65534)
os.setuid(%d)
keep(3)
revenium_middleware.flush(20)
now = revenium_middleware.status()
print(now.recorded, now.delivered, now.dropped)
"""


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_a_directory_we_may_not_write_to_means_memory(metering, child):
    directory = tempfile.mkdtemp(prefix="revenium-read-only-")
    try:
        os.chmod(directory, 0o555)
        done = child(UNPRIVILEGED % 65534, REVENIUM_LEDGER=directory + "/ledger.db")
        assert os.listdir(directory) == []
    finally:
        shutil.rmtree(directory)
    assert done.stdout.split() == ["3", "3", "0"], done.stderr
    assert done.stderr.count("records are kept in memory") == 1
    assert "Permission denied" in done.stderr


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody without a home")
def test_without_a_home_directory_memory_is_used(metering, child):
    nobody = UNPRIVILEGED.replace(
        "os.setuid", "[os.environ.pop(name, None) for name in ('HOME', 'XDG_STATE_HOME', 'LOCALAPPDATA', 'REVENIUM_LEDGER')]; os.setuid"
    )
    done = child(nobody % 54321)
    assert done.stdout.split() == ["3", "3", "0"], done.stderr
    assert done.stderr.count("records are kept in memory") == 1
    assert "no home directory" in done.stderr


# ---------------------------------------------------------------------- whose files they are


def test_whatever_the_umask_files_are_the_owners_alone_and_hold_no_key(metering, tmp_path, monkeypatch):
    path = tmp_path / "state" / "deep" / "ledger.db"
    path.parent.parent.mkdir()
    monkeypatch.setenv("REVENIUM_LEDGER", str(path))
    before = os.umask(0)
    try:
        metering._script = Script(Fault(503))
        keep(3)
        assert revenium_middleware.flush(0.5) == 3
        path.write_bytes(b"damaged" * 2000)
        path.with_name("ledger.db-wal").write_bytes(b"damaged" * 2000)
        for _ in range(2):
            keep(2)
            revenium_middleware.flush(0.5)
        keep(1)
        found = {each: stat.S_IMODE(each.stat().st_mode) for each in path.parent.rglob("*")}
    finally:
        os.umask(before)
    kinds = ("ledger.db", "ledger.db-wal", "ledger.db-shm", ".jnl", ".lock", ".corrupt-")
    assert all([each for each in found if kind in each.name] for kind in kinds), found
    assert {mode for each, mode in found.items() if each.is_file()} == {0o600}, found
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, journals_of(path))} == {0o700}
    content = b"".join(each.read_bytes() for each in found if each.is_file())
    assert runtime.settings().api_key.encode() not in content
    assert b"total_token_count" in content


def test_a_file_that_somebody_made_readable_stays_theirs_to_decide(tmp_path):
    path = Path(tmp_path / "own.db")
    path.touch(mode=0o640)
    os.chmod(str(path), 0o640)
    Ledger(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
