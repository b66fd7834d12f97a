"""Section E, 90 to 98: Perplexity through its own SDK and through the openai package."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import warnings
from itertools import islice
from operator import attrgetter

import openai
import pytest

import revenium_middleware
import revenium_middleware.perplexity
from revenium_middleware._calls.hooks import Hooks, Target
from revenium_middleware.testing import Fault

from .conftest import ASK

perplexity = pytest.importorskip("perplexity", reason="perplexityai is not installed")


class Native:
    def __init__(self, url, asynchronous):
        self.url, self.asynchronous = url, asynchronous

    def client(self):
        kind = perplexity.AsyncPerplexity if self.asynchronous else perplexity.Perplexity
        return kind(base_url=self.url, api_key="pplx-loopback", max_retries=0)

    def call(self, path="chat.completions.create", leave_after=10_000, close=True, **arguments):
        arguments = {"model": "sonar", "messages": ASK, **arguments}
        streamed = arguments.get("stream") is True
        if not self.asynchronous:
            with self.client() as client:
                answer = attrgetter(path)(client)(**arguments)
                return list(islice(answer, leave_after)) if streamed else answer

        async def work():
            async with self.client() as client:
                answer = await attrgetter(path)(client)(**arguments)
                events = []
                if not streamed:
                    return answer
                async for event in answer:
                    events.append(event)
                    if len(events) == leave_after:
                        break
                if close:
                    await answer.close()
                return events

        return asyncio.run(work())


@pytest.fixture(params=["sync", "async"])
def native(request, provider):
    return Native(provider.url, request.param == "async")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sonar", "sonar-deep-research"])
def test_e90_e91_e95_native_chat_is_one_record_with_the_reported_cost(native, one, provider, stream, model):
    native.call(model=model, stream=stream)
    payload, used = one(), provider.billed[0].usage
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("PERPLEXITY", "PERPLEXITY", model)
    counted = [payload[name + "TokenCount"] for name in ("input", "output", "total")]
    assert counted == [used.input, used.output, used.total]
    assert payload.get("reasoningTokenCount", 0) == used.reasoning
    assert payload["totalCost"] == pytest.approx(used.cost) != 0
    assert payload["isStreamed"] is stream
    assert payload["middlewareSource"] == "PYTHON"


def test_e90_a_hook_that_cannot_apply_is_a_warning_that_names_it_and_initialized_is_false(caplog):
    hooks = Hooks()
    hooks.install("perplexity", (Target("perplexity._base_client", "NoSuchClient.request", lambda *args: None),))
    assert "perplexity._base_client:NoSuchClient.request does not exist" in caplog.text
    assert hooks.complete("perplexity") is False
    assert revenium_middleware.perplexity.is_initialized() is True


def test_e92_the_native_middleware_loads_and_meters_without_the_openai_package(provider, tmp_path):
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "import revenium_middleware_perplexity as middleware, revenium_middleware, perplexity\n"
        "perplexity.Perplexity(base_url=%r, api_key='k').chat.completions.create(model='sonar', messages=[{'role': 'user', 'content': 'x'}])\n"
        "assert middleware.is_initialized(), revenium_middleware.status().not_initialized\n"
        "assert revenium_middleware.status().recorded == 1\n" % provider.url
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def _through(provider, base_url, asynchronous):
    http = (openai.DefaultAsyncHttpxClient if asynchronous else openai.DefaultHttpxClient)(proxy=provider.url)
    return (openai.AsyncOpenAI if asynchronous else openai.OpenAI)(base_url=base_url, api_key="k", http_client=http, max_retries=0)


@pytest.mark.parametrize(("base_url", "label"), [("http://api.perplexity.ai", "PERPLEXITY"), ("http://api.openai.com/v1", "OPENAI")])
def test_e93_an_async_openai_client_is_one_record_with_its_hosts_label(provider, one, base_url, label):
    async def work():
        async with _through(provider, base_url, True) as client:
            await client.chat.completions.create(model="sonar", messages=ASK)

    asyncio.run(work())
    assert one()["provider"] == label


def test_e94_a_stream_that_is_left_is_one_record_with_what_was_seen(native, one):
    native.call(stream=True, leave_after=2)
    gc.collect()
    payload = one()
    assert payload["stopReason"] == "CANCELLED"
    assert payload["outputTokenCount"] == 2, "Perplexity says at each chunk what was used so far"


def test_e94_a_stream_that_is_dropped_is_one_record(provider, one):
    with perplexity.Perplexity(base_url=provider.url, api_key="k") as client:
        stream = client.chat.completions.create(model="sonar", messages=ASK, stream=True)
        next(iter(stream))
        del stream
        gc.collect()
        assert one()["stopReason"] == "CANCELLED"


@pytest.mark.parametrize("way", ["keyword", "extra_body", "scope"])
def test_e96_metadata_is_accepted_each_way_and_never_sent(native, one, provider, way):
    said = {"organization_name": "Acme", "subscriber": {"id": "u"}}
    if way == "scope":
        with revenium_middleware.metadata(**said):
            native.call()
    else:
        native.call(**({"usage_metadata": said} if way == "keyword" else {"extra_body": {"usage_metadata": said}}))
    payload = one()
    assert (payload["organizationName"], payload["subscriber"]) == ("Acme", {"id": "u"})
    sent = provider.log[0]
    assert "Acme" not in str(sent.body) + str(sent.headers) + str(sent.query)
    assert "usage_metadata" not in str(sent.body)


def test_e96_the_responses_of_the_native_sdk_take_it_too(native, one, provider):
    if not hasattr(native.client(), "responses"):
        pytest.skip("perplexityai %s has no responses" % perplexity.__version__)
    arguments = {"model": "openai/gpt-5.1", "input": "Hello", "usage_metadata": {"agent": "a"}}
    if native.asynchronous:

        async def work():
            async with native.client() as client:
                await client.responses.create(**arguments)

        asyncio.run(work())
    else:
        with native.client() as client:
            client.responses.create(**arguments)
    payload = one()
    assert (payload["agent"], payload["totalTokenCount"]) == ("a", provider.billed[0].usage.total)
    assert payload["totalCost"] == pytest.approx(provider.billed[0].usage.cost)


def test_e97_a_refused_call_is_one_error_record(native, one, provider):
    provider.script(Fault.rate_limited())
    with pytest.raises(perplexity.RateLimitError):
        native.call()
    payload = one()
    assert (payload["provider"], payload["errorReason"], payload["errorCode"]) == ("PERPLEXITY", "RateLimitError (HTTP 429)", 429)


@pytest.mark.parametrize("fault", [Fault.cut(after=2), Fault.error_event(after=2)], ids=["cut", "error event"])
def test_e97_a_stream_that_breaks_is_one_error_record(native, one, provider, fault):
    provider.script(fault)
    with pytest.raises(Exception) as raised:
        native.call(stream=True)
    payload = one()
    assert payload["stopReason"] == "ERROR"
    assert payload["errorReason"].startswith(type(raised.value).__name__)


def test_e98_the_deprecated_names_are_translated(native, one):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        native.call(usage_metadata={"organization_id": "Acme", "productId": "Chat"})
    assert sorted(str(each.message).split("'")[1] for each in caught if "usage_metadata" in str(each.message)) == ["organization_id", "productId"]
    payload = one()
    assert (payload["organizationName"], payload["productName"]) == ("Acme", "Chat")
    assert not {"organizationId", "productId"} & set(payload)
