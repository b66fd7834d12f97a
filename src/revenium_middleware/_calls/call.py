"""One provider call, from admission to exactly one settled record."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Protocol

from .._core.diagnostics import Guard
from .._core.fields import COMPLETION
from .._core.metadata import finished, overlay
from .._core.record import Record, fitting, new_id, timestamp
from .._core.scope import EVERYWHERE, Scope
from .._core.settings import Settings
from .._usage.estimation import completed, estimated
from .._usage.reading import ESTIMATED, PROVIDER, REPORTED, UNKNOWN, Reading, Usage, measured
from .declarations import Endpoint, Host
from .failure import failure, status_of
from .memory import Jobs

TOGETHER = 32
"""Chunks of text read at once."""
_READING = Guard("reading")


class Request(NamedTuple):
    """The facts of a request that outlive it."""

    body: Mapping[str, Any]
    endpoint: Endpoint
    host: Host
    url: str
    streamed: bool
    model: str
    """As asked for."""
    named: str = ""
    """The id in the URL's path: a job, a file."""


class Books(Protocol):
    """Where a settled call goes."""

    def settings(self) -> Settings: ...

    def commit(self, record: Record) -> None: ...

    def resolve(self, model: str, request: Request) -> str: ...

    @property
    def jobs(self) -> Jobs: ...

    def opened(self, call: "Call") -> None: ...

    def closed(self, call: "Call") -> None: ...


class Call:
    """Settles once, whichever of end, error, close, drop or process exit comes first."""

    def __init__(self, books: Books, request: Request, metadata: Mapping[str, Any], around: Scope = EVERYWHERE) -> None:
        assert request.endpoint.reader is not None
        self.books = books
        self.request = request
        self.metadata = metadata
        self.around = around
        self.reader = request.endpoint.reader(request.body)
        self.started = time.time()
        self._generated_id = ""
        self._clock = time.perf_counter()
        self._first_token: Optional[float] = None
        self._unsettled = [True]
        self._unread: List[Any] = []
        self.answering = False
        """The provider has begun to answer: the input is billed, whatever becomes of the rest."""
        self.transaction_id: Optional[str] = None

    def again(self) -> "Call":
        """A second billed answer within one call of the SDK."""
        return Call(self.books, self.request, self.metadata, self.around)

    def sent(self) -> None:
        """The request goes out only now: nothing of a lazy stream is sent before its first step."""
        self.started, self._clock = time.time(), time.perf_counter()

    @property
    def settled(self) -> bool:
        return not self._unsettled

    def feed(self, event: Any, late: bool = False) -> None:
        """Read an event; ``late``: it came a while ago, and the clock tells nothing."""
        if self._unsettled and self.reader.feed(event) and self._first_token is None and not late:
            self._first_token = time.perf_counter()
        if self.reader.result.parts:
            self.bill()

    def note(self, event: Any) -> None:
        """``feed`` for a stream, once text comes several at once: each alone finds the processor's caches cold. What carries usage is not put off."""
        held = getattr(event, "__dict__", None)
        if self._first_token is None or not self._unsettled or held is None or held.get("usage") is not None or "response" in held:
            self.catch_up()
            with _READING:
                self.feed(event)
            return
        self._unread.append(event)
        if len(self._unread) >= TOGETHER:
            self.catch_up()

    def catch_up(self) -> None:
        """Read what was noted."""
        unread, self._unread = self._unread, []
        for event in unread:
            with _READING:
                self.reader.feed(event)
        if self.reader.result.parts:
            self.bill()

    def bill(self) -> None:
        """Record what has become due of a call that goes on: a turn of a session, a line of a batch."""
        parts, self.reader.result.parts = self.reader.result.parts, []
        for part in parts:
            self._commit(part, None, part=True)

    @property
    def generated_id(self) -> str:
        """The id of a record whose answer has none."""
        self._generated_id = self._generated_id or new_id()
        return self._generated_id

    def known_id(self) -> str:
        """The transaction id as far as it is known: the answer's own, else ours."""
        if self.transaction_id is None and not self.request.endpoint.own_id and self.reader.result.id:
            return self.reader.result.id
        return self.transaction_id or self.generated_id

    def _claim(self) -> bool:
        """True for the one caller that may settle; list.pop is atomic, so threads and finalisers need no lock."""
        try:
            self._unsettled.pop()
        except IndexError:
            return False
        self.books.closed(self)
        if self._unread:
            self.catch_up()
        return True

    def complete(self) -> None:
        """The answer is whole."""
        if self._claim():
            self.reader.complete()
            self._write(self.reader.reading(), None)

    def abandon(self) -> None:
        """The answer will not be read to its end; what it used until now is billed all the same."""
        if self._claim():
            reading = self.reader.reading()
            if not reading.finished:
                reading.stop_reason = "CANCELLED"
            self._write(reading, None)

    def fail(self, error: BaseException) -> None:
        """The provider or the network failed, before or during the answer."""
        if self._claim():
            self._write(self.reader.reading(), error)

    def discard(self) -> None:
        """Nothing was sent, so there is nothing to bill."""
        self._claim()

    # ------------------------------------------------------------------ writing

    def _write(self, reading: Reading, error: Optional[BaseException]) -> None:
        endpoint = self.request.endpoint
        if endpoint.starts_named and error is None:
            jobs, name = self.books.jobs, self.request.named
            jobs.start(name, overlay(jobs.metadata(name) or {}, self.metadata), reading.facts)
        if reading.job is not None and not endpoint.known_jobs_only:
            self.books.jobs.start(reading.job, self._said_for(reading), reading.facts)
        billed_whole = not reading.parts and (reading.billable or error is not None)
        self.bill()
        if billed_whole:
            self._commit(reading, error)

    def _started(self, reading: Reading) -> Optional[Mapping[str, Any]]:
        """What the call said that started this job or session; None when it was another process's."""
        jobs = self.books.jobs
        if not jobs:
            return None
        names = (reading.id, reading.job, self.request.named)
        return next((found for found in map(jobs.metadata, filter(None, names)) if found is not None), None)

    def _said_for(self, reading: Reading) -> Mapping[str, Any]:
        """The attribution of a job is what the call that started it said."""
        started = self._started(reading)
        return overlay(self.metadata, started) if started else self.metadata

    def _commit(self, reading: Reading, error: Optional[BaseException], part: bool = False) -> None:
        endpoint, now = self.request.endpoint, time.time()
        kind = reading.kind or endpoint.kind
        if endpoint.known_jobs_only and self._started(reading) is None:
            return
        stable = ""
        if (endpoint.settles_jobs or reading.job or part) and reading.id and error is None:
            stable = "%s/%s" % (self.request.host.provider, reading.id)
        series = self.around.series
        record_id = series.named(error is not None) if series is not None and not stable else new_id(stable)
        if stable and self.books.jobs.seen(record_id):
            return
        values = self._values(kind, reading, error, now)
        self.transaction_id = values["transaction_id"]
        base_url, credential = self.around.destination or self.books.settings().destination
        self.books.commit(Record(record_id, kind, now, base_url, credential, values))
        for extra in reading.beside:
            sort = extra.kind or kind
            self.books.commit(Record(new_id("%s/%s" % (record_id, extra.id)), sort, now, base_url, credential, self._beside(extra, sort, now, values)))

    def _values(self, kind: str, reading: Reading, error: Optional[BaseException], now: float) -> Dict[str, Any]:
        request = self.request
        values = fitting(kind, finished(self._said_for(reading)))
        facts = self.books.jobs.facts(request.named, reading.job, reading.id)
        model, asked, submitted = facts.pop("model", ""), facts.pop("asked", {}), facts.pop("submitted", None)
        began = reading.provider_time if reading.provider_time is not None else submitted
        started, duration = (self.started, time.perf_counter() - self._clock) if began is None else (began, max(0.0, now - began))
        provider, source = request.host.labels(reading.fields.get("system_fingerprint"))
        values.update(
            transaction_id=self._transaction_id(reading, error),
            model=self.books.resolve(request.model if request.host.as_sent and request.model else reading.model or model, request),
            provider=provider,
            model_source=source,
            middleware_source="PYTHON",
            cost_type="AI",
            request_time=timestamp(started),
            response_time=timestamp(now),
            request_duration=int(duration * 1000),
            **self._operation(),
        )
        if kind == COMPLETION:
            values.update(self._completion(reading, error, now))
        if reading.pieces != 1 and "duration_seconds" in asked:
            asked = {**asked, "duration_seconds": asked["duration_seconds"] * reading.pieces}
        values.update(asked)
        values.update(reading.fields)
        values.update(facts)
        values.update(self._usage(kind, reading, error, measured({**asked, **reading.fields, **facts})))
        if error is not None:
            values.update(failure(error, self.books.settings()))
        return values

    def _beside(self, extra: Reading, kind: str, now: float, main: Mapping[str, Any]) -> Dict[str, Any]:
        """The values of a pass that was billed beside the main answer, named after it and linked to it."""
        values = self._values(kind, extra, None, now)
        values.update(transaction_id="%s-%s" % (main["transaction_id"], extra.id), model=extra.model or main["model"])
        values.setdefault("parent_transaction_id", main["transaction_id"])
        return values

    def _transaction_id(self, reading: Reading, error: Optional[BaseException]) -> str:
        if reading.id and error is None and not self.request.endpoint.own_id:
            return reading.id
        return self.generated_id

    def _usage(self, kind: str, reading: Reading, error: Optional[BaseException], measured: bool) -> Dict[str, Any]:
        usage, source = reading.usage, PROVIDER
        if reading.partial and usage.known:  # the input is the provider's, only the output is ours
            usage, source = completed(usage, reading.output_characters), ESTIMATED
        elif usage.known or measured:
            pass
        elif error is not None and status_of(error) is not None and not self.answering:
            usage = Usage(input=0, output=0) if kind == COMPLETION else usage  # refused: nothing was generated, nothing is billed
        elif self.request.streamed and kind == COMPLETION and (self.answering or error is None):
            usage, source = estimated(self.request.body, reading.output_characters), ESTIMATED
        else:
            source = UNKNOWN
        values = {**usage.values(), "usage_source": source}
        if "total_cost" in reading.fields:
            values["cost_status"] = REPORTED
        return values

    def _operation(self) -> Dict[str, Any]:
        """The one table of operation type and subtype, for every provider."""
        endpoint, body = self.request.endpoint, self.request.body
        if endpoint.kind == COMPLETION and (body.get("tools") or body.get("functions")):
            return {"operation_type": "TOOL_CALL", "operation_subtype": "function_call"}
        found = {"operation_type": endpoint.operation}
        subtype = endpoint.subtype or ("streaming" if self.request.streamed else "")
        if subtype:
            found["operation_subtype"] = subtype
        return found

    def _completion(self, reading: Reading, error: Optional[BaseException], now: float) -> Dict[str, Any]:
        found: Dict[str, Any] = {
            "is_streamed": self.request.streamed,
            "stop_reason": "ERROR" if error is not None else reading.stop_reason or "END",
            "completion_start_time": timestamp(now),
        }
        if self._first_token is not None and self.request.streamed:
            waited = self._first_token - self._clock
            found["time_to_first_token"] = max(0, int(waited * 1000))
            found["completion_start_time"] = timestamp(self.started + waited)
        temperature = self.request.body.get("temperature")
        if isinstance(temperature, (int, float)) and not isinstance(temperature, bool):
            found["temperature"] = temperature
        return found
