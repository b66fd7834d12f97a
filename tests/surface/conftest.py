"""What the surface tests share: a program in a process of its own, and what the service got of it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

import revenium_middleware

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def program() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs code in a process of its own, with this test's settings; warnings are errors there too."""

    def run(code: str, *arguments: str, code_of_return: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        command: List[str] = [sys.executable, "-W", "error", *(arguments or ("-c", textwrap.dedent(code)))]
        full = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
        done = subprocess.run(command, env=full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=90)
        assert done.returncode == code_of_return, (done.returncode, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture
def sent(metering: Any) -> Callable[..., List[Dict[str, Any]]]:
    """The bodies the service has accepted once everything is delivered, in order of their agent."""

    def payloads(count: int) -> List[Dict[str, Any]]:
        assert revenium_middleware.flush(30) == 0
        found = metering.payloads()
        assert len(found) == count
        return sorted(found, key=lambda payload: str(payload.get("agent")))

    return payloads
