"""However records are grouped, the groups add up to the total, and the total to the records."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revenium_middleware._core.record import Record, new_id
from revenium_middleware._delivery.ledger import Ledger
from revenium_middleware._usage.pricing import price
from revenium_middleware.cli.costs import price_missing
from revenium_middleware.cli.exports import facts
from revenium_middleware.cli.selection import Selection
from revenium_middleware.cli.totals import Extract, Report, report

_count = st.one_of(st.none(), st.integers(0, 10**6))
_values = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-4o-mini", "gpt-4o", "deployment", "whisper-1"]),
        "provider": st.sampled_from(["OPENAI", "Azure", "CUSTOM"]),
        "agent": st.sampled_from([None, "", "a", "[bold]b"]),
        "environment": st.sampled_from([None, "production"]),
        "usage_source": st.sampled_from(["provider", "estimated", "unknown"]),
        "stop_reason": st.sampled_from(["END", "ERROR", None]),
        "input_token_count": _count,
        "output_token_count": _count,
        "total_token_count": _count,
        "cache_read_token_count": st.one_of(st.none(), st.integers(0, 50)),
        "reasoning_token_count": st.one_of(st.none(), st.integers(0, 50)),
        "request_duration": st.one_of(st.none(), st.integers(0, 10**5)),
        "total_cost": st.one_of(st.none(), st.none(), st.floats(0, 10)),
    }
)
_records = st.lists(st.tuples(st.sampled_from(["completion", "image"]), _values, st.floats(1_794_000_000, 1_795_000_000)), max_size=20)
_by = st.lists(st.sampled_from(["model", "provider", "agent", "environment", "day", "kind", "state"]), min_size=1, max_size=3, unique=True)


def _kept(values: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _reported(records: List[Record], by: List[str], fallback: bool) -> Report:
    with tempfile.TemporaryDirectory() as directory:
        with contextlib.closing(Ledger(str(Path(directory) / "ledger.db"))) as ledger:
            if fallback:
                ledger.define("json_extract", 2, Extract())
            ledger.ingest(records)
            selection = Selection(tuple(by), None, None, ())
            price_missing(ledger, selection, lambda done, todo: None)
            return report(ledger, selection, "cost", None)


def _sum(numbers: List[Optional[float]]) -> Optional[float]:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(_records, _by, st.booleans())
def test_groups_add_up_to_the_total_and_the_total_to_the_records(drawn: List[Any], by: List[str], fallback: bool) -> None:
    records = [Record(new_id(), kind, created, "", "", _kept(values)) for kind, values, created in drawn]
    made = _reported(records, by, fallback)
    lines, total = [facts(group) for group in made.groups], facts(made.total)
    for name in total:
        if not name.startswith("average"):
            expected = _sum([line[name] for line in lines])
            assert total[name] == (pytest.approx(expected) if isinstance(expected, float) else (expected or 0) if total[name] == 0 else expected), name
    assert total["calls"] == len(records)
    for name, field in (("input_tokens", "input_token_count"), ("output_tokens", "output_token_count"), ("cached_tokens", "cache_read_token_count")):
        assert total[name] == _sum([record.values.get(field) for record in records])
    costs = [price(record.values, record.created).cost for record in records]
    assert total["unpriced_calls"] == costs.count(None)
    assert total["cost_usd"] == (None if _sum(costs) is None else pytest.approx(_sum(costs), rel=1e-6, abs=1e-9))
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        field = name.replace("tokens", "token_count")
        missing = [r for r in records if r.values.get(field) is None and (r.kind == "completion" or r.values.get("usage_source") == "unknown")]
        assert total[name + "_unknown"] == len(missing)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(_records, _by)
def test_sqlite_without_json_says_the_same(drawn: List[Any], by: List[str]) -> None:
    records = [Record(new_id(), kind, created, "", "", _kept(values)) for kind, values, created in drawn]
    plain, fallback = _reported(records, by, False), _reported(records, by, True)
    assert [(group.labels, facts(group)) for group in plain.groups] == [(group.labels, facts(group)) for group in fallback.groups]


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ('{"a":1}', "$.a", 1),
        ('{"a":true}', "$.a", 1),
        ('{"a":null}', "$.a", None),
        ('{"a":{"b":"x"}}', "$.a.b", "x"),
        ('{"a":"x"}', "$.a.b", None),
        ('{"a":[1,{"b":2}]}', "$.a", '[1,{"b":2}]'),
        ("{}", "$.a", None),
    ],
)
def test_our_json_extract_is_that_of_sqlite(document: str, path: str, found: Any) -> None:
    with contextlib.closing(Ledger(":memory:")) as ledger:
        assert ledger.query("SELECT json_extract(?, ?)", (document, path))[0][0] == found
        ledger.define("json_extract", 2, Extract())
        assert ledger.query("SELECT json_extract(?, ?)", (document, path))[0][0] == found
