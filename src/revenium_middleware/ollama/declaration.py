"""The ``ollama`` package as data: what all its calls pass through, and where its users call it."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from .._calls.declarations import DirectSdk, Host, Point, Provider, Sent, Surface
from .._calls.options import joined
from .._usage.reading import json_of
from .endpoints import ENDPOINTS, UNKNOWN

OLLAMA = Host("OLLAMA", "OLLAMA", middleware="ollama")


def _sent(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], streamed: bool) -> Optional[Sent]:
    """Newer versions name the type of the answer before method and path."""
    texts = [argument for argument in args if isinstance(argument, str)]
    if len(texts) < 2:
        return None
    body = kwargs.get("json")
    return Sent(texts[0], joined(str(client._client.base_url), texts[1]), body if isinstance(body, dict) else {}, streamed)


def _request(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _sent(client, args, kwargs, bool(kwargs.get("stream")))


def _stream(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _sent(client, args, kwargs, True)


def _content(result: Any) -> Any:
    """Before 0.4 the waist hands out the HTTP response."""
    return json_of(result) if hasattr(result, "raise_for_status") else result


_CLIENTS = ("Client", "AsyncClient")

OLLAMA_SDK = DirectSdk(
    Provider("ollama", "ollama", ENDPOINTS, lambda client, netloc: OLLAMA, lambda host, active: "ollama" in active),
    UNKNOWN,
    points=(
        *(Point("ollama._client", "%s._request" % client, _request, _content, late=True) for client in _CLIENTS),
        *(Point("ollama._client", "%s._stream" % client, _stream, late=True, optional=True) for client in _CLIENTS),  # before 0.4
    ),
    surfaces=(Surface("ollama._client", "(?:Async)?Client"), Surface("ollama", functions=True)),
    failures=("ResponseError", "HTTPError", "ConnectionError"),
    unreadable=("ValidationError", "JSONDecodeError"),
    answers=(("ollama._types", "SubscriptableBaseModel"),),
)
