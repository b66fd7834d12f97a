"""What is lost, kept or sent twice when processes end: real processes, a real ledger file, a metering endpoint on this machine.

    python benchmarks/loss.py [--runs 3] [--points 100] [--seed 1]

Each application notes an answer's id once its call has returned (``loss_app.py``). After its end every note has to be found
at the endpoint or in the ledger (else it is lost), and under one idempotency key (else it is doubled). Then a next process
with the same ledger runs, and everything has to have arrived. ``again`` counts POSTs repeated under their own key, as after
a kill between an answer and its bookkeeping: the service knows the key and stores one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from revenium_middleware._delivery.intake import up_to_date
from revenium_middleware.testing import Fault, MeteringServer

HERE = Path(__file__).resolve().parent
OUTAGE = 10.0


class Row(NamedTuple):
    """One line of the table: notes, and what became of their records."""

    recorded: int = 0
    delivered: int = 0
    """By the end of the application itself."""
    pending: int = 0
    lost: int = 0
    left: int = 0
    """Still not delivered after the next process."""
    doubled: int = 0
    again: int = 0

    def plus(self, other: "Row") -> "Row":
        return Row(*(mine + theirs for mine, theirs in zip(self, other)))


class Place:
    """One ledger, the witness file beside it, and the endpoint, which may change its behaviour but keeps its port."""

    def __init__(self, directory: Path, usual: Optional[Fault] = None) -> None:
        self.ledger, self.witness = directory / "ledger.db", directory / "witness"
        self.server = MeteringServer(usual=usual)
        self._url = self.server.url
        self._earlier: List[Any] = []

    def replace(self, usual: Optional[Fault]) -> None:
        """From now on the endpoint answers like this."""
        self.close()
        self._earlier += self.server.records
        self.server = MeteringServer(port=int(self._url.rpartition(":")[2]), usual=usual)

    def close(self) -> None:
        self.server.stop()

    def start(self, *words: str, **environment: str) -> "subprocess.Popen[str]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REVENIUM_") and not name.lower().endswith("_proxy")}
        ours = {"REVENIUM_LEDGER": str(self.ledger), "REVENIUM_METERING_API_KEY": "hak_loss_0123456789", "REVENIUM_METERING_BASE_URL": self._url}
        path = os.pathsep.join([str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")])
        program = [sys.executable, str(HERE / "loss_app.py"), str(self.witness), *words]
        return subprocess.Popen(program, env={**clean, **ours, "PYTHONPATH": path, **environment}, stdout=subprocess.PIPE, universal_newlines=True)

    def noted(self) -> Set[str]:
        return set(self.witness.read_text().split()) if self.witness.exists() else set()

    def arrived(self) -> Tuple[Dict[str, Set[str]], int]:
        """Answer id -> the keys its record was accepted under; and how many POSTs were repeated."""
        keys: Dict[str, Set[str]] = defaultdict(set)
        accepted = [each for each in self._earlier + self.server.records if each.accepted]
        for each in accepted:
            keys[each.payload["transactionId"]].add(each.key)
        return keys, len(accepted) - sum(map(len, keys.values()))

    def pending(self) -> Set[str]:
        ledger = up_to_date(self.ledger)
        try:
            return {json.loads(row["body"])["transaction_id"] for row in ledger.query("SELECT body FROM record WHERE state = 0")}
        finally:
            ledger.close()

    def verdict(self) -> Row:
        """What is where, now and after the next process."""
        noted, before = self.noted(), set(self.arrived()[0])
        pending = self.pending() - before
        finish(self.start("--threads", "1", "--calls", "1", "--end", "flush"))
        after, again = self.arrived()
        doubled = sum(len(keys) > 1 for keys in after.values())
        left = self.noted() - set(after)
        return Row(len(noted), len(noted & before), len(noted & pending), len(noted - before - pending), len(left), doubled, again)


@contextmanager
def place(usual: Optional[Fault] = None) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as directory:
        made = Place(Path(directory), usual)
        try:
            yield made
        finally:
            made.close()


def finish(process: "subprocess.Popen[str]", expected: int = 0) -> None:
    process.communicate(timeout=150)
    if process.returncode != expected:
        raise SystemExit("the application ended with %s instead of %s" % (process.returncode, expected))


def ended(end: str, usual: Optional[Fault] = None) -> Row:
    """The application comes to its own end."""
    with place(usual) as where:
        finish(where.start("--end", end))
        return where.verdict()


def signalled(number: int, **environment: str) -> Row:
    """The application is sent a signal as soon as its calls have returned; it takes the endpoint 0.2 s to answer."""
    with place(Fault(delay=0.2)) as where:
        process = where.start("--end", "wait", **environment)
        assert process.stdout is not None
        while process.stdout.readline().strip() != "recorded":
            pass
        process.send_signal(number)
        finish(process, -number)
        return where.verdict()


def out(usual: Optional[Fault]) -> Row:
    """The endpoint is away for the first ten seconds of twelve; None: nobody listens."""
    with place(usual) as where:
        if usual is None:
            where.close()
        back = threading.Timer(OUTAGE, where.replace, (None,))
        back.start()
        finish(where.start("--threads", "2", "--calls", "240", "--pause", "0.05", REVENIUM_METERING_TIMEOUT_SECONDS="2"))
        back.join()
        return where.verdict()


SCENARIOS = {
    "exit, endpoint takes 200 ms": lambda: ended("return", Fault(delay=0.2)),
    "SIGTERM": lambda: signalled(signal.SIGTERM),
    "SIGTERM, handler asked for": lambda: signalled(signal.SIGTERM, REVENIUM_INSTALL_SIGNAL_HANDLERS="true"),
    "SIGKILL": lambda: signalled(signal.SIGKILL),
    "fork, child ends by os._exit": lambda: ended("fork"),
    "multiprocessing.Pool": lambda: ended("pool"),
    "outage 10 s: refused": lambda: out(None),
    "outage 10 s: 500": lambda: out(Fault(500)),
    "outage 10 s: 503": lambda: out(Fault(503)),
    "outage 10 s: hang": lambda: out(Fault.silence()),
}

MOMENTS = ((True, 0.01, 0.4), (True, 0.01, 1.5), (False, 0.01, 1.5), (True, 0.0, 1.5))
"""Of the kills on one ledger: whether to wait until the application has imported, its pause between calls, seconds to draw from.
Around its first record, which is the new ledger's first too; under load; while it starts and imports; under all the load there is,
with rotations of the journal and checkpoints of the ledger."""


def killed(where: Place, moment: Tuple[bool, float, float], chance: random.Random) -> None:
    """One application, killed at a moment that ``chance`` draws."""
    imported, pause, most = moment
    process = where.start("--calls", "100000", "--pause", "%g" % pause)
    assert process.stdout is not None
    if imported:
        process.stdout.readline()
    time.sleep(chance.uniform(0.0, most))
    process.kill()
    process.communicate()


def kills(points: int, seed: int) -> Row:
    """``points`` kills, four on each ledger, so that the next application meets what those before it left."""
    chance, found = random.Random(seed), Row()
    for first in range(0, points, len(MOMENTS)):
        with place(Fault(delay=0.005)) as where:
            for moment in MOMENTS[: points - first]:
                killed(where, moment, chance)
            found = found.plus(where.verdict())
    return found


def line(name: str, runs: int, row: Row) -> str:
    return "%-34s %5d %9d %10d %8d %5d %5d %8d %6d" % (name, runs, *row)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--points", type=int, default=108, help="kill points; 0 for none")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default="", help="scenarios whose name has this in it")
    given = parser.parse_args()
    print("seed %d, Python %s\n" % (given.seed, sys.version.split()[0]))
    print("%-34s %5s %9s %10s %8s %5s %5s %8s %6s" % ("", "runs", "recorded", "delivered", "pending", "lost", "left", "doubled", "again"))
    total = Row()
    for name, scenario in SCENARIOS.items():
        if given.only in name:
            row = Row()
            for _ in range(given.runs):
                row = row.plus(scenario())
            total = total.plus(row)
            print(line(name, given.runs, row), flush=True)
    if given.points:
        row = kills(given.points, given.seed)
        total = total.plus(row)
        print(line("kill -9 at random moments", given.points, row))
    return 1 if total.lost or total.left or total.doubled else 0


if __name__ == "__main__":
    raise SystemExit(main())
