"""Runs pages and examples as users would: in a process of their own, answered by the loopback provider."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def demo() -> Any:
    """The demo's driver, which knows how examples are pointed at the loopback provider."""
    spec = importlib.util.spec_from_file_location("demo", str(EXAMPLES / "demo.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Ran:
    """What a finished program printed and recorded."""

    def __init__(self, program: Path, directory: Path, provider: Any, **more: str) -> None:
        driver = demo()
        ledger = directory / "ledger.db"
        variables: Dict[str, str] = {**driver.without_proxies(driver.environment(ledger)), **driver.loopback(provider), **more}
        variables["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(
            driver.command(program, variables), env=variables, cwd=str(directory), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120
        )
        self.printed, self.warned = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        assert done.returncode == 0, self.warned
        self.records: List[Dict[str, Any]] = driver.records(ledger)
