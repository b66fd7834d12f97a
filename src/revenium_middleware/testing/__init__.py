"""Servers on this machine for trying and testing metered code: a provider without a bill, and a metering API that keeps what it gets.

    from revenium_middleware.testing import Fault, MeteringServer, ProviderServer

    with ProviderServer() as provider, MeteringServer() as meter:
        provider.script(Fault.rate_limited(retry_after=1))
        ...

Both need the standard library only and listen on 127.0.0.1. ``python -m revenium_middleware.testing`` runs the provider by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Answered as Answered
    from .answers import Spent as Spent
    from .faults import Fault as Fault
    from .forms import Upload as Upload
    from .metering_server import MeteringServer as MeteringServer
    from .metering_server import Received as Received
    from .provider_server import ProviderServer as ProviderServer

_HOME = {
    "Answered": "answers",
    "Fault": "faults",
    "MeteringServer": "metering_server",
    "ProviderServer": "provider_server",
    "Received": "metering_server",
    "Spent": "answers",
    "Upload": "forms",
}

__all__ = [*sorted(_HOME)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    import importlib

    value = getattr(importlib.import_module("." + _HOME[name], __name__), name)
    globals()[name] = value
    return value
