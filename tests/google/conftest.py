"""Clients of google-genai whose provider is on this machine."""

from __future__ import annotations

import asyncio
import ssl
import sys
import warnings
from typing import Any, Dict, Iterator, List

import pytest

import revenium_middleware_google

assert revenium_middleware_google.__name__ == "revenium_middleware.google"

NO_TLS = ssl.create_default_context()
_LOOPS: List[Any] = []
MODEL = "gemini-2.0-flash"


def client_of(url: str, vertex: bool = False) -> Any:
    """A client of the Gemini API, or of Vertex in europe-west1, that tries once."""
    from google import genai
    from google.genai import types

    options: Dict[str, Any] = {"base_url": url}
    if "client_args" in types.HttpOptions.model_fields:  # a context for TLS takes long to make, and is not needed here
        options.update(client_args={"verify": NO_TLS}, async_client_args={"verify": NO_TLS, "ssl": NO_TLS})
    if hasattr(types, "HttpRetryOptions"):
        options["retry_options"] = types.HttpRetryOptions(attempts=1)
    if not vertex:
        return genai.Client(api_key="none", http_options=options)
    import google.oauth2.credentials

    credentials = google.oauth2.credentials.Credentials(token="none")
    return genai.Client(vertexai=True, project="p", location="europe-west1", credentials=credentials, http_options=options)


def run(work: Any) -> Any:
    """``asyncio.run``, and afterwards a loop is there as before: older clients want one when they are made."""
    try:
        return asyncio.run(work)
    finally:
        _a_loop()


def _a_loop() -> None:
    if sys.version_info < (3, 10):
        _LOOPS.append(asyncio.new_event_loop())
        asyncio.set_event_loop(_LOOPS[-1])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the SDK warns of is not the subject, and its clients close what they opened when they like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _a_loop()
        yield
    while _LOOPS:
        _LOOPS.pop().close()


@pytest.fixture
def client(provider: Any) -> Any:
    return client_of(provider.google_url)


@pytest.fixture
def vertex(provider: Any) -> Any:
    return client_of(provider.google_url, vertex=True)
