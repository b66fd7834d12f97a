"""Work beside the application: tasks in the background, and the event that says that the process ends."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any, Awaitable, Callable, Optional, Union

from ._calls.runtime import runtime
from ._calls.worker import Task
from ._core.diagnostics import diagnostics

shutdown_event = runtime.shutdown_event
"""Set when the process has begun to end: whoever loops in the background looks at it."""
runtime.watch_exit()


def run_async_in_thread(work: Union[Awaitable[Any], Callable[[], Any]]) -> Optional[Task]:
    """Run a coroutine, or a function that returns one, without waiting for it.

    All such tasks share one background thread and its event loop, and see the context of the caller. The task that is
    returned has ``join(timeout)``, ``is_alive()``, ``name`` and ``error``. At exit what still runs gets a bounded
    wait. What cannot be run is logged once, and None is returned.
    """
    if isawaitable(work):
        awaitable = work
        task = runtime.worker.submit(lambda: awaitable)
        if task is None:
            if hasattr(awaitable, "close"):
                awaitable.close()  # else Python warns that it was never awaited
            diagnostics.warn("worker", "run_async_in_thread came too late: the interpreter is shutting down")
        return task
    if callable(work):
        return runtime.worker.submit(work)
    diagnostics.warn("run_async_in_thread", "run_async_in_thread takes a coroutine or a function, not %s: ignored", type(work).__name__)
    return None
