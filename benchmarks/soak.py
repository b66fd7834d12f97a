"""Hours of bad luck: several processes meter into one ledger while the service, the disk and the processes fail at random.

    python benchmarks/soak.py [--minutes 3] [--seed 0] [--processes 4] [--rate 50]

Every few seconds the service behaves differently (well, refusing, failing, rate limiting, hanging, breaking
connections), a process is killed or ends and is replaced, or its disk is full for a while. A record counts from the
moment the call that made it returned. At the end all is well again, and every record must have been answered for:
exit code 1 where one was not. What only memory held (the disk was full) ends with its process, so no process is
killed while its disk is full or shortly after.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, Set

from revenium_middleware._delivery.intake import up_to_date
from revenium_middleware.testing import Fault, MeteringServer
from revenium_middleware.testing.faults import Script

RECOVERY_SECONDS = 15.0
MODES: Dict[str, List[Fault]] = {
    "well": [Fault()],
    "some refused": [Fault(), Fault(), Fault(400)],
    "failing": [Fault(500)],
    "half failing": [Fault(), Fault(503)],
    "rate limited": [Fault(), Fault.rate_limited(1)],
    "hanging": [Fault.silence()],
    "breaking": [Fault(), Fault.disconnect(), Fault(200, cut_after=0, body=b"{}")],
    "slow": [Fault(delay=0.3)],
}

WORKER = """
import os, resource, signal, sys, time
import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.record import Record, new_id
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
signal.signal(signal.SIGUSR1, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard)))
signal.signal(signal.SIGUSR2, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
pause = float(sys.argv[1])
while not ended:
    settings = runtime.settings()
    made = Record(new_id(), "completion", time.time(), settings.base_url, settings.credential, {"model": "m", "total_token_count": 1})
    runtime.commit(made)
    os.write(1, made.id.encode() + b"\\n")
    time.sleep(pause)
"""

DRAIN = """
import time, revenium_middleware
from revenium_middleware._calls.runtime import runtime
runtime.delivery().sender.wake()
end = time.monotonic() + 120
while revenium_middleware.flush(5) and time.monotonic() < end:
    runtime.delivery().sender._next_tidy = 0.0
"""


class Moods(Script):
    """The service's behaviour of the moment."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.mode, self._chance = "well", chance

    def take(self, request: Any) -> Fault:
        return self._chance.choice(MODES[self.mode])


class Worker:
    """One metering process, and the ids of the calls that returned in it."""

    def __init__(self, environment: Dict[str, str], pause: float) -> None:
        command = [sys.executable, "-c", WORKER, str(pause)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.made: Set[str] = set()
        self.safe_at = time.monotonic() + 5.0  # its handlers are in place by then
        self.full = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.made.add(line.decode().strip())

    def disk(self, full: bool) -> None:
        self.process.send_signal(signal.SIGUSR1 if full else signal.SIGUSR2)
        self.full = full
        self.safe_at = time.monotonic() + (1e9 if full else RECOVERY_SECONDS)

    def end(self, how: int) -> Set[str]:
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            print("a process did not end within 30 s of being asked", file=sys.stderr)
        self._reader.join()
        return self.made


class Soak:
    def __init__(self, options: argparse.Namespace, directory: Path, server: MeteringServer) -> None:
        self.chance = random.Random(options.seed)
        self.server, self.path = server, directory / "ledger.db"
        self.moods = server._script = Moods(random.Random(options.seed + 1))
        self.environment = {
            **os.environ,
            "REVENIUM_METERING_API_KEY": "hak_loopback_0123456789",
            "REVENIUM_METERING_BASE_URL": server.url,
            "REVENIUM_METERING_TIMEOUT_SECONDS": "2",
            "REVENIUM_SHUTDOWN_TIMEOUT_SECONDS": "1",
            "REVENIUM_LEDGER": str(self.path),
        }
        self.pause = options.processes / options.rate
        self.made: Set[str] = set()
        self.events: Dict[str, int] = Counter()
        self.workers = [self._worker() for _ in range(options.processes)]

    def _worker(self) -> Worker:
        return Worker(self.environment, self.pause)

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.chance.uniform(0.5, 3.0))
            self.chance.choice([self._mood, self._mood, self._replace, self._disk])()

    def _mood(self) -> None:
        self.moods.mode = self.chance.choice(["well", *MODES])
        self.events["service: " + self.moods.mode] += 1

    def _replace(self) -> None:
        number = self.chance.randrange(len(self.workers))
        if time.monotonic() < self.workers[number].safe_at:
            return
        how = self.chance.choice([signal.SIGKILL, signal.SIGTERM])
        self.events["process: " + ("killed" if how == signal.SIGKILL else "ended")] += 1
        self.made |= self.workers[number].end(how)
        self.workers[number] = self._worker()

    def _disk(self) -> None:
        worker = self.chance.choice(self.workers)
        if worker.full or time.monotonic() >= worker.safe_at:
            self.events["disk: " + ("room again" if worker.full else "full")] += 1
            worker.disk(not worker.full)

    def finish(self) -> None:
        """All is well again; whoever is left delivers what is left."""
        self.moods.mode = "well"
        for worker in self.workers:
            if worker.full:
                worker.disk(False)
        while any(time.monotonic() < worker.safe_at for worker in self.workers):
            time.sleep(0.2)
        for worker in self.workers:
            self.made |= worker.end(signal.SIGTERM)
        subprocess.run([sys.executable, "-c", DRAIN], env=self.environment, check=True)

    def account(self) -> int:
        """Prints who became of what; the number of records nobody answered for."""
        received = self.server.records
        accepted = {each.key for each in received if each.accepted}
        refused = {each.key for each in received if each.status == 400} - accepted
        with closing(up_to_date(self.path)) as ledger:
            counts = ledger.counts()
        missing = self.made - accepted - refused
        twice = sum(each.accepted for each in received) - len(accepted)
        rows = [*sorted(self.events.items()), ("", "")]
        rows += [("calls that returned", len(self.made)), ("delivered", len(accepted & self.made)), ("refused by the service", len(refused & self.made))]
        rows += [("lost", len(missing)), ("", ""), ("requests", len(received)), ("sent again with the same key after success", twice)]
        rows += [("ledger: " + name, count) for name, count in counts.items()]
        for name, value in rows:
            print("%-44s %s" % (name, value))
        return len(missing) + counts["pending"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rate", type=float, default=50.0, help="calls per second, of all processes together")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="revenium-soak-") as directory, MeteringServer() as server:
        soak = Soak(options, Path(directory), server)
        try:
            soak.run(options.minutes * 60.0)
        finally:
            soak.finish()
        return 1 if soak.account() else 0


if __name__ == "__main__":
    sys.exit(main())
