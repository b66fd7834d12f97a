"""What metering adds to a call, to one chunk of a stream, and to the whole process until the record is delivered.

    python benchmarks/overhead.py [--rounds 40] [--calls 50]

One process, one interleaved run: each round times a block of calls with the hooks out and a block with them in, in
changing order, so that whatever else the machine does falls on both. The provider is a transport inside the process
that answers at once; records carry metadata, go to a ledger file, and are posted to a metering service in a process of
its own while the calls go on. Read the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import openai

MODEL, MESSAGES = "gpt-4o-mini", [{"role": "user", "content": "Hello!"}]
CHUNKS = 50
USAGE = {"prompt_tokens": 9, "completion_tokens": CHUNKS, "total_tokens": 9 + CHUNKS}
WHO = {"organization_name": "AcmeCorp", "agent": "support", "trace_id": "t-1", "subscriber": {"id": "user-1", "email": "user@example.com"}}


def answer() -> bytes:
    message = {"role": "assistant", "content": "word " * CHUNKS}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], "usage": USAGE}).encode()


def vectors() -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1] * 64}]
    return json.dumps({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": {"prompt_tokens": 3, "total_tokens": 3}}).encode()


def events() -> bytes:
    def event(**fields: Any) -> str:
        return "data: %s\n\n" % json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, **fields})

    deltas = [event(choices=[{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]) for _ in range(CHUNKS)]
    return "".join([*deltas, event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]), event(choices=[], usage=USAGE), "data: [DONE]\n\n"]).encode()


class Clients(NamedTuple):
    """Real clients whose transport answers in this process; fresh ones, so that their methods are those of this moment."""

    plain: openai.OpenAI
    asynchronous: openai.AsyncOpenAI


def clients() -> Clients:
    http: Any = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    whole, streamed, embedded = answer(), events(), vectors()

    def respond(request: Any) -> Any:
        if request.url.path.endswith("/embeddings"):
            return http.Response(200, headers={"content-type": "application/json"}, content=embedded)
        if b'"stream":true' in request.content.replace(b": ", b":"):
            return http.Response(200, headers={"content-type": "text/event-stream"}, content=streamed)
        return http.Response(200, headers={"content-type": "application/json"}, content=whole)

    transport = http.MockTransport(respond)
    return Clients(
        openai.OpenAI(api_key="benchmark", http_client=http.Client(transport=transport)),
        openai.AsyncOpenAI(api_key="benchmark", http_client=http.AsyncClient(transport=transport)),
    )


def call(sdk: Clients, calls: int) -> None:
    for _ in range(calls):
        sdk.plain.chat.completions.create(model=MODEL, messages=MESSAGES)  # type: ignore[arg-type]


def embeddings(sdk: Clients, calls: int) -> None:
    for _ in range(calls):
        sdk.plain.embeddings.create(model="text-embedding-3-small", input="usage", encoding_format="float")


def awaited(sdk: Clients, calls: int) -> None:
    async def work() -> None:
        for _ in range(calls):
            await sdk.asynchronous.chat.completions.create(model=MODEL, messages=MESSAGES)  # type: ignore[arg-type]

    asyncio.run(work())


def stream(sdk: Clients, calls: int) -> None:
    options = {"include_usage": True}  # in both variants, so that both read the same chunks
    for _ in range(max(1, calls // 5)):
        for _ in sdk.plain.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, stream_options=options):  # type: ignore[call-overload]
            pass


WORK: Dict[str, Callable[[Clients, int], None]] = {"call": call, "embeddings": embeddings, "async call": awaited, "stream": stream}


class Took(NamedTuple):
    """Seconds per call."""

    wall: float
    cpu: float
    """Of the calling thread alone: steadier on a busy machine."""


def timed(work: Callable[[Clients, int], None], calls: int) -> Took:
    sdk = clients()
    work(sdk, 5)
    made = max(1, calls // 5) if work is stream else calls
    wall, cpu = time.perf_counter(), time.thread_time()
    work(sdk, calls)
    return Took((time.perf_counter() - wall) / made, (time.thread_time() - cpu) / made)


def records_of(calls: int) -> int:
    """How many calls one round makes."""
    return 3 * (calls + 5) + max(1, calls // 5) + 1


def measured(rounds: int, calls: int) -> Dict[str, Dict[bool, List[Took]]]:
    """kind -> metered? -> one figure per round; "process" is the CPU of all threads per call, delivery included."""
    import revenium_middleware.openai

    found: Dict[str, Dict[bool, List[Took]]] = {kind: {False: [], True: []} for kind in (*WORK, "process")}
    for number in range(rounds):
        for metered in (False, True) if number % 2 else (True, False):
            revenium_middleware.uninstall()
            if metered:
                importlib.reload(revenium_middleware.openai)  # hooks it again
            wall, cpu = time.perf_counter(), time.process_time()
            with revenium_middleware.metadata(**WHO):
                for kind, work in WORK.items():
                    found[kind][metered].append(timed(work, calls))
            revenium_middleware.flush(30)
            made = records_of(calls)
            found["process"][metered].append(Took((time.perf_counter() - wall) / made, (time.process_time() - cpu) / made))
    made, status = rounds * records_of(calls), revenium_middleware.status()
    if (status.recorded, status.delivered) != (made, made):
        raise SystemExit("%d calls were metered, %d recorded, %d delivered" % (made, status.recorded, status.delivered))
    return found


def report(found: Dict[str, Dict[bool, List[Took]]]) -> None:
    print("openai %s, %d rounds: medians, and the quartiles of the rounds' own ratios\n" % (openai.__version__, len(found["call"][True])))
    print("%-17s %5s %9s %11s %9s %7s  %s" % ("", "", "bare µs", "metered µs", "added µs", "ratio", "quartiles"))
    rows = [(kind, 1, kind) for kind in WORK] + [("stream", CHUNKS + 2, "  each chunk"), ("process", 1, "process, per call")]
    for kind, divisor, label in rows:
        for clock in Took._fields:
            bare, metered = ([getattr(took, clock) / divisor * 1e6 for took in found[kind][which]] for which in (False, True))
            low, middle, high = statistics.quantiles([m / b for b, m in zip(bare, metered)], n=4)
            before, after = statistics.median(bare), statistics.median(metered)
            print("%-17s %5s %9.1f %11.1f %9.1f %7.3f  %.3f to %.3f" % (label, clock, before, after, after - before, middle, low, high))


SERVICE = """
import sys
from revenium_middleware.testing import MeteringServer
with MeteringServer() as service:
    print(service.url, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=50)
    given = parser.parse_args()
    service = subprocess.Popen([sys.executable, "-c", SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)
    assert service.stdin is not None and service.stdout is not None
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory)  # after our own exit function, which is registered later
    for name in [name for name in os.environ if name.startswith("REVENIUM_")]:
        del os.environ[name]
    os.environ["REVENIUM_LEDGER"] = str(Path(directory) / "ledger.db")
    os.environ["REVENIUM_METERING_BASE_URL"] = service.stdout.readline().strip()
    os.environ["REVENIUM_METERING_API_KEY"] = "hak_benchmark"
    try:
        report(measured(given.rounds, given.calls))
    finally:
        service.stdin.close()
        service.wait()


if __name__ == "__main__":
    main()
