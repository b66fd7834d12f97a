"""mypy itself runs in ``nox -s types``; here only that the file of user code names what exists."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path


def test_user_code_imports_and_calls_only_what_exists() -> None:
    tree = ast.parse(Path(__file__).with_name("user_code.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "revenium_middleware":
            module = importlib.import_module(node.module)
            assert all(hasattr(module, name.name) for name in node.names)
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("revenium_middleware"):
                    importlib.import_module(name.name)
