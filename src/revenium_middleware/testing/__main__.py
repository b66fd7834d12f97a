"""``python -m revenium_middleware.testing``: the loopback provider in the foreground, for trying things by hand."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Optional, Sequence

from .faults import Fault
from .provider_server import ProviderServer


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Serve until interrupted, then say what was used."""
    parser = argparse.ArgumentParser(
        prog="python -m revenium_middleware.testing",
        description="A provider on 127.0.0.1 that speaks OpenAI's, Azure OpenAI's, Anthropic's and Perplexity's wire format, without a key or a bill.",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--first-byte", type=float, default=0.0, metavar="SECONDS", help="wait before each answer")
    parser.add_argument("--between-chunks", type=float, default=0.0, metavar="SECONDS", help="wait before each event of a stream")
    parser.add_argument("--refuse-stream-options", action="store_true", help="answer 400 to requests that have them")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs with it ignored
    slow = Fault.slow(given.first_byte, given.between_chunks)
    with ProviderServer(port=given.port, usual=slow, refuses_stream_options=given.refuse_stream_options) as server:
        print("OPENAI_BASE_URL=%s\nAZURE_OPENAI_ENDPOINT=%s\nANTHROPIC_BASE_URL=%s\nPERPLEXITY_BASE_URL=%s" % (server.openai_url, *[server.url] * 3))
        print("Any key will do. Ctrl-C ends it.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("\n%d calls: %s" % (server.calls, server.usage))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
