"""Section B, raw boto3: B50, B55 to B58, B60 and B61, as the metering service receives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Iterator

import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")

import revenium_middleware_bedrock  # noqa: E402, F401
from revenium_middleware.testing import Fault  # noqa: E402

from .conftest import tokens  # noqa: E402

SAY = [{"role": "user", "content": [{"text": "Hello there"}]}]
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CONVERSED = {"modelId": CLAUDE, "messages": SAY}
INVOKED = {"modelId": CLAUDE, "body": json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": SAY})}
CALLS = {"converse": CONVERSED, "converse_stream": CONVERSED, "invoke_model": INVOKED, "invoke_model_with_response_stream": INVOKED}
KEYS = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
forms = pytest.mark.parametrize("form", sorted(CALLS))


@pytest.fixture
def bedrock(provider: Any) -> Iterator[Any]:
    client = boto3.client("bedrock-runtime", region_name="eu-central-1", endpoint_url=provider.url, **KEYS)
    yield client
    client.close()


def asked(client: Any, form: str, **more: Any) -> Any:
    """The answer, its stream read to the end."""
    answer = getattr(client, form)(**{**CALLS[form], **more})
    if form.endswith("stream"):
        list(answer.get("stream") or answer["body"])
    return answer


@forms
def test_b60_raw_boto3_is_one_record_under_the_request_id_of_aws(form: str, bedrock: Any, provider: Any, one: Any) -> None:
    answer = asked(bedrock, form)
    payload = one("completions")
    assert payload["transactionId"] == answer["ResponseMetadata"]["RequestId"]
    assert (payload["provider"], payload["modelSource"], payload["model"]) == ("AWS", "ANTHROPIC", CLAUDE)
    assert (payload["stopReason"], payload["isStreamed"]) == ("END", form.endswith("stream"))
    used = provider.billed[0].usage
    assert tokens(payload) == {name: getattr(used, name) for name in ("input", "output", "total", "cached", "reasoning", "cache_written")}
    if form.endswith("stream"):
        assert 0 <= payload["timeToFirstToken"] <= payload["requestDuration"]


@forms
def test_b50_cache_counts_are_not_zero(form: str, bedrock: Any, provider: Any, one: Any) -> None:
    asked(bedrock, form, modelId="anthropic.claude-cached-cachewrite")
    payload, used = one("completions"), provider.billed[0].usage
    assert (payload["cacheReadTokenCount"], payload["cacheCreationTokenCount"]) == (used.cached, used.cache_written)
    assert used.cached > 0 and used.cache_written > 0


@pytest.mark.parametrize(
    "model", ["arn:aws:bedrock:eu-central-1:012345678901:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-v2"]
)
def test_b55_ids_and_arns_stay_byte_for_byte(model: str, bedrock: Any, provider: Any, one: Any) -> None:
    asked(bedrock, "converse", modelId=model)
    assert one("completions")["model"] == model
    assert provider.log[0].path == "/model/%s/converse" % model


@pytest.mark.parametrize("variable", ["AWS_DEFAULT_REGION", ""])
def test_b56_the_region_is_the_clients(variable: str, bedrock: Any, provider: Any, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    if variable:
        monkeypatch.setenv(variable, "sa-east-1")
        bedrock = boto3.client("bedrock-runtime", endpoint_url=provider.url, **KEYS)
    asked(bedrock, "converse")
    assert one("completions")["region"] == ("sa-east-1" if variable else "eu-central-1")


@forms
def test_b57_errors_reach_the_caller_and_nobody_else_is_asked(form: str, bedrock: Any, provider: Any, one: Any) -> None:
    provider.script(Fault(403, {"message": "No."}, {"x-amzn-errortype": "AccessDeniedException"}))
    with pytest.raises(bedrock.exceptions.AccessDeniedException):
        asked(bedrock, form)
    payload = one("completions")
    assert (payload["stopReason"], payload["errorReason"]) == ("ERROR", "AccessDeniedException (HTTP 403)")
    assert len(provider.log) == 1


@forms
def test_b58_metadata_arrives_under_its_names_of_today(form: str, bedrock: Any, provider: Any, one: Any) -> None:
    with pytest.warns(DeprecationWarning):
        asked(bedrock, form, usage_metadata={"organization_id": "Acme", "traceId": "t-1"})
    payload = one("completions")
    assert (payload["organizationName"], payload["traceId"]) == ("Acme", "t-1")
    assert "organizationId" not in payload and "usage_metadata" not in repr(provider.log)


def test_b60_switched_off_nothing_is_recorded(provider: Any) -> None:
    code = (
        "import boto3, sys, revenium_middleware, revenium_middleware_bedrock\n"
        "c = boto3.client('bedrock-runtime', region_name='us-east-1', endpoint_url=sys.argv[1], aws_access_key_id='n', aws_secret_access_key='n')\n"
        "c.converse(modelId='meta.llama3', messages=[{'role': 'user', 'content': [{'text': 'Hello'}]}], usage_metadata={})\n"
        "print(revenium_middleware.status().recorded)"
    )
    for switch, recorded in (("0", b"0"), ("1", b"1"), ("", b"1")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "REVENIUM_LEDGER": "memory", "REVENIUM_BEDROCK_TRANSPORT": switch}
        done = subprocess.run([sys.executable, "-c", code, provider.url], stdout=subprocess.PIPE, env=environment, timeout=60, check=True)
        assert done.stdout.strip() == recorded
