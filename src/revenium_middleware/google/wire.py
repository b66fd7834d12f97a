"""Google's JSON under the names that its own libraries use: ``usage_metadata`` finds ``usageMetadata`` too."""

from __future__ import annotations

import functools
from typing import Any, Callable, Optional

from .._core.values import amount, count
from .._usage.reading import members


@functools.lru_cache(maxsize=512)
def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def asking(source: Any) -> Callable[[str], Any]:
    """How to ask ``source`` for its members by their Python names, in whichever of the two spellings it has them."""
    said = members(source)

    def ask(name: str) -> Any:
        found = said(camel(name))
        return found if found is not None or "_" not in name else said(name)

    return ask


def at(source: Any, *path: str) -> Any:
    """The value at ``path``; None as soon as something is missing."""
    for name in path:
        if source is None:
            return None
        source = asking(source)(name)
    return source


def whole(value: Any) -> Optional[int]:
    """A count; JSON made from protocol buffers has large ones as text."""
    return count(int(value)) if isinstance(value, str) and value.isdigit() and len(value) < 20 else count(value)


def measure(value: Any) -> Optional[float]:
    """A number of something, also where it was given as text."""
    return amount(float(value)) if isinstance(value, str) and value.isdigit() and len(value) < 20 else amount(value)


def last(name: Any) -> Optional[str]:
    """``abc`` of ``models/veo/operations/abc``."""
    return name.rpartition("/")[2] or None if isinstance(name, str) else None
