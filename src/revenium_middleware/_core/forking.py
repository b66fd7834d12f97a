"""What a fork of this process waits for."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - takes a lock at each fork from now on; loaded while a fork waits, it would release what it never took
import threading

FORK = threading.RLock()
"""Held across every fork, and by a thread while it is where a child could not go on: inside SQLite, through whichever connection
(a child that opens one can hang for good), in an import of ours (the module's lock would stay taken), or over files taken over."""
