"""Who answers an Anthropic client: its class says it first, then its address."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import pytest

anthropic = pytest.importorskip("anthropic", reason="this SDK is not installed")

import revenium_middleware_anthropic  # noqa: E402
from revenium_middleware.anthropic.hosts import host_of, meters  # noqa: E402

Records = Callable[[], List[Any]]
SAID: Dict[str, Any] = {"model": "claude-opus-4-7", "max_tokens": 50, "messages": [{"role": "user", "content": "Say hello"}]}

PLAIN = {
    "api.anthropic.com": ("ANTHROPIC", "anthropic"),
    "localhost:8080": ("ANTHROPIC", "anthropic"),
    "gateway.example.com": ("ANTHROPIC", "anthropic"),
    "notamazonaws.com": ("ANTHROPIC", "anthropic"),
    "amazonaws.com.evil.example": ("ANTHROPIC", "anthropic"),
    "bedrock-runtime.eu-west-1.amazonaws.com": ("AWS", "bedrock"),
    "BEDROCK-RUNTIME.us-east-1.amazonaws.com:443": ("AWS", "bedrock"),
    "my-resource.services.ai.azure.com": ("Foundry", "foundry"),
    "us-east5-aiplatform.googleapis.com": ("ANTHROPIC", "vertex"),
}


@pytest.mark.parametrize("netloc", sorted(PLAIN))
def test_a_plain_client_is_known_by_its_address(netloc: str) -> None:
    host = host_of(anthropic.Anthropic(api_key="none"), netloc)
    assert (host.provider, host.says["model_host"]) == PLAIN[netloc]
    assert host.model_source == "ANTHROPIC"


def cloud(provider: Any, name: str) -> Any:
    kind = getattr(anthropic, name, None)
    if kind is None:
        pytest.skip("anthropic %s has no %s" % (anthropic.__version__, name))
    if name == "AnthropicVertex":
        pytest.importorskip("google.auth", reason="the SDK signs its requests to Vertex with it")
        return kind(region="us-east5", project_id="project", access_token="token", base_url=provider.url + "/v1")
    return kind(api_key="none", base_url=provider.url + "/anthropic/")


CLOUDS: List[Tuple[str, str, str]] = [("AnthropicVertex", "ANTHROPIC", "vertex"), ("AnthropicFoundry", "Foundry", "foundry")]


@pytest.mark.parametrize(("name", "label", "place"), CLOUDS)
@pytest.mark.parametrize("off", ["", "1"])
def test_a_client_of_another_cloud_is_known_by_its_class(
    name: str, label: str, place: str, off: str, provider: Any, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENIUM_BEDROCK_DISABLE", off)  # of no concern to the others
    with cloud(provider, name) as client:
        client.messages.create(**SAID)
        list(client.messages.create(stream=True, **SAID))
    spent = [(each.usage.input, each.usage.output) for each in provider.billed]
    found = records()
    assert [(each.values["input_token_count"], each.values["output_token_count"]) for each in found] == spent
    assert {(each.values["provider"], each.values["model_source"], each.values["model_host"]) for each in found} == {(label, "ANTHROPIC", place)}
    assert {each.values["model"] for each in found} == {"claude-opus-4-7"}


def test_a_users_own_subclass_is_what_its_base_is(provider: Any, records: Records) -> None:
    class Ours(anthropic.AnthropicFoundry if hasattr(anthropic, "AnthropicFoundry") else anthropic.Anthropic):  # type: ignore[misc]
        pass

    with Ours(api_key="none", base_url=provider.url + "/anthropic/") as client:
        client.messages.create(**SAID)
    assert records()[0].values["provider"] == ("Foundry" if hasattr(anthropic, "AnthropicFoundry") else "ANTHROPIC")


def test_only_its_own_import_meters_it() -> None:
    host = host_of(anthropic.Anthropic(api_key="none"), "api.anthropic.com")
    assert meters(host, frozenset(("anthropic",)))
    assert not meters(host, frozenset(("openai", "perplexity")))


def test_the_middleware_is_ready() -> None:
    assert revenium_middleware_anthropic.is_initialized()
    assert revenium_middleware_anthropic.__name__ == "revenium_middleware.anthropic"
