"""What a process tells about its metering: to its user, and to the debug log."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple


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


_PROMPTS = frozenset(("system_prompt", "input_messages", "output_response"))


def shown(values: Mapping[str, Any]) -> Dict[str, Any]:
    """A record for the debug log: prompts and credential values masked."""
    clean: Dict[str, Any] = {name: "***" if name in _PROMPTS else value for name, value in values.items()}
    subscriber = clean.get("subscriber") or {}
    if "credential" in subscriber:
        clean["subscriber"] = {**subscriber, "credential": {part: "***" for part in subscriber["credential"]}}
    return clean
