"""The value that flows from a settled call to the ledger and the wire."""

from __future__ import annotations

import functools
import json
import os
import time
import uuid
import zlib
from typing import Any, Dict, Mapping, NamedTuple, Optional

from .diagnostics import diagnostics
from .fields import NAMES, SKIP_REASONS

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str)
_NAMESPACE = uuid.UUID("6f2b1f6e-0a51-5f0e-9a3c-7d1f6f1d8c35")


class Record(NamedTuple):
    """One billed part of one provider call. ``id`` is its Idempotency-Key, kept for life."""

    id: str
    kind: str
    created: float
    """Seconds since the epoch at which the call settled."""
    base_url: str
    """Where it is to be sent; "" for a record that stays in the local ledger."""
    credential: str
    """Fingerprint of the key it is to be sent with; "" for a local record."""
    values: Mapping[str, Any]
    """Fields by their snake_case names; absent means unknown or not said."""

    def line(self) -> bytes:
        """One journal line: checksum, JSON, newline."""
        encoded = _ENCODER.encode([*self[:5], self.values]).encode("ascii")
        return b"%08x %s\n" % (zlib.crc32(encoded), encoded)

    @classmethod
    def from_line(cls, line: bytes) -> Optional["Record"]:
        """The record of a journal line without its newline, or None when it was torn by a crash."""
        try:
            checksum, body = line[:8], line[9:]
            if int(checksum, 16) != zlib.crc32(body):
                return None
            return cls(*json.loads(body))
        except (ValueError, TypeError):
            return None


def new_id(stable: str = "") -> str:
    """A fresh Idempotency-Key, or the one that ``stable`` always gives (a job seen finished by several processes)."""
    if stable:
        return str(uuid.uuid5(_NAMESPACE, stable))
    digits = os.urandom(16).hex()  # a random UUID, without the object in between
    return "%s-%s-4%s-%s%s-%s" % (digits[:8], digits[8:12], digits[13:16], "89ab"[int(digits[16], 16) & 3], digits[17:20], digits[20:])


def timestamp(seconds: float) -> str:
    """UTC with second precision, as the wire has it."""
    return _written(int(seconds))


@functools.lru_cache(maxsize=16)
def _written(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def fitting(kind: str, metadata: Mapping[str, Any]) -> Dict[str, Any]:
    """The caller's fields that exist on records of this kind."""
    names = NAMES[kind]
    fields = {name: value for name, value in metadata.items() if name in names}
    reason = fields.get("skip_reason")
    if reason is not None and reason not in SKIP_REASONS[kind]:
        diagnostics.warn("metadata/skip_reason", "usage_metadata field skip_reason must be one of %s: dropped", ", ".join(sorted(SKIP_REASONS[kind])))
        del fields["skip_reason"]
    return fields
