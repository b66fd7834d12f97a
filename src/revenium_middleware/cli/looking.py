"""The SDKs of this environment, looked at: every public method, and what becomes of its bill."""

from __future__ import annotations

import contextlib
import difflib
import sys
import warnings
from collections import Counter
from importlib import metadata
from types import TracebackType
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple, Type

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row, classify, walk
from .._calls.hooks import available
from .._calls.inventories import inventories, providers
from .._calls.runtime import runtime
from .._core.diagnostics import logger
from .faults import Fault

UNCLASSIFIED = "unclassified"
STATES = (METERED, FREE, UNMETERABLE, UNCLASSIFIED)


class Seen(NamedTuple):
    """What one SDK has."""

    provider: str
    sdk: str
    installed: bool
    version: Optional[str]
    methods: Mapping[str, Optional[Row]]
    """Name -> the row that speaks for it; None where none does."""
    unseen: Mapping[str, str]
    """What could not be looked at -> why."""
    lacking: str
    """Why calls of this provider are not all metered, whatever is said about the method; "" when they are."""

    @property
    def counts(self) -> Dict[str, int]:
        """State -> number of methods."""
        counted = Counter(state(row) for row in self.methods.values())
        return {each: counted[each] for each in STATES}

    def named(self, wanted: str) -> Tuple[str, ...]:
        return tuple(sorted(name for name, row in self.methods.items() if state(row) == wanted))

    @property
    def complete(self) -> bool:
        """Whether something is known about every method of it."""
        return not self.counts[UNCLASSIFIED] and bool(self.methods or not self.installed)


def state(row: Optional[Row]) -> str:
    return UNCLASSIFIED if row is None else row.state


def totals(found: Sequence[Seen]) -> Dict[str, int]:
    """State -> number of methods of all SDKs."""
    return {each: sum(seen.counts[each] for seen in found) for each in STATES}


def look(names: Sequence[str]) -> Tuple[Seen, ...]:
    """One entry for each SDK of these providers, of all when none is named. Raises Fault for a name there is none of."""
    known = providers()
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.6)
            raise Fault("no provider %r: %s" % (name, "did you mean %s?" % near[0] if near else "there are %s" % ", ".join(known)))
    with _quiet():
        return tuple(_seen(name, inventory) for name in known if name in names or not names for inventory in inventories(name))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No log line about what is missing here, which the report says itself; no warning of an SDK's about its experiments."""
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


def _seen(provider: str, inventory: Inventory) -> Seen:
    sdk = inventory.sdk
    if not available(sdk):
        return Seen(provider, sdk, False, None, {}, {}, "")
    methods: Dict[str, Tuple[str, ...]] = {}
    unseen: Dict[str, str] = {}
    for client in inventory.clients:
        with Attempt() as attempt:
            methods.update(walk(inventory._replace(clients=(client,))))
        if attempt.error is not None:
            unseen[client[0] if sdk in sys.modules else sdk] = "%s: %s" % (type(attempt.error).__name__, attempt.error)
    return Seen(provider, sdk, True, _version(sdk), classify(methods, inventory.rows), unseen, runtime.hooks.lacking(provider))


class Attempt:
    """Keeps what a stranger's class raises when it is made: the other clients are looked at all the same."""

    def __init__(self) -> None:
        self.error: Optional[Exception] = None

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], _: Optional[TracebackType]) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return self.error is not None


def _version(sdk: str) -> Optional[str]:
    said = getattr(sys.modules.get(sdk), "__version__", None)
    if isinstance(said, str):
        return said
    try:
        return metadata.version(sdk)
    except metadata.PackageNotFoundError:
        return None
