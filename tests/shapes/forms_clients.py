"""Last part of the table: the clients people make."""

from __future__ import annotations

from typing import Any, Dict

import httpx
import openai

from .side import HTTP, Expect, Side, chat_body
from .table import STREAM, SYNC, form
from .wire import MODEL

AZURE = {"api_key": "azure-key", "api_version": "2024-10-21"}


@form(Expect(records=2, tagged=True), sides=SYNC)
async def module_level_client(s: Side) -> None:
    openai.api_key, openai.base_url = "sk-module", s.wire.openai_url + "/"
    openai._reset_client()
    try:
        s.see(openai.chat.completions.create(**chat_body(), **s.tag()))
        s.see(openai.chat.completions.create(**chat_body(), seed=3, **s.tag()))
    finally:
        openai._load_client().close()
        openai.api_key = openai.base_url = None
        openai._reset_client()


@form()
async def with_options(s: Side) -> None:
    other = s.client.with_options(max_retries=1, timeout=20.0, default_headers={"X-Mine": "1"})
    s.answer(await s.call(other.chat.completions.create, **chat_body()))


@form(STREAM)
async def copy_of_a_client(s: Side) -> None:
    await s.drain(await s.call(s.client.copy().chat.completions.create, **chat_body(), stream=True))


@form(Expect(tagged=True))
async def users_subclass(s: Side) -> None:
    base = s.kind("OpenAI")

    class Mine(base):  # type: ignore[misc, valid-type]
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    s.client = s.keep(Mine(api_key="sk-test", base_url=s.wire.openai_url))
    s.answer(await s.chat(**s.tag()))


@form()
async def default_query_and_headers(s: Side) -> None:
    s.client = s.make(default_query={"team": "a"}, default_headers={"X-Team": "a"}, organization="org-1", project="proj-1")
    s.answer(await s.chat())


def azure(s: Side, **options: Any) -> Any:
    given: Dict[str, Any] = {**AZURE, "azure_endpoint": s.wire.url, "base_url": None, **options}
    if "base_url" in options:
        del given["azure_endpoint"]
    return s.make("AzureOpenAI", **given)


@form(Expect(tagged=True, provider="Azure"))
async def azure_by_model(s: Side) -> None:
    s.client = azure(s)
    s.answer(await s.chat(model="my-deployment", **s.tag()))


@form(STREAM._replace(provider="Azure"))
async def azure_stream(s: Side) -> None:
    s.client = azure(s, azure_deployment="my-deployment")
    await s.drain(await s.chat(stream=True))


@form()
async def custom_http_client(s: Side) -> None:
    kind = openai.DefaultAsyncHttpxClient if s.asynchronous else openai.DefaultHttpxClient
    s.client = s.make(http_client=kind(headers={"X-From": "mine"}))
    s.answer(await s.chat())


def _own(s: Side, library: Any) -> Any:
    return (library.AsyncClient if s.asynchronous else library.Client)(headers={"X-From": "mine"})


@form(STREAM, gzip=True)
async def http_client_of_the_sdks_library(s: Side) -> None:
    s.client = s.make(http_client=_own(s, HTTP))
    await s.drain(await s.chat(stream=True))


if HTTP is not httpx:

    @form(gzip=True)
    async def client_of_the_older_http_library(s: Side) -> None:
        s.client = s.make(http_client=_own(s, httpx))
        s.answer(await s.chat())

    @form(STREAM, gzip=True)
    async def stream_of_the_older_http_library(s: Side) -> None:
        s.client = s.make(http_client=_own(s, httpx))
        await s.drain(await s.chat(stream=True))

    @form(STREAM._replace(asks=False, usage="estimated", said=26), gzip=True)
    async def lines_of_the_older_http_library(s: Side) -> None:
        s.client = s.make(http_client=_own(s, httpx))
        async with s.entered(s.client.chat.completions.with_streaming_response.create(**chat_body(), stream=True)) as response:
            s.see([line async for line in s.each(response.iter_lines())])


@form()
async def event_hooks_of_the_http_client(s: Side) -> None:
    seen = []

    def hook(message: Any) -> None:
        seen.append(sorted(name for name in message.headers if "revenium" in name))

    async def awaited(message: Any) -> None:
        hook(message)

    hooks = {"request": [awaited if s.asynchronous else hook]}
    s.client = s.make(http_client=(HTTP.AsyncClient if s.asynchronous else HTTP.Client)(event_hooks=hooks))
    s.answer(await s.chat(model=MODEL))
    s.see(seen)
