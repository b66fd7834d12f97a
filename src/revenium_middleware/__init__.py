"""Usage metering for AI calls: one import, one exact and durable record per call.

    import revenium_middleware.openai

The names below are the public surface; each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.version import VERSION as __version__

if TYPE_CHECKING:
    from ._calls.status import Status as Status
    from ._core.errors import ReveniumMiddlewareError as ReveniumMiddlewareError
    from .attribution import metadata as metadata
    from .attribution import revenium_metadata as revenium_metadata
    from .attribution import revenium_meter as revenium_meter
    from .control import flush as flush
    from .control import initialize_metering as initialize_metering
    from .control import status as status
    from .control import uninstall as uninstall

_HOME = {
    "ReveniumMiddlewareError": "_core.errors",
    "Status": "_calls.status",
    "flush": "control",
    "initialize_metering": "control",
    "metadata": "attribution",
    "revenium_metadata": "attribution",
    "revenium_meter": "attribution",
    "status": "control",
    "uninstall": "control",
}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    import importlib

    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return sorted(set(globals()) | set(__all__))
