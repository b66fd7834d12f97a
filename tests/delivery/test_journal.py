"""The journal: whole lines, whatever the disk and the process do to them."""

from __future__ import annotations

import os
import shutil
import stat
import threading

import pytest

from revenium_middleware._delivery import claim, journal
from revenium_middleware._delivery.journal import Journal, MemoryJournal, read

from .conftest import record


def everything(kept):
    return [found for path in kept.files() for found in read(path, 0, 10_000)[0]]


@pytest.fixture
def kept(tmp_path):
    made = Journal(tmp_path / "journals")
    yield made
    made.close()


def test_what_was_appended_can_be_read_at_once(kept):
    records = [record(number=number) for number in range(20)]
    for each in records:
        kept.append(each)
    assert everything(kept) == records


def test_the_files_are_the_owners_alone(kept, tmp_path):
    kept.append(record())
    assert stat.S_IMODE((tmp_path / "journals").stat().st_mode) == 0o700
    for path in (tmp_path / "journals").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_reading_goes_on_where_it_stopped(kept):
    records = [record() for _ in range(5)]
    for each in records:
        kept.append(each)
    (path,) = kept.files()
    first, offset, _ = read(path, 0, limit=2)
    rest, end, torn = read(path, offset)
    assert (first, rest, torn) == (records[:2], records[2:], 0)
    assert read(path, end) == ([], end, 0)


def test_a_torn_last_line_waits_and_what_follows_it_is_read(kept):
    before, after = record(), record()
    kept.append(before)
    (path,) = kept.files()
    whole = record().line()
    with path.open("ab") as stream:
        stream.write(whole[:30])
    found, offset, torn = read(path, 0)
    assert (found, torn) == ([before], 0)
    with path.open("ab") as stream:  # the next process's line begins on a line of its own
        stream.write(b"\n" + after.line())
    assert read(path, offset) == ([after], path.stat().st_size, 1)


def test_binary_rubbish_in_the_middle_costs_only_itself(kept):
    first, second = record(), record()
    kept.append(first)
    (path,) = kept.files()
    with path.open("ab") as stream:
        stream.write(b"\x00\xff not a line\n" + second.line() + b"\n\n")
    found, _, torn = read(path, 0)
    assert (found, torn) == ([first, second], 1)


def test_a_full_file_is_closed_and_goes_away_once_it_is_ingested(kept, monkeypatch):
    monkeypatch.setattr(journal, "ROTATE_BYTES", 1000)
    records = [record(agent="x" * 200) for _ in range(12)]
    for each in records:
        kept.append(each)
    files = kept.files()
    assert len(files) > 2
    assert everything(kept) == records
    kept.ingested(files[0], 10)  # not all of it
    assert files[0].exists()
    for path in files:
        kept.ingested(path, path.stat().st_size)
    assert [path.exists() for path in files] == [False] * (len(files) - 1) + [files[-1] in kept.files()]


def test_a_removed_directory_is_made_again_with_what_was_in_it(kept, tmp_path):
    lost, after = record(), record()
    kept.append(lost)
    shutil.rmtree(str(tmp_path / "journals"))
    kept.append(after)
    assert everything(kept) == [lost, after]
    assert claim.dead_owners(tmp_path / "journals") == [], "the new directory has our lock"


def test_an_unlinked_file_is_replaced_with_its_content(kept):
    lost, after = record(), record()
    kept.append(lost)
    kept.files()[0].unlink()
    kept.append(after)
    assert everything(kept) == [lost, after]


def test_threads_never_mix_their_lines(kept):
    def work():
        for _ in range(200):
            kept.append(record(agent="y" * 300))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = everything(kept)
    assert len(found) == len({each.id for each in found}) == 1600
    assert sum(read(path, 0, 10_000)[2] for path in kept.files()) == 0


def test_short_writes_are_finished_and_a_refused_one_leaves_no_half_record(child):
    done = child(
        """
        import resource, json
        from pathlib import Path
        from revenium_middleware._delivery.journal import Journal, read
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        kept = Journal(Path(os.environ["JOURNALS"]))
        record = lambda n: Record("id-%d" % n, "completion", 1.0, "", "", {"agent": "z" * 400})
        kept.append(record(0))
        (path,) = kept.files()
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, hard))  # 100 bytes fit, then EFBIG
        refused = 0
        for n in (1, 2):
            try:
                kept.append(record(n))
            except OSError:
                refused += 1
        torn_size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        kept.append(record(3))
        found, _, torn = read(path, 0)
        print(json.dumps([refused, torn_size > 0, [each.id for each in found], torn]))
        """,
        JOURNALS=os.environ["REVENIUM_LEDGER"] + ".own",
    )
    assert done.stdout.strip() == '[2, true, ["id-0", "id-3"], 1]'


def test_memory_is_bounded_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(journal, "MEMORY_RECORDS", 3)
    kept = MemoryJournal()
    records = [record() for _ in range(5)]
    for each in records:
        kept.append(each)
    assert (kept.take(), kept.evicted, kept.take()) == (records[2:], 2, [])


# ---------------------------------------------------------------------- who owns which files


def test_a_living_owners_name_cannot_be_taken_and_a_dead_ones_can(tmp_path):
    mine = claim.Claim(tmp_path)
    assert claim.dead_owners(tmp_path) == []
    mine.release()
    (dead,) = claim.dead_owners(tmp_path)
    assert dead.name == mine.name
    assert claim.dead_owners(tmp_path) == [], "taken by us now"
    dead.done(False)
    (again,) = claim.dead_owners(tmp_path)
    again.done(True)
    assert not mine.path.exists()


def test_a_process_that_was_killed_is_dead(tmp_path, child):
    child(
        """
        from pathlib import Path
        from revenium_middleware._delivery.claim import Claim
        Claim(Path(os.environ["CLAIMS"]))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        code_of_return=-9,
        CLAIMS=str(tmp_path / "claims"),
    )
    (dead,) = claim.dead_owners(tmp_path / "claims")
    dead.done(True)
    assert list((tmp_path / "claims").iterdir()) == []
