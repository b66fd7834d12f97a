"""Meters Perplexity, through its own SDK and through an OpenAI client pointed at it. Importing this module is all it takes.

import revenium_middleware.perplexity    # or: import revenium_middleware_perplexity
"""

from __future__ import annotations

from .._calls.declarations import Provider
from .._calls.runtime import runtime
from .._calls.stainless import Waist
from .._openai import hosts
from .._openai.declaration import OPENAI_SDK
from .._openai.endpoints import UNKNOWN
from .endpoints import ENDPOINTS

__all__ = ["is_initialized"]

PERPLEXITY_SDK = Provider("perplexity", "perplexity", ENDPOINTS, lambda client, netloc: hosts.PERPLEXITY, hosts.meters)


def is_initialized() -> bool:
    """Whether calls to Perplexity are metered and their records have somewhere to go.

    When False, ``revenium_middleware.status().not_initialized`` says why.
    """
    return runtime.initialized("perplexity")[0]


for _provider in (PERPLEXITY_SDK, OPENAI_SDK):
    _waist = Waist(_provider, UNKNOWN, lambda: runtime)
    runtime.hooks.install(_provider.sdk, _waist.targets(), _waist.arrivals())
runtime.activate("perplexity", {"perplexity": "perplexityai", "openai": "openai"})
