"""An import name of the documentation is the real package under another name, not a copy of it."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import revenium_middleware
import revenium_middleware.fal
import revenium_middleware.ollama
import revenium_middleware.openai
import revenium_middleware.perplexity
import revenium_middleware_fal
import revenium_middleware_ollama
import revenium_middleware_openai
import revenium_middleware_perplexity
from revenium_middleware._calls.hooks import available
from revenium_middleware._calls.inventories import providers
from revenium_middleware._calls.runtime import runtime
from tests.docs.loopback import ROOT

PAIRS = tuple(("revenium_middleware_" + name, "revenium_middleware." + name) for name in providers())
both = pytest.mark.parametrize(("alias", "real"), PAIRS)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=str(ROOT), env=_environment(), timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def _environment() -> Any:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_aliases_are_the_real_packages() -> None:
    assert revenium_middleware_openai is revenium_middleware.openai
    assert revenium_middleware_perplexity is revenium_middleware.perplexity
    assert revenium_middleware_ollama is revenium_middleware.ollama
    assert revenium_middleware_fal is revenium_middleware.fal
    assert revenium_middleware_openai.is_initialized is revenium_middleware.openai.is_initialized


@both
def test_sub_modules_are_the_same_modules(alias: str, real: str) -> None:
    for name in ("coverage",):
        below = importlib.import_module("%s.%s" % (alias, name))
        assert below is importlib.import_module("%s.%s" % (real, name))
        assert sys.modules["%s.%s" % (alias, name)] is below
        assert below.__name__ == "%s.%s" % (real, name)
        assert below.__spec__ is not None and below.__spec__.name == below.__name__


@both
@pytest.mark.parametrize("first", [0, 1])
def test_either_name_may_come_first_and_both_may_come(alias: str, real: str, first: int) -> None:
    names = (alias, real) if first == 0 else (real, alias)
    code = "import sys, %s, %s; a, b = sys.modules[%r], sys.modules[%r]; assert a is b; " % (*names, alias, real)
    code += "from %s import coverage as x; from %s import coverage as y; assert x is y; print(a.__name__)" % names
    assert python(code) == real


@both
def test_sub_module_of_an_alias_can_be_imported_at_once(alias: str, real: str) -> None:
    assert python("import %s.coverage as m; print(m.__name__)" % alias) == real + ".coverage"


@both
def test_missing_sub_modules_are_missing(alias: str, real: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(alias + ".no_such_module")
    assert importlib.util.find_spec(alias + ".no_such_module") is None


@both
def test_reload_keeps_identity_and_meters_once(alias: str, real: str) -> None:
    importlib.import_module(real)
    if not any(available(sdk) for sdk in runtime.hooks.asked[real.rpartition(".")[2]]):
        pytest.skip("its SDK is not installed")
    code = (
        "import importlib, sys, openai, %(alias)s as m; before = m; hooked = openai._base_client.SyncAPIClient.__dict__['request'];"
        "again = importlib.reload(m); assert again is before is sys.modules[%(real)r] is sys.modules[%(alias)r];"
        "assert openai._base_client.SyncAPIClient.__dict__['request'] is hooked; assert m.is_initialized(); print(m.__name__)"
    )
    assert python(code % {"alias": alias, "real": real}) == real


def test_reload_of_the_alias_module_object_found_by_its_own_name() -> None:
    assert importlib.reload(sys.modules["revenium_middleware_openai"]) is revenium_middleware.openai


def test_status_and_scope_survive_pickling_and_copying() -> None:
    status = revenium_middleware.status()
    assert pickle.loads(pickle.dumps(status)) == status
    assert copy.deepcopy(status) == status
    assert type(status).__module__.startswith("revenium_middleware.")


def test_classes_reached_through_an_alias_pickle_under_the_real_name() -> None:
    endpoints = importlib.import_module("revenium_middleware_perplexity.endpoints")
    reader = importlib.import_module("revenium_middleware_perplexity.readers").SearchReader
    assert pickle.loads(pickle.dumps(reader)) is reader
    assert reader.__module__ == "revenium_middleware.perplexity.readers"
    assert endpoints.__name__ == "revenium_middleware.perplexity.endpoints"


def test_errors_pickle_with_their_message() -> None:
    with pytest.raises(revenium_middleware.ReveniumMiddlewareError) as caught:
        revenium_middleware.initialize_metering(api_key="nonsense")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))


def test_every_package_is_marked_as_typed() -> None:
    for package in ("revenium_middleware", *(alias for alias, _ in PAIRS)):
        source = Path(revenium_middleware.__file__).parent.parent / package
        assert (source / "py.typed").exists()


def test_importing_both_middlewares_records_a_call_once(provider: Any, records: Any) -> None:
    import openai

    with openai.OpenAI(base_url=provider.openai_url, api_key="any") as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
    assert len(records()) == provider.calls == 1


def test_perplexity_alone_leaves_other_hosts_of_the_openai_client_alone(tmp_path: Path) -> None:
    code = """
import os
os.environ["REVENIUM_LEDGER"] = %r
import openai, revenium_middleware, revenium_middleware_perplexity
from revenium_middleware.testing import ProviderServer
with ProviderServer() as server:
    ask = dict(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
    with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
        client.chat.completions.create(**ask, usage_metadata={"agent": "a"})
        import revenium_middleware_openai
        client.chat.completions.create(**ask)
    print(server.calls, revenium_middleware.status().recorded)
"""
    assert python(code % str(tmp_path / "ledger.db")) == "2 1"
