"""SIGTERM, where ``REVENIUM_INSTALL_SIGNAL_HANDLERS`` asks for it: deliver within the shutdown budget, then end as before."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, Optional


class Termination:
    """One handler in front of what was there: the app's own handler, or the default that ends the process.

    ``deliver`` runs first; it is told whether the process ends right after it.
    """

    def __init__(self, deliver: Callable[[bool], None]) -> None:
        self._deliver = deliver
        self._before: Any = None
        self._handler: Any = None
        """The very object that was installed: what is in force later is compared with it."""
        self._delivering = False

    def install(self) -> None:
        """Only from the main thread, only once: a handler that the app installs later stays."""
        if self._handler is not None or threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(signal.SIGTERM)
        if before is None or before is signal.SIG_IGN:  # not Python's to call again; or the app does not end by it
            return
        handler = self._arrived
        try:
            signal.signal(signal.SIGTERM, handler)
        except ValueError:  # a subinterpreter's main thread may not
            return
        self._handler, self._before = handler, before

    def uninstall(self) -> None:
        """Put back what was there, unless the app has put something else in our place."""
        handler, self._handler = self._handler, None
        main = threading.current_thread() is threading.main_thread()
        if handler is not None and main and signal.getsignal(signal.SIGTERM) is handler:
            signal.signal(signal.SIGTERM, self._before)

    def _arrived(self, number: int, frame: Optional[FrameType]) -> None:
        ends = self._before is signal.SIG_DFL
        if ends:
            signal.signal(number, signal.SIG_DFL)  # whoever sends it twice does not want to wait
        if not self._delivering:
            self._delivering = True
            try:
                self._deliver(ends)
            finally:
                self._delivering = False
        if ends:
            os.kill(os.getpid(), number)  # the default action itself, so that the exit status is the signal's
        else:
            self._before(number, frame)
