"""The google-genai package: a method counts as metered only if it is driven here."""

from __future__ import annotations

import warnings
from typing import Any, Callable, List

import pytest

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")

import revenium_middleware_google  # noqa: E402
from tests.google.conftest import client_of, quiet  # noqa: E402, F401

from .caller import Caller, NotThere  # noqa: E402
from .google_drives import DRIVES, ON_VERTEX  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

NAMES = {**COUNTS, "actual_image_count": "images"}
LONG_THERE = {"models.generate_content", "models.generate_content_stream", "chats.send_message", "chats.send_message_stream"}
LONG_THERE |= {"models.embed_content", "models.generate_images", "operations.get", "caches.update"}
UNCOUNTED = {"models.embed_content", "caches.update", "file_search_stores.import_file", "file_search_stores.upload_to_file_search_store"}


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    if name not in LONG_THERE and genai.__version__.startswith("1."):
        pytest.skip("drives use what later versions have")
    client = client_of(provider.google_url, vertex=name in ON_VERTEX)
    call = Caller(client if side == "sync" else client.aio, {"task_type": name})
    try:
        DRIVES[name](call)
    except NotThere as missing:
        pytest.skip("this version has no %s" % missing)
    finally:
        call.close()
    found = records()
    compared(provider, found, NAMES)
    assert {record.values["provider"] for record in found} == {"Google"}
    assert {record.values.get("task_type") for record in found} == {name}
    assert {record.values["usage_source"] for record in found} == {"unknown" if name in UNCOUNTED else "provider"}
    assert not any("usage_metadata" in repr(each.body) for each in provider.log)


def test_counting_and_administration_bill_nothing(provider: Any, records: Callable[[], List[Any]]) -> None:
    client = client_of(provider.google_url)
    client.models.count_tokens(model="gemini-2.0-flash", contents="Hello")
    client.caches.delete(name="cachedContents/abc")
    assert records() == []


def test_the_middleware_is_ready() -> None:
    with warnings.catch_warnings():
        assert revenium_middleware_google.is_initialized()
