"""Every public method of the fal_client package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row

_QUEUE = "https://docs.fal.ai/model-apis/model-endpoints/queue"
_REALTIME = "https://docs.fal.ai/model-apis/model-endpoints/websockets"

ROWS: Tuple[Row, ...] = (
    Row(r"run", METERED, "what the answer says was made: pictures, seconds, characters, tokens"),
    Row(r"stream", METERED, "what its last event says was made; text of a stream left early is estimated"),
    Row(r"subscribe|result|get", METERED, "what the result of the job says was made, once, with the first fetch", _QUEUE),
    Row(r"submit", METERED, "with the first fetch of its result, attributed as said here", _QUEUE),
    Row(r"realtime|recv", METERED, "each message that brings something made", _REALTIME),
    Row(r"ws_connect", UNMETERABLE, "a bare socket: what goes over it is between the user and the application", _REALTIME),
    Row(r"status|iter_events|cancel|get_handle|from_request_id", FREE, "looks at a job, or ends it", _QUEUE),
    Row(r"upload(_file|_image)?", FREE, "files to work on"),
    Row(r"send|close", FREE, "what comes back bills"),
)

_HANDLE = {"request_id": "none", "response_url": "", "status_url": "", "cancel_url": "", "client": None}

INVENTORY = Inventory(
    "fal_client",
    (
        ("SyncClient", {"key": "none"}),
        ("AsyncClient", {"key": "none"}),
        ("SyncRequestHandle", _HANDLE),
        ("AsyncRequestHandle", _HANDLE),
        ("RealtimeConnection", {"_ws": None}),
        ("AsyncRealtimeConnection", {"_ws": None}),
    ),
    ROWS,
)
