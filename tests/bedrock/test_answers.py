"""Plain answers of every family, errors, and what is said about a call."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import pytest

from revenium_middleware import metadata
from revenium_middleware.testing import Fault

from .asked import CONVERSED, FAMILIES, MESSAGES, invoked
from .conftest import boto3, made

TOKENS = {"input_token_count": "input", "output_token_count": "output", "total_token_count": "total", "cache_read_token_count": "cached"}


def agrees(values: Any, provider: Any) -> None:
    used = provider.billed[0].usage
    assert {name: values.get(name) or 0 for name in TOKENS} == {name: getattr(used, spent) for name, spent in TOKENS.items()}
    assert used.total > 0 and values["usage_source"] == "provider"
    assert values["transaction_id"] == provider.billed[0].id
    assert (values["provider"], values["model"]) == ("AWS", provider.billed[0].model)


def test_a_conversation_is_one_record(bedrock: Any, provider: Any, one: Any) -> None:
    answer = bedrock.converse(**CONVERSED, usage_metadata={"organization_name": "Acme"})
    values = one()
    agrees(values, provider)
    assert values["transaction_id"] == answer["ResponseMetadata"]["RequestId"]
    wanted = {"organization_name": "Acme", "region": "eu-west-1", "model_source": "AMAZON", "model_host": "bedrock", "operation_type": "CHAT"}
    wanted.update(stop_reason="END", temperature=0.5, is_streamed=False)
    assert {name: values.get(name) for name in wanted} == wanted
    assert "usage_metadata" not in repr(provider.log[0])
    assert values.get("actual_service_tier") == answer.get("serviceTier", {}).get("type")  # older versions do not parse it


@pytest.mark.parametrize("model", sorted(FAMILIES))
def test_an_invocation_of_each_family_is_one_record(model: str, bedrock: Any, provider: Any, one: Any) -> None:
    bedrock.invoke_model(**invoked(model, FAMILIES[model]))  # nobody need read the body
    values = one()
    agrees(values, provider)
    assert values["model_source"] == model.partition(".")[0].upper()
    assert values["stop_reason"] == ("TOKEN_LIMIT" if "titan" in model else "END")


@pytest.mark.parametrize("name", ["anthropic.claude-cached-cachewrite", "amazon.nova-cached-cachewrite-v1:0"])
def test_what_a_cache_held_is_counted_beside_the_input(name: str, bedrock: Any, provider: Any, one: Any) -> None:
    bedrock.invoke_model(**invoked(name, FAMILIES["amazon.nova-lite-v1:0"]))
    values = one()
    agrees(values, provider)
    assert values["cache_read_token_count"] > 0
    assert values["cache_creation_token_count"] == provider.billed[0].usage.cache_written > 0


@pytest.mark.parametrize(
    ("model", "maker"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "ANTHROPIC"),
        ("arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.meta.llama3-3-70b-instruct-v1:0", "META"),
        ("arn:aws:bedrock:us-east-1::foundation-model/cohere.command-r-v1:0", "COHERE"),
        ("arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/a1b2c3d4e5f6", "AWS"),
    ],
)
def test_the_model_is_recorded_byte_for_byte_as_sent(model: str, maker: str, bedrock: Any, provider: Any, one: Any) -> None:
    bedrock.converse(**{**CONVERSED, "modelId": model})
    values = one()
    assert (values["model"], values["model_source"], values["provider"]) == (model, maker, "AWS")


def test_the_clients_region_counts_unless_the_caller_says_another(provider: Any, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    made(provider.url, region="us-west-2").converse(**CONVERSED)
    made(provider.url, region="us-west-2").converse(**CONVERSED, usage_metadata={"region": "mine"})
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ca-central-1")
    made(provider.url, region=None).converse(**CONVERSED)
    assert [record.values["region"] for record in records()] == ["us-west-2", "mine", "ca-central-1"]


def test_tools_make_it_a_tool_call(bedrock: Any, one: Any) -> None:
    tool = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}
    bedrock.converse(**CONVERSED, toolConfig={"tools": [tool]})
    assert one()["operation_type"] == "TOOL_CALL"


def test_scope_and_switches(bedrock: Any, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with metadata(agent="block"):
        bedrock.converse(**CONVERSED)
    monkeypatch.setenv("REVENIUM_BEDROCK_TRANSPORT", "0")
    bedrock.converse(**CONVERSED, usage_metadata={"agent": "unheard"})  # not metered, and yet not sent
    monkeypatch.delenv("REVENIUM_BEDROCK_TRANSPORT")
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "1")
    bedrock.converse(**CONVERSED)
    assert [record.values["agent"] for record in records()] == ["block"]


def test_the_callers_own_parameters_stay_as_they_are(bedrock: Any, one: Any) -> None:
    mine = {**CONVERSED, "usage_metadata": {"agent": "mine"}}
    bedrock._make_api_call("Converse", mine)
    assert mine["usage_metadata"] == {"agent": "mine"} and mine["messages"] is MESSAGES
    assert one()["agent"] == "mine"


# ---------------------------------------------------------------------- errors


def refusal(status: int, name: str) -> Fault:
    return Fault(status, {"message": "No."}, {"x-amzn-errortype": name})


@pytest.mark.parametrize(("status", "name"), [(400, "ValidationException"), (403, "AccessDeniedException"), (429, "ThrottlingException")])
def test_a_refusal_is_an_error_record_and_the_same_exception(status: int, name: str, bedrock: Any, provider: Any, one: Any) -> None:
    provider.script(refusal(status, name))
    with pytest.raises(getattr(bedrock.exceptions, name)) as caught:
        bedrock.converse(**CONVERSED)
    assert caught.value.response["Error"] == {"Message": "No.", "Code": name}
    values = one()
    assert (values["stop_reason"], values["error_code"], values["input_token_count"]) == ("ERROR", status, 0)
    assert values["error_reason"] == "%s (HTTP %d)" % (name, status)
    assert len(provider.log) == 1  # and nobody else was asked


def test_what_was_never_sent_is_no_record(bedrock: Any, provider: Any, records: Any) -> None:
    from botocore.exceptions import NoCredentialsError, ParamValidationError

    with pytest.raises(ParamValidationError) as caught:
        bedrock.converse(messages=MESSAGES, usage_metadata={"agent": "a"})
    assert "usage_metadata" not in str(caught.value)
    with pytest.raises(NoCredentialsError):
        made(provider.url, aws_access_key_id=None, aws_secret_access_key=None).converse(**CONVERSED)
    assert records() == [] and provider.log == []


def test_a_lost_connection_is_an_error_record(bedrock: Any, provider: Any, one: Any) -> None:
    from botocore.exceptions import ConnectionClosedError

    provider.script(Fault.disconnect())
    with pytest.raises(ConnectionClosedError):
        bedrock.converse(**CONVERSED)
    assert one()["stop_reason"] == "ERROR"


def test_nobody_there_is_an_error_record(one: Any) -> None:
    from botocore.exceptions import EndpointConnectionError

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % free.getsockname()[1]
    with pytest.raises(EndpointConnectionError):
        made(url).invoke_model(**invoked("meta.llama3", {"prompt": "Hello"}))
    assert one()["error_reason"] == "EndpointConnectionError"


def test_retries_of_the_client_itself_are_one_record(provider: Any, one: Any) -> None:
    from botocore.config import Config

    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=provider.url,
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(retries={"max_attempts": 1, "mode": "legacy"}),
    )
    provider.script(Fault.server_error(500))
    client.converse(**CONVERSED)
    assert len(provider.log) == 2
    assert one()["stop_reason"] == "END"


# ---------------------------------------------------------------------- the body


def test_the_body_is_the_sdks_own_and_reads_as_ever(bedrock: Any, provider: Any, records: Any) -> None:
    from botocore.response import StreamingBody

    ask = invoked("meta.llama3", {"prompt": "Hello"})
    whole = bedrock.invoke_model(**ask)["body"]
    assert type(whole) is StreamingBody
    said = whole.read()
    assert json.loads(said)["generation"] and whole.read() == b""
    assert b"".join(bedrock.invoke_model(**ask)["body"].iter_chunks(7)) == said
    assert list(bedrock.invoke_model(**ask)["body"].iter_lines()) == [said]
    assert json.load(bedrock.invoke_model(**ask)["body"]) == json.loads(said)
    with bedrock.invoke_model(**ask)["body"] as raw:
        assert raw.read() == said
        assert raw.headers["content-type"] == "application/json"
    patient = bedrock.invoke_model(**ask)["body"]
    patient.set_socket_timeout(5)
    assert patient.read() == said
    closed = bedrock.invoke_model(**ask)["body"]
    closed.close()
    assert closed._raw_stream.read() == b""
    assert len(records()) == provider.calls == 7


def test_a_body_that_breaks_off_breaks_off_where_it_is_read(bedrock: Any, provider: Any, one: Any) -> None:
    from botocore.exceptions import IncompleteReadError, ResponseStreamingError

    provider.script(Fault.cut(after=10))
    body = bedrock.invoke_model(**invoked("meta.llama3", {"prompt": "Hello"}))["body"]
    assert len(body.read(4)) == 4
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        body.read()
    values = one()
    assert values["output_token_count"] > 0 and values["usage_source"] == "provider"  # the headers had come


def test_a_body_that_is_a_file_is_left_to_be_sent(bedrock: Any, provider: Any, one: Any) -> None:
    bedrock.invoke_model(modelId="meta.llama3", body=io.BytesIO(b'{"prompt": "Hello"}'))
    assert provider.log[0].body == {"prompt": "Hello"}
    agrees(one(), provider)


def test_other_services_are_left_alone(provider: Any, records: Any) -> None:
    import botocore.exceptions

    store = boto3.client("s3", region_name="us-east-1", endpoint_url=provider.url, aws_access_key_id="none", aws_secret_access_key="none")
    with pytest.raises(botocore.exceptions.ClientError):
        store.list_buckets()
    assert records() == []
