"""Kills at random moments, and what was noted as returned is there afterwards; ``benchmarks/loss.py`` does it a hundred times."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

LOSS = Path(__file__).parents[2] / "benchmarks" / "loss.py"


def test_kills_at_random_moments_lose_nothing_and_double_nothing():
    spec = importlib.util.spec_from_file_location("loss", str(LOSS))
    loss = importlib.util.module_from_spec(spec)
    sys.modules["loss"] = loss  # its types are looked up there
    try:
        spec.loader.exec_module(loss)
        seed = random.randrange(1_000_000)
        found = loss.kills(12, seed)
    finally:
        del sys.modules["loss"]
    assert (found.lost, found.left, found.doubled) == (0, 0, 0), (seed, found)
    assert found.recorded > 0, (seed, found)
    assert found.recorded == found.delivered + found.pending, (seed, found)
