"""The law: recorded = delivered + pending + refused + local + expired + evicted, in every interleaving that was tried."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SOURCE

pytest.importorskip("resource")
COUNT = int(os.environ.get("REVENIUM_TEST_INTERLEAVINGS", "5"))


def test_every_record_is_accounted_for_whatever_happens():
    """Records, answers of every kind, flushes, restarts, crashes, full disks and prunes in random order; seeds are named when one fails."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.delivery.conservation", os.environ.get("REVENIUM_TEST_SEED", "0"), str(COUNT), "40"],
        cwd=str(root),
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(SOURCE), str(root)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=60 + 30 * COUNT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('"pending": 0') == COUNT
