"""Every public method of boto3's client of Bedrock's runtime, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row

_API = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_"

ROWS: Tuple[Row, ...] = (
    Row(r"converse", METERED, "usage of the answer", _API + "Converse.html"),
    Row(r"converse_stream", METERED, "its metadata event; a stream left early is estimated", _API + "ConverseStream.html"),
    Row(r"invoke_model", METERED, "counts in the headers; pictures by the piece", _API + "InvokeModel.html"),
    Row(r"invoke_model_with_response_stream", METERED, "metrics in the last chunk", _API + "InvokeModelWithResponseStream.html"),
    Row(r"start_async_invoke|get_async_invoke", METERED, "with the first look that shows the job done", _API + "GetAsyncInvoke.html"),
    Row(r"apply_guardrail|invoke_guardrail_checks", METERED, "one record each; a record has no field for text units", _API + "ApplyGuardrail.html"),
    Row(
        r"invoke_model_with_bidirectional_stream",
        UNMETERABLE,
        "boto3 cannot make this call: it speaks HTTP/1.1 only",
        _API + "InvokeModelWithBidirectionalStream.html",
    ),
    Row(r"count_tokens", FREE, "counts, and bills nothing", _API + "CountTokens.html"),
    Row(r"list_async_invokes", FREE, "looks at jobs"),
    Row(r"can_paginate|close|generate_presigned_url|get_paginator|get_waiter|waiter_names", FREE, "sends nothing that bills"),
)

_CLIENT = {"service_name": "bedrock-runtime", "region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}

INVENTORY = Inventory("boto3", (("client", _CLIENT),), ROWS)
