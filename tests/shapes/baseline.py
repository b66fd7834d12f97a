"""Runs every form against the SDK alone and pickles what its user saw: ``python -m tests.shapes.baseline FILE``."""

from __future__ import annotations

import gc
import pickle
import ssl
import sys
import warnings
from pathlib import Path
from typing import Any, Dict, Tuple

from . import forms, forms_anthropic, forms_anthropic_faults, forms_cancelled, forms_clients, forms_faults, forms_helpers, forms_raw  # noqa: F401 - they fill the table
from .side import run
from .table import available, cells
from .wire import Wire

Seen = Dict[Tuple[str, bool], Dict[str, Any]]


def main(target: str) -> None:
    warnings.simplefilter("ignore")
    ssl.SSLContext.load_verify_locations = lambda *args, **kwargs: None  # type: ignore[method-assign]
    wire, found = Wire(), {}
    gc.freeze()
    for form, asynchronous in cells():
        if available(form.sdk, form.needs):
            wire.clear()
            wire.set_gzip(form.gzip)
            side = run(form, wire, asynchronous)
            found[form.name, asynchronous] = {"seen": side.seen, "sent": list(wire.sent), "port": wire.port}
    wire.stop()
    assert "revenium_middleware._calls" not in sys.modules, "this process is to know the SDK alone"
    Path(target).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
