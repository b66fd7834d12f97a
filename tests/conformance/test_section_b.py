"""Section B: Anthropic, Claude on Bedrock and in Foundry.

Not here, since nothing of ours would run: B60 and B61 (raw boto3, which another middleware owns). B66 is LangChain's.
B55, B56, B57 and B62 are whole tables, in tests/anthropic.
"""

from __future__ import annotations

import asyncio
from operator import attrgetter
from typing import Any

import pytest

anthropic = pytest.importorskip("anthropic", reason="this SDK is not installed")

import revenium_middleware_anthropic  # noqa: E402
from revenium_middleware._calls.runtime import runtime  # noqa: E402
from revenium_middleware.testing import Fault  # noqa: E402

from .conftest import ASK, Answer, Side, tokens  # noqa: E402

SAY = {"model": "claude-opus-4-7", "max_tokens": 64, "messages": ASK}
STOPS = {"end_turn": "END", "max_tokens": "TOKEN_LIMIT", "stop_sequence": "END_SEQUENCE", "tool_use": "END_SEQUENCE", "content_filter": "ERROR", "new": "END"}


class Claude(Side):
    def client(self, **options: Any) -> Any:
        name = options.pop("kind", "Anthropic")
        kind = getattr(anthropic, ("Async" if self.asynchronous else "") + name)
        return kind(**{"base_url": self.url, "api_key": "none", "max_retries": 0, **options})


@pytest.fixture(params=["sync", "async"])
def claude(request, provider):
    return Claude(provider.url, request.param == "async")


@pytest.fixture
def same(provider):
    """Asserts that a payload has every token of what the provider billed, each bucket beside the others."""

    def check(payload, number=-1):
        used = provider.billed[number].usage
        assert tokens(payload) == {name: getattr(used, name) for name in ("input", "output", "total", "cached", "reasoning", "cache_written")}
        assert payload["totalTokenCount"] == payload["inputTokenCount"] + payload["outputTokenCount"] > 0

    return check


def needs(path):
    try:
        attrgetter(path)(anthropic.Anthropic(api_key="none"))
    except AttributeError:
        return pytest.mark.skip(reason="anthropic %s has no %s" % (anthropic.__version__, path))
    return lambda test: test


# ---------------------------------------------------------------------- whichever way it is called


def test_b41_and_b42_streams_of_create(claude, one, same):
    events = claude.call("messages.create", stream=True, usage_metadata={"agent": "a"}, **SAY)
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    payload = one()
    same(payload)
    assert (payload["isStreamed"], payload["agent"], payload["transactionId"]) == (True, "a", events[0].message.id)


@pytest.mark.parametrize("read", ["events", "text_stream", "get_final_message", "get_final_text", "until_done"])
def test_b43_stream_helpers_however_they_are_read(claude, one, same, read):
    if not claude.asynchronous:
        with claude.client() as client, client.messages.stream(**SAY) as stream:
            source = stream if read == "events" else getattr(stream, read)
            assert list(source) if read in ("events", "text_stream") else source() or True
    else:

        async def work():
            async with claude.client() as client, client.messages.stream(**SAY) as stream:
                source = stream if read == "events" else getattr(stream, read)
                if read in ("events", "text_stream"):
                    assert [each async for each in source]
                else:
                    await source()

        asyncio.run(work())
    same(one())


def test_b44_a_raw_response_is_the_sdks_own(claude, one, same):
    async def parsed(response):
        answer = response.parse()
        return await answer if asyncio.iscoroutine(answer) else answer

    response = claude.call("messages.with_raw_response.create", **SAY)
    assert type(response).__name__ in ("LegacyAPIResponse", "APIResponse", "AsyncAPIResponse")
    assert asyncio.run(parsed(response)).usage.output_tokens > 0
    same(one())


@pytest.mark.parametrize("streamed", [False, True])
def test_b45_a_streaming_response_is_read_as_the_caller_reads_it(claude, one, same, streamed):
    if not claude.asynchronous:
        with claude.client() as client, client.messages.with_streaming_response.create(stream=streamed, **SAY) as response:
            assert b"".join(response.iter_bytes())
    else:

        async def work():
            async with claude.client() as client, client.messages.with_streaming_response.create(stream=streamed, **SAY) as response:
                assert b"".join([part async for part in response.iter_bytes()])

        asyncio.run(work())
    same(one())


def test_b46_a_raw_response_of_a_stream(provider, one, same):
    with anthropic.Anthropic(base_url=provider.url, api_key="none") as client:
        assert list(client.messages.with_raw_response.create(stream=True, **SAY).parse())
    same(one())


@needs("beta.messages")
@pytest.mark.parametrize("streamed", [False, True])
def test_b47_beta_messages(claude, one, same, streamed):
    model = "claude-cached-cachewrite"
    claude.call("beta.messages.create", stream=streamed, betas=["some-beta"], usage_metadata={"agent": "a"}, **{**SAY, "model": model})
    payload = one()
    same(payload)
    assert payload["agent"] == "a"
    assert payload["cacheReadTokenCount"] > 0


def test_b47_usage_of_server_tools_is_read_past(claude, one, provider):
    provider.script(Fault(usage=lambda usage: {**usage, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0}}))
    claude.call("messages.create", **SAY)
    assert one()["inputTokenCount"] == provider.billed[0].usage.input


@needs("messages.parse")
@pytest.mark.parametrize("path", ["messages.parse", "beta.messages.parse"])
def test_b48_parse(claude, one, same, path):
    answer = claude.call(path, output_format=Answer, **SAY)
    assert isinstance(answer.parsed_output, Answer)
    same(one())


@needs("beta.messages.tool_runner")
@pytest.mark.parametrize("streamed", [False, True])
def test_b49_the_tool_runner_is_a_record_per_step(provider, delivered, same, streamed):
    @anthropic.beta_tool
    def look_up(word: str) -> str:
        """Looks up a word."""
        return "a greeting"

    with anthropic.Anthropic(base_url=provider.url, api_key="none") as client:
        runner = client.beta.messages.tool_runner(**SAY, tools=[look_up], stream=streamed, usage_metadata={"agent": "a"})
        steps = [list(step) if streamed else step for step in runner]
    payloads = sorted(delivered(2), key=lambda payload: payload["transactionId"])
    assert len(steps) == 2
    for number, payload in enumerate(payloads):
        same(payload, number)
    assert [payload["stopReason"] for payload in payloads] == ["END_SEQUENCE", "END"]
    offered = [bool(each.body.get("tools")) for each in provider.billed]  # newer releases offer them once, the server remembers
    assert [(payload["agent"], payload["operationType"] == "TOOL_CALL") for payload in payloads] == [("a", each) for each in offered]


# ---------------------------------------------------------------------- caches and steps


@pytest.mark.parametrize("streamed", [False, True])
def test_b50_caches_on_bedrock(claude, one, same, provider, streamed):
    pytest.importorskip("botocore")
    keys = {"aws_access_key": "a", "aws_secret_key": "b", "aws_region": "us-east-1"}
    kind = anthropic.AsyncAnthropicBedrock if claude.asynchronous else anthropic.AnthropicBedrock
    client = kind(base_url=provider.url, max_retries=0, **keys)
    claude.call("messages.create", client, stream=streamed, **{**SAY, "model": "claude-cached-cachewrite"})
    payload = one()
    same(payload)
    assert payload["cacheReadTokenCount"] > 0
    assert payload["cacheCreationTokenCount"] > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_b51_cache_writes_by_their_lifetime(claude, one, provider, streamed):
    lasting = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    provider.script(Fault(usage=lambda usage: {**usage, "cache_creation_input_tokens": 7, "cache_creation": lasting}))
    claude.call("messages.create", stream=streamed, **SAY)
    payload = one()
    assert (payload["cacheCreation5mTokenCount"], payload["cacheCreation1hTokenCount"], payload["cacheCreationTokenCount"]) == (3, 4, 7)


PASSES = [
    {"type": "message", "input_tokens": 20, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
    {"type": "compaction", "input_tokens": 900, "output_tokens": 80, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 0},
    {
        "type": "advisor_message",
        "model": "claude-advisor-1",
        "input_tokens": 300,
        "output_tokens": 30,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 9,
    },
]


@pytest.mark.parametrize("streamed", [False, True])
def test_b52_passes_billed_beside_the_answer_are_records_of_their_own(claude, delivered, same, provider, metering, streamed):
    provider.script(Fault(usage=lambda usage: {**usage, "iterations": PASSES}))
    claude.call("messages.create", stream=streamed, usage_metadata={"agent": "a"}, **SAY)
    payloads = {payload["transactionId"]: payload for payload in delivered(3)}
    name = provider.billed[0].id
    assert set(payloads) == {name, name + "-iteration-1", name + "-iteration-2"}
    same(payloads[name])
    compaction, advice = payloads[name + "-iteration-1"], payloads[name + "-iteration-2"]
    assert (compaction["model"], compaction["inputTokenCount"], compaction["outputTokenCount"]) == ("claude-opus-4-7", 900, 80)
    assert (advice["model"], advice["inputTokenCount"], advice["cacheCreationTokenCount"]) == ("claude-advisor-1", 300, 9)
    assert {each["parentTransactionId"] for each in (compaction, advice)} == {name}
    assert {each["agent"] for each in payloads.values()} == {"a"}
    assert len({each.key for each in metering.records}) == 3


# ---------------------------------------------------------------------- ends, clouds, failures


@pytest.mark.parametrize("reason", sorted(STOPS))
@pytest.mark.parametrize("streamed", [False, True])
def test_b53_stop_reasons(one, provider, reason, streamed):
    whole = provider._proper

    def stopped(*given):
        answer = whole(*given)
        if answer.body is not None:
            answer.body["stop_reason"] = reason
        for event in answer.events or ():
            if event.name == "message_delta":
                event.data["delta"]["stop_reason"] = reason
        return answer

    provider._proper = stopped
    with anthropic.Anthropic(base_url=provider.url, api_key="none") as client:
        answer = client.messages.create(stream=streamed, **SAY)
        if streamed:
            list(answer)
    assert one()["stopReason"] == STOPS[reason]


def test_b54_the_async_client_of_bedrock_is_awss(provider, one):
    pytest.importorskip("botocore")

    async def work():
        keys = {"aws_access_key": "a", "aws_secret_key": "b", "aws_region": "us-east-1"}
        async with anthropic.AsyncAnthropicBedrock(base_url=provider.url, max_retries=0, **keys) as client:
            await client.messages.create(usage_metadata={"organization_id": "old", "organization_name": "new"}, **SAY)

    asyncio.run(work())
    payload = one()
    assert (payload["provider"], payload["modelSource"]) == ("AWS", "ANTHROPIC")
    assert payload["organizationName"] == "new"  # B58: by its present name only
    assert "organizationId" not in payload


@pytest.mark.skipif(not hasattr(anthropic, "AnthropicFoundry"), reason="this release has no client for it")
@pytest.mark.parametrize("off", ["", "1"])
def test_b59_foundry(provider, one, same, off, monkeypatch):
    monkeypatch.setenv("REVENIUM_BEDROCK_DISABLE", off)
    with anthropic.AnthropicFoundry(api_key="none", base_url=provider.url + "/anthropic/") as client:
        client.messages.create(**SAY)
    payload = one()
    same(payload)
    assert (payload["provider"], payload["modelSource"], payload["modelHost"]) == ("Foundry", "ANTHROPIC", "foundry")


@pytest.mark.parametrize("streamed", [False, True])
def test_b63_a_refused_call_is_one_error_record(claude, one, provider, streamed):
    provider.script(Fault.rate_limited())
    with pytest.raises(anthropic.RateLimitError):
        claude.call("messages.create", stream=streamed, **SAY)
    payload = one()
    assert (payload["stopReason"], payload["errorCode"], payload["errorReason"]) == ("ERROR", 429, "RateLimitError (HTTP 429)")
    assert tokens(payload) == dict.fromkeys(tokens(payload), 0)


def test_b64_batches_are_metered_line_by_line(provider, delivered, same):
    with anthropic.Anthropic(base_url=provider.url, api_key="none") as client:
        requests = [{"custom_id": "line-%d" % number, "params": SAY} for number in range(3)]
        batch = client.messages.batches.create(requests=requests, usage_metadata={"agent": "a"})
        for _ in range(3):
            client.messages.batches.retrieve(batch.id)
        for _ in range(2):
            assert len(list(client.messages.batches.results(batch.id))) == 3
    for payload in delivered(3):
        used = provider.billed[0].usage
        assert (payload["inputTokenCount"] * 3, payload["outputTokenCount"] * 3) == (used.input, used.output)
        assert (payload["pricingTier"], payload["agent"], payload["isStreamed"]) == ("BATCH", "a", False)


def test_b65_is_initialized_means_that_calls_are_metered(monkeypatch):
    assert revenium_middleware_anthropic.is_initialized()
    monkeypatch.setenv("REVENIUM_LEDGER", "off")
    assert not revenium_middleware_anthropic.is_initialized()
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", "hak_something")
    assert revenium_middleware_anthropic.is_initialized()
    monkeypatch.setitem(runtime.hooks.missing, "anthropic", ["anthropic._base_client:SyncAPIClient.request"])
    assert not revenium_middleware_anthropic.is_initialized()


# ---------------------------------------------------------------------- a stream that is left


def test_a_stream_that_was_left_has_the_providers_input_and_an_estimated_output(claude, records, provider):
    claude.helper("messages.stream", leave_after=6, **SAY)
    (record,) = records()
    values, used = record.values, provider.billed[0].usage
    assert (values["input_token_count"], values["usage_source"], values["stop_reason"]) == (used.input, "estimated", "CANCELLED")
    assert 0 < values["output_token_count"] <= used.output
