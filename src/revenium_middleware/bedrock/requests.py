"""What Bedrock is asked, in the shape that records and estimates are made from."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

_LIMIT = 4 << 20
"""Bytes of a request that are looked into; longer ones carry media."""


def asked(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """The body of an invocation as far as it is JSON; a file is left to be sent."""
    body = parameters.get("body")
    if not isinstance(body, (str, bytes, bytearray)) or len(body) > _LIMIT:
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    generation = found.get("textGenerationConfig") or found.get("inferenceConfig")  # Titan's and Nova's
    return {**_configured(generation), "prompt": found.get("inputText"), **_tools(found.get("toolConfig")), **found}


def conversed(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """The parameters of a conversation, its tools and temperature where other APIs have them."""
    return {**parameters, **_configured(parameters.get("inferenceConfig")), **_tools(parameters.get("toolConfig"))}


def started(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """What a job is to work on."""
    body = parameters.get("modelInput")
    return dict(body) if isinstance(body, Mapping) else {}


def _configured(inference: Any) -> Dict[str, Any]:
    return {"temperature": inference["temperature"]} if isinstance(inference, Mapping) and "temperature" in inference else {}


def _tools(configuration: Any) -> Dict[str, Any]:
    tools = configuration.get("tools") if isinstance(configuration, Mapping) else None
    return {"tools": tools} if isinstance(tools, (list, tuple)) and tools else {}
