"""Runs a script in a process of its own, with our settings cleared and a ledger to read afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from revenium_middleware._delivery.intake import up_to_date

_SRC = Path(__file__).resolve().parents[2] / "src"
_APART = ("REVENIUM_", "OPENAI_", "AZURE_", "PYTHON", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "XDG_")

CLIENT = """
import os, openai
client = openai.OpenAI(api_key="sk-test", base_url=os.environ["WIRE"], max_retries=0)
ask = dict(model="o3-cached", messages=[{"role": "user", "content": "Say hello"}])
"""


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    records: List[Dict[str, Any]]


def run_script(script: str, url: str, home: Path, *options: str, **settings: str) -> Ended:
    """``script`` under the running interpreter; ``options`` are the interpreter's."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_APART)}
    ledger = home / "ledger.db"
    environment = {**kept, "PYTHONPATH": os.pathsep.join([str(_SRC), *sys.path]), "WIRE": url, "HOME": str(home), "REVENIUM_LEDGER": str(ledger), **settings}
    environment = {name: value for name, value in environment.items() if value}
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script)], env=environment, cwd=str(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode(), _records(ledger))


def _records(path: Path) -> List[Dict[str, Any]]:
    if not path.with_name(path.name + ".journal").exists() and not path.exists():
        return []
    ledger = up_to_date(path)
    try:
        return [json.loads(row["body"]) for row in ledger.query("SELECT body FROM record ORDER BY number")]
    finally:
        ledger.close()
