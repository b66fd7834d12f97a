"""A record on its way through the journal: written, read again, and never half of it."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenium_middleware._core.record import Record, new_id, timestamp

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
RECORDS = st.builds(
    Record,
    st.uuids().map(str),
    st.sampled_from(["completion", "image", "audio", "video"]),
    st.floats(0, 4e9),
    TEXT,
    TEXT,
    st.dictionaries(TEXT, JSON, max_size=6),
)
EXAMPLE = Record("id-1", "completion", 1.5, "http://h/meter/", "cred", {"model": "gpt \u00e9\U0001f600\n", "input_token_count": 3})


@given(RECORDS)
def test_a_line_gives_the_record_back(record):
    line = record.line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii() if hasattr(line, "isascii") else True
    assert Record.from_line(line[:-1]) == record


@given(RECORDS, st.data())
def test_a_torn_line_is_no_record(record, data):
    line = record.line()[:-1]
    assert Record.from_line(line[: data.draw(st.integers(0, len(line) - 1))]) is None


@given(st.data())
def test_one_changed_byte_is_found(data):
    line = bytearray(EXAMPLE.line()[:-1])
    at = data.draw(st.integers(9, len(line) - 1))
    line[at] = (line[at] + data.draw(st.integers(1, 255))) % 256
    assert Record.from_line(bytes(line)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(line):
    assert Record.from_line(line) is None or line


@pytest.mark.parametrize("body", [b"[]", b"[1]", b"{}", b"null", b'["a","b",1,"","",{},"one too many"]'])
def test_a_whole_line_of_something_else_is_no_record(body):
    import zlib

    assert Record.from_line(b"%08x %s" % (zlib.crc32(body), body)) is None


def test_a_fresh_id_is_a_uuid_of_its_own_and_a_stable_one_is_always_the_same():
    assert new_id() != new_id()
    assert uuid.UUID(new_id()).version == 4
    assert new_id("OPENAI/video_1") == new_id("OPENAI/video_1") != new_id("OPENAI/video_2")
    assert str(uuid.UUID(new_id("x"))) == new_id("x")


@pytest.mark.parametrize(("seconds", "text"), [(0, "1970-01-01T00:00:00Z"), (1700000000.999, "2023-11-14T22:13:20Z")])
def test_times_are_utc_with_second_precision(seconds, text, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert timestamp(seconds) == text
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_the_line_is_json_behind_its_checksum():
    checksum, _, body = EXAMPLE.line().partition(b" ")
    assert len(checksum) == 8
    assert json.loads(body) == list(EXAMPLE)
