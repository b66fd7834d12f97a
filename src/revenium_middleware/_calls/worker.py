"""One daemon thread with an event loop, for what users hand to ``run_async_in_thread`` and for their error callbacks."""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextvars import Context, copy_context
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Callable, Optional, Set

from .._core.diagnostics import diagnostics

if TYPE_CHECKING:  # loaded with the first task, not with the import
    import asyncio


class Task:
    """Something running in the background, with the interface of the thread that it does not need."""

    daemon = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: Optional[BaseException] = None
        """What it ended with; None while it runs and when it succeeded."""
        self._done = threading.Event()
        self._process = os.getpid()
        self._runner = 0

    def is_alive(self) -> bool:
        return not self._done.is_set() and self._process == os.getpid()

    def join(self, timeout: Optional[float] = None) -> None:
        """Wait until it has ended, at most ``timeout`` seconds. A forked child has nothing to wait for."""
        if threading.get_ident() == self._runner:
            raise RuntimeError("a background task cannot wait for its own thread")
        if self._process == os.getpid():
            self._done.wait(timeout)


class Worker:
    """Starts its thread with the first task; everything runs there, side by side as far as it awaits."""

    def __init__(self, began: Callable[[], None]) -> None:
        self._began = began
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread: Optional[threading.Thread] = None
        self._open: Set[Task] = set()
        self._running: Set["asyncio.Future[Any]"] = set()
        self._stopping = False

    def submit(self, work: Callable[[], Any]) -> Optional[Task]:
        """Run ``work`` in the caller's context, awaiting what it returns; None where no thread can be started any more."""
        loop = self._started()
        if loop is None:
            return None
        task = Task("revenium-task-%d" % next(self._numbers))
        self._open.add(task)
        loop.call_soon_threadsafe(self._begin, task, work, context=copy_context())
        return task

    def soon(self, action: Callable[[], None], start: bool) -> None:
        """Call ``action`` in the thread. Without ``start`` only where it runs already: then it takes no lock, as finalisers must not."""
        loop = self._started() if start else self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(action, context=Context())
            except RuntimeError:  # it has just been closed
                pass

    @property
    def busy(self) -> bool:
        return bool(self._open)

    def finish(self, timeout: float) -> None:
        """Give what runs ``timeout`` seconds to end."""
        end = time.monotonic() + timeout
        for task in list(self._open):
            if threading.current_thread() is not self._thread:
                task.join(max(0.0, end - time.monotonic()))

    def stop(self) -> None:
        """End the thread, for tests."""
        self._stopping = True
        loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5.0)

    def _started(self) -> Optional[asyncio.AbstractEventLoop]:
        with self._lock:
            if self._loop is None:
                import asyncio
                import concurrent.futures.thread  # noqa: F401 - a task may record at exit, and then it could not be imported

                loop = asyncio.SelectorEventLoop()
                thread = threading.Thread(target=self._run, args=(loop,), name="revenium-worker", daemon=True)
                try:
                    Context().run(thread.start)  # what it does for one caller is nothing to the next
                except RuntimeError:  # the interpreter is shutting down
                    loop.close()
                    return None
                self._loop, self._thread = loop, thread
                self._began()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopping:
            try:
                loop.run_forever()
            except (KeyboardInterrupt, SystemExit):  # ends the task that raised it, as it would end a thread
                continue
        for future in list(self._running):
            future.cancel()
        loop.run_until_complete(_nothing())
        loop.close()

    def _begin(self, task: Task, work: Callable[[], Any]) -> None:
        import asyncio

        task._runner = threading.get_ident()
        future = asyncio.ensure_future(_awaited(work))
        self._running.add(future)
        future.add_done_callback(lambda done: self._ended(task, done))

    def _ended(self, task: Task, future: "asyncio.Future[Any]") -> None:
        import asyncio

        self._running.discard(future)
        task.error = asyncio.CancelledError() if future.cancelled() else future.exception()
        if task.error is not None and not self._stopping:
            kind = type(task.error).__name__
            diagnostics.warn("background task/" + kind, "a task of run_async_in_thread ended with %s: see its .error", kind)
        self._open.discard(task)
        task._done.set()


async def _awaited(work: Callable[[], Any]) -> None:
    result = work()
    if isawaitable(result):
        await result


async def _nothing() -> None:
    """Lets what was cancelled end."""
