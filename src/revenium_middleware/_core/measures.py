"""What an application may measure itself: the names it may use, and the rule for each value. Nothing is guessed here."""

from __future__ import annotations

import datetime
import math
from types import MappingProxyType
from typing import Any, Dict, Mapping, NamedTuple, Tuple

from .fields import BY_NAME
from .values import Broken, Check, as_number, boolean, integer, number, one_of

_MOST = 10**15
OPERATIONS = (
    *("CHAT", "GENERATE", "EMBED", "CLASSIFY", "SUMMARIZE", "TRANSLATE", "TOOL_CALL", "RERANK", "SEARCH", "MODERATION"),
    *("VISION", "TRANSFORM", "GUARDRAIL", "AUDIO", "VIDEO", "IMAGE", "OTHER"),
)
STOP_REASONS = ("END", "END_SEQUENCE", "TIMEOUT", "TOKEN_LIMIT", "COST_LIMIT", "COMPLETION_LIMIT", "ERROR", "CANCELLED")


class Measure(NamedTuple):
    """One field of a record, and what it takes."""

    field: str
    check: Check


def moment(value: Any) -> float:
    """Seconds since the epoch of a datetime, a number of such seconds, or ISO text (UTC unless it says otherwise)."""
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            raise Broken("must be a time such as 2026-11-20T14:30:00Z") from None
        value = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or not 0 <= value < 253402300800:
        raise Broken("must be a datetime, seconds since the epoch, or ISO text")
    return float(value)


def _measured(check: Check) -> Check:
    """Numbers only: text that looks like one is a mistake of whoever measures."""

    def checked(value: Any) -> Any:
        if isinstance(value, (str, bytes, bytearray)):
            raise Broken("must be a number")
        return check(value)

    return checked


def _words(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Broken("must be text")
    return value.strip()[:255].encode("utf-8", "replace").decode("utf-8")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Broken("must be True or False")
    return boolean(value)


def _milliseconds(value: Any) -> int:
    return int(as_number(number(0, _MOST)(value)))


_COUNT = _measured(integer(0, _MOST))
_SPAN = _measured(_milliseconds)

_ROWS: Tuple[Tuple[str, Check, Tuple[str, ...]], ...] = (
    ("model", _words, ()),
    ("provider", _words, ()),
    ("model_source", _words, ()),
    ("middleware_source", _words, ()),
    ("transaction_id", _words, ()),
    ("operation_type", one_of(*OPERATIONS, upper=True), ()),
    ("operation_subtype", _words, ()),
    ("stop_reason", one_of(*STOP_REASONS, upper=True), ()),
    ("error_reason", _words, ()),
    ("error_code", _measured(integer(400, 599)), ()),
    ("system_fingerprint", _words, ()),
    ("temperature", _measured(number()), ()),
    ("is_streamed", _flag, ()),
    ("input_token_count", _COUNT, ("prompt_tokens", "input_tokens")),
    ("output_token_count", _COUNT, ("completion_tokens", "output_tokens")),
    ("total_token_count", _COUNT, ("total_tokens",)),
    ("reasoning_token_count", _COUNT, ("reasoning_tokens",)),
    ("cache_read_token_count", _COUNT, ("cache_read_tokens",)),
    ("cache_creation_token_count", _COUNT, ("cache_creation_tokens",)),
    ("cache_creation_5m_token_count", _COUNT, ("cache_creation_5m_tokens", "cache_creation5m_token_count")),
    ("cache_creation_1h_token_count", _COUNT, ("cache_creation_1h_tokens", "cache_creation1h_token_count")),
    ("total_cost", _measured(number(0)), ("cost",)),
    ("request_time", moment, ()),
    ("response_time", moment, ()),
    ("completion_start_time", moment, ()),
    ("request_duration", _SPAN, ()),
    ("time_to_first_token", _SPAN, ()),
    ("mediation_latency", _SPAN, ()),
)


def _by_spelling() -> Dict[str, Measure]:
    found: Dict[str, Measure] = {}
    for field, check, others in _ROWS:
        for name in (field, BY_NAME[field].wire, *others):
            assert name is not None
            found[name] = Measure(field, check)
    return found


MEASURES: Mapping[str, Measure] = MappingProxyType(_by_spelling())
"""Every accepted spelling -> the field it means."""
