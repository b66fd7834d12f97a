"""Each provider package is complete: found by what it declares, and named wherever packaging has to name it."""

from __future__ import annotations

import re

import pytest

from revenium_middleware._calls.inventories import providers
from tests.docs.loopback import ROOT

PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
SOURCE = ROOT / "src"
each = pytest.mark.parametrize("provider", providers())


def test_what_hooks_a_sdk_is_a_provider_and_says_what_it_covers() -> None:
    packages = (SOURCE / "revenium_middleware").glob("*/__init__.py")
    assert {path.parent.name for path in packages if "runtime.activate(" in path.read_text(encoding="utf-8")} == set(providers())


@each
def test_a_provider_has_its_import_name_in_the_wheel(provider: str) -> None:
    alias = "revenium_middleware_" + provider
    assert (SOURCE / alias / "__init__.py").exists() and (SOURCE / alias / "py.typed").exists()
    assert '"src/%s"' % alias in PROJECT.partition("[tool.hatch.build.targets.wheel]")[2].partition("\n[")[0]
    assert '"%s"' % alias in PROJECT.partition("[tool.importlinter]")[2]


@each
def test_a_provider_has_an_extra_that_brings_its_sdk(provider: str) -> None:
    extras = PROJECT.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    assert re.search(r"^%s(-\w+)? = " % provider, extras, re.MULTILINE)
