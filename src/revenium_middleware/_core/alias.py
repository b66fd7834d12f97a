"""Two names for one package: ``revenium_middleware_openai`` is ``revenium_middleware.openai``, sub-modules included."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Dict, Optional, Sequence


class _Same(importlib.abc.Loader):
    """Gives an import the module that is already there under its other name."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(self._real)

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._specs.pop(self._real, module.__spec__)

    _specs: Dict[str, Optional[importlib.machinery.ModuleSpec]] = {}


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self) -> None:
        self.names: Dict[str, str] = {}

    def find_spec(self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None) -> Optional[importlib.machinery.ModuleSpec]:
        head, dot, rest = fullname.partition(".")
        if not dot or head not in self.names:
            return None
        real = "%s.%s" % (self.names[head], rest)
        if importlib.util.find_spec(real) is None:
            return None
        # the import system stamps the alias' spec on the module it is given: keep the real one to put back
        _Same._specs[real] = importlib.import_module(real).__spec__
        return importlib.machinery.ModuleSpec(fullname, _Same(real), is_package=hasattr(sys.modules[real], "__path__"))


_finder = _Finder()


def alias(name: str, real: str) -> None:
    """Make ``name`` and everything below it the very modules of ``real``."""
    _finder.names[name] = real
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules[name] = importlib.import_module(real)
