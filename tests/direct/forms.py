"""What a user of a function-hooked SDK sees, form by form: run once with the SDK alone, once with us, and compared.

``python -m tests.direct.forms FILE`` writes what the SDKs alone show. Every form answers with plain data.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List

MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
Form = Callable[[Any], Any]
FORMS: Dict[str, Form] = {}


def form(work: Form) -> Form:
    FORMS[work.__name__] = work
    return work


def plain(value: Any) -> Any:
    """An answer without what differs from run to run."""
    if hasattr(value, "model_dump"):
        return {"type": type(value).__name__, **plain(value.model_dump())}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in ("created_at", "port")}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def failure(work: Callable[[], Any]) -> Any:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - it is what is compared
        return [type(error).__name__, str(error), type(error.__context__).__name__, type(error.__cause__).__name__]
    return None


def chat(server: Any, **more: Any) -> Any:
    import ollama

    return ollama.Client(server.url).chat(model="m", messages=MESSAGES, **more)


async def achat(server: Any, **more: Any) -> Any:
    import ollama

    return await ollama.AsyncClient(server.url).chat(model="m", messages=MESSAGES, **more)


@form
def a_plain_answer(server: Any) -> Any:
    return plain(chat(server))


@form
def a_stream(server: Any) -> Any:
    stream = chat(server, stream=True)
    kind = [type(stream) is types.GeneratorType, inspect.isgenerator(stream), stream.__name__, iter(stream) is stream, inspect.getgeneratorstate(stream)]
    return [kind, [plain(each) for each in stream], inspect.getgeneratorstate(stream), next(stream, "nothing more")]


@form
def an_async_stream(server: Any) -> Any:
    async def work() -> Any:
        stream = await achat(server, stream=True)
        kind = [type(stream) is types.AsyncGeneratorType, inspect.isasyncgen(stream), stream.__name__, stream.__aiter__() is stream]
        return [kind, [plain(each) async for each in stream]]

    return asyncio.run(work())


@form
def a_stream_that_is_closed(server: Any) -> Any:
    stream = chat(server, stream=True)
    seen = [plain(next(stream)), stream.close()]
    return [*seen, list(stream)]


@form
def a_stream_something_is_thrown_into(server: Any) -> Any:
    stream = chat(server, stream=True)
    next(stream)
    return [failure(lambda: stream.throw(KeyError("mine"))), list(stream)]


@form
def an_async_stream_that_is_closed(server: Any) -> Any:
    async def work() -> Any:
        stream = await achat(server, stream=True)
        seen = [plain(await stream.__anext__()), await stream.aclose()]
        return [*seen, [each async for each in stream]]

    return asyncio.run(work())


@form
def an_async_stream_something_is_thrown_into(server: Any) -> Any:
    async def work() -> Any:
        stream = await achat(server, stream=True)
        await stream.__anext__()
        try:
            await stream.athrow(KeyError("mine"))
        except KeyError as error:
            return [str(error), [each async for each in stream]]
        return None

    return asyncio.run(work())


@form
def a_refusal(server: Any) -> Any:
    from revenium_middleware.testing import Fault

    server.script(Fault.bad_request(), Fault.bad_request())
    return [failure(lambda: chat(server)), failure(lambda: list(chat(server, stream=True)))]


@form
def an_error_within_a_stream(server: Any) -> Any:
    from revenium_middleware.testing import Fault

    server.script(Fault.error_event(after=2))
    seen: List[Any] = []
    return [failure(lambda: seen.extend(plain(each) for each in chat(server, stream=True))), seen]


@form
def an_answer_that_is_no_json(server: Any) -> Any:
    from revenium_middleware.testing import Fault

    server.script(Fault.html())
    return failure(lambda: chat(server))


@form
def nobody_there(server: Any) -> Any:
    import ollama

    return failure(lambda: ollama.Client("http://127.0.0.1:9").chat(model="m", messages=MESSAGES))


@form
def wrong_arguments(server: Any) -> Any:
    import ollama

    client = ollama.Client(server.url)
    return [failure(lambda: client.chat(model="m", messages="no list")), failure(lambda: client.chat(no_such_argument=1))]  # type: ignore[call-overload]


@form
def functions_and_signatures(server: Any) -> Any:
    import ollama

    found = [str(inspect.signature(each)) for each in (ollama.chat, ollama.Client.chat, ollama.AsyncClient.chat)]
    return [
        *found,
        ollama.chat.__name__,
        ollama.chat.__self__ is ollama._client,
        [inspect.iscoroutinefunction(each) for each in (ollama.AsyncClient.chat, ollama.chat)],
    ]


@form
def fal_results(server: Any) -> Any:
    import fal_client

    client = fal_client.SyncClient(key="none")
    handle = client.submit("fal-ai/flux/dev", {"prompt": "a cat"})
    events = [type(each).__name__ for each in handle.iter_events()]
    streamed = client.stream("fal-ai/any-llm", {"prompt": "Hello"})
    return [client.run("fal-ai/flux/dev", {"prompt": "a cat"}), events, handle.get(), type(streamed).__name__, streamed.__name__, list(streamed)]


@form
def fal_refusals(server: Any) -> Any:
    import fal_client

    from revenium_middleware.testing import Fault

    server.script(Fault.bad_request())
    client = fal_client.SyncClient(key="none")
    return [failure(lambda: client.run("fal-ai/flux/dev", {}))[0], failure(lambda: client.run("fal-ai/flux/dev", {"x": object()}))]


def seen_by(name: str) -> Any:
    """What one form shows, against a provider of its own."""
    import importlib

    from revenium_middleware.testing import ProviderServer

    client = importlib.import_module("fal_client.client")
    with ProviderServer() as server:
        before = client.RUN_URL_FORMAT, client.QUEUE_URL_FORMAT  # type: ignore[attr-defined]
        client.RUN_URL_FORMAT, client.QUEUE_URL_FORMAT = server.fal_url + "/", server.fal_url + "/queue/"  # type: ignore[attr-defined]
        try:
            return FORMS[name](server), [(each.method, each.path, each.body) for each in server.log if "/requests/" not in each.path]
        finally:
            client.RUN_URL_FORMAT, client.QUEUE_URL_FORMAT = before  # type: ignore[attr-defined]


def main(target: str) -> None:
    warnings.simplefilter("ignore")
    found = {name: seen_by(name) for name in FORMS}
    assert "revenium_middleware._calls" not in sys.modules, "this process is to know the SDKs alone"
    Path(target).write_bytes(pickle.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # the SDKs' own clients are left open


if __name__ == "__main__":
    main(sys.argv[1])
