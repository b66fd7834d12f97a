"""How our own failures are kept away from the application: logged once per cause, counted, never raised."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from types import TracebackType
from typing import Callable, Dict, Optional, TextIO, Type

logger = logging.getLogger("revenium_middleware")


class _AskedForHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """The stderr handler that setting ``REVENIUM_LOG_LEVEL`` asks for; steps aside once the host has its own."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        others = [handler for handler in logger.handlers if handler is not self]
        if others or logging.getLogger().handlers:
            logger.removeHandler(self)
            return
        self.stream: TextIO = sys.stderr  # the host may have replaced it since
        super().emit(record)


def apply_log_level(level: str) -> None:
    """Set our logger to ``level`` (a name, or "" for the host's own choice); attach a handler only when asked and alone."""
    if not level:
        return
    logger.setLevel(level)
    if not logger.handlers and not logging.getLogger().handlers:
        logger.addHandler(_AskedForHandler())


class Diagnostics:
    """What went wrong on our side of the fence, for ``status()`` and for the log."""

    def __init__(self) -> None:
        self.reraise = False
        """Our own test-suite sets this, so that no internal failure passes unseen."""
        self.listener: Optional[Callable[[str, str], None]] = None
        """Told (what, text) of each internal failure, wherever it happens: may take no lock."""
        self.reset()

    def reset(self) -> None:
        self._seen: Dict[str, object] = {}
        self.failures: Dict[str, int] = Counter()
        self.last_failure: Optional[str] = None

    def first(self, cause: str) -> bool:
        """Whether ``cause`` is met for the first time in this process."""
        mine = object()  # setdefault is atomic, and unlike a lock it cannot be held across a fork
        return len(self._seen) < 10_000 and self._seen.setdefault(cause, mine) is mine

    def once(self, cause: str, level: int, message: str, *args: object) -> None:
        """Log ``message`` unless ``cause`` was logged before in this process."""
        if self.first(cause):
            logger.log(level, message, *args)

    def warn(self, cause: str, message: str, *args: object) -> None:
        self.once(cause, logging.WARNING, message, *args)

    def count(self, what: str, text: str) -> None:
        """Count one internal failure that is logged elsewhere."""
        self.failures[what] += 1
        self.last_failure = text
        if self.listener is not None:
            self.listener(what, text)

    def failed(self, what: str, error: BaseException) -> None:
        """Count one internal failure; the class and place are logged, never values that may hold prompts or keys."""
        where = _place(error.__traceback__)
        self.count(what, "%s: %s at %s" % (what, type(error).__name__, where))
        kind = type(error).__name__
        self.warn("%s/%s/%s" % (what, kind, where), "%s failed (%s at %s): metering may be incomplete, the call itself is unaffected", what, kind, where)
        if self.reraise:
            raise error


def _place(traceback: Optional[TracebackType]) -> str:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return "unknown place"
    code = traceback.tb_frame.f_code
    return "%s:%d" % (code.co_filename.rsplit("/", 1)[-1], traceback.tb_lineno)


diagnostics = Diagnostics()


class Guard:
    """``with Guard("reading"):`` - the one place where an exception of ours ends. The user's call is never inside."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], _: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        diagnostics.failed(self._what, error)
        return True
