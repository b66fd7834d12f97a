"""The application whose end ``loss.py`` watches: threads that make real SDK calls, and note each answer right after its call returned.

The provider is a transport inside the process. A note is the answer's id, appended to the witness file with one write: what
is in that file had returned to the application, so its record has to be found.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import threading
import time
import uuid
from typing import Any

import openai

import revenium_middleware.openai

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def answer(_: Any) -> Any:
    choice = {"index": 0, "message": {"role": "assistant", "content": "word"}, "finish_reason": "stop"}
    body = {"id": "chatcmpl-%s" % uuid.uuid4().hex, "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [choice], "usage": USAGE}
    return http().Response(200, headers={"content-type": "application/json"}, content=json.dumps(body).encode())


def http() -> Any:
    """The HTTP library under this openai."""
    return importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])


def calls(witness: str, count: int, pause: float) -> int:
    """``count`` calls one after the other, each noted once it has returned."""
    notes = os.open(witness, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with openai.OpenAI(api_key="loss", http_client=http().Client(transport=http().MockTransport(answer))) as client:
        for _ in range(count):
            done = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "x"}])
            os.write(notes, done.id.encode() + b"\n")
            time.sleep(pause)
    os.close(notes)
    return count


def load(witness: str, threads: int, count: int, pause: float) -> None:
    workers = [threading.Thread(target=calls, args=(witness, count, pause), daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def forked(witness: str, count: int, pause: float) -> None:
    """Children that end without any of Python's own endings, while their parent lives on."""
    for _ in range(3):
        child = os.fork()
        if child == 0:
            calls(witness, count, pause)
            os._exit(0)
        os.waitpid(child, 0)


def pooled(witness: str, count: int, pause: float) -> None:
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.starmap(calls, [(witness, count, pause)] * 6)
        pool.close()
        pool.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("witness")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--calls", type=int, default=25, help="of each thread")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds after each call")
    parser.add_argument("--end", choices=("return", "wait", "fork", "pool", "flush"), default="return")
    given = parser.parse_args()
    print("imported", flush=True)  # whoever kills us may want to wait for this
    load(given.witness, given.threads, given.calls, given.pause)
    if given.end == "fork":
        forked(given.witness, given.calls, given.pause)
    elif given.end == "pool":
        pooled(given.witness, given.calls, given.pause)
    elif given.end == "wait":
        print("recorded", flush=True)
        time.sleep(60)
    elif given.end == "flush":
        until = time.monotonic() + 90
        while revenium_middleware.flush(5) and time.monotonic() < until:
            pass


if __name__ == "__main__":
    main()
