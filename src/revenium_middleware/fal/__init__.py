"""Meters every call made through the ``fal_client`` package. Importing this module is all it takes.

import revenium_middleware.fal           # or: import revenium_middleware_fal
fal_client.subscribe("fal-ai/flux/dev", arguments={...}, usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.direct import DirectWaist
from .._calls.runtime import runtime
from .declaration import FAL_SDK

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed ``fal_client`` are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("fal")[0]


_waist = DirectWaist(FAL_SDK, lambda: runtime)
runtime.hooks.install("fal_client", _waist.targets(), _waist.arrivals())
runtime.activate("fal", {"fal_client": "fal-client"})
