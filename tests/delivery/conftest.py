"""What the delivery tests share: records to send, and processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, List

import pytest

from revenium_middleware._core.fields import COMPLETION
from revenium_middleware._core.record import Record, new_id
from revenium_middleware._core.settings import Settings, load

SOURCE = Path(__file__).parents[2] / "src"
KEY = "hak_loopback_0123456789"

PRELUDE = """
import os, sys, time, signal
import revenium_middleware, revenium_middleware.openai
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.record import Record, new_id

def keep(n=1, **values):
    settings = runtime.settings()
    for _ in range(n):
        url, credential = ("", "") if settings.local else (settings.base_url, settings.credential)
        runtime.commit(Record(new_id(), "completion", time.time(), url, credential, {"model": "m", "total_token_count": 1, **values}))
"""


def settings_of(**environment: str) -> Settings:
    return load({"REVENIUM_METERING_API_KEY": KEY, "REVENIUM_METERING_BASE_URL": "http://127.0.0.1:9", **environment})


def record(identifier: str = "", settings: Settings = settings_of(), **values: Any) -> Record:  # noqa: B008
    url, credential = ("", "") if settings.local else (settings.base_url, settings.credential)
    return Record(identifier or new_id(), COMPLETION, 1.5, url, credential, {"model": "m", "total_token_count": 1, **values})


@pytest.fixture
def child() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs code in a process of its own, with this test's settings and ``keep(n)`` to make records."""

    def run(code: str, code_of_return: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
        process = popen(code, **environment)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code_of_return, (process.returncode, out, err)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def popen(code: str, **environment: str) -> "subprocess.Popen[str]":
    source: List[str] = [sys.executable, "-c", PRELUDE + textwrap.dedent(code)]
    full = {**os.environ, "PYTHONPATH": str(SOURCE), **environment}
    return subprocess.Popen(source, env=full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
