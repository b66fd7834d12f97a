"""Every metered method of boto3's Bedrock client, driven: text of every family, pictures, vectors, rankings, films, guardrails."""

from __future__ import annotations

import json
from typing import Any, Dict

from .caller import Caller
from .flows import Drive, once, several

MESSAGES = [{"role": "user", "content": [{"text": "How are you?"}]}]
TEXTS = {
    "anthropic.claude-3-haiku-20240307-v1:0": {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": MESSAGES},
    "us.amazon.nova-lite-v1:0": {"messages": MESSAGES},
    "amazon.titan-text-express-v1": {"inputText": "How are you?"},
    "meta.llama3-1-70b-instruct-v1:0": {"prompt": "How are you?"},
    "mistral.mistral-7b-instruct-v0:2": {"prompt": "How are you?"},
    "cohere.command-r-v1:0": {"message": "How are you?"},
    "openai.gpt-oss-120b-1:0": {"messages": [{"role": "user", "content": "How are you?"}]},
}
OTHERS = {
    "amazon.nova-canvas-v1:0": {"taskType": "TEXT_IMAGE", "imageGenerationConfig": {"numberOfImages": 2, "width": 512, "height": 512}},
    "stability.stable-image-core-v1:0": {"prompt": "a cat"},
    "amazon.titan-embed-text-v2:0": {"inputText": "Hello"},
    "cohere.embed-english-v3": {"texts": ["one", "two"], "input_type": "search_document"},
    "cohere.rerank-v3-5:0": {"query": "cat", "documents": ["a", "b"], "api_version": 2},
}
FILM = {
    "modelId": "amazon.nova-reel-v1:0",
    "modelInput": {"taskType": "TEXT_VIDEO", "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}},
}
GUARDED = {"guardrailIdentifier": "gr1", "guardrailVersion": "1", "source": "INPUT", "content": [{"text": {"text": "Hello"}}]}


def _body(model: str, body: Any) -> Dict[str, Any]:
    return {"modelId": model, "body": json.dumps(body)}


def _drawn(path: str, name: str, *asked: Any) -> Drive:
    """Streams, each read to its end."""
    return lambda call: [list(call(path, tagged=True, **each)[name]) for each in asked]


def _filmed(call: Caller) -> Any:
    arn = call("start_async_invoke", tagged=True, **FILM)["invocationArn"]
    return [call("get_async_invoke", invocationArn=arn)["status"] for _ in range(4)]


DRIVES: Dict[str, Drive] = {
    "converse": once("converse", modelId="us.meta.llama3-3-70b-instruct-v1:0", messages=MESSAGES),
    "converse_stream": _drawn("converse_stream", "stream", {"modelId": "deepseek.r1-v1:0", "messages": MESSAGES}),
    "invoke_model": several(*(once("invoke_model", **_body(model, body)) for model, body in {**TEXTS, **OTHERS}.items())),
    "invoke_model_with_response_stream": _drawn("invoke_model_with_response_stream", "body", *(_body(model, body) for model, body in TEXTS.items())),
    "start_async_invoke": _filmed,
    "get_async_invoke": _filmed,
    "apply_guardrail": once("apply_guardrail", **GUARDED),
    "invoke_guardrail_checks": once(
        "invoke_guardrail_checks", messages=[{"role": "user", "content": [{"text": "Hello"}]}], checks={"contentFilter": {"categories": [{"category": "HATE"}]}}
    ),
}
