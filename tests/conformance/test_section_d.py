"""Section D, 82 to 89: Ollama through its own SDK."""

from __future__ import annotations

import asyncio
import time
from itertools import islice

import pytest

from revenium_middleware.testing import Fault

from .conftest import ASK

ollama = pytest.importorskip("ollama", reason="the ollama package is not installed")

import revenium_middleware.ollama  # noqa: E402, F401

CALLS = {
    "chat": {"messages": ASK},
    "generate": {"prompt": "Hello there"},
    "embed": {"input": "Hello there"},
    "embeddings": {"prompt": "Hello there"},
}


class Native:
    def __init__(self, url, asynchronous):
        self.url, self.asynchronous = url, asynchronous

    def call(self, method, leave_after=10_000, **arguments):
        """The answer, or the events of a stream, which is closed when it was left."""
        arguments = {"model": "qwen2.5:0.5b", **CALLS[method], **arguments}
        streamed = arguments.get("stream") is True
        if not self.asynchronous:
            client = ollama.Client(self.url)
            try:
                answer = getattr(client, method)(**arguments)
                if not streamed:
                    return answer
                events = list(islice(answer, leave_after))
                answer.close()
                return events
            finally:
                client._client.close()

        async def work():
            client = ollama.AsyncClient(self.url)
            try:
                answer = await getattr(client, method)(**arguments)
                if not streamed:
                    return answer
                events = []
                async for event in answer:
                    events.append(event)
                    if len(events) == leave_after:
                        break
                await answer.aclose()
                return events
            finally:
                await client._client.aclose()

        return asyncio.run(work())


@pytest.fixture(params=["sync", "async"])
def native(request, provider):
    return Native(provider.url, request.param == "async")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_82_83_clients_of_ones_own_are_one_record_per_call(native, method, streamed, one, same):
    native.call(method, stream=streamed)
    payload = one()
    same(payload)
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("OLLAMA", "OLLAMA", "qwen2.5:0.5b")
    assert (payload["operationType"], payload["isStreamed"], payload["stopReason"]) == ({"chat": "CHAT", "generate": "GENERATE"}[method], streamed, "END")


@pytest.mark.filterwarnings("ignore:usage_metadata key")
def test_82_module_functions_are_one_record_too(provider, one, same, monkeypatch):
    kind = type(ollama._client._client)
    with kind(base_url=provider.url) as mine:
        monkeypatch.setattr(ollama._client, "_client", mine)
        ollama.chat(model="qwen2.5:0.5b", messages=ASK, usage_metadata={"organization_id": "acme", "agent": "support"})
    payload = one()
    same(payload)
    assert (payload["organizationName"], payload["agent"]) == ("acme", "support")


def test_84_legacy_embeddings_are_a_record_without_tokens(native, one):
    native.call("embeddings")
    payload = one()
    assert (payload["operationType"], payload["inputTokenCount"], payload["outputTokenCount"], payload["stopReason"]) == ("EMBED", 0, 0, "END")


def test_84_embed_counts_its_input(native, one, same):
    if not hasattr(ollama.Client, "embed"):
        pytest.skip("this version has no embed")
    native.call("embed")
    payload = one()
    same(payload)
    assert (payload["operationType"], payload["outputTokenCount"]) == ("EMBED", 0)


@pytest.mark.parametrize("method", ["chat", "generate"])
def test_85_a_stream_stopped_early_is_one_record(native, method, one):
    native.call(method, stream=True, leave_after=2)
    payload = one()
    assert payload["stopReason"] == "CANCELLED"
    assert payload["inputTokenCount"] > 0 and payload["outputTokenCount"] > 0


def test_86_answers_are_not_changed(native):
    answer = native.call("chat")
    plain = answer if isinstance(answer, dict) else {**answer.model_dump(), **vars(answer)}
    assert not any("revenium" in name for name in plain)  # that users see what the SDK alone shows: tests/direct/test_forms.py


def test_87_response_time_is_when_the_provider_answered(native, one):
    before = time.time()
    native.call("chat")
    after = time.time()
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(before)) <= one()["responseTime"] <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(after))


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_88_a_refusal_is_one_error_record(native, provider, method, streamed, one):
    if native.asynchronous and streamed and not hasattr(ollama.Client, "embed"):
        pytest.skip("this version's own handling of a refused async stream breaks before the refusal can be seen")
    provider.script(Fault.bad_request())
    with pytest.raises(ollama.ResponseError):
        native.call(method, stream=streamed)
    payload = one()
    assert (payload["stopReason"], payload["errorReason"], payload["errorCode"]) == ("ERROR", "ResponseError (HTTP 400)", 400)
    assert (payload["inputTokenCount"], payload["outputTokenCount"]) == (0, 0)
