"""How fal's answers say what was used. The application is the one thing every reader needs, so it lies beside the arguments."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping

from .._core.fields import COMPLETION, VIDEO
from .._core.values import amount
from .._usage.reading import Reader, Reading, pick, prompt_usage, text_of
from . import media

APPLICATION = "fal_application"
"""Where the name of the application lies in what a reader is given."""


class ApplicationReader(Reader):
    """What is known of a call before there is an answer."""

    bills_unanswered = False
    """Whether a call that was given up on may have cost something."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = self.bills_unanswered
        self.application = str(request.get(APPLICATION, ""))
        self.result.kind = media.kind_by_name(self.application)
        self.describe(self.result.kind)

    def describe(self, kind: str) -> None:
        reading = self.result
        reading.kind = kind
        reading.fields = {**self.asked(kind), "operation_type": media.OPERATIONS[kind]}
        if kind in media.UNITS:
            reading.fields["billing_unit"] = media.UNITS[kind]
        if kind != COMPLETION:
            reading.fields["operation_subtype"] = media.subtype(kind, self.application)

    def asked(self, kind: str) -> Dict[str, Any]:
        return media.asked(kind, self.application, self.request)


class SubmittedReader(ApplicationReader):
    """A job that was put into the queue; it bills when its result is fetched."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.job = text_of(pick(event, "request_id"))
        reading.facts = {"model": model_of(self.application), "asked": self.asked(reading.kind or COMPLETION), "submitted": time.time()}
        return False


class ResultReader(ApplicationReader):
    """A result, or each event of a stream, which shows the whole of what is there so far."""

    bills_unanswered = True

    def headers(self, headers: Mapping[str, str]) -> None:
        request = text_of(headers.get("x-fal-request-id"))
        if request is not None:
            self.result.id = "fal-" + request

    def feed(self, event: Any) -> bool:
        reading = self.result
        kind = media.kind_by_answer(event)
        if kind is not None and kind != reading.kind:
            self.describe(kind)
        reading.fields.update(media.made(reading.kind or COMPLETION, event))
        if reading.kind == VIDEO:
            reading.fields["completion_status"] = "SUCCESS"
        usage = prompt_usage(pick(event, "usage"))
        if usage.known:
            reading.usage = usage
            cost = amount(pick(event, "usage", "cost"))
            if cost is not None:
                reading.fields["total_cost"] = cost
        said = pick(event, "output")
        if isinstance(said, str):
            reading.output_characters = len(said)
        return isinstance(said, str) and bool(said)

    def reading(self) -> Reading:
        if not self.result.finished and self.request.get("fal_streamed"):
            self.result.fields.pop("actual_image_count", None)  # previews of what was never finished
        return self.result


class QueuedResultReader(ResultReader):
    """The result of a queued job, recorded once, whoever fetches it; a fetch that was given up on can be repeated."""

    bills_unanswered = False

    def asked(self, kind: str) -> Dict[str, Any]:
        """The call that started the job knows."""
        return {}

    def headers(self, headers: Mapping[str, str]) -> None:
        """The job's own id names the record, not that of this fetch."""

    def feed(self, event: Any) -> bool:
        job = str(self.request.get("fal_request", ""))
        super().feed(event)
        self.result.id = "fal-" + job
        if self.result.kind == VIDEO:
            self.result.fields.update(async_operation=True, video_job_id=job)
        self.result.finished = self.result.billable = True
        return False


class MessageReader(ResultReader):
    """One message of a realtime connection; only those that bring something made are billed."""

    bills_unanswered = False

    def feed(self, event: Any) -> bool:
        super().feed(event)
        self.result.billable = media.kind_by_answer(event) is not None
        self.result.finished = True
        return False


def model_of(application: str) -> str:
    """The name under which price lists have an application."""
    return application if application.startswith("fal_ai/") else "fal_ai/" + application
