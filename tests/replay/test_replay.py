"""Recorded exchanges give exactly the records they should: our own small set always, a larger corpus where there is one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from .exchange import Exchange

_HERE = Path(__file__).parent
_CORPUS = Path(os.environ.get("REPLAY_CORPUS") or _HERE.parents[2] / "shared" / "corpus")


def _rows(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _send(exchange: Exchange, way: str) -> Any:
    return exchange.send() if way == "sync" else exchange.send_async()


_OWN = _rows(_HERE / "own.jsonl")
both_ways = pytest.mark.parametrize("way", ["sync", "async"])


@both_ways
@pytest.mark.parametrize("row", _OWN, ids=[row["name"] for row in _OWN])
def test_own_exchange_gives_its_record(row: Dict[str, Any], way: str, records: Callable[[], List[Any]]) -> None:
    _send(Exchange(row), way)
    made = records()
    if row["expected"] is None:
        assert made == []
        return
    assert len(made) == 1
    expected = row["expected"]
    assert {name: made[0].values.get(name) for name in expected} == pytest.approx(expected)


def _corpus(name: str) -> List[Dict[str, Any]]:
    path = _CORPUS / name
    if not path.is_file():
        pytest.skip("no recorded corpus at hand: set REPLAY_CORPUS to its folder (%s is not there)" % name)
    return _rows(path)


_FAMILY = ("openai", "azure_openai")


@both_ways
def test_every_recorded_error_is_one_error_record(way: str, records: Callable[[], List[Any]]) -> None:
    rows = [row for row in _corpus("errors.jsonl") if row["provider"] in _FAMILY]
    assert len(rows) == 13
    for seen, row in enumerate(rows):
        error = _send(Exchange(row), way)
        assert error is not None and error.status_code == row["response"]["status"]
        made = records()
        assert len(made) == seen + 1, row["id"]
        values = made[-1].values
        assert values["error_code"] == row["response"]["status"]
        assert values.get("stop_reason", "ERROR") == "ERROR"
        assert values["error_reason"].endswith("(HTTP %d)" % row["response"]["status"])


@both_ways
def test_no_recorded_free_call_is_billed(way: str, records: Callable[[], List[Any]]) -> None:
    rows = [row for row in _corpus("unmetered.jsonl") if row["provider"] in _FAMILY + ("anthropic", "deepseek", "huggingface", "mistral")]
    assert len(rows) > 32
    for row in rows:
        _send(Exchange(row), way)
        assert records() == [], row["id"]
