"""Work that is billed after the call that started it: videos, batches, runs, fine-tuning, evaluations."""

from __future__ import annotations

import json
from typing import Any, List, Mapping

from .._core.fields import COMPLETION
from .._core.values import amount
from .._usage.reading import Reader, Reading, Usage, first_count, listed, pick
from .readers import ChatReader, EmbeddingsReader, ResponsesReader, common, spent, text_of


class VideoReader(Reader):
    """A video is billed by its seconds once it is made; the first call that shows it made records it."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        common(reading, event)
        status = pick(event, "status")
        seconds = amount(pick(event, "seconds"))
        if seconds is None and isinstance(pick(event, "seconds"), str):
            seconds = amount(_float(pick(event, "seconds")))
        reading.fields.update(video_job_id=reading.id or "", async_operation=True, billing_unit="PER_SECOND", completion_status="SUCCESS")
        if seconds is not None:
            reading.fields.update(duration_seconds=seconds, requested_duration_seconds=seconds)
        for name, given in (("resolution", "size"), ("quality", "quality")):
            value = text_of(pick(event, given))
            if value and name != "quality":
                reading.fields[name] = value
        started = amount(pick(event, "created_at"))
        reading.provider_time = started
        source = text_of(pick(event, "remixed_from_video_id"))
        if source:
            reading.fields["source_transaction_id"] = source
        reading.billable = status == "completed"
        reading.job = reading.id
        reading.finished = True
        return False


class RunReader(Reader):
    """Assistant runs: streamed ones end with their usage, others are seen finished by a later retrieve."""

    def feed(self, event: Any) -> bool:
        run = pick(event, "data") if isinstance(pick(event, "event"), str) else event
        if pick(run, "object") == "thread.run":
            self._run(run)
        elif pick(run, "object") == "thread.message.delta":
            parts = listed(pick(run, "delta", "content"))
            characters = sum(len(text_of(pick(part, "text", "value")) or "") for part in parts)
            self.result.output_characters += characters
            return characters > 0
        return False

    def _run(self, run: Any) -> None:
        reading = self.result
        common(reading, run)
        spent(reading, pick(run, "usage"))
        status = pick(run, "status")
        ended = status in ("completed", "failed", "cancelled", "incomplete", "expired")
        reading.finished = ended
        reading.stop_reason = {"failed": "ERROR", "cancelled": "CANCELLED", "expired": "TIMEOUT", "incomplete": "TOKEN_LIMIT"}.get(str(status), "END")
        reading.job = reading.id
        reading.billable = ended and reading.usage.known


class BatchOutputReader(Reader):
    """The result file of a batch: one record per answered line, at batch prices."""

    _BY_OBJECT = {"chat.completion": ChatReader, "text_completion": ChatReader, "response": ResponsesReader, "list": EmbeddingsReader}

    def feed(self, event: Any) -> bool:
        content = getattr(event, "content", event)
        if isinstance(content, (bytes, bytearray)):
            for line in bytes(content).splitlines():
                self._line(line)
        elif isinstance(content, Mapping):
            self._entry(content)
        return False

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"{") or b'"custom_id"' not in line:
            return
        try:
            self._entry(json.loads(line))
        except ValueError:
            return

    def _entry(self, entry: Any) -> None:
        body = pick(entry, "response", "body")
        if "custom_id" not in entry or not isinstance(body, dict) or pick(entry, "response", "status_code") != 200:
            return
        reader = self._BY_OBJECT.get(str(body.get("object")), ChatReader)(body)
        reader.feed(body)
        part = reader.reading()
        part.id = part.id or text_of(entry.get("id"))
        part.kind, part.billable = COMPLETION, True
        part.fields["pricing_tier"] = "BATCH"
        if isinstance(reader, EmbeddingsReader):
            part.fields["operation_type"] = "EMBED"
        if part.usage.known:
            self.result.parts.append(part)

    def reading(self) -> Reading:
        self.result.billable = False
        return self.result


class BatchReader(Reader):
    """A batch itself bills nothing: it names the file that does, and whose work it was."""

    def feed(self, event: Any) -> bool:
        self.result.id = text_of(pick(event, "id"))
        self.result.billable = False
        self.result.job = text_of(pick(event, "output_file_id")) or self.result.id
        return False


class FineTuningReader(Reader):
    """Training is billed by the tokens trained on, known when the job has succeeded."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        common(reading, event)
        trained = first_count(event, "trained_tokens")
        reading.billable = pick(event, "status") == "succeeded" and trained is not None
        reading.usage = Usage(input=trained, output=0)
        reading.job = reading.id
        reading.fields["operation_subtype"] = "fine_tuning"
        reading.provider_time = amount(pick(event, "created_at"))
        reading.finished = True
        return False


class EvaluationReader(Reader):
    """An evaluation run is billed by what each model in it used, known when the run has ended."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        common(reading, event)
        reading.job = reading.id
        reading.billable = False
        if pick(event, "status") in ("completed", "failed", "canceled"):
            reading.parts = self._models(event)
        return False

    def _models(self, event: Any) -> List[Reading]:
        parts = []
        for entry in listed(pick(event, "per_model_usage")):
            model = text_of(pick(entry, "model_name"))
            part = Reading(id="%s-%s" % (self.result.id, model), model=model, finished=True)
            spent(part, entry)
            if part.usage.known:
                parts.append(part)
        return parts


def _float(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return None
