"""Meters every call made through the ``ollama`` package. Importing this module is all it takes.

import revenium_middleware.ollama        # or: import revenium_middleware_ollama
ollama.chat(..., usage_metadata={"organization_name": "AcmeCorp"})
"""

from __future__ import annotations

from .._calls.direct import DirectWaist
from .._calls.runtime import runtime
from .declaration import OLLAMA_SDK

__all__ = ["is_initialized"]


def is_initialized() -> bool:
    """Whether calls of the installed ``ollama`` are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("ollama")[0]


_waist = DirectWaist(OLLAMA_SDK, lambda: runtime)
runtime.hooks.install("ollama", _waist.targets(), _waist.arrivals())
runtime.activate("ollama", {"ollama": "ollama"})
