"""One value, checked against one rule: what a field may hold, and what happens to a value that breaks it.

Every check returns the clean value or raises ``Broken`` with the rule in words; the field table turns that into one
warning and a dropped field, because one bad optional field makes the server refuse a whole record.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import numbers
import re
import uuid
from typing import Any, Callable, Iterable, Optional, Union

Check = Callable[[Any], Any]


class Broken(Exception):
    """The value cannot be sent; the text says what the rule is, never what the value was."""


class Cut(Exception):
    """The value was over its limit; ``kept`` is the part that fits."""

    def __init__(self, kept: str, limit: int) -> None:
        super().__init__("longer than %d characters" % limit)
        self.kept = kept


def as_text(value: Any) -> str:
    """The text of a scalar; collections, NaN and undecodable bytes are no text."""
    if isinstance(value, str):
        if type(value) is str and value.isascii():
            return value
        clean = value
    elif isinstance(value, enum.Enum):
        return as_text(value.value)
    elif isinstance(value, bool):
        clean = "true" if value else "false"
    elif isinstance(value, (bytes, bytearray)):
        try:
            clean = bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise Broken("bytes must be UTF-8 text") from None
    elif isinstance(value, (numbers.Real, decimal.Decimal)):
        clean = str(as_number(value))
    elif isinstance(value, (datetime.date, datetime.time)):
        clean = value.isoformat()
    elif isinstance(value, uuid.UUID):
        clean = str(value)
    else:
        raise Broken("must be text")
    return str.encode(clean, "utf-8", "replace").decode("utf-8")  # half an emoji would break the JSON of the whole record


class text:
    """Text, cut to what the server stores."""

    def __init__(self, limit: int = 255) -> None:
        self.limit = limit

    def __call__(self, value: Any) -> str:
        clean = as_text(value)
        if len(clean) > self.limit:
            raise Cut(clean[: self.limit], self.limit)
        return clean


def matching(pattern: str) -> Check:
    """Text of one shape; anything else is dropped, as the server would refuse the record."""
    shape = re.compile(pattern)

    def check(value: Any) -> str:
        clean = as_text(value)
        if not shape.fullmatch(clean):
            raise Broken("must match %s" % pattern)
        return clean

    return check


def one_of(*choices: str, upper: bool = False) -> Check:
    def check(value: Any) -> str:
        clean = as_text(value)
        clean = clean.upper() if upper else clean
        if clean not in choices:
            raise Broken("must be one of %s" % ", ".join(choices))
        return clean

    return check


def as_number(value: Any) -> Union[int, float]:
    if isinstance(value, bool) or value is None:
        raise Broken("must be a number")
    if isinstance(value, enum.Enum):
        return as_number(value.value)
    if isinstance(value, int):
        if value.bit_length() > 1024:  # Python itself refuses to write such digits
            raise Broken("must be a number a float can hold")
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Broken("must be a number") from None
    if not math.isfinite(number):
        raise Broken("must be a finite number")
    return number


def number(low: Optional[float] = None, high: Optional[float] = None) -> Check:
    def check(value: Any) -> Union[int, float]:
        clean = as_number(value)
        if (low is not None and clean < low) or (high is not None and clean > high):
            raise Broken("must be within %s" % _span(low, high))
        return clean

    return check


def integer(low: Optional[int] = 0, high: Optional[int] = None) -> Check:
    bounded = number(low, high)

    def check(value: Any) -> int:
        clean = bounded(value)
        if clean != int(clean):
            raise Broken("must be a whole number")
        return int(clean)

    return check


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise Broken("must be true or false")


_MOST = 10**15
"""No call uses more of anything; beyond it a number is garbage, and SQLite could not add it up."""


def count(value: Any) -> Optional[int]:
    """A provider's count as a whole number, or None where it is not one: unknown stays unknown."""
    if type(value) is int or (type(value) is float and value == value and abs(value) < _MOST and value == int(value)):
        return int(value) if 0 <= value <= _MOST else None
    return None


def amount(value: Any) -> Optional[float]:
    """A provider's non-negative measure (seconds, dollars), or None where it is not one."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, decimal.Decimal)):
        return None
    try:
        number_ = float(value)
    except (ValueError, OverflowError):
        return None
    return number_ if math.isfinite(number_) and number_ >= 0 else None


def total(parts: Iterable[Optional[int]]) -> Optional[int]:
    """The sum of the known parts; None when none is known."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _span(low: Optional[float], high: Optional[float]) -> str:
    if high is None:
        return "%s and up" % low
    return "%s..%s" % ("" if low is None else low, high)
