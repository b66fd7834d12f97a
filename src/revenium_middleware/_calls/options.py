"""The request options of a Stainless-generated SDK: read, and changed on a copy only."""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, Optional, Tuple

from .._core.metadata import canonical, overlay
from .carrier import KEYWORD, unloaded

RAW_HEADER = "x-stainless-raw-response"


def copied(options: Any) -> Any:
    copy = options.model_copy if hasattr(options, "model_copy") else options.copy
    return copy()


def body_of(options: Any) -> Mapping[str, Any]:
    """The body as it will be sent: what the caller put into ``extra_body`` lies over the rest."""
    body = options.json_data if isinstance(options.json_data, Mapping) else {}
    extra = options.extra_json if isinstance(options.extra_json, Mapping) else None
    return {**body, **extra} if extra else body


def without_ours(options: Any) -> Tuple[Any, Optional[Mapping[str, Any]]]:
    """(options with nothing of ours in headers, body or query; the metadata found): the same options when there was none."""
    headers, metadata = unloaded(options.headers)
    changes: Dict[str, Any] = {} if headers is options.headers else {"headers": headers}
    for home in ("params", "json_data", "extra_json"):
        content = getattr(options, home, None)
        if isinstance(content, Mapping) and KEYWORD in content:
            changes[home] = {key: value for key, value in content.items() if key != KEYWORD}
            metadata = overlay(canonical(content[KEYWORD]), metadata or {})
    if not changes:
        return options, None
    clean = copied(options)
    for name, value in changes.items():
        setattr(clean, name, value)
    return clean, metadata


def raw_mode(options: Any) -> str:
    if not isinstance(options.headers, Mapping):
        return ""
    return next((str(value) for name, value in options.headers.items() if str(name).lower() == RAW_HEADER), "")


def asks_for_usage(body: Mapping[str, Any]) -> bool:
    """Whether the caller asked for the usage chunk of a stream."""
    options = body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def joined(base: str, url: str) -> str:
    return url if "://" in url else base.rstrip("/") + "/" + url.lstrip("/")
