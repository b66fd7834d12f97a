"""Short turns: one interpreter serves the application and the sender, and who holds it for long makes the other wait."""

from __future__ import annotations

import selectors
import time
from typing import Any, Callable, List, Optional, Tuple

Pause = Callable[[], None]
"""Called between two pieces of work."""


def at_once() -> None:
    """No pause."""


TURN = 0.000_15
"""Seconds of work after which the sender lets others in: little beside one call of a provider's SDK."""
REST = 0.000_1
EVENTS = 2
"""Most sockets looked after in one turn."""


class Pace:
    """The pause of one thread: a rest whenever its turn was long enough."""

    def __init__(self) -> None:
        self.hurried = False
        """Somebody waits for the delivery: no rests."""
        self._since = 0.0

    def __call__(self) -> None:
        if self.hurried:
            return
        now = time.thread_time()
        if now - self._since > TURN:
            time.sleep(REST)  # only a real sleep hands the interpreter over: the waiting thread takes time to wake up
            self._since = time.thread_time()


class Selector(selectors.DefaultSelector):
    """Takes turns between the sockets of an event loop, too."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: Optional[float] = None) -> List[Tuple[Any, int]]:
        self._pace()
        ready = super().select(timeout)
        return ready if self._pace.hurried else ready[:EVENTS]
