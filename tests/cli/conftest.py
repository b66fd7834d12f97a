"""Real ledgers for the command line: written through Ledger and Journal, as the SDK writes them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import pytest

from revenium_middleware._core.record import Record, new_id
from revenium_middleware._delivery.intake import journals_of
from revenium_middleware._delivery.journal import Journal
from revenium_middleware._delivery.ledger import Ledger

SOURCES = str(Path(__file__).resolve().parents[2] / "src")


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Books:
    """One ledger, and the command run on it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def record(kind: str = "completion", created: Optional[float] = None, credential: str = "", **values: Any) -> Record:
        """One answered call of gpt-4o-mini; None takes a field away."""
        said: Dict[str, Any] = {
            "transaction_id": new_id(),
            "model": "gpt-4o-mini-2024-07-18",
            "provider": "OPENAI",
            "operation_type": "CHAT",
            "usage_source": "provider",
            "stop_reason": "END",
            "request_duration": 1000,
            "input_token_count": 1000,
            "output_token_count": 100,
            "total_token_count": 1100,
            "cache_read_token_count": 0,
            "reasoning_token_count": 0,
        }
        said.update(values)
        said = {name: value for name, value in said.items() if value is not None}
        return Record(new_id(), kind, time.time() - 60 if created is None else created, "http://x/" if credential else "", credential, said)

    def ingest(self, *records: Record) -> None:
        ledger = Ledger(str(self.path))
        ledger.ingest(records)
        ledger.close()

    def add(self, *, times: int = 1, **values: Any) -> None:
        self.ingest(*(self.record(**values) for _ in range(times)))

    def journal(self, *records: Record) -> Journal:
        """The records as a process leaves them before any sender has seen them."""
        journal = Journal(journals_of(self.path))
        for record in records:
            journal.append(record)
        return journal

    def rows(self, columns: str = "*") -> List[Any]:
        ledger = Ledger(str(self.path))
        try:
            return [tuple(row) for row in ledger.query("SELECT %s FROM record ORDER BY number" % columns)]
        finally:
            ledger.close()

    def run(self, *arguments: str, ledger: bool = True, env: Optional[Dict[str, str]] = None, module: Sequence[str] = (), cwd: Optional[Path] = None) -> Result:
        """``python -m revenium_middleware report`` as a process of its own."""
        command = [sys.executable, "-W", "error", *(module or ("-m", "revenium_middleware", "report"))]
        command += [*arguments, *(("--ledger", str(self.path)) if ledger else ())]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REVENIUM_") and name not in ("COLUMNS", "NO_COLOR")}
        environment.update({"PYTHONPATH": SOURCES, "PYTHONIOENCODING": "utf-8", "HOME": str(self.path.parent)}, **(env or {}))
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=str(cwd or self.path.parent), timeout=120)
        return Result(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "ledger.db")


@pytest.fixture
def new_books(tmp_path: Path) -> Callable[[], Books]:
    """As many ledgers as asked for."""
    return lambda: Books(tmp_path / new_id() / "ledger.db")


@pytest.fixture
def report(books: Books) -> Callable[..., str]:
    """The command within this process; its standard output."""
    from click.testing import CliRunner

    from revenium_middleware.cli.commands import program

    def run(*arguments: str, code: int = 0, width: int = 160) -> str:
        result = CliRunner().invoke(program, ["report", "--ledger", str(books.path), *arguments], env={"COLUMNS": str(width)})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert result.exit_code == code, result.output
        return result.output

    return run
