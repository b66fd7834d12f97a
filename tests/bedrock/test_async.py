"""aiobotocore, whose clients are botocore's own made asynchronous."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable

import pytest

session_module = pytest.importorskip("aiobotocore.session", reason="aiobotocore is not installed")

from .asked import CONVERSED, invoked  # noqa: E402
from .test_answers import agrees  # noqa: E402


def asked(url: str, work: Callable[[Any], Any]) -> Any:
    async def run() -> Any:
        keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "eu-west-1"}
        async with session_module.get_session().create_client("bedrock-runtime", endpoint_url=url, **keys) as client:
            return await work(client)

    return asyncio.run(run())


def test_a_conversation_is_one_record(provider: Any, one: Any) -> None:
    answer = asked(provider.url, lambda client: client.converse(**CONVERSED, usage_metadata={"agent": "async"}))
    assert answer["output"]
    values = one()
    agrees(values, provider)
    assert (values["agent"], values["region"]) == ("async", "eu-west-1")


def test_a_stream_is_one_record(provider: Any, one: Any) -> None:
    async def work(client: Any) -> Any:
        return [event async for event in (await client.converse_stream(**CONVERSED))["stream"]]

    assert "metadata" in asked(provider.url, work)[-1]
    agrees(one(), provider)


def test_a_stream_that_is_closed_is_one_cancelled_record(provider: Any, one: Any) -> None:
    async def work(client: Any) -> None:
        stream = (await client.converse_stream(**CONVERSED))["stream"]
        async for event in stream:
            if "contentBlockDelta" in event:
                break
        stream.close()

    asked(provider.url, work)
    assert one()["stop_reason"] == "CANCELLED"


def test_an_invocation_is_one_record_and_its_body_is_left_to_be_awaited(provider: Any, one: Any) -> None:
    async def work(client: Any) -> Any:
        return await (await client.invoke_model(**invoked("meta.llama3", {"prompt": "Hello"})))["body"].read()

    assert json.loads(asked(provider.url, work))["generation"]
    agrees(one(), provider)


def test_a_refusal_is_an_error_record(provider: Any, one: Any) -> None:
    from revenium_middleware.testing import Fault

    provider.script(Fault(400, {"message": "No."}, {"x-amzn-errortype": "ValidationException"}))
    with pytest.raises(Exception, match="ValidationException"):
        asked(provider.url, lambda client: client.converse(**CONVERSED))
    assert one()["error_code"] == 400
