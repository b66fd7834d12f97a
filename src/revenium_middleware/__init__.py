"""Usage metering for AI calls: one import, one exact and durable record per call.

    import revenium_middleware.openai

The names below are the public surface; each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core.version import VERSION as __version__

if TYPE_CHECKING:
    from ._calls.notices import MeteringErrorEvent as MeteringErrorEvent
    from ._calls.status import Status as Status
    from ._core.errors import MeteringConnectionError as MeteringConnectionError
    from ._core.errors import MeteringError as MeteringError
    from ._core.errors import MeteringStatusError as MeteringStatusError
    from ._core.errors import ReveniumMiddlewareError as ReveniumMiddlewareError
    from .attribution import carry_context as carry_context
    from .attribution import metadata as metadata
    from .attribution import revenium_metadata as revenium_metadata
    from .attribution import revenium_meter as revenium_meter
    from .control import flush as flush
    from .control import initialize_metering as initialize_metering
    from .control import status as status
    from .control import uninstall as uninstall
    from .health import MeteringStatus as MeteringStatus
    from .health import flush_metering as flush_metering
    from .health import get_buffer_stats as get_buffer_stats
    from .health import get_metering_status as get_metering_status
    from .health import on_metering_error as on_metering_error
    from .health import remove_metering_error_callback as remove_metering_error_callback
    from .health import reset_metering_status as reset_metering_status
    from .recording import client as client
    from .recording import get_client as get_client
    from .tenancy import get_idempotency_key as get_idempotency_key
    from .tenancy import idempotency_key as idempotency_key
    from .tenancy import metering_key as metering_key
    from .tenancy import set_idempotency_key as set_idempotency_key
    from .threads import run_async_in_thread as run_async_in_thread
    from .threads import shutdown_event as shutdown_event

_HOME = {
    "MeteringConnectionError": "_core.errors",
    "MeteringError": "_core.errors",
    "MeteringErrorEvent": "_calls.notices",
    "MeteringStatus": "health",
    "MeteringStatusError": "_core.errors",
    "ReveniumMiddlewareError": "_core.errors",
    "Status": "_calls.status",
    "carry_context": "attribution",
    "client": "recording",
    "flush": "control",
    "flush_metering": "health",
    "get_buffer_stats": "health",
    "get_client": "recording",
    "get_idempotency_key": "tenancy",
    "get_metering_status": "health",
    "idempotency_key": "tenancy",
    "initialize_metering": "control",
    "metadata": "attribution",
    "metering_key": "tenancy",
    "on_metering_error": "health",
    "remove_metering_error_callback": "health",
    "reset_metering_status": "health",
    "revenium_metadata": "attribution",
    "revenium_meter": "attribution",
    "run_async_in_thread": "threads",
    "set_idempotency_key": "tenancy",
    "shutdown_event": "threads",
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
