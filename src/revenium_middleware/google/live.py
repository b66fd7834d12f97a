"""How a live session says what was used: a count for each turn, with the messages of that turn."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.record import new_id
from .._usage.reading import Reader, Reading, Usage, listed
from .counts import spent
from .wire import asking, at


class LiveReader(Reader):
    """One record per turn. Within a turn a later report replaces an earlier one; after its end it still belongs to it."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__(request)
        self.result.billable = False
        self._usage = Usage()
        self._over = False

    def feed(self, event: Any) -> bool:
        ask = asking(event)
        usage, content = ask("usage_metadata"), ask("server_content")
        if usage is not None:
            found = spent(usage)
            self._usage = found if found.known else self._usage
        ended = at(content, "turn_complete") is True or at(content, "interrupted") is True
        said = listed(at(content, "model_turn", "parts"))
        if (ended or self._over) and self._usage.known:
            self._turn("CANCELLED" if at(content, "interrupted") is True else "END")
        elif ended or said:
            self._over = ended
        return bool(said)

    def _turn(self, stop_reason: str) -> None:
        self.result.parts.append(Reading(id=new_id(), usage=self._usage, stop_reason=stop_reason, finished=True))
        self._usage, self._over = Usage(), False

    def reading(self) -> Reading:
        """The session is over, maybe in the middle of a turn."""
        if self._usage.known:
            self._turn("CANCELLED")
        return self.result
