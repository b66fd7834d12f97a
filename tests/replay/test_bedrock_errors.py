"""Recorded refusals of Bedrock, sent through boto3."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, List
from urllib.parse import unquote, urlsplit

import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")

import revenium_middleware_bedrock  # noqa: E402, F401
from revenium_middleware.testing import Fault  # noqa: E402

from .test_replay import _corpus  # noqa: E402

_OPERATIONS = {
    "converse": "converse",
    "converse-stream": "converse_stream",
    "invoke": "invoke_model",
    "invoke-with-response-stream": "invoke_model_with_response_stream",
}


def test_every_recorded_refusal_is_one_error_record(provider: Any, records: Callable[[], List[Any]]) -> None:
    rows = [row for row in _corpus("errors.jsonl") if row["provider"] == "bedrock"]
    assert len(rows) == 5
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
    client = boto3.client("bedrock-runtime", endpoint_url=provider.url, **keys)
    for seen, row in enumerate(rows):
        found = re.search(r"/model/(.+)/([a-z-]+)$", unquote(urlsplit(row["request"]["url"]).path))
        assert found is not None
        model, operation = found.groups()
        asked = {"body": row["request"]["body"]} if "invoke" in operation else {"messages": json.loads(row["request"]["body"])["messages"]}
        answer = row["response"]
        provider.script(Fault(answer["status"], answer["body"], answer["headers"]))
        with pytest.raises(client.exceptions.ClientError) as caught:
            getattr(client, _OPERATIONS[operation])(modelId=model, **asked)
        made = records()
        assert len(made) == seen + 1, row["id"]
        values = made[-1].values
        assert (values["error_code"], values["stop_reason"], values["model"]) == (answer["status"], "ERROR", model)
        assert values["error_reason"] == "%s (HTTP %d)" % (type(caught.value).__name__, answer["status"])
    client.close()
