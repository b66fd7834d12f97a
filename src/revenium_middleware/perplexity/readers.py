"""What only Perplexity's answers look like."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.values import amount
from .._openai.readers import ChatReader, common, spent
from .._usage.reading import Reader, pick, text_of


class AsyncChatReader(ChatReader):
    """A chat that is asked for now and answered later; the first look that finds it answered records it."""

    def feed(self, event: Any) -> bool:
        reading = self.result
        super().feed(pick(event, "response"))
        common(reading, event)
        reading.job = reading.id
        reading.provider_time = amount(pick(event, "started_at")) or amount(pick(event, "created_at"))
        reading.finished = reading.billable = pick(event, "status") == "COMPLETED"
        return False


class SearchReader(Reader):
    """A search is billed by the request; where an answer says what it cost, that is recorded."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.model = "search"

    def feed(self, event: Any) -> bool:
        self.result.id = text_of(pick(event, "id"))
        usage = pick(event, "usage")
        cost = amount(pick(usage, "cost", "total_cost"))
        spent(self.result, usage)
        if cost is not None:
            self.result.fields["total_cost"] = cost
        self.result.finished = True
        return False


class BrowserReader(Reader):
    """A browser session is billed by being started; how much, no answer says."""

    def feed(self, event: Any) -> bool:
        self.result.id = text_of(pick(event, "session_id"))
        self.result.model = "browser"
        self.result.finished = True
        return False
