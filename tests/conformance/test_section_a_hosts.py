"""Section A, 32 to 35 and 37 to 40: other hosts, attribution, and what used not to be metered at all."""

from __future__ import annotations

import io
import json

import openai
import pytest

from revenium_middleware.testing import Fault

from .conftest import ASK, has

CHAT = "chat.completions.create"


def through(side, provider, base_url, **options):
    """A client of ``base_url`` whose traffic the loopback provider answers, as an HTTP proxy would."""
    kind = openai.DefaultAsyncHttpxClient if side.asynchronous else openai.DefaultHttpxClient
    return side.client(base_url=base_url, http_client=kind(proxy=provider.url), **options)


def answer_of(model, usage, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return Fault(body={"id": "own-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice], "usage": usage, **more})


@pytest.mark.parametrize("stream", [False, True])
def test_a32_perplexity_through_the_openai_client_with_both_imported_is_one_record(side, provider, one, same, stream):
    import revenium_middleware.perplexity

    assert revenium_middleware.perplexity.__name__
    client = through(side, provider, "http://api.perplexity.ai")
    side.call(CHAT, client=client, model="sonar", messages=ASK, stream=stream)
    payload = one()
    assert provider.log[0].host == "api.perplexity.ai"
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("PERPLEXITY", "PERPLEXITY", "sonar")
    assert payload["totalTokenCount"] == provider.billed[0].usage.total
    assert payload["totalCost"] == pytest.approx(provider.billed[0].usage.cost)


@pytest.mark.parametrize("reported", ["gpt-4.1-nano-2025-04-14", "some-own-model"])
def test_a33_azure_records_the_model_that_azure_reports(side, provider, one, reported):
    kind = openai.AsyncAzureOpenAI if side.asynchronous else openai.AzureOpenAI
    provider.script(answer_of(reported, {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    client = kind(azure_endpoint=provider.url, api_version="2024-06-01", api_key="k")
    side.call(CHAT, client=client, model="my-deployment", messages=ASK)
    payload = one()
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("Azure", "OPENAI", reported)


def test_a33_azures_own_address_with_the_plain_client(side, provider, one):
    client = through(side, provider, "http://res.openai.azure.com/openai/v1")
    provider.script(Fault.server_error())
    with pytest.raises(openai.InternalServerError):
        side.call(CHAT, client=client, model="team-gpt41-mini", messages=ASK)
    payload = one()
    assert (payload["provider"], payload["model"], payload["stopReason"]) == ("Azure", "gpt-4.1-mini", "ERROR")


def test_a34_xai_bills_reasoning_as_output_and_says_what_it_cost(side, provider, one):
    details = {"reasoning_tokens": 30}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45, "completion_tokens_details": details, "cost_in_usd_ticks": 12_500_000}
    provider.script(answer_of("grok-4-0709", usage))
    side.call(CHAT, client=through(side, provider, "http://api.x.ai/v1"), model="grok-4", messages=ASK)
    payload = one()
    assert (payload["provider"], payload["modelSource"]) == ("XAI", "XAI")
    counted = [payload[name + "TokenCount"] for name in ("input", "output", "total", "reasoning")]
    assert counted == [10, 35, 45, 30]
    assert payload["totalCost"] == pytest.approx(0.00125)


@pytest.mark.parametrize("stream", [False, True])
def test_a35_cache_writes_are_counted_once(side, provider, one, same, stream):
    side.call(CHAT, model="gpt-4o-cachewrite", messages=ASK, stream=stream)
    payload, used = one(), provider.billed[0].usage
    same(payload)
    assert payload["cacheCreationTokenCount"] == used.cache_written > 0
    assert payload["inputTokenCount"] + payload["cacheCreationTokenCount"] == used.input


@pytest.mark.parametrize(("model", "input_count"), [("anthropic/claude-sonnet-4", 60), ("gpt-4o", 100)])
def test_a37_the_input_of_claude_behind_a_gateway_is_net_of_the_cache(side, provider, one, model, input_count):
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "prompt_tokens_details": {"cached_tokens": 40}}
    provider.script(answer_of(model, usage))
    side.call(CHAT, client=through(side, provider, "http://openrouter.ai/api/v1"), model=model, messages=ASK)
    payload = one()
    counted = [payload[name] for name in ("provider", "inputTokenCount", "cacheReadTokenCount", "totalTokenCount")]
    assert counted == ["OPENROUTER", input_count, 40, 105]


FIELDS = {
    "trace_id": "t-1", "trace_type": "batch", "trace_name": "Nightly", "task_type": "qa", "transaction_name": "Answer", "parent_transaction_id": "p-1",
    "retry_number": 2, "environment": "prod", "region": "eu", "ticket_id": "T-9", "effort": "high", "skill_name": "pdf", "skill_source": "plugin",
    "organization_name": "Acme", "product_name": "Chat", "subscription_id": "sub", "agent": "a", "agentic_job_id": "job-1", "response_quality_score": 0,
}  # fmt: skip
CALLS = [
    pytest.param(CHAT, {"messages": ASK}, id="chat"),
    pytest.param("responses.create", {"input": "Hello"}, id="responses", marks=has("responses")),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "arguments"), CALLS)
def test_a38_a39_every_field_arrives_streamed_or_not(side, one, path, arguments, stream):
    side.call(path, model="gpt-4o", stream=stream, usage_metadata=FIELDS, **arguments)
    payload = one()
    camel = {name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:]): value for name, value in FIELDS.items()}
    assert {name: payload.get(name) for name in camel} == camel


# ---------------------------------------------------------------------- 40: never metered before


def test_a40_legacy_completions(side, one, same):
    side.call("completions.create", model="gpt-3.5-turbo-instruct", prompt="Say it")
    payload = one()
    same(payload)
    assert payload["operationType"] == "GENERATE"


def test_a40_legacy_completions_streamed(side, one, same):
    side.call("completions.create", model="gpt-3.5-turbo-instruct", prompt="Say it", stream=True)
    same(one())


PICTURE = ("a.png", b"\x89PNG", "image/png")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, at methods on their way out
@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2"])
@pytest.mark.parametrize("method", ["generate", "edit", "create_variation"])
def test_a40_images(side, one, provider, method, model):
    given = {"generate": {"prompt": "a boat"}, "edit": {"prompt": "a boat", "image": PICTURE}, "create_variation": {"image": PICTURE}}[method]
    side.call("images." + method, model=model, n=2, size="1024x1024", **given)
    payload = one("images")
    kept = [payload[name] for name in ("actualImageCount", "requestedImageCount", "resolution", "operationType", "billingUnit")]
    unit = "PER_TOKEN" if provider.billed[0].usage.total else "PER_IMAGE"
    assert kept == [2, 2, "1024x1024", "IMAGE", unit]
    assert payload["sourceImageProvided"] is (method != "generate")


def _uploaded(client, lines):
    content = io.BytesIO(b"\n".join(json.dumps(line).encode() for line in lines))
    return client.files.create(file=("in.jsonl", content), purpose="batch").id


def test_a40_a_batch_is_one_record_per_line_when_its_results_are_downloaded(client, provider, delivered):
    lines = [{"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o", "messages": ASK}} for n in range(3)]
    arguments = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": _uploaded(client, lines)}
    batch = client.batches.create(extra_body={"usage_metadata": {"agent": "a"}}, **arguments)
    while batch.status != "completed":
        batch = client.batches.retrieve(batch.id)
    delivered(0)
    for _ in range(2):
        client.files.content(batch.output_file_id)
    payloads = delivered(3)
    assert {(payload["pricingTier"], payload.get("agent"), payload["model"]) for payload in payloads} == {("BATCH", "a", "gpt-4o-2024-08-06")}
    assert sum(payload["totalTokenCount"] for payload in payloads) == provider.usage.total


def test_a40_fine_tuning_is_recorded_when_it_is_seen_done(client, provider, one):
    job = client.fine_tuning.jobs.create(model="gpt-4o", training_file=_uploaded(client, [{"messages": ASK}]), extra_body={"usage_metadata": {"agent": "a"}})
    for _ in range(6):
        job = client.fine_tuning.jobs.retrieve(job.id)
    payload = one()
    assert (payload["inputTokenCount"], payload["agent"]) == (provider.usage.input, "a")
    assert payload["operationSubtype"] == "fine_tuning"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a40_an_assistants_run_is_recorded_when_it_is_seen_done(client, provider, one):
    assistant = client.beta.assistants.create(model="gpt-4o")
    thread = client.beta.threads.create(messages=ASK)
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=1)
    payload = one()
    assert (payload["totalTokenCount"], payload["transactionId"]) == (provider.usage.total, run.id)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@has("videos")
def test_a40_a_video_is_recorded_when_it_is_seen_done(client, provider, one):
    video = client.videos.create(prompt="a boat", seconds="8", usage_metadata={"agent": "a"})
    for _ in range(5):
        video = client.videos.retrieve(video.id)
    payload = one("video")
    kept = [payload[name] for name in ("durationSeconds", "videoJobId", "completionStatus", "billingUnit", "agent")]
    assert kept == [8.0, video.id, "SUCCESS", "PER_SECOND", "a"]


def test_a40_moderations_are_free(side, delivered):
    side.call("moderations.create", input="Hello")
    delivered(0)
