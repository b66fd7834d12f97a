"""Short turns: one interpreter serves the application and the sender, and who holds it for long makes the other wait."""

from __future__ import annotations

import itertools
import math
import selectors
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

Pause = Callable[[], None]
"""Called between two pieces of work."""


def at_once() -> None:
    """No pause."""


TURN = 0.000_15
"""Seconds of work after which the sender lets others in: little beside one call of a provider's SDK."""
SHORTEST, LONGEST = 0.000_1, 0.02
"""Seconds of rest after a turn: while nobody else wants the interpreter, and while everybody does."""
LATE = 0.001
"""Who gets the interpreter back so much later than it wanted has kept somebody waiting, too."""
PATIENCE = 10.0
"""Seconds that a record may wait because the application is busy: on disk it is safe."""
EVENTS = 2
"""Most sockets looked after in one turn."""


class Pace:
    """The pause of one thread: a rest whenever its turn was long enough, and the longer the busier the others are."""

    def __init__(self) -> None:
        self.hurried = False
        """Somebody waits for the delivery: no rests."""
        self.oldest = math.inf
        """When the oldest record on its way was made; seconds since the epoch."""
        self._since = 0.0
        self._rest = SHORTEST

    def __call__(self) -> None:
        if self.hurried or time.thread_time() - self._since <= TURN:
            return
        began = time.monotonic()
        time.sleep(self._rest)  # only a real sleep hands the interpreter over: the waiting thread takes time to wake up
        contended = time.monotonic() - began > self._rest + LATE
        patient = time.time() - self.oldest < PATIENCE
        self._rest = min(2 * self._rest, LONGEST) if contended and patient else max(self._rest / 2, SHORTEST)
        self._since = time.thread_time()


class Selector(selectors.DefaultSelector):
    """Takes turns between the sockets of an event loop, too."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace
        self._turns = itertools.count(1)
        self._served: Dict[int, int] = {}
        """Descriptor -> the turn in which it was looked after last."""

    def select(self, timeout: Optional[float] = None) -> List[Tuple[Any, int]]:
        self._pace()
        ready = super().select(timeout)
        if self._pace.hurried or len(ready) <= EVENTS:
            return ready
        longest_ago = sorted(ready, key=lambda event: self._served.get(event[0].fd, 0))[:EVENTS]  # else two that never rest are all there is
        turn = next(self._turns)
        self._served.update((key.fd, turn) for key, _ in longest_ago)
        return longest_ago
