"""``revenium-meter coverage``: the numbers are those of the installed SDKs, and a method nobody declared is named."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from typing import Any, Dict, List

import pytest

from revenium_middleware._calls.coverage import classify, walk
from revenium_middleware._calls.hooks import available
from revenium_middleware._calls.inventories import inventories, providers

STATES = ("metered", "free", "unmeterable", "unclassified")
COMMAND = ("-m", "revenium_middleware", "coverage")
TELEPATHY = """
import warnings
warnings.simplefilter("ignore")
import openai.resources.embeddings as resource
for kind in (resource.Embeddings, resource.AsyncEmbeddings):
    kind.telepathy = lambda self: None
import sys
sys.argv[0] = "revenium-meter"
from revenium_middleware.cli import main
main()
"""
"""A newer SDK: one method more than anybody has declared."""


def ran(books: Any, *arguments: str, code: int = 0, module: Any = COMMAND, **env: str) -> str:
    done = books.run(*arguments, ledger=False, module=module, env=env)
    assert (done.code, done.err) == (code, "")
    out: str = done.out
    return out


@pytest.fixture(scope="module")
def counted() -> Dict[str, Dict[str, int]]:
    """SDK -> its counts, found as tests/coverage finds them."""
    found = {}
    for declared in (each for provider in providers() for each in inventories(provider)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is experimental, and of clients that nobody closes
            rows = classify(walk(declared), declared.rows).values() if available(declared.sdk) else ()
        counts = Counter("unclassified" if row is None else row.state for row in rows)
        found[declared.sdk] = {state: counts[state] for state in STATES}
    return found


def test_the_numbers_are_those_of_the_installed_sdks(books: Any, counted: Dict[str, Dict[str, int]]) -> None:
    said = json.loads(ran(books, "--json"))
    assert {entry["sdk"]: {state: entry[state] for state in STATES} for entry in said["providers"]} == counted
    assert {entry["sdk"]: entry["installed"] for entry in said["providers"]} == {sdk: available(sdk) for sdk in counted}
    for entry in said["providers"]:
        assert "all_methods" not in entry
        assert entry["methods"] == sum(entry[state] for state in STATES)
        assert bool(entry["version"]) == bool(entry["methods"]) == entry["installed"]
    assert said["total"] == {key: sum(entry[key] for entry in said["providers"]) for key in ("methods", *STATES)}
    assert not books.path.exists() and not list(books.path.parent.iterdir())  # it is about SDKs, and writes nothing


def test_the_shape_of_the_json(books: Any) -> None:
    import openai

    (entry,) = json.loads(ran(books, "--json", "--all", "openai"))["providers"]
    keys = ["provider", "sdk", "installed", "version", "methods", *STATES, "unmeterable_methods", "unclassified_methods", "not_looked_at", "not_hooked"]
    assert list(entry) == [*keys, "all_methods"]
    assert (entry["provider"], entry["sdk"], entry["version"]) == ("openai", "openai", openai.__version__)
    assert len(entry["unmeterable_methods"]) == entry["unmeterable"] > 0
    assert all(set(each) == {"name", "reason", "source"} and each["reason"] for each in entry["unmeterable_methods"])
    assert (entry["unclassified_methods"], entry["not_looked_at"], entry["not_hooked"]) == ([], {}, "")
    assert Counter(each["state"] for each in entry["all_methods"]) == Counter({state: entry[state] for state in STATES if entry[state]})
    assert {"name": "embeddings.create", "state": "metered", "reason": "usage of the answer"} in entry["all_methods"]


def test_the_table_has_every_provider_and_says_why(books: Any, counted: Dict[str, Dict[str, int]]) -> None:
    out = ran(books, COLUMNS="200")
    rows: Dict[str, List[str]] = {line.split()[1]: line.split() for line in out.splitlines() if len(line.split()) > 1}
    absent = next((line for line in out.splitlines() if line.startswith("Not installed here: ")), "")
    for provider in providers():
        for declared in inventories(provider):
            if available(declared.sdk):
                assert rows[declared.sdk][0] == provider
                assert rows[declared.sdk][-4:] == [str(counted[declared.sdk][state]) for state in STATES]
            assert ("%s (%s)" % (provider, declared.sdk) in absent) == (not available(declared.sdk))
    (total,) = [line.split() for line in out.splitlines() if line.startswith("Total")]
    assert total[-4:] == [str(sum(counts[state] for counts in counted.values())) for state in STATES]
    assert "openai, unmeterable:" in out and "the bill is the days it will be kept" in out
    assert "embeddings.create" not in out
    assert any(line.split()[:2] == ["embeddings.create", "metered"] for line in ran(books, "openai", "--all").splitlines())


def test_a_method_nobody_declared_is_named_and_fails(books: Any) -> None:
    out = ran(books, "coverage", "openai", code=1, module=("-c", TELEPATHY))
    assert "openai, unclassified" in out and "embeddings.telepathy" in out
    (entry,) = json.loads(ran(books, "coverage", "--json", "openai", code=1, module=("-c", TELEPATHY)))["providers"]
    assert (entry["unclassified"], entry["unclassified_methods"]) == (1, ["embeddings.telepathy"])


def test_a_sdk_that_cannot_be_looked_at_is_not_called_covered(books: Any) -> None:
    out = ran(books, "openai", code=1, ALL_PROXY="nonsense://")  # with this the SDK makes no client
    assert "openai, could not be looked at:" in out and "AsyncOpenAI (" in out


def test_a_provider_there_is_none_of_is_a_mistake_with_the_way_out(books: Any) -> None:
    for name, said in (("opnai", "did you mean openai?"), ("xyzzy", "there are anthropic, ")):
        done = books.run(name, ledger=False, module=COMMAND)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("revenium-meter: no provider %r: %s" % (name, said)) and done.err.count("\n") == 1


def test_help_says_what_the_exit_code_means(books: Any) -> None:
    assert "Exit code 1 when a method is unclassified" in ran(books, "--help")
