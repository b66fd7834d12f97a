"""The report for other programs: JSON with everything, CSV with one line per group."""

from __future__ import annotations

import csv
import datetime
import io
import json
from typing import Any, Dict, List, Optional

from .totals import TOKENS, Report, Sums
from .words import shown

_PLAIN = ("estimated_calls", "unknown_calls")
_COSTS = ("unpriced_calls", "reported_calls")


def facts(sums: Sums) -> Dict[str, Any]:
    """The measures of one line under their public names. ``x_unknown`` is the number of calls that ``x`` lacks."""
    found: Dict[str, Any] = {"calls": sums["calls"], "errors": sums["errors"]}
    for name in TOKENS:
        found[name] = sums[name]
        found[name + "_unknown"] = sums[name + "_unknown"]
    found.update({name: sums[name] for name in _PLAIN})
    found["average_latency_ms"] = _rounded(sums.latency)
    found["average_time_to_first_token_ms"] = _rounded(sums.first_token)
    found["cost_usd"] = None if sums["cost"] is None else round(sums["cost"], 10)
    found.update({name: sums[name] for name in _COSTS})
    return found


def as_json(report: Report, ledger: str, catalogue: str, notes: List[str]) -> str:
    selection = report.selection
    document = {
        "ledger": ledger,
        "since": _time(selection.since),
        "until": _time(selection.until),
        "first_call": _time(report.total["first"]),
        "last_call": _time(report.total["last"]),
        "where": ["%s%s%s" % condition for condition in selection.where],
        "by": list(selection.by),
        "groups": [{**dict(zip(selection.by, sums.labels)), **facts(sums)} for sums in report.groups],
        "groups_left_out": report.left_out,
        "total": facts(report.total),
        "records": report.states,
        "price_list": catalogue or None,
        "unpriced": [{"reason": reason, "calls": calls} for reason, calls in report.unpriced],
        "notes": notes,
    }
    return json.dumps(document, indent=2) + "\n"


def as_csv(report: Report) -> str:
    """Comma-separated, CRLF, a header; empty is unknown. Text that a spreadsheet would run starts with an apostrophe."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([*report.selection.by, *facts(report.total)])
    for sums in report.groups:
        writer.writerow([*(_cell(label) for label in sums.labels), *(("" if value is None else value) for value in facts(sums).values())])
    return stream.getvalue()


def _cell(label: Optional[str]) -> str:
    text = shown(label or "")
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text


def _rounded(milliseconds: Optional[float]) -> Optional[float]:
    return None if milliseconds is None else round(milliseconds, 1)


def _time(seconds: Optional[float]) -> Optional[str]:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
