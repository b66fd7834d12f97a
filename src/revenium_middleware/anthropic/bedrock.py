"""Claude on Amazon Bedrock: the ids its models have there, and when a call goes there."""

from __future__ import annotations

import re
from typing import Any, Mapping, Tuple

from .._calls.declarations import Host
from .._core.settings import Settings
from .hosts import ANTHROPIC, BEDROCK

MODELS: Mapping[str, str] = {
    "claude-opus-4-7": "anthropic.claude-opus-4-7",
    "us.claude-opus-4-7": "us.anthropic.claude-opus-4-7",
    "eu.claude-opus-4-7": "eu.anthropic.claude-opus-4-7",
    "au.claude-opus-4-7": "au.anthropic.claude-opus-4-7",
    "global.claude-opus-4-7": "global.anthropic.claude-opus-4-7",
    "claude-3-opus-20240229": "anthropic.claude-3-opus-20240229-v1:0",
    "claude-3-sonnet-20240229": "anthropic.claude-3-sonnet-20240229-v1:0",
    "claude-3-haiku-20240307": "anthropic.claude-3-haiku-20240307-v1:0",
    "claude-3-5-sonnet-20240620": "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "claude-3-5-sonnet-20241022": "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "claude-3-5-haiku-20241022": "anthropic.claude-3-5-haiku-20241022-v1:0",
}
"""What people call a model elsewhere -> its id on Bedrock."""

_ELSEWHERE = re.compile(r"arn:|(?:[a-z]+(?:-[a-z]+)*\.)")
"""How an id begins that is Bedrock's own: an ARN, or a region's or vendor's prefix; ``claude-2.1`` has none."""
_CLIENTS = ("AnthropicBedrock", "AsyncAnthropicBedrock")
_REGION = "us-east-1"
"""Where Bedrock is called when nobody says where."""


def bedrock_id(name: str) -> str:
    """The id under which Bedrock knows the model ``name``; ids that are Bedrock's own stay byte for byte."""
    if name in MODELS:
        return MODELS[name]
    return name if not name or _ELSEWHERE.match(name) else "anthropic." + name


def addressed(client: Any, host: Host, model: str, settings: Settings) -> Tuple[Host, str]:
    """(who answers, the id to ask it for), once the settings and the machine's AWS credentials are taken into account."""
    if host is not BEDROCK:
        return host, model
    bound = any(kind.__name__ in _CLIENTS for kind in type(client).__mro__)
    by_address = any(kind.__name__ in ("Anthropic", "AsyncAnthropic") for kind in type(client).__mro__)
    if settings.bedrock_disable or (by_address and not bound and not settings.aws_credentials):
        return ANTHROPIC, model
    region = getattr(client, "aws_region", None) or settings.metadata.get("region") or _REGION
    there = host._replace(says={**host.says, "region": region})
    return there, bedrock_id(model) if bound or by_address else model
