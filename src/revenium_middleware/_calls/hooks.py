"""Where SDKs are hooked: targets wrapped in place when their module is imported, before or after ours."""

from __future__ import annotations

import functools
import importlib.util
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple

import wrapt

from .._core.diagnostics import Guard, diagnostics

Wrapper = Callable[[Callable[..., Any], Any, Tuple[Any, ...], Dict[str, Any]], Any]
Undo = Callable[[], None]


class Target(NamedTuple):
    """One attribute of an SDK to wrap: ``package._module:Class.method``."""

    module: str
    attribute: str
    wrapper: Wrapper
    optional: bool = False
    """Some supported versions do not have it."""


class Arrival(NamedTuple):
    """Something to do once an SDK module is there; returns what undoes it."""

    module: str
    action: Callable[[Any], Undo]


class Hooks:
    """What is hooked in this process, SDK by SDK, and what could not be."""

    def __init__(self) -> None:
        self._undo: List[Undo] = []
        self._watched: Set[str] = set()
        self.asked: Dict[str, Tuple[str, ...]] = {}
        """Middleware -> the SDKs that its import asked to have metered."""
        self.hooked: Dict[str, List[str]] = {}
        self.missing: Dict[str, List[str]] = {}
        """Targets that the installed version does not have."""

    def install(self, sdk: str, targets: Tuple[Target, ...], arrivals: Tuple[Arrival, ...] = ()) -> None:
        """Hook ``sdk`` now if it is imported, else when it is. Installing twice changes nothing."""
        if sdk in self._watched:
            return
        self._watched.add(sdk)
        self.hooked[sdk], self.missing[sdk] = [], []
        for target in targets:
            self._when(sdk, target.module, functools.partial(self._wrap, sdk, target))
        for arrival in arrivals:
            self._when(sdk, arrival.module, functools.partial(self._arrive, sdk, arrival))

    def _when(self, sdk: str, module: str, action: Callable[[Any], None]) -> None:
        mine = self.hooked[sdk]

        def imported(loaded: Any) -> None:
            if self.hooked.get(sdk) is mine:  # not of an installation that was undone before the module came
                with Guard("hooking"):
                    action(loaded)

        wrapt.register_post_import_hook(imported, module)

    def _arrive(self, sdk: str, arrival: Arrival, loaded: Any) -> None:
        self._undo.append(arrival.action(loaded))
        self.hooked[sdk].append(arrival.module)

    def _wrap(self, sdk: str, target: Target, loaded: Any) -> None:
        parent, name = _parent(loaded, target.attribute)
        original = vars(parent).get(name) if parent is not None else None
        label = "%s:%s" % (target.module, target.attribute)
        if original is None and target.optional:
            return
        if original is None:
            self.missing[sdk].append(label)
            diagnostics.warn("hooks/missing/" + label, "%s does not exist in the installed version: calls through it are not metered", label)
            return
        self._undo.append(replace(parent, name, wrapt.FunctionWrapper(original, target.wrapper)))
        self.hooked[sdk].append(label)

    def ask(self, middleware: str, sdks: Mapping[str, str]) -> None:
        """``import revenium_middleware.<middleware>`` wants these metered: import name -> what to install."""
        self.asked[middleware] = tuple(sdks)
        if not any(available(sdk) for sdk in sdks):
            diagnostics.warn("hooks/absent/" + middleware, "revenium_middleware.%s has nothing to meter: install %s", middleware, " or ".join(sdks.values()))

    def lacking(self, middleware: str) -> str:
        """Why the calls of ``middleware`` are not all metered; "" when they are."""
        sdks = [sdk for sdk in self.asked.get(middleware, ()) if available(sdk)]
        if not sdks:
            return "its SDK is not installed"
        broken = [label for sdk in sdks if not self.complete(sdk) for label in self.missing.get(sdk) or [sdk]]
        return "not hooked: %s" % ", ".join(broken) if broken else ""

    def complete(self, sdk: str) -> bool:
        """Whether every target of an installed SDK is hooked, or will be when it is imported."""
        return sdk in self._watched and available(sdk) and not self.missing[sdk]

    def uninstall(self) -> None:
        """Put every hooked attribute back, the last one first."""
        while self._undo:
            self._undo.pop()()
        self._watched.clear()
        self.asked.clear()
        self.missing.clear()
        self.hooked.clear()


def replace(parent: Any, name: str, value: Any) -> Undo:
    """Set ``parent.name``; returns what restores the very object that was there, unless somebody wrapped ours meanwhile."""
    there = name in vars(parent)
    original = vars(parent).get(name)
    setattr(parent, name, value)

    def undo() -> None:
        if vars(parent).get(name) is not value:
            return
        if there:
            setattr(parent, name, original)
        else:
            delattr(parent, name)

    return undo


def _parent(loaded: Any, attribute: str) -> Tuple[Any, str]:
    path, _, name = attribute.rpartition(".")
    parent: Optional[Any] = loaded
    for part in path.split(".") if path else ():
        parent = getattr(parent, part, None)
    return parent, name


def available(package: str) -> bool:
    if package in sys.modules:
        return sys.modules[package] is not None
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
