"""Usage that the application reports itself: into the ledger, or straight to the metering service."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Optional, Tuple

from ._calls.runtime import runtime
from ._calls.submitting import APIs, Completions, Events
from ._core import measures
from ._core.diagnostics import diagnostics
from ._core.errors import ConfigurationError
from ._core.fields import COMPLETION, FLAT_SUBSCRIBER, SPELLINGS
from ._core.metadata import canonical, finished, overlay
from ._core.record import Record, fitting, new_id, timestamp
from ._core.scope import current
from ._core.values import Broken
from ._usage.catalogue import catalogue
from ._usage.reading import PROVIDER, REPORTED, UNKNOWN

_OWN = {"user_id": "subscriber_id", "session_id": "trace_id"}


class Client:
    """The metering client. It is always there; without a key what it records stays in the local ledger."""

    def __init__(self) -> None:
        self.ai = Completions(runtime)
        self.events = Events(runtime)
        self.apis = APIs(runtime)

    def record_usage(self, model: str, prompt_tokens: Optional[int] = None, completion_tokens: Optional[int] = None, **fields: Any) -> str:
        """Record one AI call that you made or measured yourself; returns its transaction id.

        It is in the ledger when this returns, and delivered like every other record. Beside the counts it takes
        ``total_tokens``, ``cache_read_tokens``, ``cache_creation_tokens`` (and ``_5m_``, ``_1h_``), ``reasoning_tokens``,
        ``provider``, ``request_time`` and ``response_time`` (datetime, seconds since the epoch, or ISO text),
        ``request_duration`` and ``time_to_first_token`` (milliseconds), ``cost`` (US dollars), and every field of
        ``usage_metadata``; ``user_id`` is the subscriber's id, ``session_id`` the trace's. What is not given is unknown,
        not 0. A measure of the wrong type raises ValueError; a bad attribution field is dropped with a warning, and so
        is a name nobody knows.
        """
        given = {"model": model, "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, **fields}
        measured, said = _sorted({name: value for name, value in given.items() if value is not None})
        now, around, settings = time.time(), current(), runtime.settings()
        metadata = overlay(overlay(settings.metadata, around.metadata), said)
        values = {**fitting(COMPLETION, finished(metadata)), **_completed(measured, now)}
        base_url, credential = around.destination or settings.destination
        failed = values["stop_reason"] == "ERROR"
        record_id = around.series.named(failed) if around.series is not None else new_id()
        runtime.commit(Record(record_id, COMPLETION, now, base_url, credential, values))
        return str(values["transaction_id"])

    async def async_record_usage(self, model: str, prompt_tokens: Optional[int] = None, completion_tokens: Optional[int] = None, **fields: Any) -> str:
        """The same for ``await`` and for ``run_async_in_thread``."""
        return self.record_usage(model, prompt_tokens, completion_tokens, **fields)


client = Client()


def get_client() -> Client:
    """The metering client; never None."""
    return client


def _sorted(given: Mapping[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """(measures by field, checked; attribution, canonical). Raises ConfigurationError, which is a ValueError."""
    measured: Dict[str, Any] = {}
    said: Dict[str, Any] = {}
    for name, value in given.items():
        measure = measures.MEASURES.get(name)
        if measure is not None:
            try:
                measured.setdefault(measure.field, measure.check(value))
            except Broken as broken:
                raise ConfigurationError("record_usage: %s %s" % (name, broken)) from None
        elif name in SPELLINGS or name in FLAT_SUBSCRIBER or name == "subscriber":
            said[name] = value
        elif name not in _OWN:
            diagnostics.warn("record_usage/" + name, "record_usage does not know %s: ignored", name)
    if "model" not in measured:
        raise ConfigurationError("record_usage: model must be text")
    own = canonical({_OWN[name]: value for name, value in given.items() if name in _OWN})
    return measured, overlay(own, canonical(said))


def _completed(measured: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """The record's own fields: what was measured, and what follows from it."""
    values: Dict[str, Any] = {
        "transaction_id": new_id(),
        "model_source": measured.get("provider") or _provider(measured["model"]),
        "middleware_source": "PYTHON",
        "cost_type": "AI",
        "operation_type": "CHAT",
        "is_streamed": False,
        "stop_reason": "END",
        **measured,
    }
    values.setdefault("provider", values["model_source"])
    values.update(_times(measured, now))
    counts = [measured.get(name) for name in ("input_token_count", "output_token_count")]
    known = [count for count in counts if count is not None]
    if len(known) == len(counts):
        values.setdefault("total_token_count", sum(known))
    values["usage_source"] = PROVIDER if known or "total_token_count" in measured else UNKNOWN
    if "total_cost" in measured:
        values["cost_status"] = REPORTED
    return values


def _times(measured: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """Of beginning, end and duration each follows from the two others; without any, the call ended now."""
    duration, begun, ended = (measured.get(name) for name in ("request_duration", "request_time", "response_time"))
    if ended is None:
        ended = begun + duration / 1000.0 if begun is not None and duration is not None else now
    if begun is None:
        begun = ended - (duration or 0) / 1000.0
    elif duration is None:
        duration = max(0, int((ended - begun) * 1000))
    first = measured.get("completion_start_time", ended)
    found: Dict[str, Any] = {"request_time": timestamp(begun), "response_time": timestamp(ended), "completion_start_time": timestamp(first)}
    if duration is not None:
        found["request_duration"] = duration
    return found


def _provider(model: str) -> str:
    """Who makes the model, as far as the price list knows its name."""
    prices = catalogue()
    return (prices.maker(model) if prices is not None else None) or "UNKNOWN"
