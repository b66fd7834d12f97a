"""One value against one rule: what is kept, what is cut, what is dropped."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import json
import math
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenium_middleware._core import values
from revenium_middleware._core.values import Broken, Cut, amount, as_number, as_text, boolean, count, integer, matching, number, one_of, text, total

HALF_EMOJI = "\ud83d"


def _kind(value):
    return type(value).__name__


class Word(str):
    def encode(self, *args, **kwargs):
        raise RuntimeError("a str subclass may do anything")


class Colour(enum.Enum):
    RED = "red"
    SEVEN = 7


class Level(enum.IntEnum):
    HIGH = 3


class LikeNumpy:
    """What numpy's scalars offer: no int, but __float__ and __int__."""

    def __float__(self):
        return 4.0

    def __int__(self):
        return 4


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("plain", "plain"),
        (Word("subclass"), "subclass"),
        (b"bytes", "bytes"),
        (bytearray(b"more"), "more"),
        (True, "true"),
        (12, "12"),
        (1.5, "1.5"),
        (decimal.Decimal("2.5"), "2.5"),
        (fractions.Fraction(1, 2), "0.5"),
        (Colour.RED, "red"),
        (Colour.SEVEN, "7"),
        (Level.HIGH, "3"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (uuid.UUID(int=2**127).int, str(2**127)),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc), "2026-01-02T03:04:00+00:00"),
        (datetime.time(1, 2), "01:02:00"),
        ("half " + HALF_EMOJI, "half ?"),
        ("\u00e9\U0001f600", "\u00e9\U0001f600"),
    ],
    ids=ascii,
)
def test_scalars_become_text(value, kept):
    clean = as_text(value)
    assert clean == kept
    assert type(clean) is str


@pytest.mark.parametrize(
    "value",
    [None, [], {}, set(), (), object(), b"\xff\xfe", math.nan, math.inf, decimal.Decimal("NaN"), decimal.Decimal("sNaN"), 10**5000, 1j],
    ids=_kind,
)
def test_what_is_no_text_is_refused(value):
    with pytest.raises(Broken):
        as_text(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [(3, 3), (2.5, 2.5), ("1.5", 1.5), (" 7 ", 7.0), (decimal.Decimal("0.25"), 0.25), (LikeNumpy(), 4.0)]
    + [(Level.HIGH, 3), (Colour.SEVEN, 7), (0, 0), (10**300, 10**300)],
    ids=_kind,
)
def test_numbers_are_taken_from_what_holds_one(value, kept):
    clean = as_number(value)
    assert clean == kept
    assert type(clean) in (int, float)


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "nan", "inf", "1e999", math.nan, -math.inf, [], {}, object(), b"\xff", decimal.Decimal("1e999"), 10**5000, Colour.RED],
    ids=_kind,
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(Broken):
        as_number(value)


def test_text_over_its_limit_is_cut_to_it():
    check = text(255)
    assert check("x" * 255) == "x" * 255
    with pytest.raises(Cut) as cut:
        check("x" * 300)
    assert cut.value.kept == "x" * 255
    assert "255" in str(cut.value)


def test_a_cut_never_leaves_half_a_character():
    with pytest.raises(Cut) as cut:
        text(3)("\U0001f600" * 4)
    assert cut.value.kept.encode("utf-8").decode("utf-8") == "\U0001f600" * 3


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (matching(r"[a-z]{1,3}"), ["a", "abc"], ["", "abcd", "A", "a\n", "a b"]),
        (one_of("workflow"), ["workflow"], ["Workflow", "other", ""]),
        (one_of("STANDARD", "BATCH", upper=True), ["batch", "STANDARD"], ["none"]),
        (number(0, 1), [0, 1, 0.5, "0.5"], [-0.01, 1.01, math.nan, "x"]),
        (number(), [-5, 1e9], [math.inf]),
        (integer(0, 10), [0, 10, "3", 3.0], [-1, 11, 2.5, "2.5", True]),
        (boolean, [True, False, "true", " False "], [1, 0, "yes", None]),
    ],
)
def test_a_rule_keeps_the_good_and_refuses_the_bad(check, good, bad):
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(Broken):
            check(value)


def test_the_reason_names_the_rule_and_never_the_value():
    for check in (matching("[a-z]+"), one_of("a", "b"), number(0, 1), integer(0), boolean, text()):
        with pytest.raises(Broken) as broken:
            check(["S3CRET"])
        assert str(broken.value).startswith("must ")
        assert "S3CRET" not in str(broken.value)


@pytest.mark.parametrize(
    ("value", "counted"),
    [(0, 0), (7, 7), (7.0, 7), (-1, None), (2.5, None), ("7", None), (None, None), (True, None), (math.nan, None), (math.inf, None), ([], None), (2**64, None)],
)
def test_a_count_is_a_whole_number_or_unknown(value, counted):
    assert count(value) == counted


@pytest.mark.parametrize(
    ("value", "measured"),
    [(0, 0.0), (1.5, 1.5), (decimal.Decimal("2.5"), 2.5), (-1, None), (math.nan, None), (math.inf, None), ("3", None), (True, None), (None, None)],
)
def test_a_measure_is_finite_and_not_negative_or_unknown(value, measured):
    assert amount(value) == measured


def test_a_sum_of_unknowns_is_unknown():
    assert total([None, None]) is None
    assert total([]) is None
    assert total([None, 3, 0]) == 3


CHECKS = [text(), text(3), matching(r"[a-z]{1,64}"), one_of("a"), number(), number(0, 1), integer(), boolean]
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=10**300, max_value=10**320), st.floats(), st.decimals(), st.fractions(),
    st.text(st.characters(), max_size=400), st.binary(max_size=40), st.dates(), st.datetimes(), st.uuids(), st.complex_numbers(),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), st.sampled_from(list(Colour) + list(Level)),
)  # fmt: skip


@given(ANYTHING)
def test_whatever_passes_a_rule_can_be_sent(value):
    for check in CHECKS:
        try:
            clean = check(value)
        except Cut as cut:
            clean = cut.kept
        except Broken:
            continue
        assert json.loads(json.dumps(clean, allow_nan=False).encode("utf-8")) == clean


@given(ANYTHING)
def test_a_provider_never_makes_us_invent_a_count(value):
    assert count(value) is None or (count(value) == value and count(value) >= 0)
    assert amount(value) is None or math.isfinite(amount(value))
    assert values.total([count(value)]) == count(value)
