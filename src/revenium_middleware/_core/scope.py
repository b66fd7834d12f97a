"""The ambient attribution of a block of code: one frozen value in one ContextVar."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, Mapping, NamedTuple, Optional

from .metadata import canonical, overlay

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Scope(NamedTuple):
    """What applies to every call made inside a block; nested blocks derive theirs from the outer one."""

    metadata: Mapping[str, Any] = _NOTHING
    metered: bool = False
    """Inside ``@revenium_meter``: what selective metering lets through."""
    owner: Optional[str] = None
    """The layer that already measures the current call, so that a lower one leaves it alone."""

    def with_metadata(self, fields: Mapping[str, Any]) -> "Scope":
        return self._replace(metadata=MappingProxyType(overlay(self.metadata, canonical(fields))))


_EVERYWHERE = Scope()
_current: ContextVar[Scope] = ContextVar("revenium_scope", default=_EVERYWHERE)


def current() -> Scope:
    return _current.get()


def enter(scope: Scope) -> "Token[Scope]":
    return _current.set(scope)


def leave(token: "Token[Scope]") -> None:
    _current.reset(token)
