"""Claude on Bedrock: the id that is sent for each name, and the record that carries it."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, List

import pytest

anthropic = pytest.importorskip("anthropic", reason="this SDK is not installed")
pytest.importorskip("botocore", reason="the SDK signs its requests to Bedrock with it")

from revenium_middleware._calls.runtime import runtime  # noqa: E402
from revenium_middleware.anthropic.bedrock import addressed  # noqa: E402
from revenium_middleware.anthropic.hosts import BEDROCK  # noqa: E402
from revenium_middleware.testing import Fault  # noqa: E402

Records = Callable[[], List[Any]]

DOCUMENTED = {
    "claude-opus-4-7": "anthropic.claude-opus-4-7",
    "us.claude-opus-4-7": "us.anthropic.claude-opus-4-7",
    "eu.claude-opus-4-7": "eu.anthropic.claude-opus-4-7",
    "au.claude-opus-4-7": "au.anthropic.claude-opus-4-7",
    "global.claude-opus-4-7": "global.anthropic.claude-opus-4-7",
    "claude-3-opus-20240229": "anthropic.claude-3-opus-20240229-v1:0",
    "claude-3-sonnet-20240229": "anthropic.claude-3-sonnet-20240229-v1:0",
    "claude-3-haiku-20240307": "anthropic.claude-3-haiku-20240307-v1:0",  # the documentation's row names another model
    "claude-3-5-sonnet-20240620": "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "claude-3-5-sonnet-20241022": "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "claude-3-5-haiku-20241022": "anthropic.claude-3-5-haiku-20241022-v1:0",
}
OTHERS = {"claude-sonnet-9": "anthropic.claude-sonnet-9", "claude-2.1": "anthropic.claude-2.1"}
AS_THEY_ARE = [
    "anthropic.claude-3-opus-20240229-v1:0",
    "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
    "apac.anthropic.claude-sonnet-4-20250514-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
    "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abcdefghijkl",
]
IDS = {**DOCUMENTED, **OTHERS, **{name: name for name in AS_THEY_ARE}}
SAID: Dict[str, Any] = {"max_tokens": 50, "messages": [{"role": "user", "content": "Say hello"}]}


def bedrock(provider: Any, kind: str = "AnthropicBedrock", **options: Any) -> Any:
    given = {"aws_access_key": "key", "aws_secret_key": "secret", "aws_region": "eu-west-1", "base_url": provider.url, "max_retries": 0}
    return getattr(anthropic, kind)(**{**given, **options})


def asked_for(provider: Any) -> str:
    """The id in the path of the last request to Bedrock."""
    return str(provider.log[-1].path.partition("/model/")[2].partition("/invoke")[0])


@pytest.mark.parametrize("name", sorted(IDS))
def test_a_name_is_sent_as_the_id_that_bedrock_knows(name: str, provider: Any, records: Records) -> None:
    with bedrock(provider) as client:
        answer = client.messages.create(model=name, **SAID)
    assert asked_for(provider) == IDS[name]
    assert "model" not in provider.log[-1].body
    (record,) = records()
    values = record.values
    assert (values["model"], values["provider"], values["model_source"], values["model_host"]) == (IDS[name], "AWS", "ANTHROPIC", "bedrock")
    assert (values["input_token_count"], values["output_token_count"]) == (answer.usage.input_tokens, answer.usage.output_tokens)
    assert values["region"] == "eu-west-1"


@pytest.mark.parametrize("streamed", [False, True])
def test_async_clients_do_the_same(streamed: bool, provider: Any, records: Records) -> None:
    async def call() -> None:
        async with bedrock(provider, "AsyncAnthropicBedrock") as client:
            answer = await client.messages.create(model="claude-3-opus-20240229", stream=streamed, usage_metadata={"task_type": "t"}, **SAID)
            if streamed:
                assert [event.type async for event in answer][-1] == "message_stop"

    asyncio.run(call())
    assert asked_for(provider) == DOCUMENTED["claude-3-opus-20240229"]
    (record,) = records()
    spent = provider.billed[0].usage
    assert (record.values["input_token_count"], record.values["output_token_count"]) == (spent.input, spent.output)
    assert (record.values["is_streamed"], record.values["task_type"], record.values["usage_source"]) == (streamed, "t", "provider")


def test_a_stream_helper_does_the_same(provider: Any, records: Records) -> None:
    with bedrock(provider) as client, client.messages.stream(model="claude-opus-4-7", **SAID) as stream:
        assert stream.get_final_text()
    assert asked_for(provider) == "anthropic.claude-opus-4-7"
    assert records()[0].values["model"] == "anthropic.claude-opus-4-7"


def test_a_name_in_extra_body_counts(provider: Any, records: Records) -> None:
    with bedrock(provider) as client:
        client.messages.create(model="claude-opus-4-7", extra_body={"top_k": 3}, **SAID)
    assert asked_for(provider) == "anthropic.claude-opus-4-7"
    assert provider.log[-1].body["top_k"] == 3


def test_the_callers_own_objects_stay_what_they_were(provider: Any, records: Records) -> None:
    given = {"model": "claude-opus-4-7", **SAID, "extra_headers": {"X-Mine": "1"}}
    before = repr(given)
    with bedrock(provider) as client:
        client.messages.create(**given)
    assert repr(given) == before
    assert not [name for name in provider.log[-1].headers if "revenium" in name]


@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_an_error_of_bedrock_is_the_callers_and_is_sent_nowhere_else(status: int, provider: Any, records: Records) -> None:
    provider.script(Fault(status, {"message": "no"}))
    with bedrock(provider) as client:
        with pytest.raises(anthropic.APIStatusError) as error:
            client.messages.create(model="claude-opus-4-7", **SAID)
    assert error.value.status_code == status
    assert len(provider.log) == 1
    (record,) = records()
    assert (record.values["provider"], record.values["model"], record.values["error_code"]) == ("AWS", "anthropic.claude-opus-4-7", status)


def test_an_exception_in_a_stream_of_bedrock_leaves_what_is_known(provider: Any, records: Records) -> None:
    provider.script(Fault.error_event(4))
    with bedrock(provider) as client:
        with pytest.raises((anthropic.APIError, ValueError)):  # older releases raise a plain one
            list(client.messages.create(model="claude-opus-4-7", stream=True, **SAID))
    (record,) = records()
    assert (record.values["stop_reason"], record.values["usage_source"]) == ("ERROR", "estimated")


# ---------------------------------------------------------------------- switched off


@pytest.mark.parametrize("name", ["claude-opus-4-7", "claude-3-haiku-20240307", "anthropic.claude-opus-4-7"])
def test_switched_off_a_name_is_sent_as_it_is(name: str, provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENIUM_BEDROCK_DISABLE", "1")
    with bedrock(provider) as client:
        client.messages.create(model=name, **SAID)
    assert asked_for(provider) == name
    assert records()[0].values["provider"] == "ANTHROPIC"


def test_the_switch_counts_for_the_next_call(provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    with bedrock(provider) as client:
        for switch in ("", "1", "0"):
            monkeypatch.setenv("REVENIUM_BEDROCK_DISABLE", switch)
            client.messages.create(model="claude-opus-4-7", **SAID)
    assert [record.values["provider"] for record in records()] == ["AWS", "ANTHROPIC", "AWS"]


def test_names_are_mapped_where_metering_is_selective_and_the_call_is_not_selected(provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "true")
    with bedrock(provider) as client:
        client.messages.create(model="claude-opus-4-7", **SAID)
    assert asked_for(provider) == "anthropic.claude-opus-4-7"
    assert records() == []


# ---------------------------------------------------------------------- a plain client at an address of AWS

_AT_AWS = "http://bedrock-runtime.us-west-2.amazonaws.com"


def plain(provider: Any) -> Any:
    http = anthropic.DefaultHttpxClient(proxy=provider.url)
    return anthropic.Anthropic(api_key="none", base_url=_AT_AWS, http_client=http, max_retries=0)


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.mark.usefixtures("no_aws")
def test_with_aws_credentials_a_plain_client_at_aws_is_bound_to_bedrock(provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    with plain(provider) as client:
        client.messages.create(model="claude-3-opus-20240229", **SAID)
        monkeypatch.setenv("AWS_REGION", "us-west-2")
        client.messages.create(model="claude-3-opus-20240229", **SAID)
    assert {each.body["model"] for each in provider.log} == {DOCUMENTED["claude-3-opus-20240229"]}
    assert [(record.values["provider"], record.values["region"]) for record in records()] == [("AWS", "us-east-1"), ("AWS", "us-west-2")]


@pytest.mark.usefixtures("no_aws")
def test_a_file_of_credentials_is_as_good(provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "credentials").write_text("[default]\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with plain(provider) as client:
        client.messages.create(model="claude-opus-4-7", **SAID)
    assert provider.log[-1].body["model"] == "anthropic.claude-opus-4-7"


@pytest.mark.usefixtures("no_aws")
def test_without_aws_credentials_it_is_like_any_other(provider: Any, records: Records) -> None:
    with plain(provider) as client:
        client.messages.create(model="claude-3-opus-20240229", **SAID)
    assert provider.log[-1].body["model"] == "claude-3-opus-20240229"
    assert records()[0].values["provider"] == "ANTHROPIC"


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize(
    ("environment", "region"),
    [({}, "us-east-1"), ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "x"}, "eu-central-1"), ({"AWS_DEFAULT_REGION": "ap-east-1"}, "ap-east-1")],
)
def test_the_region_is_the_clients_else_the_environments_else_the_default(environment: Dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = runtime.settings()
    with anthropic.AnthropicBedrock(aws_access_key="key", aws_secret_key="secret", aws_region="eu-west-1") as client:
        assert addressed(client, BEDROCK, "claude-opus-4-7", settings)[0].says["region"] == "eu-west-1"
        client.aws_region = None
        assert addressed(client, BEDROCK, "claude-opus-4-7", settings)[0].says["region"] == region


def test_what_the_caller_says_of_the_region_wins(provider: Any, records: Records) -> None:
    with bedrock(provider) as client:
        client.messages.create(model="claude-opus-4-7", usage_metadata={"region": "moon"}, **SAID)
    assert records()[0].values["region"] == "moon"
