"""The ambient attribution of a block of code: one frozen value in one ContextVar."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple

from .metadata import canonical, overlay

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Scope(NamedTuple):
    """What applies to every call made inside a block; nested blocks derive theirs from the outer one."""

    metadata: Mapping[str, Any] = _NOTHING
    metered: bool = False
    """Inside ``@revenium_meter``: what selective metering lets through."""
    owner: Optional[str] = None
    """The layer that already measures the current call, so that a lower one leaves it alone."""
    destination: Optional[Tuple[str, str]] = None
    """(address, fingerprint of the key) of the tenant the block works for; None: the settings' own."""
    series: Optional["Series"] = None
    """Names the records of an idempotency block."""

    def with_metadata(self, fields: Mapping[str, Any]) -> "Scope":
        return self._replace(metadata=MappingProxyType(overlay(self.metadata, canonical(fields))))


class Series(NamedTuple):
    """The names of a block's records, whichever of its threads and tasks makes them."""

    key: str
    named: Callable[[bool], str]
    """The next record's name; a failed call (True) takes none of the numbered ones."""


EVERYWHERE = Scope()
"""What applies outside every block."""
_current: ContextVar[Scope] = ContextVar("revenium_scope", default=EVERYWHERE)
_first_use: Optional[Callable[[], None]] = None


def on_first_use(action: Optional[Callable[[], None]]) -> None:
    """What to do when the next scope that says something is entered; once."""
    global _first_use
    _first_use = action


def current() -> Scope:
    return _current.get()


def enter(scope: Scope) -> "Token[Scope]":
    if _first_use is not None and scope is not EVERYWHERE:
        action = _first_use
        on_first_use(None)
        action()
    return _current.set(scope)


def leave(token: "Token[Scope]") -> None:
    _current.reset(token)
