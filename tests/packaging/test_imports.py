"""What an import costs and does: little, and nothing but hooks; and what else it finds installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from revenium_middleware._core.distributions import others
from revenium_middleware._core.version import VERSION


def python(code: str, **more: str) -> "subprocess.CompletedProcess[bytes]":
    paths = [more.pop("first", ""), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path), **more}
    return subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=60)


def told(code: str, **more: str) -> Dict[str, Any]:
    done = python(code, **more)
    assert done.returncode == 0, done.stderr.decode()
    found: Dict[str, Any] = json.loads(done.stdout)
    return found


LOADED = """
import json, os, sys, threading, openai
before, threads = set(sys.modules), threading.active_count()
import logging; handlers = list(logging.getLogger().handlers)
import %s
new = sorted(set(sys.modules) - before)
print(json.dumps({"new": new, "threads": threading.active_count() - threads, "handlers": len(logging.getLogger().handlers) - len(handlers),
                  "own": len(logging.getLogger("revenium_middleware").handlers)}))
"""


@pytest.mark.parametrize(
    ("name", "most"), [("revenium_middleware.openai", 59), ("revenium_middleware_openai", 61)]
)  # an alias is itself, and what makes it one
def test_import_adds_few_modules_and_none_that_talks_or_stores(name: str, most: int) -> None:
    found = told(LOADED % name)
    assert len(found["new"]) <= most, found["new"]
    heavy = {"aiohttp", "sqlite3", "asyncio", "click", "rich", "genai_prices", "requests", "dotenv"}
    assert not heavy & set(found["new"])
    assert found["threads"] == found["handlers"] == found["own"] == 0


def test_core_alone_imports_no_provider_and_no_hooks() -> None:
    code = "import sys, json, revenium_middleware; print(json.dumps(sorted(m for m in sys.modules if m.startswith(('revenium', 'openai', 'wrapt')))))"
    done = python(code)
    assert json.loads(done.stdout) == ["revenium_middleware", "revenium_middleware._core", "revenium_middleware._core.version"]


# ---------------------------------------------------------------------- other distributions with our modules


def installed(directory: Path, name: str, version: str, files: str, listing: str = "RECORD") -> None:
    metadata = directory / ("%s-%s.%s" % (name, version, "dist-info" if listing == "RECORD" else "egg-info"))
    metadata.mkdir(parents=True)
    (metadata / listing).write_text(files, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "files", "listing", "modules"),
    [
        ("revenium_middleware", "revenium_middleware/__init__.py,sha256=x,1\n", "RECORD", {"revenium_middleware"}),
        ("revenium_middleware_openai", "revenium_middleware_openai/middleware.py,,\n", "RECORD", {"revenium_middleware_openai"}),
        ("some_fork", "README,,\r\nrevenium_middleware/x.py,,\r\nrevenium_middleware_perplexity/x.py,,\r\n", "RECORD", None),
        ("Old.Egg", "docs\nrevenium_middleware_openai\n", "top_level.txt", {"revenium_middleware_openai"}),
        ("revenium_middleware_unheard_of", "revenium_middleware_unheard_of/__init__.py,,\n", "RECORD", set()),
        ("innocent", "x/revenium_middleware/__init__.py,,\nrevenium_middleware_docs.txt,,\n", "RECORD", set()),
        ("unreadable", "", "nothing-here", set()),
    ],
)
def test_others_are_found_by_the_modules_they_provide(tmp_path: Path, name: str, files: str, listing: str, modules: Any) -> None:
    installed(tmp_path, name, "0.9.2", files, listing)
    found = list(others([str(tmp_path), str(tmp_path), str(tmp_path / "missing")]))
    expected = {"revenium_middleware", "revenium_middleware_perplexity"} if modules is None else modules
    assert [each[2] for each in found] == ([expected] if expected else [])
    assert all(each[:2] == (name.lower().replace(".", "_"), "0.9.2") for each in found)


def test_our_own_distribution_is_none_of_them_but_another_version_of_it_is(tmp_path: Path) -> None:
    installed(tmp_path, "revenium_python_sdk", VERSION, "revenium_middleware/__init__.py,,\n")
    assert list(others([str(tmp_path)])) == []
    installed(tmp_path, "revenium_python_sdk", "0.12.0", "revenium_middleware/__init__.py,,\n")
    assert [each[1] for each in others([str(tmp_path)])] == ["0.12.0"]


BOTH = "import revenium_middleware_openai, revenium_middleware_perplexity"


def test_import_warns_once_and_names_what_else_is_installed(tmp_path: Path) -> None:
    installed(tmp_path, "revenium_middleware_openai", "0.9.2", "revenium_middleware_openai/__init__.py,,\n")
    installed(tmp_path, "some_fork", "3", "revenium_middleware/__init__.py,,\n")
    done = python(BOTH, first=str(tmp_path))
    lines = [line for line in done.stderr.decode().splitlines() if "same modules" in line]
    assert done.returncode == 0 and len(lines) == 1
    assert "revenium-middleware-openai 0.9.2 (revenium_middleware_openai)" in lines[0]
    assert "some-fork 3 (revenium_middleware)" in lines[0]


def test_import_says_nothing_where_nothing_else_is_installed() -> None:
    done = python(BOTH)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"same modules" not in done.stderr


def test_trouble_while_looking_does_not_reach_the_import(tmp_path: Path) -> None:
    (tmp_path / "broken-1.dist-info" / "RECORD").mkdir(parents=True)
    (tmp_path / "file-1.dist-info").write_text("not a directory")
    done = python(BOTH, first=str(tmp_path))
    assert done.returncode == 0 and b"Traceback" not in done.stderr
