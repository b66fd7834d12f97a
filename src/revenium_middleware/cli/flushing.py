"""Delivering what is pending in a ledger, whoever recorded it."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Callable, Iterator, Mapping, NamedTuple

from .._core.settings import Settings
from .._delivery.delivery import Delivery
from .._delivery.entries import Busy
from .faults import Fault
from .words import plural


class Flushed(NamedTuple):
    """What came of it."""

    delivered: int = 0
    refused: int = 0
    refusals: Mapping[str, int] = {}
    """Of all refused records in the ledger."""
    pending: int = 0
    foreign: int = 0
    """Pending for another key or address than ours."""
    last_failure: str = ""

    def lines(self) -> Iterator[str]:
        """The result in words."""
        if not self.delivered and not self.refused and not self.pending:
            yield "Nothing is pending"
            return
        yield "Delivered %s" % plural(self.delivered, "record")
        if self.refused:
            yield "Refused by the service: %s (%s)" % (self.refused, ", ".join("%s: %d" % each for each in sorted(self.refusals.items())))
        if self.pending:
            yield "Still pending: %s%s" % (self.pending, " (last failure: %s)" % self.last_failure if self.last_failure else "")
        if self.foreign:
            yield "Of these, %s made with another key: flush again with that key" % plural(self.foreign, "record")


def flushed(path: Path, settings: Settings, timeout: float, watch: Callable[[int, int], None]) -> Flushed:
    """Adopt, deliver and count, within ``timeout`` seconds; ``watch`` is told (done, to do). Raises Fault."""
    failures = [""]
    keys = {settings.credential: settings.api_key}
    own = dataclasses.replace(settings, ledger=str(path))
    delivery = Delivery(lambda: own, keys, lambda: None, lambda _, error: failures.append(str(error)))
    try:
        delivery.tidy()
        ledger = delivery.collect()
        if ledger.in_memory:
            raise Fault("cannot write %s" % path)
        todo = ledger.standing().pending
        if todo:
            delivery.sender.wake()
            delivery.flush(timeout, lambda: watch(delivery.delivered_count + delivery.refused_count, todo))
        books = ledger.standing()
        foreign = sum(number for credential, number in ledger.waiting().items() if credential not in keys)
        return Flushed(delivery.delivered_count, delivery.refused_count, books.refusals, books.pending, foreign, failures[-1])
    except Busy as error:
        raise Fault("%s is held by another process: try again in a moment" % path) from error
    except (OSError, sqlite3.Error) as error:
        raise Fault("cannot deliver from %s: %s" % (path, error)) from error
    finally:
        delivery.close()
