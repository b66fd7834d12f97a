"""``response._revenium_transaction_id`` without touching the response.

The value lives beside the object, so that ``model_dump``, ``dict()``, ``repr``, ``==`` and pickles are what they were.
"""

from __future__ import annotations

import weakref
from typing import Any, Callable, Dict, Optional, Tuple

ATTRIBUTE = "_revenium_transaction_id"

_ids: Dict[int, Tuple["weakref.ref[Any]", str]] = {}


def _forget(key: int) -> Callable[[Any], None]:
    return lambda reference: _ids.pop(key, None) and None


def remember(response: Any, transaction_id: str) -> bool:
    """Make ``response._revenium_transaction_id`` answer; False for objects that cannot carry it (str, dict, None)."""
    if not hasattr(type(response), ATTRIBUTE):
        return False
    key = id(response)
    try:
        _ids[key] = (weakref.ref(response, _forget(key)), transaction_id)
    except TypeError:
        return False
    return True


def _lookup(response: Any) -> Optional[str]:
    found = _ids.get(id(response))
    return found[1] if found is not None and found[0]() is response else None


def offer(kind: type) -> Callable[[], None]:
    """Give ``kind`` and its subclasses the attribute; returns what takes it away again."""
    if ATTRIBUTE not in vars(kind):
        type.__setattr__(kind, ATTRIBUTE, property(_lookup, doc="Transaction id of the usage record of this answer."))

    def withdraw() -> None:
        if ATTRIBUTE in vars(kind):
            type.__delattr__(kind, ATTRIBUTE)

    return withdraw
