"""``usage_metadata=`` on every public method of a Stainless-generated SDK: accepted, stripped, passed on."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Tuple

import wrapt

from .._core.diagnostics import Guard
from .._core.steps import calling
from .carrier import KEYWORD, loaded
from .hooks import Undo, replace


def tag_resources(module: Any, sdk: str) -> Undo:
    """Let every public method of every resource class accept ``usage_metadata=``, also of classes not loaded yet."""
    undo: List[Undo] = []
    for base_name in ("SyncAPIResource", "AsyncAPIResource"):
        base = getattr(module, base_name)
        for kind in _descendants(base):
            undo.extend(_tag_class(kind))

        undo.append(replace(base, "__init_subclass__", classmethod(_tagging_later(base, undo))))

    def withdraw() -> None:
        for action in reversed(undo):
            action()

    return withdraw


def _tagging_later(base: type, undo: List[Undo]) -> Callable[..., None]:
    def created(cls: type, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)  # type: ignore[arg-type]
        with Guard("hooking"):
            undo.extend(_tag_class(cls))

    return created


def _descendants(base: type) -> Iterator[type]:
    kind: type
    for kind in base.__subclasses__():
        yield kind
        yield from _descendants(kind)


def _tag_class(kind: type) -> List[Undo]:
    undo = []
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and callable(method) and not isinstance(method, type) and not _tagged(method):
            # a connection is no request: nothing would take a carrier out of its headers again
            wrapper = _tag if name != "connect" and _takes_headers(method) else _tag_by_scope
            undo.append(replace(kind, name, _wrapped(method, wrapper)))
    return undo


def _wrapped(method: Any, wrapper: Callable[..., Any]) -> Any:
    if not _warns(method):
        return wrapt.FunctionWrapper(method, wrapper)
    from typing_extensions import deprecated  # the SDK's own: its warning has to go out before our frame, to name the user's line

    return deprecated(method.__deprecated__)(wrapt.FunctionWrapper(method.__wrapped__, wrapper))


def _warns(method: Any) -> bool:
    """Whether ``method`` is what ``@deprecated`` made of another one."""
    home = getattr(method, "__globals__", {}).get("__name__", "")
    return hasattr(method, "__deprecated__") and hasattr(method, "__wrapped__") and home in ("typing_extensions", "warnings", "_py_warnings")


def _tagged(method: Any) -> bool:
    """Whether it is ours already; what another library wrapped is not."""
    method = method.__wrapped__ if _warns(method) else method
    return isinstance(method, wrapt.FunctionWrapper) and method._self_wrapper in (_tag, _tag_by_scope)


def _takes_headers(method: Any) -> bool:
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code = getattr(method, "__code__", None)
    return code is not None and "extra_headers" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _tag(wrapped: Callable[..., Any], resource: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """Move ``usage_metadata=`` into the carrier and call through."""
    if KEYWORD in kwargs:
        given, kwargs = _split(kwargs)
        with Guard("reading usage_metadata"):
            kwargs["extra_headers"] = loaded(kwargs.get("extra_headers"), given)
    return wrapped(*args, **kwargs)


def _tag_by_scope(wrapped: Callable[..., Any], resource: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """The same for helpers that take no headers: their calls inherit the metadata from the scope."""
    if KEYWORD not in kwargs:
        return wrapped(*args, **kwargs)
    given, kwargs = _split(kwargs)
    return calling(wrapped, args, kwargs, given)


def _split(kwargs: Dict[str, Any]) -> Tuple[Any, Dict[str, Any]]:
    """(the metadata, the other arguments): a copy, since on CPython 3.8 ``create(**mine)`` hands over ``mine`` itself."""
    return kwargs[KEYWORD], {name: value for name, value in kwargs.items() if name != KEYWORD}


for _step in (_tag, _tag_by_scope):
    # an SDK's warning about a call names the line so many frames up; Python counts no frame of its own import machinery
    _step.__code__ = _step.__code__.replace(co_filename="%s (importlib._bootstrap)" % __file__)
