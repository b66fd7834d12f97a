"""What went wrong with metering, counted, and told to those who asked: from the background, never on a call's way."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Callable, Deque, NamedTuple, Optional, Tuple

from .._core.diagnostics import Guard, diagnostics
from .._core.errors import MeteringError
from .._core.settings import Settings, ledger_path
from .._core.shared import Tally

WAITING = 1_000
"""Events kept for a callback that is slower than they come; the oldest go first."""
_CALLING = "an error callback"


class MeteringErrorEvent(NamedTuple):
    """One failed attempt to deliver, one refusal, or one internal failure."""

    error: MeteringError
    operation: str
    """``delivery``, or the part of ours that failed."""
    timestamp: float
    """Seconds since the epoch."""


Callback = Callable[[MeteringErrorEvent], object]


class Notices:
    """Counts and callbacks of one process."""

    def __init__(self, soon: Callable[[Callable[[], None], bool], None]) -> None:
        self._soon = soon
        """Has something called in the background; with False only where nothing has to be started for that."""
        self.callbacks: Tuple[Callback, ...] = ()
        self._waiting: Deque[MeteringErrorEvent] = deque(maxlen=WAITING)
        self.clear()

    def clear(self) -> None:
        """Start counting at 0 again."""
        self.errors = Tally()
        self.last: Optional[MeteringErrorEvent] = None

    @property
    def telling(self) -> bool:
        """Whether a callback may still have something to hear, or be about to hear it."""
        return bool(self.callbacks and self.last is not None)

    def add(self, callback: Callback) -> None:
        if callback not in self.callbacks:
            self.callbacks += (callback,)
            self._soon(self.tell, True)

    def remove(self, callback: Callback) -> bool:
        before = self.callbacks
        self.callbacks = tuple(each for each in before if each != callback)
        return self.callbacks != before

    def delivery_failed(self, operation: str, error: MeteringError) -> None:
        """From the thread that delivers."""
        self._note(operation, error, start=True)

    def internal(self, operation: str, text: str) -> None:
        """From wherever it happened, a finaliser included: nothing here takes a lock."""
        self._note(operation, MeteringError(text), start=False)

    def _note(self, operation: str, error: MeteringError, start: bool) -> None:
        self.errors.add()
        self.last = MeteringErrorEvent(error, operation, time.time())
        if self.callbacks and operation != _CALLING:
            self._waiting.append(self.last)
            self._soon(self.tell, start)

    def tell(self) -> None:
        """Call the callbacks for what has happened; in the background."""
        while self._waiting:
            event = self._waiting.popleft()
            for callback in self.callbacks:
                with Guard(_CALLING):
                    callback(event)


def say_local(settings: Settings) -> None:
    """One line, once, where there is no key: what becomes of the records."""
    where = ledger_path(settings) or settings.ledger.lower() or "memory"
    level = logging.INFO if settings.malformed else logging.WARNING  # what is malformed was the one warning
    message = "no usable Revenium key: records stay in the local ledger (%s); revenium-meter report shows them"
    if where == "off":
        message = "no usable Revenium key, and the ledger is %s: records are dropped and counted"
    diagnostics.once("settings/local/%s" % where, level, message, where)
