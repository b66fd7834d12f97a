"""How a form enters the table of the matrix."""

from __future__ import annotations

import functools
import importlib
from typing import Any, Callable, Dict, Iterator, List, Tuple

from .side import CLIENTS, Expect, Form
from .wire import MODEL

BOTH, SYNC, ASYNC = (False, True), (False,), (True,)
FORMS: Dict[str, Form] = {}

PLAIN = Expect()
STREAM = Expect(streamed=True, asks=True)
"""A stream read to its end: the usage is asked for, and hidden from the caller."""
UNASKED = Expect(streamed=True)
"""A stream whose usage comes without our asking."""
RAW = Expect(streamed=True, usage="estimated", said=26)
"""A streamed body read as bytes to its end: nothing was asked for, so the text of the answer is what there is to count."""
REFUSED = Expect(usage="refused", stop="ERROR", model=MODEL)
NOTHING = Expect(records=0)


def left(said: int, asks: bool = True) -> Expect:
    """A chat stream that its user left after so many characters."""
    return Expect(streamed=True, asks=asks, usage="estimated", stop="CANCELLED", said=said)


def form(expect: Expect = PLAIN, needs: str = "", sides: Tuple[bool, ...] = BOTH, gzip: bool = False, sdk: str = "openai") -> Callable[[Any], Any]:
    """Enter a function into the table under its name; with ``gzip`` once more with compressed answers."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        assert run.__name__ not in FORMS
        FORMS[run.__name__] = Form(run.__name__, run, expect, needs, sides, False, sdk)
        if gzip:
            FORMS[run.__name__ + "_gzip"] = Form(run.__name__ + "_gzip", run, expect, needs, sides, True, sdk)
        return run

    return enter


@functools.lru_cache(None)
def available(sdk: str, needs: str) -> bool:
    """Whether the SDK is installed and has what a form calls: paths from a client, several separated by spaces."""
    try:
        client = getattr(importlib.import_module(sdk), CLIENTS[sdk])(api_key="sk-none")
    except ImportError:
        return False
    try:
        for path in needs.split():
            found: Any = client
            for name in path.split("."):
                found = getattr(found, name)
    except AttributeError:
        return False
    finally:
        client.close()
    return True


def cells() -> Iterator[Tuple[Form, bool]]:
    for entry in FORMS.values():
        for asynchronous in entry.sides:
            yield entry, asynchronous


def names() -> List[str]:
    return ["%s-%s" % (entry.name, "async" if asynchronous else "sync") for entry, asynchronous in cells()]
