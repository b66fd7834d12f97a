"""Requests to Bedrock, one for each family of models, as its documentation has them."""

from __future__ import annotations

import json
from typing import Any, Dict

MESSAGES = [{"role": "user", "content": [{"text": "How are you?"}]}]
CONVERSED: Dict[str, Any] = {"modelId": "amazon.nova-micro-v1:0", "messages": MESSAGES, "inferenceConfig": {"temperature": 0.5}}
_CHAT = {"messages": [{"role": "user", "content": "How are you?"}]}

FAMILIES: Dict[str, Dict[str, Any]] = {
    "anthropic.claude-3-haiku-20240307-v1:0": {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, **_CHAT},
    "amazon.nova-lite-v1:0": {"messages": MESSAGES},
    "amazon.titan-text-express-v1": {"inputText": "How are you?", "textGenerationConfig": {"maxTokenCount": 3}},
    "meta.llama3-1-70b-instruct-v1:0": {"prompt": "How are you?"},
    "mistral.mistral-7b-instruct-v0:2": {"prompt": "How are you?"},
    "cohere.command-r-v1:0": {"message": "How are you?"},
    "ai21.jamba-1-5-mini-v1:0": _CHAT,
    "deepseek.r1-v1:0": _CHAT,
    "qwen.qwen3-32b-v1:0": _CHAT,
    "openai.gpt-oss-120b-1:0": _CHAT,
}


def invoked(model: str, body: Any) -> Dict[str, Any]:
    return {"modelId": model, "body": json.dumps(body), "contentType": "application/json", "accept": "application/json"}
