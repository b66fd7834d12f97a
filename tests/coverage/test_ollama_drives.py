"""The ollama package: a method counts as metered only if it is driven here."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

ollama = pytest.importorskip("ollama", reason="the ollama package is not installed")

import revenium_middleware_ollama  # noqa: E402

from .caller import Caller, NotThere  # noqa: E402
from .ollama_drives import DRIVES, transports  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

UNCOUNTED = {"embeddings", "web_search", "web_fetch"}


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    kind = ollama.Client if side == "sync" else ollama.AsyncClient
    transport = transports(provider.url)[side == "async"]
    client = kind(provider.url, transport=transport, headers={"Authorization": "Bearer none"})
    if not hasattr(client, name):
        pytest.skip("this version has no %s" % name)
    call = Caller(client, {"task_type": name})
    try:
        DRIVES[name](call)
    except NotThere as missing:
        pytest.skip("this version has no %s" % missing)
    finally:
        call.close()
    found = records()
    compared(provider, found, COUNTS)
    assert {record.values["provider"] for record in found} == {"OLLAMA"}
    assert {record.values.get("task_type") for record in found} == {name}
    assert {record.values["usage_source"] for record in found} == {"unknown" if name in UNCOUNTED else "provider"}
    assert not any("usage_metadata" in repr(each.body) for each in provider.log)


def test_administration_bills_nothing(provider: Any, records: Callable[[], List[Any]]) -> None:
    client = ollama.Client(provider.url)
    client.list()
    client.pull("qwen2.5:0.5b")
    list(client.push("qwen2.5:0.5b", stream=True))
    client.copy("one", "two")
    client.delete("two")
    assert records() == []
    client._client.close()


def test_the_middleware_is_ready() -> None:
    assert revenium_middleware_ollama.is_initialized()
