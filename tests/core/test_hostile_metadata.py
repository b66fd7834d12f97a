"""Whatever is said in usage_metadata: nothing is raised, and what is kept can be written, read and sent."""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import json
import math
import string
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import revenium_middleware
from revenium_middleware._calls.carrier import loaded, unloaded
from revenium_middleware._core.diagnostics import diagnostics
from revenium_middleware._core.fields import COMPLETION, SPELLINGS, to_wire
from revenium_middleware._core.metadata import canonical, finished, overlay
from revenium_middleware._core.record import Record, fitting


class Boom(Exception):
    pass


def _boom(*args, **kwargs):
    raise Boom("no")


class NoItems(dict):
    items = _boom


class NoIteration(collections.abc.Mapping):
    __getitem__ = __iter__ = __len__ = _boom


class Unhashable(collections.abc.Mapping):
    """A mapping that yields keys no dict could hold."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter([["list"], "agent"])

    def __getitem__(self, key):
        return "kept"


class HostileText(str):
    encode = strip = lower = __eq__ = __str__ = __len__ = _boom
    __hash__ = str.__hash__


class HostileNumber:
    __float__ = __int__ = __bool__ = __eq__ = __repr__ = _boom
    __hash__ = object.__hash__


class HostileDate(datetime.date):
    isoformat = _boom


class LikeArray:
    """Comparing gives an array, whose truth is ambiguous: as numpy's do."""

    def __eq__(self, other):
        return self

    __hash__ = None
    __bool__ = _boom


class Kind(enum.Enum):
    A = "a"
    NESTED = ("t", 1)


CYCLE = {}
CYCLE["agent"] = CYCLE
CYCLE["subscriber"] = CYCLE
CYCLE["credential"] = CYCLE
DEEP = []
for _ in range(50_000):
    DEEP = [DEEP]

HOSTILE = [
    HostileText("x"), HostileNumber(), HostileDate(2026, 1, 1), LikeArray(), NoItems(agent="x"), NoIteration(), Unhashable(), CYCLE, DEEP, Kind.A,
    Kind.NESTED, b"\xff\xfe", b"ok", math.nan, math.inf, decimal.Decimal("sNaN"), decimal.Decimal("1e9999"), 10**5000, "x" * 300, "\ud83d", uuid.UUID(int=1),
    datetime.datetime.max, {1, 2}, object(), object, print, iter([]), (n for n in ()), memoryview(b"x"), 1j, NotImplemented, ..., "\x00", "a\r\nb: c",
]  # fmt: skip
IDS = ["%02d %s" % (number, type(value).__name__) for number, value in enumerate(HOSTILE)]


@pytest.fixture()
def swallowing(monkeypatch):
    """As in production: what a caller's own objects raise is logged and counted, and ends there."""
    monkeypatch.setattr(diagnostics, "reraise", False)


def _sendable(said):
    """``said`` as it would travel: through the carrier, the record, the journal line and the wire."""
    _, carried = unloaded(loaded(None, said))
    values = fitting(COMPLETION, finished(overlay(canonical(said), carried or {})))
    record = Record("id", COMPLETION, 1.0, "", "", values)
    again = Record.from_line(record.line()[:-1])
    assert again == record
    payload = to_wire(COMPLETION, again.values)
    json.dumps(payload, allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert None not in payload.values()
    return values


@pytest.mark.parametrize("value", HOSTILE, ids=IDS)
def test_one_bad_value_costs_at_most_its_own_field(value, swallowing):
    for name in ("agent", "trace_type", "retry_number", "response_quality_score", "billing_skipped", "pricing_tier", "subscriber", "subscriber_id"):
        kept = _sendable({name: value, "task_type": "kept", "subscription_id": "kept too"})
        assert kept["task_type"] == "kept"
        assert kept["subscription_id"] == "kept too"


@pytest.mark.parametrize("value", HOSTILE, ids=IDS)
def test_anything_may_stand_where_the_mapping_belongs(value, swallowing):
    _sendable(value)


@pytest.mark.parametrize("part", ["id", "email", "credential", "name", "value"])
@pytest.mark.parametrize("value", HOSTILE, ids=IDS)
def test_a_bad_part_of_a_subscriber_costs_only_itself(value, part, swallowing):
    nested = {"id": "u", "email": "e", "credential": {"name": "n", "value": "v"}}
    home = nested["credential"] if part in ("name", "value") else nested
    home[part] = value
    kept = _sendable({"agent": "a", "subscriber": nested})["subscriber"]
    assert part == "id" or kept["id"] == "u"
    assert part == "email" or kept["email"] == "e"


def test_a_hostile_value_is_named_in_the_log_and_its_message_is_not(swallowing, caplog):
    class Secretive:
        def __float__(self):
            raise Boom("S3CRET")

    assert canonical({"cost_multiplier": Secretive(), "agent": "a"}) == {"agent": "a"}
    assert "cost_multiplier" in caplog.text
    assert "S3CRET" not in caplog.text


def test_a_block_with_hostile_metadata_runs(swallowing):
    with revenium_middleware.metadata(agent=HostileNumber(), cost_multiplier=HostileNumber(), task_type="kept"):
        pass
    ran = revenium_middleware.revenium_metadata(agent=HostileText("x"), subscriber=NoItems())(lambda: "ran")()
    assert ran == "ran"


NAMES = sorted(SPELLINGS) + ["subscriber", "subscriber_id", "subscriber_credential", "subscriberEmail", "credential", "id", "email", "name", "value", "unknown"]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(st.characters(), max_size=300), st.binary(max_size=30), st.dates(),
    st.datetimes(), st.timedeltas(), st.uuids(), st.complex_numbers(), st.integers(0, len(HOSTILE) - 1).map(lambda number: HOSTILE[number]),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(NAMES), st.text(string.printable, max_size=8), st.integers(), st.none(), st.tuples(st.integers()), st.binary(max_size=4))
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(said=TREES | st.dictionaries(KEYS, TREES, max_size=12))
def test_any_value_at_all_leaves_a_record_that_can_be_kept_and_sent(said, swallowing):
    values = _sendable(said)
    for name, value in values.items():
        assert type(value) in (str, int, float, bool, dict), name
        assert name == "subscriber" or not isinstance(value, dict)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SPELLINGS)), st.text(max_size=400) | st.integers() | st.booleans(), max_size=10))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_making_metadata_canonical_twice_changes_nothing(said):
    once = canonical(said)
    assert canonical(once) == once
