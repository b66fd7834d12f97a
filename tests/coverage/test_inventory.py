"""No unmetered billable call: every public method of the installed SDKs is classified, and every metered one is driven."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections import Counter
from typing import Any, Dict, Iterator, Set

import pytest

from revenium_middleware._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row, classify, walk
from revenium_middleware._calls.inventories import inventories, providers

from . import anthropic_drives, bedrock_drives, fal_drives, google_drives, ollama_drives, openai_drives, perplexity_drives

DRIVEN: Dict[str, Set[str]] = {
    "openai": set(openai_drives.DRIVES)
    | {"realtime.connect", "beta.realtime.connect", "realtime.translations.connect", "realtime.calls.create", "realtime.calls.accept"}
    | {"live.connect", "live.forks.connect", "live.sideband.connect", "live.create", "live.sessions.accept", "live.sessions.fork"}
    | {"responses.connect", "beta.responses.connect"},
    "perplexity": set(perplexity_drives.DRIVES),
    "ollama": set(ollama_drives.DRIVES),
    "boto3": set(bedrock_drives.DRIVES),
    "fal_client": {*fal_drives.DRIVES, "realtime", "recv"},  # those two by test_fal_drives
    "google.genai": set(google_drives.DRIVES) | {"live.connect"},  # that one by tests/google/test_live
    "anthropic": set(anthropic_drives.DRIVES) | {"beta.sessions.events.tool_runner", "beta.messages.thread"},
}
"""The connections are driven by test_connections, which fails when it does not drive one of these; the helpers of anthropic
that take more than one call by test_anthropic_helpers."""

INVENTORIES = {declared.sdk: declared for provider in providers() for declared in inventories(provider)}


def test_every_provider_is_driven() -> None:
    assert set(DRIVEN) == set(INVENTORIES)
    assert all(inventories(provider) for provider in providers())


@pytest.fixture(params=sorted(INVENTORIES))
def inventory(request: Any) -> Iterator[Inventory]:
    pytest.importorskip(request.param, reason="this SDK is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental, and of clients that nobody closes
        yield INVENTORIES[request.param]


def test_every_public_method_is_classified(inventory: Inventory, capsys: pytest.CaptureFixture[str]) -> None:
    methods = walk(inventory)
    rows = classify(methods, inventory.rows)
    assert [name for name, row in rows.items() if row is None] == []
    counts = Counter(row.state for row in rows.values() if row is not None)
    version = getattr(importlib.import_module(inventory.sdk), "__version__", "")
    figures = ", ".join("%d %s" % (counts[state], state) for state in (METERED, FREE, UNMETERABLE))
    with capsys.disabled():
        print("\n%s %s: %d methods, %s" % (inventory.sdk, version, len(methods), figures))
        for name, row in sorted(rows.items()):
            if row is not None and row.state == UNMETERABLE:
                print("  unmeterable: %s" % name)


def test_every_metered_method_is_driven(inventory: Inventory) -> None:
    rows = classify(walk(inventory), inventory.rows)
    metered = {name for name, row in rows.items() if row is not None and row.state == METERED}
    assert metered - DRIVEN[inventory.sdk] == set()


def test_every_drive_is_of_a_method_declared_metered(inventory: Inventory) -> None:
    rows = classify(DRIVEN[inventory.sdk], inventory.rows)
    assert [name for name, row in rows.items() if row is None or row.state != METERED] == []


def test_what_cannot_be_metered_says_why_and_where_the_provider_says_so(inventory: Inventory) -> None:
    for row in inventory.rows:
        assert row.reason
        if row.state == UNMETERABLE:
            assert row.source.startswith("https://")


def test_the_list_of_what_cannot_be_metered_only_gets_shorter(inventory: Inventory) -> None:
    rows = classify(walk(inventory), inventory.rows)
    allowed = {"openai": 11, "perplexity": 0, "anthropic": 2, "ollama": 0, "fal_client": 1, "boto3": 0, "google.genai": 1}[inventory.sdk]
    assert sum(row is not None and row.state == UNMETERABLE for row in rows.values()) <= allowed


def test_a_method_nobody_declared_is_found() -> None:
    assert classify(["chat.completions.create", "telepathy.send"], (Row(r"chat\..*", METERED, "usage"),))["telepathy.send"] is None


def test_both_sides_of_a_client_have_the_same_methods(inventory: Inventory) -> None:
    if len(inventory.clients) == 1:
        pytest.skip("%s has one side only" % inventory.sdk)
    one_sided = {name: clients for name, clients in walk(inventory).items() if len(clients) % 2}
    assert set(one_sided) <= set(inventory.one_sided)


@pytest.mark.parametrize(("sdk", "local"), [("fal_client", {"encode", "encode_file", "encode_image", "set_get_current_app"}), ("ollama", set())])
def test_functions_of_a_module_are_methods_of_its_clients(sdk: str, local: Set[str]) -> None:
    """Such functions are no methods, so that no walk sees them: one that is more than a client's method would be missed."""
    module = pytest.importorskip(sdk, reason="this SDK is not installed")
    functions = {name for name, value in vars(module).items() if inspect.isroutine(value) and not name.startswith("_")}
    methods = walk(INVENTORIES[sdk])
    assert {name for name in functions if name not in methods and re.sub("_async$", "", name) not in methods} <= local
    assert functions - local
