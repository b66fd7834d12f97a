"""Who answers behind an Anthropic client: its own class says so first, then one row per registered host suffix."""

from __future__ import annotations

from typing import Any, FrozenSet, Mapping, Tuple

from .._calls.declarations import Host, suffix_of


def _sold_by(label: str, place: str, as_sent: bool = False) -> Host:
    return Host(label, "ANTHROPIC", middleware="anthropic", says={"model_host": place}, as_sent=as_sent)


ANTHROPIC = _sold_by("ANTHROPIC", "anthropic")
BEDROCK = _sold_by("AWS", "bedrock", as_sent=True)
VERTEX = _sold_by("ANTHROPIC", "vertex")
FOUNDRY = _sold_by("Foundry", "foundry")

CLASSES: Mapping[str, Host] = {
    "AnthropicFoundry": FOUNDRY,
    "AnthropicBedrock": BEDROCK,
    "AnthropicBedrockMantle": BEDROCK,
    "AnthropicVertex": VERTEX,
    "AnthropicGoogleCloud": VERTEX,
}
SUFFIXES: Tuple[Tuple[str, Host], ...] = (
    ("services.ai.azure.com", FOUNDRY),
    ("amazonaws.com", BEDROCK),
    ("googleapis.com", VERTEX),
)
_BY_SUFFIX = dict(SUFFIXES)


def host_of(client: Any, netloc: str) -> Host:
    """The host behind ``netloc`` (``name[:port]``); anything we do not know speaks Anthropic's own API."""
    for kind in type(client).__mro__:
        name = kind.__name__[len("Async") :] if kind.__name__.startswith("Async") else kind.__name__
        if name in CLASSES:
            return CLASSES[name]
    return suffix_of(netloc, _BY_SUFFIX) or ANTHROPIC


def meters(host: Host, active: FrozenSet[str]) -> bool:
    return host.middleware in active
