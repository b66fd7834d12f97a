"""The rules of CONTRIBUTING.md that a machine can check, over all of our source."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Iterator, List, Set, Tuple

import pytest

from tests.docs.loopback import ROOT

SOURCE = ROOT / "src"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [path.relative_to(SOURCE).as_posix() for path in FILES]
every_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def name(path: Path) -> str:
    return path.relative_to(SOURCE / "revenium_middleware").as_posix() if "revenium_middleware/" in path.as_posix() else path.name


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Any]:
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def find(pattern: str, *allowed: str) -> List[str]:
    """``file:line`` of every line of source that matches, outside the allowed files."""
    found = []
    for path in FILES:
        if not name(path).startswith(allowed or ("\0",)):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if re.search(pattern, line):
                    found.append("%s:%d: %s" % (name(path), number, line.strip()))
    return found


@every_file
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@every_file
def test_functions_stay_readable(path: Path) -> None:
    long = ["%s: %d lines" % (node.name, node.end_lineno - node.lineno + 1) for node in functions(path) if node.end_lineno - node.lineno + 1 > 40]
    assert long == []


def test_the_environment_is_read_in_one_place() -> None:
    assert find(r"\bos\.(environ|getenv)\b|\bfrom os import .*environ", "_core/settings.py") == []


def broad_handlers(path: Path) -> Iterator[Tuple[int, bool]]:
    """(line, whether the handler ends in raising again) of every ``except`` that takes everything."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = {each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)} if node.type else {"BaseException"}
            if caught & {"Exception", "BaseException"}:
                yield node.lineno, any(isinstance(each, ast.Raise) for each in ast.walk(node)) or _hands_on(node)


def _hands_on(handler: ast.ExceptHandler) -> bool:
    """What a consumer throws into a generator of his is the generator's to handle."""
    return any(isinstance(each, ast.Attribute) and each.attr in ("throw", "athrow") for each in ast.walk(handler))


def test_nothing_but_the_guard_swallows_everything() -> None:
    found = ["%s:%d" % (name(path), line) for path in FILES for line, raised in broad_handlers(path) if not raised]
    assert found == [] or all(each.startswith(("testing/", "cli/")) for each in found), found


def test_camel_case_lives_in_the_field_table_only() -> None:
    wire: Set[str] = set(re.findall(r'"([a-z]+(?:[A-Z][a-z]+)+)"', (SOURCE / "revenium_middleware/_core/fields.py").read_text(encoding="utf-8")))
    pattern = r"\"(%s)\"" % "|".join(sorted(wire))
    assert find(pattern, "_core/fields.py", "testing/", "cli/", "bedrock/") == []  # Amazon happens to use some of the same names


def test_usage_metadata_is_taken_from_calls_in_the_adapters_only() -> None:
    assert find(r"""pop\((KEYWORD|["']usage_metadata["'])""", "_calls/") == []


def test_logging_is_lazy_and_goes_to_one_logger() -> None:
    assert find(r"\blog(ger)?\.(debug|info|warning|error|exception|log)\(f[\"']") == []
    assert find(r"getLogger\((?!\)|\"revenium_middleware\"\))", "testing/") == []
    assert find(r"\bprint\(", "testing/", "cli/") == []


def test_nothing_is_set_up_for_the_host() -> None:
    allowed = ("cli/", "testing/__main__.py", "_calls/termination.py")  # the last one only when a setting asks for it
    assert find(r"basicConfig|signal\.signal|excepthook|set_event_loop_policy|NullHandler|load_dotenv\(", *allowed) == []


def bound_to_mutable(path: Path) -> Iterator[str]:
    """Names of a module bound to a new dict, list or set, but for constants."""
    mutable = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
    for node in tree(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if isinstance(getattr(node, "value", None), mutable):
            yield from (each.id for each in targets if isinstance(each, ast.Name) and not each.id.isupper() and each.id != "__all__")


def test_only_the_runtime_and_the_scope_change() -> None:
    """What is kept elsewhere is a memo of classes, and the ids of live objects."""
    allowed = {"_calls/identity.py": {"_ids"}, "_calls/streams.py": {"_bodies"}}
    found = {(name(path), bound) for path in FILES for bound in bound_to_mutable(path) if not name(path).startswith(("testing/", "cli/"))}
    assert {(file, bound) for file, bound in found if bound not in allowed.get(file, ())} == set()


def test_nothing_starts_threads_but_the_sender_and_the_worker() -> None:
    assert find(r"threading\.(Thread|Timer)\(", "testing/", "_delivery/sender.py", "_calls/worker.py") == []


def test_nothing_is_left_undone() -> None:
    assert find(r"\b(TODO|FIXME|XXX)\b") == []


def test_no_file_knows_where_it_was_written() -> None:
    """No paths of a machine, no package indexes, no secrets: over everything that is published."""
    places = [ROOT / each for each in ("src", "tests", "examples", "benchmarks", ".ci")]
    files = [path for place in places for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files += [path for path in ROOT.iterdir() if path.suffix in (".md", ".py", ".toml", ".example")]
    known = re.compile(r"/(?:work|opt|root|home/\w+|Users/\w+)/|--?(?:extra-)?index-url|sk-[A-Za-z0-9]{32,}|\bpypi\.\w+/simple")
    texts = {path.relative_to(ROOT): path.read_text(encoding="utf-8", errors="replace") for path in files if path != Path(__file__)}
    assert ["%s: %s" % (path, found.group(0)) for path, text in texts.items() for found in known.finditer(text)] == []
