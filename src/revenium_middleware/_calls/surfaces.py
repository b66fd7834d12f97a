"""``usage_metadata=`` on the public methods and functions of an SDK that is hooked function by function.

It is passed on by the scope, which is set only while the SDK's own code runs: during the call, during each await of what
the call returned, during each step of its generators.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Callable, Dict, Iterator, List, Tuple

import wrapt

from .._core.scope import Scope, current
from .._core.steps import calling, within
from .carrier import KEYWORD
from .declarations import Surface
from .hooks import Undo, replace

_EVERYWHERE = Scope()


def tag_surface(surface: Surface, module: Any) -> Undo:
    """Let what ``surface`` names in ``module`` accept ``usage_metadata=``; returns what takes it back."""
    undo: List[Undo] = []
    pattern = re.compile(surface.classes)
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and pattern.fullmatch(name):
            undo.extend(_tag_class(value, module.__name__))
    if surface.functions:
        pairs = [pair for name, value in vars(module).items() if not name.startswith("_") for pair in _tagged(module, value)]
        _rebind(pairs)
        undo.append(partial(_rebind, [(tagged, function) for function, tagged in pairs]))

    def withdraw() -> None:
        for action in reversed(undo):
            action()

    return withdraw


def _tag_class(kind: type, home: str) -> Iterator[Undo]:
    """Its methods written in the module ``home``; the class itself may claim to be of another."""
    for name, method in list(vars(kind).items()):
        function = method.__func__ if isinstance(method, classmethod) else method
        if not name.startswith("_") and isinstance(function, (FunctionType, wrapt.FunctionWrapper)) and function.__module__ == home:
            yield replace(kind, name, wrapt.FunctionWrapper(method, _tag))


def _tagged(module: ModuleType, value: Any) -> Iterator[Tuple[Any, Any]]:
    """(a function as it is without us, and as it is with us)."""
    if isinstance(value, wrapt.BoundFunctionWrapper):  # taken from a client whose class was tagged before
        yield value.__wrapped__, value
    elif isinstance(value, MethodType) or (isinstance(value, FunctionType) and value.__module__ == module.__name__):
        now = getattr(value.__self__, value.__name__, None) if isinstance(value, MethodType) else None
        yield value, now if isinstance(now, wrapt.BoundFunctionWrapper) else wrapt.FunctionWrapper(value, _tag)


def _rebind(pairs: List[Tuple[Any, Any]]) -> None:
    """Put the new one of each pair wherever a module holds the old: it may have been imported by name, before we came or since."""
    wanted = {id(old): new for old, new in pairs}  # the pairs keep the old ones alive, so an id is theirs
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            for name, value in list(vars(module).items()):
                if id(value) in wanted:
                    setattr(module, name, wanted[id(value)])


def follow_pool(name: str, module: Any) -> Undo:
    """Let work that is handed to the thread pool ``module.name`` run in the scope of who hands it over."""
    pool = vars(module).get(name)
    if pool is None:
        return lambda: None

    def submit(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return type(pool).submit(pool, within, current(), work, args, kwargs)

    return replace(pool, "submit", submit)


def _tag(wrapped: Callable[..., Any], instance: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """A generator may run long after a ``with`` block around the call has ended: then too what the block said is passed on."""
    if KEYWORD not in kwargs and current() == _EVERYWHERE:
        return wrapped(*args, **kwargs)
    return calling(wrapped, args, {name: value for name, value in kwargs.items() if name != KEYWORD}, kwargs.get(KEYWORD))


for _step in (_tag, calling, within):
    # an SDK's warning about a call names the line so many frames up; Python counts no frame of its own import machinery
    _step.__code__ = _step.__code__.replace(co_filename="%s (importlib._bootstrap)" % __file__)
