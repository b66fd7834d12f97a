"""Meters every call made through the ``anthropic`` package. Importing this module is all it takes.

import revenium_middleware.anthropic     # or: import revenium_middleware_anthropic
client.messages.create(..., usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.hooks import available
from .._calls.runtime import runtime
from .._calls.stainless import Waist
from .declaration import ANTHROPIC_SDK
from .endpoints import UNKNOWN

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed ``anthropic`` are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("anthropic")[0]


_waist = Waist(ANTHROPIC_SDK, UNKNOWN, lambda: runtime)
runtime.hooks.install("anthropic", _waist.targets(), _waist.arrivals())
runtime.activate("anthropic", {"anthropic": "anthropic"})
if available("botocore"):  # Claude on Bedrock is reached through either
    from .. import bedrock  # noqa: F401
