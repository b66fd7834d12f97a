"""A provider's WebSocket side on loopback: it plays what a path is scripted to say, and then hangs up or waits."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict, List, Mapping, Sequence

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

Event = Mapping[str, Any]


class LineServer:
    """``play(*events)`` is what the next connections hear; what they asked for and said is kept."""

    def __init__(self) -> None:
        self._server = serve(self._talk, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._events: Sequence[Event] = ()
        self._stays = False
        self._listens = 0
        self.paths: List[str] = []
        self.headers: List[Dict[str, str]] = []
        self.heard: List[Any] = []

    @property
    def url(self) -> str:
        return "ws://127.0.0.1:%d/v1" % self._server.socket.getsockname()[1]

    def play(self, *events: Event, stays: bool = False, listens: int = 0) -> None:
        """Say ``events``, after ``listens`` messages; hang up unless it ``stays``."""
        self._events, self._stays, self._listens = events, stays, listens

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.headers.append({name.lower(): value for name, value in connection.request.headers.raw_items()})
        try:
            for _ in range(self._listens):
                self.heard.append(json.loads(connection.recv()))
            for event in self._events:
                connection.send(json.dumps(event))
            while self._stays:
                self.heard.append(json.loads(connection.recv()))
        except ConnectionClosed:
            return
