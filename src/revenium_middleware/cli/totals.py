"""Adds records up. An unknown count or cost is never added as 0: every sum comes with how many calls it lacks."""

from __future__ import annotations

import itertools
import json
import sqlite3
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .._delivery.ledger import Ledger
from .costs import reasons
from .selection import Selection, expression

TOKENS = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "total_tokens")
SORTS = ("cost", "calls", "tokens", "name")

_FIELDS = (
    ("cached", "cache_read_token_count"),
    ("reasoning", "reasoning_token_count"),
    ("whole", "total_token_count"),
    ("milliseconds", "request_duration"),
    ("waited", "time_to_first_token"),
    ("stop", "stop_reason"),
    ("error", "error_reason"),
)
_COUNTED = "(kind = 'completion' OR usage_source = 'unknown')"
"""Records that have tokens to be known; a picture or a minute of sound has none unless the provider says so."""
_UNKNOWN = {
    "input_tokens": ("input_tokens", "input_tokens IS NULL AND %s" % _COUNTED),
    "cached_tokens": ("cached", "cached IS NULL AND (input_tokens > 0 OR (input_tokens IS NULL AND %s))" % _COUNTED),
    "output_tokens": ("output_tokens", "output_tokens IS NULL AND %s" % _COUNTED),
    "reasoning_tokens": ("reasoning", "reasoning IS NULL AND (output_tokens > 0 OR (output_tokens IS NULL AND %s))" % _COUNTED),
    "total_tokens": ("whole", "whole IS NULL AND %s" % _COUNTED),
}
_FAILED = "(error IS NOT NULL OR coalesce(stop, '') = 'ERROR')"
_SUMS = (
    ("calls", "count(*)"),
    ("errors", "sum(%s)" % _FAILED),
    *(pair for name in TOKENS for pair in ((name, "sum(%s)" % _UNKNOWN[name][0]), (name + "_unknown", "sum(%s)" % _UNKNOWN[name][1]))),
    ("estimated_calls", "sum(coalesce(usage_source, '') = 'estimated')"),
    ("unknown_calls", "sum(coalesce(usage_source, '') = 'unknown')"),
    ("duration_sum", "sum(CASE WHEN %s THEN NULL ELSE milliseconds END)" % _FAILED),
    ("duration_calls", "count(CASE WHEN %s THEN NULL ELSE milliseconds END)" % _FAILED),
    ("first_token_sum", "sum(waited)"),
    ("first_token_calls", "count(waited)"),
    ("cost", "sum(total_cost)"),
    ("unpriced_calls", "sum(total_cost IS NULL)"),
    ("reported_calls", "sum(coalesce(cost_status, '') = 'reported')"),
    ("estimated_cost_calls", "sum(total_cost IS NOT NULL AND coalesce(usage_source, '') = 'estimated')"),
    ("first", "min(created)"),
    ("last", "max(created)"),
)
_NAMES = tuple(name for name, _ in _SUMS)
_COUNTS = tuple(name for name in _NAMES if name in ("calls", "errors") or name.endswith(("_calls", "_unknown")))
_MERGED = {"first": "min", "last": "max"}
_ORDER = {
    "cost": "cost IS NULL, cost DESC, calls DESC",
    "calls": "calls DESC, cost IS NULL, cost DESC",
    "tokens": "coalesce(total_tokens, 0) DESC, calls DESC",
    "name": "1",
}
_number = itertools.count()


class Sums:
    """One line of a report: what its records have in common, and what they add up to."""

    def __init__(self, labels: Tuple[Optional[str], ...], values: Dict[str, Any]) -> None:
        self.labels = labels
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    @property
    def latency(self) -> Optional[float]:
        """Average milliseconds of the calls that did not fail."""
        return _average(self["duration_sum"], self["duration_calls"])

    @property
    def first_token(self) -> Optional[float]:
        """Average milliseconds to the first token, of streams."""
        return _average(self["first_token_sum"], self["first_token_calls"])


def _average(total: Optional[float], calls: Optional[int]) -> Optional[float]:
    return total / calls if calls and total is not None else None


class Report(NamedTuple):
    """What the ledger says about a selection."""

    selection: Selection
    groups: List[Sums]
    left_out: int
    """Groups beyond the limit; the total has them."""
    total: Sums
    states: Dict[str, int]
    """Records of the whole ledger by delivery state."""
    unpriced: List[Tuple[str, int]]
    """Reasons and how many calls each, the commonest first."""


def report(ledger: Ledger, selection: Selection, sort: str, limit: Optional[int]) -> Report:
    """Add up everything the selection asks for, in one pass over its records."""
    provide_json(ledger)
    table = "temp.report_%d" % next(_number)
    condition, parameters = selection.condition()
    labels = ["nullif(CAST(%s AS TEXT), '') AS label%d" % (expression(field), number) for number, field in enumerate(selection.by)]
    fields = ["json_extract(body, '$.%s') AS %s" % (name, alias) for alias, name in _FIELDS]
    columns = ", ".join(labels + fields + ["kind", "created", "usage_source", "cost_status", "total_cost", "input_tokens", "output_tokens"])
    names = ["label%d" % number for number in range(len(labels))]
    sums = ", ".join("%s AS %s" % (sql, name) for name, sql in _SUMS)
    ledger.query("CREATE TEMP TABLE %s (%s)" % (table.split(".")[1], ", ".join(names + list(_NAMES))))
    try:
        ledger.query(
            "INSERT INTO %s SELECT %s FROM (SELECT %s FROM record WHERE %s) GROUP BY %s"
            % (table, ", ".join(names + [sums]), columns, condition, ", ".join(names)),
            parameters,
        )
        order = ", ".join([_ORDER[sort], *names])
        rows = ledger.query("SELECT * FROM %s ORDER BY %s LIMIT %d" % (table, order, -1 if limit is None else limit))
        merged = ", ".join("%s(%s)" % (_MERGED.get(name, "sum"), name) for name in _NAMES)
        whole = ledger.query("SELECT count(*), %s FROM %s" % (merged, table))[0]
    finally:
        ledger.query("DROP TABLE %s" % table)
    groups = [Sums(tuple(row)[: len(names)], dict(zip(_NAMES, tuple(row)[len(names) :]))) for row in rows]
    totals = dict(zip(_NAMES, tuple(whole)[1:]))
    for name in _COUNTS:  # the sum of no rows is NULL
        totals[name] = totals[name] or 0
    total = Sums((), totals)
    return Report(selection, groups, whole[0] - len(groups), total, ledger.counts(), reasons(ledger, selection))


def provide_json(ledger: Ledger) -> None:
    """Give SQL a ``json_extract`` where the SQLite of this Python was built without one."""
    try:
        ledger.query("SELECT json_extract('{}', '$.a')")
    except sqlite3.OperationalError:
        ledger.define("json_extract", 2, Extract())


class Extract:
    """``json_extract`` for plain paths; remembers the last document, since a row is asked for many fields in a row."""

    def __init__(self) -> None:
        self._text: Optional[str] = None
        self._document: Any = None

    def __call__(self, text: str, path: str) -> Any:
        if text is not self._text and text != self._text:
            self._text, self._document = text, json.loads(text)
        found = self._document
        for name in path.split(".")[1:]:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return int(found)
        return json.dumps(found, separators=(",", ":")) if isinstance(found, (dict, list)) else found
