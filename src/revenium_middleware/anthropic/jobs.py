"""Batches of messages: billed line by line, by whoever reads the results first."""

from __future__ import annotations

import json
from typing import Any, Mapping

from .._core.fields import COMPLETION
from .._usage.reading import Reader, Reading, pick, text_of
from .readers import MessagesReader


class BatchReader(Reader):
    """A batch itself bills nothing: its name links its results to who asked for them."""

    def feed(self, event: Any) -> bool:
        self.result.id = self.result.job = text_of(pick(event, "id"))
        self.result.billable = False
        return False


class BatchResultsReader(Reader):
    """The results of a batch: one record per message in them, at batch prices."""

    any_content = True

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False

    def feed(self, event: Any) -> bool:
        content = event.encode("utf-8") if isinstance(event, str) else getattr(event, "content", event)
        if isinstance(content, (bytes, bytearray)):
            for line in bytes(content).splitlines():
                self._line(line)
        else:
            self._entry(content)
        return False

    def _line(self, line: bytes) -> None:
        if line.startswith(b"{") and b'"custom_id"' in line:
            try:
                self._entry(json.loads(line))
            except ValueError:
                return

    def _entry(self, entry: Any) -> None:
        if pick(entry, "result", "type") != "succeeded":
            return  # what failed, was cancelled or expired is not billed
        reader = MessagesReader(self.request)
        reader.feed(pick(entry, "result", "message"))
        part: Reading = reader.reading()
        part.kind = COMPLETION
        part.fields.update(pricing_tier="BATCH", is_streamed=False)
        if part.id and part.usage.known:
            self.result.parts.append(part)
