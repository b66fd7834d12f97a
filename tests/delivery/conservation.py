"""A random life of a delivery, and the law that holds at every point of it. Run by test_conservation, in a process of its own:

    python -m tests.delivery.conservation FIRST_SEED COUNT STEPS

recorded = delivered + pending + refused + local + expired + evicted: every id that was recorded is accounted for in one of them.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

from revenium_middleware._core.record import Record, new_id
from revenium_middleware._core.settings import load
from revenium_middleware._delivery import files, intake, store
from revenium_middleware._delivery.delivery import Delivery
from revenium_middleware._delivery.journal import live, read
from revenium_middleware._delivery.ledger import DELIVERED, LOCAL, PENDING, REFUSED
from revenium_middleware.testing import Fault, MeteringServer
from revenium_middleware.testing.faults import Script

KEY = "hak_loopback_0123456789"
BEHAVIOURS = {
    "ok": Fault(),
    "400": Fault(400),
    "500": Fault(500),
    "429": Fault.rate_limited(0.05),
    "hang": Fault.silence(),
    "reset": Fault.disconnect(),
    "half": Fault(200, cut_after=0, body=b"{}"),
}
HARD = resource.getrlimit(resource.RLIMIT_FSIZE)[1]


class Mixed(Script):
    """Each request meets one of several behaviours by chance."""

    def __init__(self, chance):
        super().__init__()
        self.chance, self.names = chance, ["ok"]

    def take(self, request):
        return BEHAVIOURS[self.chance.choice(self.names)]


class Life:
    """One delivery after another on one ledger, and what became of each record they were given."""

    def __init__(self, seed, directory, server):
        self.chance = random.Random(seed)
        self.directory, self.server = directory, server
        server._script = self.script = Mixed(random.Random(seed + 1))
        self.recorded, self.mortal, self.evicted_before, self.full = set(), set(), 0, False
        self.bound = 1_000_000
        self.start()

    def settings(self):
        return load(
            {
                "REVENIUM_METERING_API_KEY": KEY,
                "REVENIUM_METERING_BASE_URL": self.server.url,
                "REVENIUM_METERING_TIMEOUT_SECONDS": "0.2",
                "REVENIUM_LEDGER": str(self.directory / "ledger.db"),
                "REVENIUM_LEDGER_MAX_RECORDS": str(self.bound),
            }
        )

    def start(self):
        settings = self.settings()
        self.delivery = Delivery(self.settings, {settings.credential: KEY}, lambda: None, lambda *_: None)

    def record(self, local=False):
        settings = self.settings()
        for _ in range(self.chance.randint(1, 30)):
            where = ("", "") if local else (settings.base_url, settings.credential)
            made = Record(new_id(), "completion", time.time(), *where, {"model": "m", "total_token_count": 1})
            self.delivery.append(made)
            self.recorded.add(made.id)

    def behave(self):
        self.script.names = self.chance.choice([["ok"], ["ok"], ["ok", "400"], ["500"], ["429", "ok"], ["hang"], ["reset", "ok", "half"], list(BEHAVIOURS)])

    def flush(self):
        self.delivery.flush(self.chance.choice([0.0, 0.05, 0.4]))

    def pause(self):
        time.sleep(self.chance.random() * 0.1)

    def end(self, clean):
        """What only memory held ends with its process: that is what its warning says."""
        self.delivery.sender.stop()
        kept = self.delivery.store
        self.mortal |= {each.id for each in kept._memory._records}
        if kept._ledger is not None and kept._ledger.in_memory:
            self.mortal |= set(self.states(kept._ledger))
        self.evicted_before += kept.evicted
        if clean:
            self.delivery.close()
        else:
            kept.forget()  # its locks are free, and nothing else was done
        self.start()

    def disk(self):
        self.full = not self.full
        resource.setrlimit(resource.RLIMIT_FSIZE, (100 if self.full else HARD, HARD))

    def prune(self):
        self.bound = self.chance.choice([1_000_000, 200, 50])
        self.delivery.sender._next_tidy = 0.0
        self.delivery.sender.nudge()

    @staticmethod
    def states(ledger):
        return {row["id"]: row["state"] for row in ledger.query("SELECT id, state FROM record")}

    def step(self):
        actions = [self.record] * 5 + [lambda: self.record(local=True)] + [self.behave] * 3 + [self.flush] * 3 + [self.pause] * 2
        actions += [lambda: self.end(True), lambda: self.end(False), self.disk, self.prune]
        self.chance.choice(actions)()

    def check(self):
        """With the sender stopped, where is every record?"""
        if self.full:
            self.disk()
        self.end(self.chance.random() < 0.5)
        answered = [(each.key, each.status) for each in self.server.records]
        delivered = {key for key, status in answered if 200 <= status < 300}
        refused = {key for key, status in answered if status == 400}
        kept = self.delivery.store
        ledger = files.opened(kept.path)
        waiting = {each.id for path in live(intake.journals_of(kept.path)) for each in read(path, 0, 10**6)[0]}
        found = self.states(ledger)
        counts, books = ledger.counts(), ledger.standing()
        ledger.close()
        assert books.recorded == sum(books[1:7]), books
        lost = self.recorded - delivered - refused - set(found) - waiting
        evicted = counts.get("evicted", 0) + self.evicted_before
        assert len(lost - self.mortal) <= evicted, "%d lost, %d evicted" % (len(lost - self.mortal), evicted)
        assert set(found) | waiting | delivered <= self.recorded
        assert {name for name, state in found.items() if state == DELIVERED} <= delivered
        assert {name for name, state in found.items() if state == REFUSED} <= refused
        assert sum(counts[state] for state in ("pending", "delivered", "local", "refused", "expired")) == len(found)
        bodies = {}
        for each in self.server.records:  # one key never stands for two records
            assert bodies.setdefault(each.key, each.payload) == each.payload

    def settle_down(self):
        """With everything well again, all that is pending is delivered."""
        self.script.names = ["ok"]
        self.bound = 1_000_000
        store.RETRY_SECONDS = 0.0
        end = time.monotonic() + 30
        while time.monotonic() < end:
            self.delivery.sender._next_tidy = 0.0  # adopt what the crashed ones left
            self.delivery.sender.wake()
            self.delivery.flush(5.0)
            found = self.delivery.store.standing()
            if not found.pending:
                break
        assert found.pending == 0, found
        self.check()
        return {**self.delivery.store.standing()._asdict(), "refusals": 0, "recorded": len(self.recorded), "in memory at an end": len(self.mortal)}


def main(first, count, steps):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as directory, MeteringServer() as server:
            life = Life(seed, Path(directory), server)
            try:
                for number in range(steps):
                    life.step()
                    if number % 10 == 9:
                        life.check()
                life.check()
                print(seed, json.dumps(life.settle_down()), flush=True)
            except AssertionError:
                print("seed", seed, flush=True)
                raise
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (HARD, HARD))
                life.delivery.close()


if __name__ == "__main__":
    assert (PENDING, LOCAL) == (0, 2)
    main(*map(int, sys.argv[1:]))
