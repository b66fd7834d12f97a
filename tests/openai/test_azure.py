"""The model of an Azure deployment: as answered; else as last answered; else what its name tells; else the name."""

from __future__ import annotations

import openai
import pytest

from revenium_middleware._core.fields import COMPLETION
from revenium_middleware._openai.hosts import FAMILIES, deployment_of, family_of
from revenium_middleware.testing import Fault

ASK = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_found_however_its_name_is_spelled(family):
    flat = family.replace(".", "").replace("-", "")
    spellings = [family, family.upper(), family.replace(".", ""), family.replace(".", "-"), family.replace("-", "_"), flat]
    for spelling in spellings:
        for name in (spelling, "my-%s" % spelling, "%s-prod" % spelling, "team_%s_eu" % spelling):
            assert family_of(name) == family, name


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-35-turbo", "gpt-3.5-turbo"),
        ("gpt4", "gpt-4"),
        ("Prod-GPT4o-Mini", "gpt-4o-mini"),
        ("gpt-41-nano", "gpt-4.1-nano"),
        ("embedding-prod", "embedding-prod"),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("gpt-4-0613", "gpt-4-0613"),
        ("chat-gpt-4o-2024-08-06-eu", "gpt-4o"),
        ("my-custom", "my-custom"),
        ("My-Custom", "My-Custom"),
        ("mygpt4", "mygpt4"),
        ("gpt-45", "gpt-45"),
        ("gpt-4oh", "gpt-4oh"),
        ("foo1", "foo1"),
        ("proto3", "proto3"),
        ("", ""),
        ("\u00e9\u4e2d", "\u00e9\u4e2d"),
    ],
    ids=ascii,
)
def test_a_name_tells_its_family_or_stays(name, model):
    assert family_of(name) == model


@pytest.mark.parametrize(
    ("url", "asked", "default", "deployment"),
    [
        ("https://r.openai.azure.com/openai/deployments/mine/chat/completions", "other", "env", "mine"),
        ("https://r.openai.azure.com/openai/deployments/my%20own", "", "", "my own"),
        ("https://r.openai.azure.com/openai/v1/chat/completions", "asked", "env", "asked"),
        ("https://r.openai.azure.com/openai/images/generations", "", "env", "env"),
        ("https://r.openai.azure.com/openai?x=/deployments/not", "", "", ""),
    ],
)
def test_the_deployment_is_the_urls_then_the_calls_then_the_settings(url, asked, default, deployment):
    assert deployment_of(url, asked, default) == deployment


# ---------------------------------------------------------------------- through the SDK


@pytest.fixture
def clients(provider):
    """way -> (client, the model to ask it for)."""
    azure = {"api_key": "k", "api_version": "2024-06-01", "azure_endpoint": provider.url, "max_retries": 0}
    with openai.AzureOpenAI(**azure) as plain, openai.AzureOpenAI(azure_deployment="my-gpt4o-mini", **azure) as bound:
        yield {"by call": (plain, "my-gpt4o-mini"), "by client": (bound, "anything")}


@pytest.mark.parametrize("way", ["by call", "by client"])
def test_the_model_is_as_answered_then_as_last_answered(way, provider, clients, records):
    client, model = clients[way]
    with pytest.raises(openai.InternalServerError):
        provider.script(Fault.server_error())
        client.chat.completions.create(model=model, messages=ASK)
    answered = client.chat.completions.create(model=model, messages=ASK).model
    with pytest.raises(openai.InternalServerError):
        provider.script(Fault.server_error())
        client.chat.completions.create(model=model, messages=ASK)
    assert answered == "gpt-4o-2024-11-20"
    assert [(record.values["model"], record.values["provider"], record.values["model_source"], record.values["stop_reason"]) for record in records()] == [
        ("gpt-4o-mini", "Azure", "OPENAI", "ERROR"),
        (answered, "Azure", "OPENAI", "END"),
        (answered, "Azure", "OPENAI", "ERROR"),
    ]


def test_a_deployment_nothing_is_known_of_is_recorded_by_its_name(provider, clients, records):
    client = clients["by call"][0]
    provider.script(Fault.server_error())
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="Our-Own", messages=ASK)
    assert [(record.kind, record.values["model"]) for record in records()] == [(COMPLETION, "Our-Own")]


def test_the_setting_names_the_deployment_where_call_and_url_do_not(clients, records, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "team-dalle3")
    client = clients["by call"][0]
    client.images.generate(prompt="a boat")
    assert [record.values["model"] for record in records()] == ["dall-e-3"]


def test_the_setting_says_nothing_about_other_hosts(provider, records, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_DEPLOYMENT", "team-dalle3")
    with openai.OpenAI(api_key="k", base_url=provider.openai_url) as client:
        client.images.generate(prompt="a boat")
    assert [record.values["model"] for record in records()] == ["unknown"]


def test_the_debug_line_says_which_model_and_why(clients, caplog):
    caplog.set_level("DEBUG", "revenium_middleware")
    client = clients["by call"][0]
    client.chat.completions.create(model="my-gpt4o-mini", messages=ASK)
    assert "my-gpt4o-mini -> gpt-4o-2024-11-20 (as answered)" in caplog.text
