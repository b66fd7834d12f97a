"""The ``fal_client`` package as data: what all its calls pass through, and where its users call it."""

from __future__ import annotations

import re
import sys
from typing import Any, Dict, Mapping, Optional, Tuple

from .._calls.declarations import DirectSdk, Host, Point, Provider, Sent, Surface
from .._usage.reading import json_of
from .endpoints import ENDPOINTS, UNKNOWN
from .readers import APPLICATION, model_of

FAL = Host("fal_ai", "fal_ai", middleware="fal")
_CLIENT = "fal_client.client"
_JOB = re.compile(r"(?P<application>.+?)/requests/(?P<request>[^/]+)")


def _request(_: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """(HTTP client, method, URL): runs, submissions and fetches; uploads and tokens go to other addresses."""
    method, url = args[1], str(args[2])
    module = sys.modules[_CLIENT]
    for way, address in (("queue", module.QUEUE_URL_FORMAT), ("run", module.RUN_URL_FORMAT)):
        if url.startswith(address):
            path = url[len(address) :].partition("?")[0].strip("/")
            return _sent("POST" if way == "run" else method, way, path, kwargs.get("json"))
    return None


def _sent(method: str, way: str, path: str, arguments: Any, **more: Any) -> Sent:
    job = _JOB.match(path) if way == "queue" else None
    application = job.group("application") if job is not None else path
    if job is not None:
        more["fal_request"] = job.group("request")
    given = arguments if isinstance(arguments, Mapping) else {}
    return Sent(method, "/%s/%s" % (way, path), {**given, APPLICATION: application, **more}, way == "stream", model_of(application))


def _stream(_: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    given = dict(zip(("application", "arguments"), args), **kwargs)
    application = given.get("application")
    return _sent("POST", "stream", application, given.get("arguments"), fal_streamed=True) if isinstance(application, str) else None


def _receive(connection: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """The socket knows the address it was opened with, and there the application is."""
    socket = connection._ws
    path = getattr(getattr(socket, "request", None), "path", None) or getattr(socket, "path", None)
    if not isinstance(path, str):
        return None
    application = path.partition("?")[0].strip("/")
    application = application[: -len("/realtime")] if application.endswith("/realtime") else application
    return _sent("POST", "realtime", application, {})


def _headers(response: Any) -> Mapping[str, str]:
    headers: Mapping[str, str] = response.headers
    return headers


FAL_SDK = DirectSdk(
    Provider("fal", "fal_client", ENDPOINTS, lambda client, netloc: FAL, lambda host, active: "fal" in active),
    UNKNOWN,
    points=(
        *(Point(_CLIENT, name, _request, json_of, _headers) for name in ("_maybe_retry_request", "_async_maybe_retry_request")),
        *(Point(_CLIENT, "%s.stream" % client, _stream, late=True) for client in ("SyncClient", "AsyncClient")),
        *(Point(_CLIENT, "%s.recv" % kind, _receive, optional=True) for kind in ("RealtimeConnection", "AsyncRealtimeConnection")),
    ),
    surfaces=(Surface(_CLIENT, "(?:Sync|Async)(?:Client|RequestHandle)|(?:Async)?RealtimeConnection"), Surface("fal_client", functions=True)),
    failures=("FalClientError", "HTTPError", "SSEError"),
    unreadable=("JSONDecodeError",),
    pools=((_CLIENT, "EXECUTOR"),),
)
