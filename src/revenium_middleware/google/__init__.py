"""Meters every call made through ``google-genai`` and ``vertexai``. Importing this module is all it takes.

import revenium_middleware.google        # or: import revenium_middleware_google
client.models.generate_content(..., usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.direct import DirectWaist
from .._calls.runtime import runtime
from .declaration import GENAI_SDK
from .vertexai import VERTEXAI_SDK

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed Google packages are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("google")[0]


_waist, _older = DirectWaist(GENAI_SDK, lambda: runtime), DirectWaist(VERTEXAI_SDK, lambda: runtime)
runtime.hooks.install("google.genai", _waist.targets(), _waist.arrivals())
runtime.hooks.install("vertexai", _older.targets(), _older.arrivals())
runtime.activate("google", {"google.genai": "google-genai", "vertexai": "google-cloud-aiplatform"})
