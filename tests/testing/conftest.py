"""The loopback servers are tested with the SDKs as their makers ship them: our hooks are out while this folder runs."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import openai
import pytest
from tests.conftest import without_hooks

from revenium_middleware.testing import ProviderServer


@pytest.fixture(autouse=True, scope="module")
def unhooked() -> Iterator[None]:
    with without_hooks():
        yield


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def client(server: ProviderServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai_url, api_key="any", max_retries=0, timeout=10) as made:
        yield made


@pytest.fixture
def method(client: openai.OpenAI) -> Callable[[str], Any]:
    """``method("images.edit")`` of the client, or a skip where the installed SDK has none."""

    def find(path: str, whose: Any = client) -> Any:
        found = whose
        for name in path.split("."):
            if not hasattr(found, name):
                pytest.skip("openai %s has no %s" % (openai.__version__, path))
            found = getattr(found, name)
        return found

    return find
