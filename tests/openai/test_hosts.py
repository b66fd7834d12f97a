"""Who answers behind an OpenAI client: by registered suffix, never by a substring."""

from __future__ import annotations

import openai
import pytest

from revenium_middleware._openai import hosts
from revenium_middleware._openai.hosts import host_of, meters

# host -> (provider, model source), one row per suffix of the table
LABELS = {
    "openai.com": ("OPENAI", "OPENAI"),
    "openai.azure.com": ("Azure", "OPENAI"),
    "openai.azure.us": ("Azure", "OPENAI"),
    "openai.azure.cn": ("Azure", "OPENAI"),
    "cognitiveservices.azure.com": ("Azure", "OPENAI"),
    "services.ai.azure.com": ("Azure", "OPENAI"),
    "perplexity.ai": ("PERPLEXITY", "PERPLEXITY"),
    "x.ai": ("XAI", "XAI"),
    "fireworks.ai": ("FIREWORKS", "FIREWORKS"),
    "groq.com": ("GROQ", "GROQ"),
    "mistral.ai": ("MISTRAL", "MISTRAL"),
    "deepseek.com": ("DEEPSEEK", "DEEPSEEK"),
    "openrouter.ai": ("OPENROUTER", "OPENROUTER"),
    "together.xyz": ("TOGETHER", "TOGETHER"),
    "together.ai": ("TOGETHER", "TOGETHER"),
    "cohere.com": ("COHERE", "COHERE"),
    "cohere.ai": ("COHERE", "COHERE"),
    "huggingface.co": ("HUGGINGFACE", "HUGGINGFACE"),
    "cloudflare.com": ("CLOUDFLARE", "CLOUDFLARE"),
    "googleapis.com": ("GOOGLE", "GOOGLE"),
    "anthropic.com": ("ANTHROPIC", "ANTHROPIC"),
    "amazonaws.com": ("AWS", "AWS"),
    "ollama.com": ("OLLAMA", "OLLAMA"),
}
IN_USE = {
    "api.openai.com": "OPENAI",
    "eu.api.openai.com": "OPENAI",
    "my-resource.openai.azure.com": "Azure",
    "my-resource.services.ai.azure.com": "Azure",
    "api.perplexity.ai": "PERPLEXITY",
    "api.x.ai": "XAI",
    "us-east-1.api.x.ai": "XAI",
    "api.fireworks.ai": "FIREWORKS",
    "api.groq.com": "GROQ",
    "router.huggingface.co": "HUGGINGFACE",
    "gateway.ai.cloudflare.com": "CLOUDFLARE",
    "generativelanguage.googleapis.com": "GOOGLE",
    "bedrock-runtime.us-east-1.amazonaws.com": "AWS",
    "API.OpenAI.COM": "OPENAI",
    "api.openai.com.": "OPENAI",
    "api.openai.com:443": "OPENAI",
    "api.x.ai:8443": "XAI",
    "localhost:11434": "OLLAMA",
    "127.0.0.1:11434": "OLLAMA",
    "[::1]:11434": "OLLAMA",
    "gpu.internal:11434": "OLLAMA",
}
LOOK_ALIKES = [
    "evil-openai.com", "openai.com.evil.test", "api.openai.com.evil.test", "x.ai.evil", "xx.ai", "notx.ai", "myopenai.azure.com.evil.test", "azure.com",
    "evilazure.com", "azure.example.com", "fakeperplexity.ai", "perplexity.ai.example", "ollama.example.com", "my-ollama", "openai", "com", "", ".", "..",
    "localhost", "localhost:8000", "localhost:1143", "localhost:114340", "127.0.0.1", "[::1]", "[::1]:8080", "[2001:db8::11434]", "11434", "openai-com",
]  # fmt: skip


class Client:
    """Not an SDK's client: the host has to settle it."""


def test_the_list_of_suffixes_is_complete():
    assert dict(hosts.SUFFIXES).keys() == LABELS.keys()
    assert len(hosts.SUFFIXES) == len(LABELS)


@pytest.mark.parametrize("suffix", sorted(LABELS))
def test_a_host_gets_the_label_of_its_registered_suffix(suffix):
    for name in (suffix, "api." + suffix, "a.b." + suffix, suffix.upper(), suffix + ":443", suffix + "."):
        host = host_of(Client(), name)
        assert (host.provider, host.model_source) == LABELS[suffix] == host.labels(None)


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_hosts_in_use(name):
    assert host_of(Client(), name).provider == IN_USE[name]


@pytest.mark.parametrize("name", LOOK_ALIKES, ids=ascii)
def test_a_look_alike_is_a_custom_host(name):
    host = host_of(Client(), name)
    assert (host.provider, host.model_source) == ("CUSTOM", "CUSTOM")


@pytest.mark.parametrize("suffix", sorted(LABELS))
def test_no_suffix_matches_inside_another_name(suffix):
    for name in ("evil" + suffix, "evil-" + suffix, suffix + ".evil.test", suffix + "x", suffix.replace(".", "-")):
        assert host_of(Client(), name).provider == "CUSTOM", name


def test_azures_own_clients_are_azure_on_any_host():
    given = {"api_key": "k", "api_version": "2024-06-01", "azure_endpoint": "http://127.0.0.1:9"}

    class Own(openai.AzureOpenAI):
        pass

    for client in (openai.AzureOpenAI(**given), openai.AsyncAzureOpenAI(**given), Own(**given)):
        assert host_of(client, "127.0.0.1:9") == hosts.AZURE
    assert host_of(openai.OpenAI(api_key="k"), "127.0.0.1:9") == hosts.CUSTOM


def test_a_custom_host_that_answers_as_ollama_is_ollama():
    assert hosts.CUSTOM.labels("fp_ollama") == ("OLLAMA", "OLLAMA")
    assert hosts.CUSTOM.labels("fp_other") == hosts.CUSTOM.labels(None) == ("CUSTOM", "CUSTOM")
    assert hosts.OPENAI.labels("fp_ollama") == ("OPENAI", "OPENAI")


@pytest.mark.parametrize(
    ("active", "metered"),
    [
        ({"openai"}, {"OPENAI", "PERPLEXITY", "Azure", "CUSTOM"}),
        ({"perplexity"}, {"PERPLEXITY"}),
        ({"openai", "perplexity"}, {"OPENAI", "PERPLEXITY", "Azure", "CUSTOM"}),
        (set(), set()),
    ],
    ids=["openai", "perplexity", "both", "none"],
)
def test_an_import_meters_its_own_provider(active, metered):
    known = (hosts.OPENAI, hosts.PERPLEXITY, hosts.AZURE, hosts.CUSTOM)
    assert {host.provider for host in known if meters(host, frozenset(active))} == metered
