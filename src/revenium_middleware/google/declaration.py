"""The ``google-genai`` package as data: what all its calls pass through, and where its users call it."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional, Tuple

from .._calls.declarations import DirectSdk, Host, Line, Point, Provider, Sent, Surface
from .._calls.options import joined
from .endpoints import ENDPOINTS, UNKNOWN
from .hosts import GEMINI, vertex

_PLACE = re.compile(r"/locations/([^/]+)/")
_MODEL = re.compile(r"(?:^|/)(?:models|tunedModels)/([^/:?]+)")


def model_in(path: str) -> str:
    """The model that a path names; an endpoint of one's own has no other name than its path."""
    found = _MODEL.search(path)
    if found is not None:
        return found.group(1)
    return path.partition(":")[0].rpartition("/")[2] if "endpoints/" in path else ""


def _host(client: Any) -> Host:
    return vertex(client.location) if client.vertexai else GEMINI


def _base_url(client: Any) -> str:
    options = client._http_options
    base = options.get("base_url") if isinstance(options, dict) else options.base_url
    return str(base or "")


def _sent(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], streamed: bool) -> Optional[Sent]:
    given = dict(zip(("http_method", "path", "request_dict"), args), **kwargs)
    path, body = str(given["path"]), given.get("request_dict")
    url = joined(_base_url(client), path)
    return Sent(str(given["http_method"]).upper(), url, body if isinstance(body, dict) else {}, streamed, model_in(path), _host(client))


def _request(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _sent(client, args, kwargs, False)


def _stream(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _sent(client, args, kwargs, True)


def _download(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    path = str(args[0] if args else kwargs.get("path"))
    return Sent("GET", joined(_base_url(client), path), {}, host=_host(client))


def _content(response: Any) -> Any:
    """Older versions hand out the parsed answer itself, newer ones its text."""
    body = getattr(response, "body", response)
    if not isinstance(body, (str, bytes)):
        return body
    try:
        return json.loads(body)
    except ValueError:  # nothing, or a page of some proxy's: the SDK says so to the user
        return None


def _interaction(sdk: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """The request of the newer resources, which have an HTTP client of their own."""
    request = kwargs["request"] if "request" in kwargs else args[1]
    try:
        body = json.loads(request.content or b"{}")
    except ValueError:
        body = {}
    url = str(request.url)
    place = _PLACE.search(url)
    host = GEMINI if place is None else vertex(place.group(1))
    return Sent(request.method, url, body if isinstance(body, dict) else {}, isinstance(body, dict) and body.get("stream") is True, host=host)


def _live(live: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    client, model = live._api_client, kwargs.get("model") or (args[0] if args else "")
    url = joined(_base_url(client), "BidiGenerateContent")
    return Sent("POST", url, {}, True, str(model).rpartition("/")[2], _host(client))


def _json(response: Any) -> Any:
    return _content(response.content)


_API = "google.genai._api_client"
_RESOURCES = "google.genai._gaos."


def _points(client: str, optional: bool) -> Tuple[Point, ...]:
    return (
        Point(_API, client + ".request", _request, _content, optional=optional),
        Point(_API, client + ".async_request", _request, _content, optional=optional),
        Point(_API, client + ".request_streamed", _stream, _content, late=True, optional=optional),
        Point(_API, client + ".async_request_streamed", _stream, _content, optional=optional),
        Point(_API, client + ".download_file", _download, optional=True),
        Point(_API, client + ".async_download_file", _download, optional=True),
    )


GENAI_SDK = DirectSdk(
    Provider("google", "google.genai", ENDPOINTS, lambda client, netloc: _host(client), lambda host, active: "google" in active),
    UNKNOWN,
    points=(
        *_points("BaseApiClient", False),
        Point(_RESOURCES + "basesdk", "BaseSDK.do_request", _interaction, _json, unread=True, optional=True),
        Point(_RESOURCES + "basesdk", "AsyncBaseSDK.do_request_async", _interaction, _json, unread=True, optional=True),
        Point(_RESOURCES + "basesdk", "BaseSDK.do_request_async", _interaction, _json, unread=True, optional=True),
    ),
    surfaces=tuple(
        Surface("google.genai." + module, "(?:Async)?(?:%s)" % classes)
        for module, classes in (
            ("models", "Models"),
            ("live", "Live|AsyncSession"),
            ("chats", "Chats?"),
            ("batches", "Batches"),
            ("caches", "Caches"),
            ("operations", "Operations"),
            ("tunings", "Tunings"),
            ("files", "Files"),
            ("file_search_stores", "FileSearchStores"),
            ("_gaos.google_genai", "GeminiNextGen.*"),
            ("_gaos.interactions", "Interactions"),
            ("_gaos.decisions", "Decisions"),
            ("_gaos.triggers", "Triggers"),
        )
    ),
    failures=("APIError", "HTTPError", "ClientError", "RequestException"),
    lines=(Line("google.genai.live", "AsyncLive.connect", "AsyncSession._receive", "AsyncSession.close", _live),),
    unreadable=("ValidationError", "JSONDecodeError", "UnknownApiResponseError"),
)
