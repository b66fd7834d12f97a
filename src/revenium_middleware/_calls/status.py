"""What a process tells about its metering: to its user, and to the debug log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional, Tuple

from .._core.diagnostics import diagnostics
from .._core.settings import ledger_path

if TYPE_CHECKING:
    from .._delivery.delivery import Delivery
    from .._delivery.entries import Standing
    from .runtime import Runtime


class Status(NamedTuple):
    """What ``revenium_middleware.status()`` answers; counts are of this process unless named otherwise."""

    recorded: int
    delivered: int
    refused: int
    dropped: int
    """Records that could be kept nowhere: memory was full, or the ledger is off and no key is set."""
    pending: int
    """In the ledger file, from any process, waiting to be delivered."""
    local: int
    """In the ledger file, staying there."""
    oldest_pending_seconds: Optional[float]
    """Age of the oldest of the pending ones; None when there is none."""
    refusals: Mapping[str, int]
    """In the ledger file: reason of refusal -> records."""
    evicted: int
    """From the ledger file for want of room before they were delivered, and what was dropped."""
    expired: int
    """In the ledger file, not repeated: the outcome of an attempt more than 24 h ago is unknown."""
    adopted: int
    """Taken over from processes that had ended."""
    overflowed: int
    """Kept in memory, as the disk refused them."""
    open_streams: int
    failures: Mapping[str, int]
    """Our own internal failures by part; the calls they happened in were not affected."""
    last_failure: Optional[str]
    last_refusal: Optional[str]
    last_delivery: Optional[float]
    """Seconds since the epoch."""
    mode: str
    """``api`` or ``local``."""
    ledger: str
    faults: Tuple[str, ...]
    """Settings that break a rule."""
    hooked: Mapping[str, Tuple[str, ...]]
    missing: Mapping[str, Tuple[str, ...]]
    not_initialized: Mapping[str, str]
    """Middleware -> why ``is_initialized()`` is False."""


def status_of(runtime: Runtime, delivery: Optional[Delivery], books: Standing) -> Status:
    """The state of this process and of the ledger it writes to."""
    settings, hooks, oldest = runtime.settings(), runtime.hooks, books.oldest_pending
    return Status(
        recorded=delivery.recorded if delivery is not None else 0,
        delivered=delivery.delivered_count if delivery is not None else 0,
        refused=delivery.refused_count if delivery is not None else 0,
        dropped=int(runtime.unkept) + (delivery.store.evicted if delivery is not None else 0),
        pending=books.pending,
        local=books.local,
        oldest_pending_seconds=None if oldest is None else max(0.0, time.time() - oldest),
        refusals=dict(books.refusals),
        evicted=books.evicted,
        expired=books.expired,
        adopted=delivery.store.adopted if delivery is not None else 0,
        overflowed=delivery.store.overflowed if delivery is not None else 0,
        open_streams=len(runtime.streams.open),
        failures=dict(diagnostics.failures),
        last_failure=diagnostics.last_failure,
        last_refusal=delivery.last_refusal if delivery is not None else None,
        last_delivery=delivery.last_delivery if delivery is not None else None,
        mode="local" if settings.local else "api",
        ledger=str(ledger_path(settings) or settings.ledger.lower() or "memory"),
        faults=settings.faults,
        hooked={sdk: tuple(labels) for sdk, labels in hooks.hooked.items()},
        missing={sdk: tuple(labels) for sdk, labels in hooks.missing.items() if labels},
        not_initialized={name: why for name in runtime.hooks.asked for ready, why in [runtime.initialized(name)] if not ready},
    )


_PROMPTS = frozenset(("system_prompt", "input_messages", "output_response"))


def shown(values: Mapping[str, Any]) -> Dict[str, Any]:
    """A record for the debug log: prompts and credential values masked."""
    clean: Dict[str, Any] = {name: "***" if name in _PROMPTS else value for name, value in values.items()}
    subscriber = clean.get("subscriber") or {}
    if "credential" in subscriber:
        clean["subscriber"] = {**subscriber, "credential": {part: "***" for part in subscriber["credential"]}}
    return clean
