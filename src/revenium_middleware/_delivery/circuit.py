"""Whether a destination answers, and how often one that does not is asked again."""

from __future__ import annotations

from .entries import PENDING, Outcome

OPEN_AFTER = 3
PROBE_SOONEST, PROBE_LATEST = 1.0, 5.0


class Circuit:
    """Of one destination. After a few failures in a row only a probe goes out, now and then."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As if it had never failed."""
        self._failures = 0
        self._since = self.next_probe = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= OPEN_AFTER

    def allowed(self, most: int, now: float) -> int:
        """How many records may be leased at ``now``: ``most``, one as a probe, or none."""
        if not self.open:
            return most
        if now < self.next_probe:
            return 0
        self._wait(now)  # one probe at a time
        return 1

    def saw(self, outcome: Outcome, now: float) -> bool:
        """Takes an answer into account; True when it says that the destination is back."""
        if outcome.state != PENDING:
            back = self.open
            self.reset()
            return back
        self._failures += 1
        if self._failures == OPEN_AFTER:
            self._since = now
        self._wait(now)
        return False

    def _wait(self, now: float) -> None:
        """A tenth of the outage so far: a short one is over soon, a long one is not made worse."""
        self.next_probe = now + min(max((now - self._since) / 10.0, PROBE_SOONEST), PROBE_LATEST)
