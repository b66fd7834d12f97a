"""Meters every call made through the ``openai`` package. Importing this module is all it takes.

import revenium_middleware.openai        # or: import revenium_middleware_openai
client.chat.completions.create(..., usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.runtime import runtime
from .._calls.stainless import Waist
from .._openai.declaration import OPENAI_SDK
from .._openai.endpoints import UNKNOWN

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed ``openai`` are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("openai")[0]


_waist = Waist(OPENAI_SDK, UNKNOWN, lambda: runtime)
runtime.hooks.install("openai", _waist.targets(), _waist.arrivals())
runtime.activate("openai", {"openai": "openai"})
