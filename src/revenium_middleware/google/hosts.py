"""Who answers: Gemini's own API, or Vertex, which has regions."""

from __future__ import annotations

import functools
from typing import Any

from .._calls.declarations import Host

GEMINI = Host("Google", "GOOGLE", middleware="google")


@functools.lru_cache(maxsize=256)
def vertex(location: Any) -> Host:
    """Vertex in ``location``, which is the region of its calls where nobody says another."""
    region = {"region": location} if isinstance(location, str) and location else {}
    return Host("Google", "GOOGLE", middleware="google", says={"model_host": "vertex"}, supposes=region)
