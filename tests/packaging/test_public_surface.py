"""What users can rely on is written down: a name more or less is a decision, not an accident."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path
from typing import List

import pytest

import revenium_middleware
from tests.docs.loopback import EXAMPLES, ROOT

SNAPSHOT = Path(__file__).resolve().parents[1] / "public_surface.txt"
BEHIND = {"revenium_middleware." + name for name in ("attribution", "control", "__main__", "testing.__main__")}
"""Homes of public names that are imported from elsewhere."""


def public_modules() -> List[str]:
    """Every module of ours that a user may import: no part of its name is private, and it has ``__all__``."""
    found = ["revenium_middleware"]
    found += [each.name for each in pkgutil.walk_packages(revenium_middleware.__path__, "revenium_middleware.") if "._" not in each.name]
    return [name for name in found if name not in BEHIND and hasattr(importlib.import_module(name), "__all__")]


def surface() -> str:
    lines = []
    for module in public_modules():
        names = importlib.import_module(module).__all__
        lines += ["%s.%s" % (module, name) for name in sorted(names)]
    return "\n".join(lines) + "\n"


def test_public_names_are_those_of_the_snapshot() -> None:
    assert surface() == SNAPSHOT.read_text(encoding="utf-8"), "if this is meant, write the new surface to %s" % SNAPSHOT.name


@pytest.mark.parametrize("module", public_modules())
def test_every_public_name_exists_and_is_what_a_star_import_brings(module: str) -> None:
    loaded = importlib.import_module(module)
    assert len(set(loaded.__all__)) == len(loaded.__all__)
    for name in loaded.__all__:
        assert getattr(loaded, name) is not None
    assert set(loaded.__all__) <= set(dir(loaded))


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        revenium_middleware.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_every_top_level_name_is_in_the_readme_or_an_example() -> None:
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *EXAMPLES.rglob("*.py")]
    shown = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    unshown = [name for name in revenium_middleware.__all__ if not re.search(r"\b%s\b" % re.escape(name), shown)]
    assert unshown == []


def test_version_is_that_of_the_distribution() -> None:
    metadata = importlib.import_module("importlib.metadata")
    try:
        installed = metadata.version("revenium-python-sdk")
    except metadata.PackageNotFoundError:
        pytest.skip("runs from the checkout, nothing is installed")
    assert installed == revenium_middleware.__version__
