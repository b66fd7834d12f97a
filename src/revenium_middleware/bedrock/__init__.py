"""Meters every call made to Amazon Bedrock's runtime through boto3 or botocore. Importing this module is all it takes.

import revenium_middleware.bedrock       # or: import revenium_middleware_bedrock
boto3.client("bedrock-runtime").converse(..., usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.direct import DirectWaist
from .._calls.runtime import runtime
from .declaration import bedrock_sdk

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed ``boto3`` to Bedrock are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("bedrock")[0]


_waist = DirectWaist(bedrock_sdk(lambda: runtime), lambda: runtime)
runtime.hooks.install("botocore", _waist.targets(), _waist.arrivals())
runtime.activate("bedrock", {"botocore": "boto3"})
