"""One form of call, written once and run on both sides of an SDK: every step is awaited, on the sync side there is nothing to wait for."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import warnings
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import openai

from .wire import CLAUDE, MODEL, Wire

METADATA = {"organization_name": "AcmeCorp", "task_type": "greeting", "subscriber": {"id": "user-1"}}
CLIENTS = {"openai": "OpenAI", "anthropic": "Anthropic"}
"""The SDKs of the matrix and their clients."""
HTTP = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.split(".")[0])
"""The HTTP library under this SDK."""


class Expect(NamedTuple):
    """What a form leaves in the ledger, and how it may differ on the wire."""

    records: int = 1
    usage: str = "provider"
    """``provider``: the numbers of the provider's log; ``estimated``; ``begun``: the provider's input, and output by what was said;
    ``unknown``: no numbers; ``refused``: 0, since nothing was generated."""
    stop: str = "END"
    """One for all records, or one for each."""
    streamed: bool = False
    asks: bool = False
    """Whether ``stream_options.include_usage`` is added to the request."""
    said: int = 0
    """Characters seen by who abandoned the stream: what the estimate rests on."""
    at: Tuple[int, ...] = ()
    """Records at the form's own checkpoints."""
    kind: str = "completion"
    tagged: bool = False
    """Whether the record carries the metadata of ``Side.tag``."""
    model: str = MODEL
    provider: str = "CUSTOM"


class Form(NamedTuple):
    name: str
    run: Callable[["Side"], Any]
    expect: Expect
    needs: str
    """What the installed SDK must have, as a path from its client, or ``module:path``."""
    sides: Tuple[bool, ...]
    gzip: bool
    sdk: str


class Each:
    """``async for`` over either kind of iterable, without a generator that would hold on to it."""

    def __init__(self, source: Any) -> None:
        self._source = source.__aiter__() if hasattr(source, "__aiter__") else iter(source)

    def __aiter__(self) -> "Each":
        return self

    async def __anext__(self) -> Any:
        if hasattr(self._source, "__anext__"):
            return await self._source.__anext__()
        try:
            return next(self._source)
        except StopIteration:
            raise StopAsyncIteration from None


class Entered:
    """``async with`` over either kind of context manager."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def __aenter__(self) -> Any:
        enter = getattr(self._manager, "__aenter__", None)
        return await enter() if enter else self._manager.__enter__()

    async def __aexit__(self, *error: Any) -> Any:
        leave = getattr(self._manager, "__aexit__", None)
        return await leave(*error) if leave else self._manager.__exit__(*error)


class Side:
    """The user of one run: sync or async, metered or not."""

    def __init__(self, wire: Wire, asynchronous: bool, count: Optional[Callable[[], int]], sdk: str = "openai") -> None:
        self.wire = wire
        self.sdk = importlib.import_module(sdk)
        self.asynchronous = asynchronous
        self.metered = count is not None
        self._count = count
        self._clients: List[Any] = []
        self.seen: List[Any] = []
        """Everything the user observed, as plain data."""
        self.named: List[Any] = []
        """Answers that may carry a transaction id."""
        self.counts: List[int] = []
        self.mutated: List[Tuple[str, str]] = []
        self.client = self.make()

    # ------------------------------------------------------------------ clients

    def make(self, name: str = "", **options: Any) -> Any:
        """A client of this side that is closed at the end."""
        base = self.wire.openai_url if self.sdk is openai else self.wire.url
        kind = self.kind(name or CLIENTS[self.sdk.__name__])
        return self.keep(kind(**{"api_key": "sk-test", "base_url": base, "max_retries": 0, **options}))

    def kind(self, name: str) -> Any:
        return getattr(self.sdk, ("Async" if self.asynchronous else "") + name)

    def keep(self, client: Any) -> Any:
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await self.do(client.close())

    # ------------------------------------------------------------------ steps

    async def do(self, value: Any) -> Any:
        return await value if inspect.isawaitable(value) else value

    async def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of the SDK and look whether it changed what it was given."""
        before = repr((args, kwargs))
        try:
            return await self.do(method(*args, **kwargs))
        finally:
            self.mutated.append((before, repr((args, kwargs))))

    async def chat(self, **kwargs: Any) -> Any:
        return await self.call(self.client.chat.completions.create, **{**chat_body(), **kwargs})

    async def say(self, **kwargs: Any) -> Any:
        return await self.call(self.client.messages.create, **{**message_body(), **kwargs})

    def each(self, source: Any) -> Each:
        return Each(source)

    def entered(self, manager: Any) -> Entered:
        return Entered(manager)

    async def next(self, source: Any) -> Any:
        return await source.__anext__() if self.asynchronous else next(source)

    # ------------------------------------------------------------------ observations

    def see(self, *values: Any) -> None:
        self.seen.extend(plain(value) for value in values)

    def answer(self, value: Any) -> Any:
        """An answer of the SDK: seen, and expected to carry the transaction id."""
        self.see(value)
        self.named.append(value)
        return value

    async def drain(self, stream: Any) -> None:
        """A stream read to its end: its type and everything in it."""
        self.answer(stream)
        async for item in self.each(stream):
            self.see(item)

    def checkpoint(self) -> None:
        """How many records are there by now."""
        if self._count is not None:
            self.counts.append(self._count())

    def tag(self) -> Dict[str, Any]:
        """``usage_metadata=`` as a keyword, which only the metered SDK has."""
        return {"usage_metadata": dict(METADATA)} if self.metered else {}

    def tagged_body(self, **fields: Any) -> Dict[str, Any]:
        """The same inside ``extra_body``."""
        return {**fields, **({"usage_metadata": dict(METADATA)} if self.metered else {})}


def chat_body() -> Dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": "Say hello"}]}


def message_body() -> Dict[str, Any]:
    return {"model": CLAUDE, "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello"}]}


def run(form: Form, wire: Wire, asynchronous: bool, count: Optional[Callable[[], int]] = None) -> Side:
    """Run one form; what escapes it is one more observation."""
    side = Side(wire, asynchronous, count, form.sdk)

    async def whole() -> None:
        try:
            await form.run(side)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the form's own outcome
            side.see(error)
        finally:
            await side.close()

    if asynchronous:
        asyncio.run(whole())
    else:
        try:
            whole().send(None)
        except StopIteration:
            pass
        else:
            raise AssertionError("the sync side of %s waited for something" % form.name)
    return side


# ---------------------------------------------------------------------- plain data


def plain(value: Any) -> Any:
    """``value`` as data that two processes can compare: exact types, all of its content."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes):
        return value
    if kind in (list, tuple):
        return [plain(item) for item in value]
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    found = {"type": "%s.%s" % (kind.__module__, kind.__qualname__)}
    if isinstance(value, BaseException):
        return {**found, **_error(value)}
    if hasattr(value, "model_dump"):
        return {**found, **_model(value)}
    return found


def _error(error: BaseException) -> Dict[str, Any]:
    return {
        "text": str(error),
        "args": repr(error.args),
        "status": getattr(error, "status_code", None),
        "body": plain(getattr(error, "body", None)),
        "because": [type(error.__cause__).__name__, type(error.__context__).__name__],
    }


def _model(model: Any) -> Dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic about the SDK's own generics
        return {
            "dump": plain(model.model_dump()),
            "given": plain(model.model_dump(exclude_unset=True)),
            "json": model.model_dump_json(),
            "fields": sorted(model.model_fields_set),
            "repr": repr(model),
            "items": [name for name, _ in model],
            "attributes": sorted(name for name in vars(model) if not name.startswith("_")),
            "names": [name for name in dir(model) if name != "_revenium_transaction_id"],
            "request": getattr(model, "_request_id", None),
        }
