"""How delivery is doing: counts that add up, callbacks for what fails, and a way to wait."""

from __future__ import annotations

import time
from typing import Dict, Mapping, NamedTuple, Optional, TypeVar

from ._calls.notices import Callback
from ._calls.runtime import runtime

Registered = TypeVar("Registered", bound=Callback)


class MeteringStatus(NamedTuple):
    """What ``get_metering_status()`` answers.

    The first four are of this process, since its start or ``reset_metering_status()``. The counts from ``recorded`` to
    ``expired`` are of the ledger, whichever processes wrote it, read in one moment, and they balance:
    ``recorded = delivered + pending + local + refused + evicted + expired``. Where there is no ledger file they are of
    this process. A record is counted where it is now: one that was refused is not pending any more. What is recorded
    again under the same idempotency key is the same record.
    """

    error_count: int
    """Attempts that failed, records refused, and internal failures."""
    success_count: int
    """Records this process has delivered."""
    last_error: Optional[str]
    last_error_at: Optional[float]
    """Seconds since the epoch."""
    recorded: int
    delivered: int
    pending: int
    local: int
    """Kept here only: no key was set when they were made."""
    refused: int
    """By the metering service, for good."""
    evicted: int
    """Given up undelivered for want of room, or because there was no ledger and no key."""
    expired: int
    """Not repeated: the outcome of an attempt more than 24 h ago is unknown."""
    refused_reasons: Mapping[str, int]
    """Reason -> records that are still kept."""
    oldest_pending_seconds: Optional[float]
    """Age of the oldest pending record; None when there is none."""
    adopted: int
    """Records that this process took over from others that had ended."""
    last_delivery: Optional[float]
    """By this process, in seconds since the epoch."""

    @property
    def evicted_count(self) -> int:
        """Another name of ``evicted``."""
        return self.evicted


def get_metering_status() -> MeteringStatus:
    """Counts and last events of delivery. Reads the ledger: not for hot paths."""
    notices, books, told = runtime.notices, runtime.standing(), runtime.status()
    last = notices.last
    return MeteringStatus(
        error_count=int(notices.errors),
        success_count=told.delivered - runtime.delivered_before,
        last_error=str(last.error) if last is not None else None,
        last_error_at=last.timestamp if last is not None else None,
        recorded=books.recorded,
        delivered=books.delivered,
        pending=books.pending,
        local=books.local,
        refused=books.refused,
        evicted=books.evicted,
        expired=books.expired,
        refused_reasons=dict(books.refusals),
        oldest_pending_seconds=None if books.oldest_pending is None else max(0.0, time.time() - books.oldest_pending),
        adopted=told.adopted,
        last_delivery=told.last_delivery,
    )


def reset_metering_status() -> None:
    """Start the counts of this process at 0 again; the ledger's stay what they are."""
    runtime.notices.clear()
    runtime.delivered_before = runtime.status().delivered


def on_metering_error(callback: Registered) -> Registered:
    """Call ``callback`` with a ``MeteringErrorEvent`` for every failed delivery, refusal and internal failure.

    It runs in a background thread, one event after another; what it raises is logged once and counted. May be used
    as a decorator. Registering twice changes nothing.
    """
    runtime.notices.add(callback)
    return callback


def remove_metering_error_callback(callback: Callback) -> bool:
    """Call it no more; False when it was not registered."""
    return runtime.notices.remove(callback)


def flush_metering(timeout_seconds: Optional[float] = None) -> int:
    """Deliver what is pending and return how many records still are; waits as long as exit would unless told otherwise."""
    return runtime.flush(runtime.settings().shutdown_seconds if timeout_seconds is None else timeout_seconds)


def get_buffer_stats() -> Dict[str, int]:
    """The ledger in the words of a buffer: ``size`` is what waits in it, ``total_...`` what became of the rest."""
    books = runtime.standing()
    return {
        "size": books.pending,
        "max_size": runtime.settings().ledger_max_records,
        "total_buffered": books.recorded,
        "total_replayed": books.delivered,
        "total_evicted": books.evicted,
        "total_expired": books.expired,
        "total_discarded": books.refused,
        "total_overflowed": runtime.status().overflowed,
    }
