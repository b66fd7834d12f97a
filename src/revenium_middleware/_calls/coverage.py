"""Which public methods of an SDK bill, and what is done about each: walked, not remembered.

A provider package declares rows; ``walk`` finds every public method of the installed SDK's clients, and ``classify``
says which row speaks for it. A method that no row names is a gap, and a test fails on it.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Dict, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple

METERED, FREE, UNMETERABLE = "metered", "free", "unmeterable"

_FORMS = frozenset(("with_raw_response", "with_streaming_response", "do_request", "do_request_async", "parent_ref"))
"""Other ways of making the same calls, and what generated resources make them through."""
_RESOURCES = frozenset(("SyncAPIResource", "AsyncAPIResource", "BaseModule", "BaseSDK", "AsyncBaseSDK"))


class Row(NamedTuple):
    """A family of methods with one answer."""

    names: str
    """Regular expression over whole dotted names, without the client's own."""
    state: str
    reason: str
    """How it comes to its record; why it bills nothing; or why its bill cannot be seen from the process."""
    source: str = ""
    """Where the provider says so."""


class Inventory(NamedTuple):
    """What one SDK has and what is declared about it."""

    sdk: str
    clients: Tuple[Tuple[str, Mapping[str, Any]], ...]
    """Its client classes, with arguments that make one without reaching anywhere; ``Client.aio`` is an attribute of one."""
    rows: Tuple[Row, ...]
    """The first row whose names match speaks."""
    one_sided: Tuple[str, ...] = ()
    """What only the sync or only the async client has."""


def walk(inventory: Inventory) -> Dict[str, Tuple[str, ...]]:
    """Every public method of the installed SDK -> the client classes that have it."""
    module = import_module(inventory.sdk)
    found: Dict[str, Tuple[str, ...]] = {}
    for name, arguments in inventory.clients:
        kind = getattr(module, name.partition(".")[0], None)
        if kind is None:
            continue
        client = kind(**arguments)
        for method in _methods(getattr(client, name.partition(".")[2]) if "." in name else client, ""):
            found[method] = (*found.get(method, ()), name)
    return found


def _methods(owner: Any, prefix: str, within: Tuple[type, ...] = ()) -> Iterator[str]:
    within = (*within, type(owner))  # a resource may lead back to what holds it
    for name in sorted(set(dir(type(owner))) | set(vars(owner))):
        if name.startswith("_") or name in _FORMS:
            continue
        value = getattr(owner, name, None)
        if any(kind.__name__ in _RESOURCES for kind in type(value).__mro__):
            if type(value) not in within:
                yield from _methods(value, "%s%s." % (prefix, name), within)
        elif callable(value):
            yield prefix + name


def classify(names: Iterable[str], rows: Tuple[Row, ...]) -> Dict[str, Optional[Row]]:
    """Name -> the row that speaks for it; None where none does."""
    compiled = [(re.compile(row.names), row) for row in rows]
    return {name: next((row for pattern, row in compiled if pattern.fullmatch(name)), None) for name in names}
