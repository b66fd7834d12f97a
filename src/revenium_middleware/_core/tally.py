"""Counting what several threads do at once."""

from __future__ import annotations

import itertools
import threading


class Tally:
    """A count that threads and finalisers add to without a lock; only readers wait for each other."""

    def __init__(self) -> None:
        self.add = itertools.count().__next__
        """Count one more; atomic."""
        self._looks = 0
        self._reading = threading.Lock()

    def __int__(self) -> int:
        with self._reading:
            self._looks += 1
            return self.add() + 1 - self._looks
