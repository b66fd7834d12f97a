"""Which model answered, where neither the request nor the answer need say so."""

from __future__ import annotations

import logging
from typing import Dict
from urllib.parse import urlsplit

from .._core.diagnostics import logger
from .call import Request


class Models:
    """The models that deployments of this process have answered with."""

    def __init__(self) -> None:
        self._deployments: Dict[str, str] = {}

    def resolve(self, model: str, request: Request, default: str) -> str:
        """The model to record: as answered; else what this deployment last answered with; else what its name tells."""
        host = request.host
        name = host.deployment_of(request.url, request.model, default)
        known, why = "%s|%s" % (_address(request.url), name), "as answered"
        if not model:
            model, why = self._deployments.get(known, ""), "as it answered before"
        elif name and (known in self._deployments or len(self._deployments) < 10_000):
            self._deployments[known] = model
        if not model:
            model, why = host.family_of(name) or "unknown", "by its name"
        if logger.isEnabledFor(logging.DEBUG):
            where = urlsplit(request.url)
            logger.debug("%s at %s%s: %s -> %s (%s)", host.provider, where.hostname, where.path, name or "no model named", model, why)
        return model


def _address(url: str) -> str:
    """Host and port of a URL, at the price of a split: a call has no time for more."""
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 else ""
