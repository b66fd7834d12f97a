"""Whose account a block of code records for, and under which keys."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from contextlib import contextmanager
from typing import Iterator, Optional

from ._calls.runtime import runtime
from ._core.errors import ConfigurationError
from ._core.scope import Scope, Series, current, enter, leave
from ._core.settings import api_key as checked_key
from ._core.settings import metering_url

_LONGEST = 255


@contextmanager
def metering_key(api_key: str, base_url: Optional[str] = None) -> Iterator[None]:
    """Records made inside the block belong to ``api_key``: ``with metering_key(tenant.key):``.

    Threads and tasks keep their blocks apart, blocks nest, and a call that began inside keeps its key however late it
    ends. Raises ValueError naming the rule when the key or the address is malformed. The key stays in memory only:
    records that are still pending when the process ends wait for a process that uses the same key again.
    """
    key = checked_key(api_key)
    url = metering_url(base_url) if base_url is not None else runtime.settings().base_url
    token = enter(current()._replace(destination=(url, runtime.keys.learn(key))))
    try:
        yield
    finally:
        leave(token)


@contextmanager
def idempotency_key(key: str) -> Iterator[None]:
    """Records made inside the block are named after ``key``: the first gets it, then ``key:2``, ``key:3`` and so on.

    The same key in a later run names the same record: it is kept and billed once. A failed call takes no number, so
    that the attempt that succeeds is not mistaken for it. Raises ValueError for a key that cannot be sent.
    """
    token = enter(current()._replace(series=_series(key)))
    try:
        yield
    finally:
        leave(token)


def get_idempotency_key() -> Optional[str]:
    """The key of the innermost block or of ``set_idempotency_key``; None where there is none."""
    series = current().series
    return series.key if series is not None else None


def set_idempotency_key(key: Optional[str]) -> None:
    """The same as the block, until it is set anew, or cleared with None, in this thread or task."""
    scope: Scope = current()._replace(series=None if key is None else _series(key))
    enter(scope)


def _series(key: str) -> Series:
    if not isinstance(key, str) or not key or key != key.strip() or not all(" " <= character <= "~" for character in key):
        raise ConfigurationError("an idempotency key must be text of printable ASCII characters without spaces around it")
    numbers = itertools.count(1)  # its next() is atomic: threads and tasks of a block share it

    def named(failed: bool) -> str:
        number = 0 if failed else next(numbers)
        mark = ":err:%s" % uuid.uuid4().hex[:8] if failed else ":%d" % number
        name = key if number == 1 else key + mark
        return name if len(name) <= _LONGEST else hashlib.sha256(key.encode()).hexdigest() + mark

    return Series(key, named)
