"""What every test shares: a pristine process, and a loopback provider and metering service where it asks for them."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import signal
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

import pytest

import revenium_middleware_openai
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.diagnostics import diagnostics, logger
from revenium_middleware._core.settings import ledger_path
from revenium_middleware._delivery.intake import up_to_date

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: child processes would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

assert revenium_middleware_openai.__name__ == "revenium_middleware.openai"
if importlib.util.find_spec("anthropic") is not None:
    assert importlib.import_module("revenium_middleware_anthropic").__name__ == "revenium_middleware.anthropic"

_OURS_AND_THEIRS = ("REVENIUM_", "OPENAI_", "ANTHROPIC_", "AWS_", "AZURE_", "PERPLEXITY_", "PPLX_", "OLLAMA_", "FAL_", "GOOGLE_", "GEMINI_", "XDG_STATE_HOME")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Recorded(NamedTuple):
    """One record as the ledger has it."""

    kind: str
    values: Dict[str, Any]
    id: str


@pytest.fixture(autouse=True)
def pristine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Own ledger, no settings of the machine, our own failures raised; afterwards a runtime as after import."""
    for name in list(os.environ):
        if name.startswith(_OURS_AND_THEIRS) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("REVENIUM_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setattr(diagnostics, "reraise", True)
    level, handlers = logger.level, list(logger.handlers)
    yield
    runtime.reset()
    logger.setLevel(level)
    logger.handlers[:] = handlers


@contextlib.contextmanager
def without_hooks() -> Iterator[None]:
    """The SDKs as their makers ship them; afterwards everything is hooked again that was."""
    asked = list(runtime.hooks.asked)
    runtime.uninstall()
    try:
        yield
    finally:
        for middleware in asked:
            importlib.reload(importlib.import_module("revenium_middleware." + middleware))


@pytest.fixture
def records() -> Callable[[], List[Recorded]]:
    """Everything recorded so far, oldest first; no network. Streams that were dropped are collected and settled first."""

    def collect() -> List[Recorded]:
        gc.collect()
        if runtime._delivery is None and runtime.streams._dropped.empty():
            return []
        path = ledger_path(runtime.settings())
        if runtime.settings().local:
            runtime.flush(10.0)  # without a key this only waits until the sender has settled what was dropped
        if path is None:
            return _rows(runtime.delivery().collect())
        runtime.streams.settle_dropped()
        ledger = up_to_date(path)
        try:
            return _rows(ledger)
        finally:
            ledger.close()

    return collect


def _rows(ledger: Any) -> List[Recorded]:
    return [Recorded(row["kind"], json.loads(row["body"]), row["id"]) for row in ledger.query("SELECT kind, body, id FROM record ORDER BY number")]


@pytest.fixture
def provider() -> Iterator[Any]:
    """A loopback provider: ``provider.url`` to call, ``provider.log`` for what it expects to be recorded."""
    from revenium_middleware.testing import ProviderServer

    with ProviderServer() as server:
        yield server


@pytest.fixture
def metering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A loopback metering service, and the settings that send records there."""
    from revenium_middleware.testing import MeteringServer

    with MeteringServer() as server:
        monkeypatch.setenv("REVENIUM_METERING_API_KEY", "hak_loopback_0123456789")
        monkeypatch.setenv("REVENIUM_METERING_BASE_URL", server.url)
        yield server
