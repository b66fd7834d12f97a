"""Work of Google's that is billed after the call that started it, or that no answer puts a number to."""

from __future__ import annotations

import json
from typing import Any, List, Optional

from .._core.fields import COMPLETION
from .._usage.reading import Reader, Reading, Usage, listed, text_of
from .readers import ContentReader, EmbeddingReader
from .wire import asking, at, last, whole

_SUCCEEDED = ("JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED")


class BatchReader(Reader):
    """A batch bills nothing until it shows its answers, or names the file that has them."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.billable = False
        jobs = listed(at(event, "operations")) or [event]
        for job in jobs:
            self._job(job)
        return False

    def _job(self, job: Any) -> None:
        reading, metadata = self.result, at(job, "metadata")
        reading.id = last(at(job, "name")) or last(at(metadata, "name"))
        model = last(at(metadata, "model"))
        output = at(metadata, "output") or at(job, "response")
        reading.job = last(at(output, "responses_file")) or reading.id
        if model:
            reading.facts = {"model": model}
        for name in ("inlined_responses", "inlined_embed_content_responses"):
            for number, entry in enumerate(listed(at(output, name, "inlined_responses"))):
                self.result.parts += _line(at(entry, "response"), "%s-%d" % (reading.id, number), model, reading.id)


def _line(response: Any, name: str, model: Optional[str], job: Optional[str]) -> List[Reading]:
    """The record of one answer of a batch."""
    if not isinstance(response, dict):
        return []
    embedded = at(response, "embedding") is not None or at(response, "embeddings") is not None
    reader: Reader = EmbeddingReader({}) if embedded else ContentReader({})
    reader.feed(response)
    part = reader.reading()
    part.id, part.model, part.job, part.kind = part.id or name, part.model or model, job, COMPLETION
    part.fields["pricing_tier"] = "BATCH"
    if embedded:
        part.fields["operation_type"] = "EMBED"
        if not part.usage.known:
            tokens = whole(at(response, "token_count"))
            part.usage = Usage(input=tokens, output=None if tokens is None else 0)
    return [part]


class BatchFileReader(Reader):
    """The result file of a batch, line by line."""

    any_content = True

    def feed(self, event: Any) -> bool:
        self.result.billable = False
        if isinstance(event, (bytes, bytearray)):
            for number, line in enumerate(bytes(event).splitlines()):
                if line.startswith(b"{") and b'"response"' in line:
                    self._entry(line, number)
        return False

    def _entry(self, line: bytes, number: int) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        response = at(entry, "response")
        if at(response, "usage_metadata") is not None or at(response, "embedding") is not None:
            self.result.parts += _line(response, "%s-%d" % (text_of(at(entry, "key")) or "line", number), None, None)


class PredictionJobReader(Reader):
    """A batch on Vertex writes its answers where no call through the SDK reads them: that there was one is all there is to say."""

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        reading.id = reading.job = last(ask("name"))
        reading.model = last(ask("model"))
        reading.fields.update(pricing_tier="BATCH", operation_subtype="batch_prediction")
        reading.billable = ask("state") in _SUCCEEDED
        reading.finished = True
        return False


class TuningReader(Reader):
    """Training is billed by the tokens trained on, known when the job has succeeded."""

    def feed(self, event: Any) -> bool:
        ask, reading = asking(event), self.result
        reading.id = reading.job = last(ask("name"))
        reading.model = last(ask("base_model"))
        trained = whole(at(ask("tuning_data_stats"), "supervised_tuning_data_stats", "total_billable_token_count"))
        reading.usage = Usage(input=trained, output=None if trained is None else 0)
        reading.fields["operation_subtype"] = "fine_tuning"
        reading.billable = ask("state") in _SUCCEEDED
        reading.finished = True
        return False


class CacheReader(Reader):
    """What is put into a cache is billed as written there; how long it stays, no answer says."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        reading.model = last(at(event, "model"))
        stored = whole(at(event, "usage_metadata", "total_token_count"))
        if stored is not None:
            reading.usage = Usage(input=0, output=0, cache_write=stored, total=stored)
        reading.finished = True
        return False


class UncountedReader(Reader):
    """Work that is billed, and whose answer does not say how much: indexing, storing longer, machines that train."""

    def feed(self, event: Any) -> bool:
        self.result.model = last(at(event, "model"))
        self.result.finished = True
        return False
