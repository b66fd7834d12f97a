"""What an application may ask of metering: settings by hand, state, delivery, and off."""

from __future__ import annotations

from typing import Optional

from ._calls.runtime import runtime
from ._calls.status import Status
from ._core.settings import api_key as checked_key
from ._core.settings import metering_url


def initialize_metering(api_key: Optional[str] = None, base_url: Optional[str] = None) -> bool:
    """Set the Revenium key and address by hand, above the environment; takes effect at the next call.

    Returns True when records will be delivered, False when they stay in the local ledger for want of a key.
    Raises ValueError naming the rule when a value is malformed; nothing is changed then.
    """
    key = checked_key(api_key) if api_key is not None else None
    url = metering_url(base_url) if base_url is not None else None
    runtime.give(api_key=key, base_url=url)
    return not runtime.settings().local


def status() -> Status:
    """Counters, settings in force, hooks and faults, as they are now. Reads the ledger: not for hot paths."""
    return runtime.status()


def flush(timeout: float = 5.0) -> int:
    """Deliver what is pending, waiting at most ``timeout`` seconds. Returns how many records are still pending.

    What is left stays in the ledger and is delivered later, also by another process.
    """
    return runtime.flush(timeout)


def uninstall() -> None:
    """Take every hook out again: the SDKs are what they were before our import. Records already made are kept."""
    runtime.uninstall()
