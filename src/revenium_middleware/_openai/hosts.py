"""Who answers behind an OpenAI client: one row per registered host suffix, never a substring; and what an Azure deployment's name tells of its model."""

from __future__ import annotations

import functools
import re
from typing import Any, FrozenSet, Pattern, Tuple
from urllib.parse import unquote, urlsplit

from .._calls.declarations import Host, suffix_of

FAMILIES: Tuple[str, ...] = (
    "gpt-5.1-codex-mini", "gpt-5.1-codex", "gpt-5.1-chat", "gpt-5.1", "gpt-5-codex", "gpt-5-chat", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "gpt-5",
    "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4.1", "gpt-4.5-preview",
    "gpt-4o-mini-realtime-preview", "gpt-4o-realtime-preview", "gpt-4o-mini-audio-preview", "gpt-4o-audio-preview", "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe", "gpt-4o-mini-tts", "gpt-4o-mini", "gpt-4o", "gpt-4-turbo", "gpt-4-32k", "gpt-4", "gpt-3.5-turbo-instruct", "gpt-3.5-turbo-16k",
    "gpt-3.5-turbo", "gpt-realtime-mini", "gpt-realtime", "gpt-audio-mini", "gpt-audio", "gpt-image-1-mini", "gpt-image-1", "gpt-oss-120b", "gpt-oss-20b",
    "o1-preview", "o1-mini", "o1-pro", "o1", "o3-deep-research", "o3-mini", "o3-pro", "o3", "o4-mini", "codex-mini", "model-router",
    "text-embedding-3-large", "text-embedding-3-small", "text-embedding-ada-002", "dall-e-3", "dall-e-2", "whisper", "tts-hd", "tts", "sora-2", "sora",
)  # fmt: skip
_DATED = r"(?:%s)(?:-\d{4}(?:-\d\d-\d\d)?)?" % "|".join(map(re.escape, FAMILIES))


def _told(family: str) -> Pattern[str]:
    """``family`` as people write it in a name: separators of their own or none, and nothing glued to it."""
    parts = [re.escape(part) for part in re.split(r"[-.]", family)]
    return re.compile(r"(?<![a-z0-9])%s(?![a-z0-9])" % r"[-_. ]?".join(parts))


@functools.lru_cache(maxsize=None)
def _by_length() -> Tuple[Tuple[Pattern[str], str], ...]:
    """Compiled when the first name has to be read: most processes have none."""
    return tuple((_told(family), family) for family in sorted(FAMILIES, key=len, reverse=True))


def deployment_of(url: str, asked: str, default: str) -> str:
    """The deployment a call goes to: the URL's own, else the one asked for in the call, else the one of the settings."""
    found = re.search(r"/deployments/([^/?#]+)", urlsplit(url).path)
    return unquote(found.group(1)) if found is not None else asked or default


def family_of(deployment: str) -> str:
    """The model family that a deployment's name tells; the name as it is where it tells none."""
    name = deployment.lower()
    if re.fullmatch(_DATED, name):
        return name
    return next((family for told, family in _by_length() if told.search(name)), deployment)


OPENAI = Host("OPENAI", "OPENAI")
AZURE = Host("Azure", "OPENAI", deployment_of=deployment_of, family_of=family_of)
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
