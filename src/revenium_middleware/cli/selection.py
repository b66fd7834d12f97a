"""What a report is about: by which fields, over which time, of which records. All of it becomes SQL here."""

from __future__ import annotations

import datetime
import difflib
import re
import time
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .._core.fields import BY_NAME
from .._delivery.entries import REPORTED, STATES
from .faults import Fault

ALIASES: Mapping[str, str] = {
    "organization": "organization_name",
    "customer": "organization_name",
    "product": "product_name",
    "task": "task_type",
    "operation": "operation_type",
    "trace": "trace_id",
    "transaction": "transaction_id",
    "job": "agentic_job_id",
    "subscription": "subscription_id",
    "tier": "actual_service_tier",
    "error": "error_reason",
    "status": "state",
}
"""The short names people use."""

HEADINGS: Mapping[str, str] = {"organization_name": "Customer", "product_name": "Product", "task_type": "Task", "operation_type": "Operation"}

DEFAULT_BY = ("model", "organization_name", "agent")

_STATE = "CASE state %s END" % " ".join("WHEN %d THEN '%s'" % pair for pair in enumerate(STATES))
_MADE: Dict[str, str] = {
    "id": "id",
    "kind": "kind",
    "state": _STATE,
    "hour": "strftime('%Y-%m-%d %H:00', created, 'unixepoch')",
    "day": "strftime('%Y-%m-%d', created, 'unixepoch')",
    "month": "strftime('%Y-%m', created, 'unixepoch')",
    "subscriber": "coalesce(json_extract(body, '$.subscriber.id'), json_extract(body, '$.subscriber.email'))",
    "subscriber_id": "json_extract(body, '$.subscriber.id')",
    "subscriber_email": "json_extract(body, '$.subscriber.email')",
    "credential": "json_extract(body, '$.subscriber.credential.name')",
}
_COMMON = ("model", "provider", "organization", "product", "agent", "task", "subscriber", "operation", "trace", "job", "day", "hour", "month", "kind", "state")

_SPANS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DAY = 86_400.0


class Selection(NamedTuple):
    """Fields to group by, and the condition on records as SQL with its parameters."""

    by: Tuple[str, ...]
    since: Optional[float]
    until: Optional[float]
    where: Tuple[Tuple[str, str, str], ...]
    """(field, ``=`` or ``!=``, value)"""

    def condition(self) -> Tuple[str, List[Any]]:
        parts, parameters = ["1"], []  # type: List[str], List[Any]
        if self.since is not None:
            parts.append("created >= ?")
            parameters.append(self.since)
        if self.until is not None:
            parts.append("created < ?")
            parameters.append(self.until)
        for field, operator, value in self.where:
            part, values = _compared(expression(field), value)
            parts.append("NOT (%s)" % part if operator == "!=" else part)
            parameters.extend(values)
        return " AND ".join(parts), parameters


def field_named(name: str) -> str:
    """The field behind a name of the user's. Raises Fault."""
    clean = name.strip().lower().replace("-", "_")
    clean = ALIASES.get(clean, clean)
    if clean in _MADE or (clean in BY_NAME and clean != "subscriber"):
        return clean
    near = difflib.get_close_matches(clean, sorted(set(ALIASES) | set(_MADE) | set(BY_NAME)), 1, 0.7)
    hint = "did you mean %s?" % near[0] if near else "use %s, or any field of a record" % ", ".join(_COMMON)
    raise Fault("no field %r: %s" % (name.strip(), hint))


def heading(field: str) -> str:
    return HEADINGS.get(field) or field.replace("_", " ").capitalize().replace(" id", " ID")


def expression(field: str) -> str:
    """SQL for a field; the name comes from our own tables, never from the user."""
    if field in _MADE:
        return _MADE[field]
    return field if field in REPORTED else "json_extract(body, '$.%s')" % field


def grouped_by(given: Iterable[str]) -> Tuple[str, ...]:
    """``--by a,b --by c`` as fields, each once."""
    names = [field_named(name) for text in given for name in text.split(",") if name.strip()]
    return tuple(dict.fromkeys(names)) or DEFAULT_BY


def conditions(given: Sequence[str], named: Mapping[str, Sequence[str]]) -> Tuple[Tuple[str, str, str], ...]:
    """``--where field=value`` and the options that are named after a field."""
    found = [(field_named(name), "=", value) for name, values in named.items() for value in values]
    for text in given:
        match = re.fullmatch(r"\s*([A-Za-z_-]+)\s*(!?=)(.*)", text, re.DOTALL)
        if match is None:
            raise Fault("--where takes field=value or field!=value, such as --where environment=production; got %r" % text)
        found.append((field_named(match.group(1)), match.group(2), match.group(3).strip()))
    return tuple(found)


def _compared(sql: str, value: str) -> Tuple[str, List[Any]]:
    """Text of any case (ASCII), ``*`` for any characters, nothing for a field that is not set."""
    if not value:
        return "coalesce(%s, '') = ''" % sql, []
    if value.lower() in ("true", "false"):
        return "coalesce(CAST(%s AS TEXT), '') COLLATE NOCASE IN (?, ?)" % sql, [value, str(int(value.lower() == "true"))]
    if "*" in value:
        pattern = re.sub(r"([\\%_])", r"\\\1", value).replace("*", "%")
        return "coalesce(CAST(%s AS TEXT), '') LIKE ? ESCAPE '\\'" % sql, [pattern]
    return "coalesce(CAST(%s AS TEXT), '') = ? COLLATE NOCASE" % sql, [value]


def moment(text: Optional[str], end: bool = False) -> Optional[float]:
    """Seconds since the epoch of ``7d``, ``24h``, a day or a time (UTC); a day as an end includes that day."""
    if text is None:
        return None
    clean = text.strip()
    span = re.fullmatch(r"(\d{1,6})\s*([mhdw])", clean)
    if span is not None:
        return time.time() - int(span.group(1)) * _SPANS[span.group(2)]
    try:
        when = datetime.datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", clean))
    except ValueError:
        raise Fault("cannot read the time %r: use a day (2026-11-20), a time (2026-11-20T14:30) or a span (7d, 24h, 90m)" % text) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return when.timestamp() + (_DAY if end and re.fullmatch(r"\d{4}-\d{2}-\d{2}", clean) else 0.0)
