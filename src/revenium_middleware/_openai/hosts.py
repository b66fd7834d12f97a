"""Who answers behind an OpenAI client: one row per registered host suffix, never a substring."""

from __future__ import annotations

from typing import Any, FrozenSet, Tuple

from .._calls.declarations import Host, suffix_of
from . import azure

OPENAI = Host("OPENAI", "OPENAI")
AZURE = Host("Azure", "OPENAI", deployment_of=azure.deployment_of, family_of=azure.family_of)
OLLAMA = Host("OLLAMA", "OLLAMA")
CUSTOM = Host("CUSTOM", "CUSTOM", fingerprints=(("fp_ollama", "OLLAMA"),))
PERPLEXITY = Host("PERPLEXITY", "PERPLEXITY", reports_usage_unasked=True, middleware="perplexity")


def _vendor(name: str, reports_usage_unasked: bool = False) -> Host:
    return Host(name, name, reports_usage_unasked)


SUFFIXES: Tuple[Tuple[str, Host], ...] = (
    ("openai.com", OPENAI),
    ("openai.azure.com", AZURE),
    ("openai.azure.us", AZURE),
    ("openai.azure.cn", AZURE),
    ("cognitiveservices.azure.com", AZURE),
    ("services.ai.azure.com", AZURE),
    ("perplexity.ai", PERPLEXITY),
    ("x.ai", _vendor("XAI")),
    ("fireworks.ai", _vendor("FIREWORKS")),
    ("groq.com", _vendor("GROQ")),
    ("mistral.ai", _vendor("MISTRAL", reports_usage_unasked=True)),  # refuses unknown body fields
    ("deepseek.com", _vendor("DEEPSEEK")),
    ("openrouter.ai", _vendor("OPENROUTER")),
    ("together.xyz", _vendor("TOGETHER")),
    ("together.ai", _vendor("TOGETHER")),
    ("cohere.com", _vendor("COHERE", reports_usage_unasked=True)),
    ("cohere.ai", _vendor("COHERE", reports_usage_unasked=True)),
    ("huggingface.co", _vendor("HUGGINGFACE")),
    ("cloudflare.com", _vendor("CLOUDFLARE")),
    ("googleapis.com", _vendor("GOOGLE")),
    ("anthropic.com", _vendor("ANTHROPIC")),
    ("amazonaws.com", _vendor("AWS")),
    ("ollama.com", OLLAMA),
)
_BY_SUFFIX = dict(SUFFIXES)


def host_of(client: Any, netloc: str) -> Host:
    """The host behind ``netloc`` (``name[:port]``); the client's own class settles it for Azure."""
    if any(kind.__name__ in ("AzureOpenAI", "AsyncAzureOpenAI") for kind in type(client).__mro__):
        return AZURE
    return suffix_of(netloc, _BY_SUFFIX) or (OLLAMA if netloc.endswith(":11434") else CUSTOM)


def meters(host: Host, active: FrozenSet[str]) -> bool:
    """An import meters its own provider: Perplexity's alone leaves other hosts of an OpenAI client alone."""
    return "openai" in active or host.middleware in active
