"""What metering adds to a plain call and to one chunk of a stream, as a ratio to the bare SDK.

    python benchmarks/overhead.py [--rounds 40] [--calls 50]

One process, one interleaved run: each round times a block of calls with the hooks out and a block with them in, in
changing order, so that whatever else the machine does falls on both. The provider is a transport inside the process
that answers at once; records go to a ledger file, as without a key. Read the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import openai

MODEL, MESSAGES = "gpt-4o-mini", [{"role": "user", "content": "Hello!"}]
CHUNKS = 50
USAGE = {"prompt_tokens": 9, "completion_tokens": CHUNKS, "total_tokens": 9 + CHUNKS}


def answer() -> bytes:
    message = {"role": "assistant", "content": "word " * CHUNKS}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], "usage": USAGE}).encode()


def events() -> bytes:
    def event(**fields: Any) -> str:
        return "data: %s\n\n" % json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, **fields})

    deltas = [event(choices=[{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]) for _ in range(CHUNKS)]
    return "".join([*deltas, event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]), event(choices=[], usage=USAGE), "data: [DONE]\n\n"]).encode()


def client() -> openai.OpenAI:
    """A real client whose transport answers in this process."""
    http: Any = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    whole, streamed = answer(), events()

    def respond(request: Any) -> Any:
        if b'"stream":true' in request.content.replace(b": ", b":"):
            return http.Response(200, headers={"content-type": "text/event-stream"}, content=streamed)
        return http.Response(200, headers={"content-type": "application/json"}, content=whole)

    return openai.OpenAI(api_key="benchmark", http_client=http.Client(transport=http.MockTransport(respond)))


def plain(sdk: openai.OpenAI) -> None:
    sdk.chat.completions.create(model=MODEL, messages=MESSAGES)  # type: ignore[arg-type]


def stream(sdk: openai.OpenAI) -> None:
    options = {"include_usage": True}  # in both variants, so that both read the same chunks
    for _ in sdk.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, stream_options=options):  # type: ignore[call-overload]
        pass


class Took(NamedTuple):
    """Seconds per call."""

    wall: float
    cpu: float
    """Of the calling thread alone: steadier on a busy machine."""


def timed(work: Callable[[openai.OpenAI], None], calls: int) -> Took:
    sdk = client()  # a fresh one: its methods are those of its class at this moment
    for _ in range(3):
        work(sdk)
    wall, cpu = time.perf_counter(), time.thread_time()
    for _ in range(calls):
        work(sdk)
    return Took((time.perf_counter() - wall) / calls, (time.thread_time() - cpu) / calls)


def measured(rounds: int, calls: int) -> Dict[str, Dict[bool, List[Took]]]:
    """kind -> metered? -> one figure per round."""
    import revenium_middleware.openai

    found: Dict[str, Dict[bool, List[Took]]] = {kind: {False: [], True: []} for kind in ("call", "stream")}
    for number in range(rounds):
        for metered in (False, True) if number % 2 else (True, False):
            revenium_middleware.uninstall()
            if metered:
                importlib.reload(revenium_middleware.openai)  # hooks it again
            found["call"][metered].append(timed(plain, calls))
            found["stream"][metered].append(timed(stream, max(1, calls // 5)))
        revenium_middleware.flush(10)  # outside the timing: the sender's backlog is not the next block's
    made, recorded = rounds * (calls + 3 + max(1, calls // 5) + 3), revenium_middleware.status().recorded
    if recorded != made:
        raise SystemExit("%d calls were metered, %d recorded" % (made, recorded))
    return found


def report(found: Dict[str, Dict[bool, List[Took]]]) -> None:
    print("openai %s, %d rounds: medians, and the quartiles of the rounds' own ratios\n" % (openai.__version__, len(found["call"][True])))
    print("%-17s %5s %9s %11s %9s %7s  %s" % ("", "", "bare µs", "metered µs", "added µs", "ratio", "quartiles"))
    for kind, divisor, label in (("call", 1, "plain call"), ("stream", 1, "stream of %d" % CHUNKS), ("stream", CHUNKS + 2, "  each chunk")):
        for clock in Took._fields:
            bare, metered = ([getattr(took, clock) / divisor * 1e6 for took in found[kind][which]] for which in (False, True))
            low, middle, high = statistics.quantiles([m / b for b, m in zip(bare, metered)], n=4)
            before, after = statistics.median(bare), statistics.median(metered)
            print("%-17s %5s %9.1f %11.1f %9.1f %7.3f  %.3f to %.3f" % (label, clock, before, after, after - before, middle, low, high))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for name in [name for name in os.environ if name.startswith("REVENIUM_")]:
            del os.environ[name]
        os.environ["REVENIUM_LEDGER"] = str(Path(directory) / "ledger.db")
        report(measured(given.rounds, given.calls))


if __name__ == "__main__":
    main()
