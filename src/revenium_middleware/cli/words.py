"""Values from outside as harmless text, and numbers as people read them."""

from __future__ import annotations

import unicodedata
from typing import Optional

NONE = "(none)"


def shown(text: object) -> str:
    """``text`` with everything a terminal might act upon (escapes, controls, direction marks) spelled out."""
    plain = str(text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(_visible(character) for character in plain)


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def encodable(text: str, encoding: Optional[str]) -> str:
    """``text`` as a stream of that encoding can print it."""
    name = encoding or "utf-8"
    try:
        text.encode(name)
        return text
    except (UnicodeEncodeError, LookupError):
        return text.replace("≥", ">=").replace("–", "-").replace("·", "|").replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")


def dollars(cost: float) -> str:
    """More decimals the smaller it is: a thousandth of a cent is not nothing."""
    if cost == 0:
        return "$0.00"
    if cost < 0.000001:
        return "<$0.000001"
    return "$%s" % format(cost, ",.2f" if cost >= 100 else ",.4f" if cost >= 0.01 else ".6f")


def tally(number: int, narrow: bool) -> str:
    """Every digit, except of many millions where there is no room for them; cut, so that "at least" stays true."""
    if not narrow or number < 10_000_000:
        return format(number, ",")
    return format(number // 100_000 / 10, ",.1f") + "M"


def duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return "%d ms" % round(milliseconds)
    if milliseconds < 60_000:
        return "%.1f s" % (milliseconds / 1000)
    return "%.1f min" % (milliseconds / 60_000) if milliseconds < 3_600_000 else "%.1f h" % (milliseconds / 3_600_000)


def plural(number: int, word: str) -> str:
    return "%s %s%s" % (format(number, ","), word, "" if number == 1 else "s")
