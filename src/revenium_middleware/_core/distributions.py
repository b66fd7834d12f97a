"""Other installed distributions that provide our modules: of two packages with one name, one hides or overwrites the other."""

from __future__ import annotations

import os
import re
import sys
from typing import Iterator, List, Sequence, Set, Tuple

from .diagnostics import Guard, diagnostics
from .version import VERSION

_OURS = ("revenium_python_sdk", VERSION)
_MODULE = re.compile(rb"^(revenium_middleware[A-Za-z0-9_]*)(?:/|\s*$)", re.MULTILINE)


def warn_of_others() -> None:
    """Once per process: one warning that names every other distribution with a module of ours."""
    if not diagnostics.first("distributions"):
        return
    with Guard("looking for other distributions"):
        found = list(others(sys.path))
        if found:
            diagnostics.warn(
                "distributions/others",
                "%s provides the same modules as revenium-python-sdk %s: uninstall one of them, or you cannot know whose code runs",
                ", ".join("%s (%s)" % ((name.replace("_", "-") + " " + version).strip(), ", ".join(sorted(modules))) for name, version, modules in found),
                VERSION,
            )


def others(places: Sequence[str]) -> Iterator[Tuple[str, str, Set[str]]]:
    """(name, version, modules of ours it has too). Reads file lists directly: importlib.metadata costs more than our whole import."""
    for path in _metadata_directories(places):
        name, _, version = os.path.basename(path).rpartition(".")[0].partition("-")
        name, version = re.sub(r"[-_.]+", "_", name).lower(), version.split("-py")[0]
        if (name, version) == _OURS:
            continue
        shared = {module for module in _modules(path) if _is_ours(module)}
        if shared:
            yield name, version, shared


def _metadata_directories(places: Sequence[str]) -> List[str]:
    found = []
    for place in dict.fromkeys(places):
        try:
            with os.scandir(place or os.curdir) as entries:
                found += [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue  # zip files and directories that do not exist
    return found


def _modules(directory: str) -> Set[str]:
    listed = _read(directory, "RECORD")
    if listed and b"revenium" not in listed:  # nearly always; one file read is all that a stranger costs
        return set()
    return {module.decode() for module in _MODULE.findall(listed + b"\n" + _read(directory, "top_level.txt"))}


def _read(directory: str, name: str) -> bytes:
    try:
        with open(os.path.join(directory, name), "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _is_ours(module: str) -> bool:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return module == "revenium_middleware" or os.path.isdir(os.path.join(package, module[len("revenium_middleware_") :]))
