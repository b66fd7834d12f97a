"""What goes in and out of a ledger."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple

from .._core.fields import BY_NAME
from .._core.record import Record
from .pace import Pause

PENDING, DELIVERED, LOCAL, REFUSED, EXPIRED = range(5)
STATES = ("pending", "delivered", "local", "refused", "expired")
KEEP = -1.0
Key = Tuple[str, str, str]
"""What names a record in every file: (id, credential, base_url)."""

REPORTED = ("provider", "model", "organization_name", "product_name", "agent", "task_type", "total_cost", "cost_status", "usage_source")
"""Fields with a column of their own, so that a report over millions of records stays quick."""

INSERT = "INSERT OR IGNORE INTO record (id, kind, created, base_url, credential, state, %s, input_tokens, output_tokens, body) VALUES (%s)" % (
    ", ".join(REPORTED),
    ", ".join("?" * (6 + len(REPORTED) + 3)),
)


class Busy(Exception):
    """The ledger file is held by another process: nothing is wrong, try again later."""


class Pending(NamedTuple):
    """A leased record on its way out."""

    number: int
    id: str
    kind: str
    base_url: str
    credential: str
    attempts: int
    first_attempt: Optional[float]
    """Of those before this one."""
    created: float
    body: str
    """The record's values as JSON, read when it is its turn to be sent."""

    @property
    def key(self) -> Key:
        return self.id, self.credential, self.base_url


class Outcome(NamedTuple):
    """What became of one attempt."""

    key: Key
    """Not its number, which is another one once the records had to move to another file."""
    state: int
    reason: str = ""
    next_attempt: float = 0.0
    not_before: float = 0.0
    """Until when the service asked to be left alone."""
    first_attempt: Optional[float] = KEEP
    """What it was before this attempt, where this one surely reached nobody."""
    status: int = 0
    """Of the HTTP answer; 0 where there was none."""


class Standing(NamedTuple):
    """Where every record is that ever came into this ledger file, read in one moment; the first is the sum of the next six."""

    recorded: int = 0
    delivered: int = 0
    pending: int = 0
    local: int = 0
    refused: int = 0
    evicted: int = 0
    expired: int = 0
    oldest_pending: Optional[float] = None
    """When the oldest pending record was made."""
    refusals: Mapping[str, int] = MappingProxyType({})
    """Reason -> how many refused records that are still kept have it."""


def rows_of(records: Iterable[Record], pause: Pause) -> Iterator[Tuple[Any, ...]]:
    """The values of INSERT for each record."""
    for record in records:
        pause()
        yield _row(record)


def _row(record: Record) -> Tuple[Any, ...]:
    values = record.values
    state = PENDING if record.credential else LOCAL
    return (
        (record.id, record.kind, record.created, record.base_url, record.credential, state)
        + tuple(values.get(name) for name in REPORTED)
        + (values.get("input_token_count"), values.get("output_token_count"), json.dumps(values, separators=(",", ":")))
    )


assert all(name in BY_NAME for name in REPORTED)
