"""Who made the model that Bedrock is asked for, and where it runs."""

from __future__ import annotations

import functools
import re
from typing import Any, Mapping

from .._calls.declarations import Host

_GEOGRAPHY = re.compile(r"(?:us|eu|apac|ap|au|ca|global|jp|us-gov)\.")
"""How the id of a model begins that AWS spreads over regions."""
_MAKER = re.compile(r"([a-z][a-z0-9]*)\.[a-z]")
_LABELS: Mapping[str, str] = {"moonshotai": "MOONSHOT"}


def maker_of(model: str) -> str:
    """The vendor that an id or ARN names; AWS where it names none, as ARNs of a customer's own resources do."""
    name = model.rpartition("/")[2] if model.startswith("arn:") else model
    found = _MAKER.match(_GEOGRAPHY.sub("", name, count=1))
    return _LABELS.get(found.group(1), found.group(1).upper()) if found is not None else "AWS"


@functools.lru_cache(maxsize=512)
def _host(maker: str, region: str) -> Host:
    says = {"region": region} if region else {}
    return Host("AWS", maker, middleware="bedrock", says={"model_host": "bedrock", **says})


def host_of(client: Any, model: str, body: Mapping[str, Any]) -> Host:
    """The host of one request; a client knows its region from its own settings or the environment's."""
    maker = maker_of(model)
    if maker == "AWS" and "anthropic_version" in body:
        maker = "ANTHROPIC"
    return _host(maker, getattr(client.meta, "region_name", None) or "")
