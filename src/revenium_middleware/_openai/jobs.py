"""Work that is billed after the call that started it: videos, batches, runs, fine-tuning, evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Callable, List, Type

from .._core.fields import COMPLETION
from .._core.record import new_id
from .._core.values import amount, count
from .._usage.reading import Reader, Reading, Usage, first_count, listed, pick, text_of
from .readers import ChatReader, EmbeddingsReader, ResponsesReader, common, spent


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


class ExtensionReader(VideoReader):
    """A film made longer: only the start says by how much, the finished one has its whole length."""

    def feed(self, event: Any) -> bool:
        asked = self.request.get("seconds")
        seconds = amount(_float(asked)) if isinstance(asked, str) else amount(asked)
        if seconds is not None:
            self.result.facts.update(duration_seconds=seconds, requested_duration_seconds=seconds)
        return super().feed(event)


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

    any_content = True

    def feed(self, event: Any) -> bool:
        content = event.encode("utf-8") if isinstance(event, str) else getattr(event, "content", event)
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
            part = Reading(id="%s-%s" % (self.result.id, model), model=model, finished=True, job=self.result.id)
            spent(part, entry)
            if part.usage.known:
                parts.append(part)
        return parts


class GraderReader(Reader):
    """A grader that asks models is billed by what each of them used."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        used = pick(event, "model_grader_token_usage_per_model")
        if used is None:  # the SDK's own name for it
            used = pick(event, "api_model_grader_token_usage_per_model")
        for model, usage in used.items() if isinstance(used, Mapping) else ():
            part = Reading(id="%s-%s" % (new_id(), model), model=model, finished=True, stop_reason="END")
            spent(part, usage)
            part.usage = part.usage if part.usage.known else Usage(total=count(usage))
            if part.usage.known:
                reading.parts.append(part)
        reading.billable = False
        return False


class SandboxReader(Reader):
    """A container is billed by being started; how much, no answer says."""

    def feed(self, event: Any) -> bool:
        self.result.id = text_of(pick(event, "id")) or text_of(pick(event, "session_id"))
        self.result.model = self.result.model or "container"
        self.result.finished = True
        return False


def listed_by(kind: Type[Reader]) -> Callable[[Mapping[str, Any]], Reader]:
    """A reader of a list of jobs, each read by ``kind``."""

    class ListReader(Reader):
        def feed(self, event: Any) -> bool:
            for entry in listed(pick(event, "data")):
                reader = kind(self.request)
                reader.feed(entry)
                reading = reader.reading()
                self.result.parts += [reading] if reading.billable else reading.parts
            self.result.billable = False
            return False

    return ListReader


def _float(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return None
