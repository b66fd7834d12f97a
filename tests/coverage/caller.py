"""Calls a method of a real SDK by its dotted name, and reads what comes back to its end: the same for both of its sides."""

from __future__ import annotations

import asyncio
import inspect
from operator import attrgetter
from typing import Any, Dict, List, Set


class NotThere(Exception):
    """The installed version has no such method."""


class Caller:
    """``call("chat.completions.create", model=...)`` on a sync or an async client."""

    def __init__(self, client: Any, tag: Dict[str, Any]) -> None:
        self._client = client
        self._tag = tag
        self._loop = asyncio.new_event_loop()
        self.called: Set[str] = set()

    def __call__(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """The answer, or the list of events of a streamed one."""
        try:
            method = attrgetter(path)(self._client)
        except AttributeError:
            raise NotThere(path) from None
        self.called.add(path.replace("with_raw_response.", "").replace("with_streaming_response.", ""))
        if kwargs.pop("tagged", False):
            kwargs["usage_metadata"] = self._tag
        return self._loop.run_until_complete(_read(method(*args, **kwargs)))

    def on(self, answer: Any, method: str, *args: Any, tagged: bool = False) -> Any:
        """Call a method of something that a call answered with."""
        more = {"usage_metadata": self._tag} if tagged else {}
        return self._loop.run_until_complete(_read(getattr(answer, method)(*args, **more)))

    def close(self) -> None:
        self._loop.run_until_complete(_closed(self._client))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


async def _closed(client: Any) -> None:
    if not hasattr(client, "close") and not hasattr(client, "aclose"):  # what such a client holds does the HTTP
        client = getattr(client, "_client", None)
        if client is None:
            return
        client = await client if inspect.isawaitable(client) else client
    ended = client.aclose() if hasattr(client, "aclose") else client.close()
    if inspect.isawaitable(ended):
        await ended


async def _read(result: Any) -> Any:
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aenter__"):
        async with result as entered:
            return await _whole(entered)
    if hasattr(result, "__enter__"):
        with result as entered:
            return await _whole(entered)
    return await _whole(result)


async def _whole(result: Any) -> Any:
    """Streams are read to their end; a raw response is parsed, a streamed one read; anything else is the answer itself."""
    if hasattr(result, "data") and hasattr(result, "model_dump"):
        return result  # a page: it can be iterated, and is an answer
    if hasattr(result, "__aiter__"):
        return [event async for event in result]
    if hasattr(result, "__next__"):
        return _listed(result)
    if hasattr(result, "iter_bytes") and hasattr(result, "parse"):
        read = result.read()
        return await read if inspect.isawaitable(read) else read
    return result


def _listed(stream: Any) -> List[Any]:
    return list(stream)
