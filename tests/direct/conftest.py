"""Clients of the ollama package on a loopback provider, closed when their test is over."""

from __future__ import annotations

from typing import Any, Iterator

import pytest


@pytest.fixture
def client(provider: Any) -> Iterator[Any]:
    ollama = pytest.importorskip("ollama", reason="the ollama package is not installed")

    import revenium_middleware_ollama  # noqa: F401

    made = ollama.Client(provider.url)
    yield made
    made._client.close()
