"""Fifth part of the table: tasks that are cancelled, at every point of a call."""

from __future__ import annotations

import asyncio
import sys

from revenium_middleware.testing import Fault

from .side import Expect, Side
from .table import ASYNC, NOTHING, form, left
from .wire import MODEL


async def _arrived(s: Side) -> None:
    while not s.wire.sent:
        await asyncio.sleep(0.002)


@form(NOTHING, sides=ASYNC)
async def cancelled_before_it_started(s: Side) -> None:
    task = asyncio.ensure_future(s.client.chat.completions.create(model=MODEL, messages=[]))
    task.cancel()
    await task


@form(Expect(usage="unknown", stop="CANCELLED", model=MODEL), sides=ASYNC)
async def cancelled_while_waiting(s: Side) -> None:
    s.wire.script(Fault.silence())
    task = asyncio.ensure_future(s.chat())
    await _arrived(s)
    task.cancel()
    await task


@form(Expect(usage="estimated", stop="CANCELLED", streamed=True, asks=True, model=MODEL), sides=ASYNC)
async def stream_cancelled_while_waiting(s: Side) -> None:
    s.wire.script(Fault.silence())
    task = asyncio.ensure_future(s.chat(stream=True))
    await _arrived(s)
    task.cancel()
    await task


@form(left(4), sides=ASYNC)
async def cancelled_in_the_middle(s: Side) -> None:
    stream = await s.chat(stream=True)
    reached = asyncio.Event()

    async def read() -> None:
        seen = 0
        async for chunk in stream:
            s.see(chunk)
            seen += 1
            if seen == 2:
                reached.set()
                await asyncio.Event().wait()

    task = asyncio.ensure_future(read())
    await reached.wait()
    task.cancel()
    try:
        await task
    finally:
        await stream.close()


@form(left(0), sides=ASYNC)
async def cancelled_inside_next(s: Side) -> None:
    s.wire.script(Fault(chunk_delay=30.0))
    stream = await s.chat(stream=True)
    task = asyncio.ensure_future(stream.__anext__())
    await asyncio.sleep(0.02)
    task.cancel()
    await task


@form(Expect(usage="unknown", stop="CANCELLED", model=MODEL), sides=ASYNC)
async def waited_for_too_long(s: Side) -> None:
    s.wire.script(Fault.silence())
    await asyncio.wait_for(s.chat(), 0.15)


if sys.version_info >= (3, 11):

    @form(Expect(usage="unknown", stop="CANCELLED", model=MODEL), sides=ASYNC)
    async def timed_out_by_asyncio(s: Side) -> None:
        s.wire.script(Fault.silence())
        async with asyncio.timeout(0.15):
            await s.chat()
