"""What the matrix shares: one provider, and what the same calls look like without metering."""

from __future__ import annotations

import gc
import os
import pickle
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import openai
import pytest

from .baseline import Seen
from .wire import Wire

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def no_certificates() -> Iterator[None]:
    """Every client loads the machine's certificates: hundreds of times here, for servers that speak plain HTTP."""
    patch = pytest.MonkeyPatch()
    patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *args, **kwargs: None)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def session_wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="session", autouse=True)
def small_heap(no_certificates: None) -> Iterator[None]:
    """Streams that are dropped need a collection each time: it is not to search all modules of the SDK."""
    client = openai.OpenAI(api_key="sk-none")
    assert client.chat.completions and client.beta and getattr(client, "responses", True)
    client.close()
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def wire(session_wire: Wire) -> Wire:
    """The provider as if newly started."""
    session_wire.clear()
    return session_wire


@pytest.fixture(scope="session")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What users of the SDK alone see, form by form: run in a process that never imports our hooks."""
    target = tmp_path_factory.mktemp("baseline") / "seen.pickle"
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("REVENIUM_", "OPENAI_", "ANTHROPIC_", "AWS_", "AZURE_", "HTTP"))}
    environment = {**kept, "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])}
    done = subprocess.run([sys.executable, "-m", "tests.shapes.baseline", str(target)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(target.read_bytes())  # type: ignore[no-any-return]
