"""Jobs whose bill comes later: what was said when they were started, and which of them were recorded. Bounded.

No locks: single dict operations are atomic, and a lock held at the moment of a fork would stay held in the child.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

REMEMBERED = 10_000


class Jobs:
    def __init__(self) -> None:
        self._started: Dict[str, Mapping[str, Any]] = {}
        self._facts: Dict[str, Mapping[str, Any]] = {}
        self._recorded: Dict[str, object] = {}

    def __len__(self) -> int:
        return len(self._started)

    def start(self, job: str, metadata: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self._started[job] = metadata
        _bound(self._started)
        if facts:
            self._facts.setdefault(job, facts)
            _bound(self._facts)

    def metadata(self, job: str) -> Optional[Mapping[str, Any]]:
        """What the starting call said; None for a job this process did not start."""
        return self._started.get(job)

    def facts(self, *names: Optional[str]) -> Dict[str, Any]:
        """Record fields that only the starting calls of these jobs could see."""
        if not self._facts:
            return {}
        return {field: value for name in names for field, value in self._facts.get(name or "", {}).items()}

    def seen(self, record_id: str) -> bool:
        """Whether this record was written before by this process; from now on it was."""
        mine = object()
        seen = self._recorded.setdefault(record_id, mine) is not mine
        _bound(self._recorded)
        return seen


def _bound(table: Dict[str, Any]) -> None:
    while len(table) > REMEMBERED:
        table.pop(next(iter(table)), None)
