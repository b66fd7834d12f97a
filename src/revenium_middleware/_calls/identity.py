"""``response._revenium_transaction_id`` without touching the response.

The value lives beside the object, so that ``model_dump``, ``dict()``, ``repr``, ``==`` and pickles are what they were.
"""

from __future__ import annotations

import re
import weakref
from typing import Any, Callable, Dict, Optional, Tuple, Union

ATTRIBUTE = "_revenium_transaction_id"

ANSWERS = ("BaseModel", "Stream", "AsyncStream", "BaseAPIResponse", "LegacyAPIResponse", "HttpxBinaryResponseContent")
"""What the Stainless-generated SDKs call their types of answer."""

Known = Union[str, Callable[[], str]]
"""The id, or who knows it as long as it may still change: a stream learns its own with its first chunk."""

_ids: Dict[int, Tuple["weakref.ref[Any]", Known]] = {}


def _forget(key: int) -> Callable[[Any], None]:
    return lambda reference: _ids.pop(key, None) and None


def remember(response: Any, transaction_id: Known) -> bool:
    """Make ``response._revenium_transaction_id`` answer; False for objects that cannot carry it (str, dict, None)."""
    if not hasattr(type(response), ATTRIBUTE):
        return False
    key = id(response)
    known = _ids.get(key)
    if known is not None and known[1] == transaction_id and known[0]() is response:
        return True
    try:
        _ids[key] = (weakref.ref(response, _forget(key)), transaction_id)
    except TypeError:
        return False
    return True


def _lookup(response: Any) -> Optional[str]:
    found = _ids.get(id(response))
    if found is None or found[0]() is not response:
        return None
    return found[1] if isinstance(found[1], str) else found[1]()


def offer(kind: type) -> Callable[[], None]:
    """Give ``kind`` and its subclasses the attribute; returns what takes it away again."""
    if ATTRIBUTE not in vars(kind):
        type.__setattr__(kind, ATTRIBUTE, property(_lookup, doc="Transaction id of the usage record of this answer."))

    def withdraw() -> None:
        if ATTRIBUTE in vars(kind):
            type.__delattr__(kind, ATTRIBUTE)

    return withdraw


def offer_all(module: Any) -> Callable[[], None]:
    """The same for every type of answer that a Stainless-generated SDK's module holds."""
    return offer_matching("|".join(ANSWERS), module)


def offer_matching(names: str, module: Any) -> Callable[[], None]:
    """The same for the classes of ``module`` whose names match a regular expression."""
    pattern = re.compile(names)
    undo = [offer(value) for name, value in list(vars(module).items()) if isinstance(value, type) and pattern.fullmatch(name)]

    def withdraw() -> None:
        for action in undo:
            action()

    return withdraw
