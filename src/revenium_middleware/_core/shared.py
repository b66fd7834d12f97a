"""What threads share with each other and with a fork: counts, and the lock that a fork waits for."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - takes a lock at each fork from now on; loaded while a fork waits, it would release what it never took
import itertools
import threading

FORK = threading.RLock()
"""Held across every fork, and by a thread while it is where a child could not go on: inside SQLite, through whichever connection
(a child that opens one can hang for good), in an import of ours (the module's lock would stay taken), or over files taken over."""


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
