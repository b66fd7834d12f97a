"""The numbered cases: real SDK on a loopback provider, payloads as the metering service received them."""

from __future__ import annotations

import asyncio
import gc
from itertools import islice
from operator import attrgetter
from typing import Any, Callable, Dict, Iterator, List

import openai
import pydantic
import pytest

import revenium_middleware

ASK = [{"role": "user", "content": "Hello there"}]


class Answer(pydantic.BaseModel):
    """What ``parse`` is asked for."""

    answer: str


class Side:
    """One side of the SDK, sync or async; ``call`` goes by the method's dotted name and reads a stream to its end."""

    def __init__(self, url: str, asynchronous: bool) -> None:
        self.url = url
        self.asynchronous = asynchronous

    def client(self, **options: Any) -> Any:
        kind = openai.AsyncOpenAI if self.asynchronous else openai.OpenAI
        return kind(**{"base_url": self.url, "api_key": "sk-loopback", "max_retries": 0, **options})

    def call(self, path: str, client: Any = None, then: Callable[[Any], Any] = lambda answer: answer, **arguments: Any) -> Any:
        client = client or self.client()
        streamed = arguments.get("stream") is True
        if not self.asynchronous:
            with client:
                answer = attrgetter(path)(client)(**arguments)
                return then(list(answer) if streamed else answer)

        async def work() -> Any:
            async with client:
                answer = await attrgetter(path)(client)(**arguments)
                return then([event async for event in answer] if streamed else answer)

        return asyncio.run(work())

    def helper(self, path: str, leave_after: int = 10_000, **arguments: Any) -> List[Any]:
        """The events of a ``with client.<path>(...) as stream`` block that is left after so many."""
        if not self.asynchronous:
            with self.client() as client, attrgetter(path)(client)(**arguments) as stream:
                return list(islice(stream, leave_after))

        async def work() -> List[Any]:
            events = []
            async with self.client() as client, attrgetter(path)(client)(**arguments) as stream:
                async for event in stream:
                    events.append(event)
                    if len(events) == leave_after:
                        break
            return events

        return asyncio.run(work())


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest, provider: Any) -> Side:
    return Side(provider.openai_url, request.param == "async")


@pytest.fixture
def client(provider: Any) -> Iterator[Any]:
    """A plain sync client."""
    with openai.OpenAI(base_url=provider.openai_url, api_key="sk-loopback", max_retries=0) as client:
        yield client


@pytest.fixture
def delivered(metering: Any) -> Callable[..., List[Dict[str, Any]]]:
    """``delivered(2)``: the payloads the metering service has, which are exactly that many."""

    def collect(count: int, path: str = "") -> List[Dict[str, Any]]:
        gc.collect()
        assert revenium_middleware.flush(20.0) == 0
        payloads: List[Dict[str, Any]] = metering.payloads(path)
        assert len(payloads) == count, [(each.get("model"), each.get("stopReason")) for each in payloads]
        assert not metering.unexpected
        return payloads

    return collect


@pytest.fixture
def one(delivered: Callable[..., List[Dict[str, Any]]]) -> Callable[..., Dict[str, Any]]:
    """The only payload there is."""
    return lambda path="": delivered(1, path)[0]


def tokens(payload: Dict[str, Any]) -> Dict[str, Any]:
    """The token counts of a payload, by the names ``spent`` uses."""
    names = {"input": "inputTokenCount", "output": "outputTokenCount", "total": "totalTokenCount", "cached": "cacheReadTokenCount"}
    names.update(reasoning="reasoningTokenCount", cache_written="cacheCreationTokenCount")
    return {name: payload.get(wire, 0) for name, wire in names.items()}


@pytest.fixture
def same(provider: Any) -> Callable[..., None]:
    """Asserts that a payload has every token of what the provider billed; its input leaves out what was written to the cache."""

    def check(payload: Dict[str, Any], number: int = -1) -> None:
        used = provider.billed[number].usage
        wanted = {"input": used.input - used.cache_written, "output": used.output, "total": used.total, "cached": used.cached}
        wanted.update(reasoning=used.reasoning, cache_written=used.cache_written)
        assert tokens(payload) == wanted
        assert used.total > 0

    return check


def missing(path: str) -> bool:
    """Whether the installed openai has no ``path`` on its client."""
    found: Any = openai.OpenAI(api_key="k")
    for name in path.split("."):
        found = getattr(found, name, None)
    return found is None


def has(path: str) -> Any:
    return pytest.mark.skipif(missing(path), reason="openai %s has no %s" % (openai.__version__, path))
