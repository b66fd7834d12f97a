"""Attribution follows work into threads: hooked when the first scope is entered, not before.

Only our own scope is carried, nothing else of the starter's context; asyncio's tasks carry theirs by themselves.
"""

from __future__ import annotations

import functools
import threading
from typing import Any, Callable, List

import wrapt

from .._core.diagnostics import Guard
from .._core.scope import EVERYWHERE, Scope, current, enter, leave
from .hooks import Undo, replace


class Carrying:
    """The hooks on ``Thread.start`` and ``ThreadPoolExecutor.submit``."""

    def __init__(self) -> None:
        self._undo: List[Undo] = []
        self.hooked = self._pools_hooked = False

    def install(self) -> None:
        if self.hooked:
            return
        self.hooked = True
        self._undo.append(replace(threading.Thread, "start", self._starting(threading.Thread.start)))
        wrapt.register_post_import_hook(self._pools, "concurrent.futures.thread")

    def uninstall(self) -> None:
        """Put both back; where somebody has wrapped ours meanwhile, ours does nothing any more."""
        self.hooked = self._pools_hooked = False
        while self._undo:
            self._undo.pop()()

    def _pools(self, module: Any) -> None:
        with Guard("hooking"):
            if self.hooked and not self._pools_hooked:
                self._pools_hooked = True
                self._undo.append(replace(module.ThreadPoolExecutor, "submit", self._submitting(module.ThreadPoolExecutor.submit)))

    def _starting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def start(thread: Any, *args: Any, **kwargs: Any) -> Any:
            around = current()
            if around is EVERYWHERE or not self.hooked:
                return original(thread, *args, **kwargs)
            give_back = _inside(thread, around)
            try:
                return original(thread, *args, **kwargs)
            except BaseException:
                give_back()
                raise

        return start

    def _submitting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def submit(*args: Any, **kwargs: Any) -> Any:
            around = current()
            if around is EVERYWHERE or not self.hooked or len(args) < 2:
                return original(*args, **kwargs)
            token = enter(EVERYWHERE)  # a thread that the pool starts now serves others later
            try:
                return original(args[0], _carried(args[1], around), *args[2:], **kwargs)
            finally:
                leave(token)

        return submit


def _inside(thread: Any, around: Scope) -> Callable[[], None]:
    """Have ``thread.run``, whoever defines it, called inside the scope; returns what takes this back."""
    own, there = thread.run, "run" in vars(thread)

    def give_back() -> None:
        if vars(thread).get("run") is not run:
            return
        if there:
            thread.run = own
        else:
            del thread.run

    def run() -> Any:
        give_back()
        return _carried(own, around)()

    thread.run = run
    return give_back


def _carried(function: Callable[..., Any], around: Scope) -> Callable[..., Any]:
    def carried(*args: Any, **kwargs: Any) -> Any:
        token = enter(around)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token)

    return carried
