"""A metering API on this machine: takes what a meter sends, keeps it, and misbehaves on request.

    with MeteringServer() as server:
        ...  # REVENIUM_METERING_BASE_URL = server.url, any key
        records = server.wait_for(3)

It judges nothing it receives; what it did not expect at all is in ``unexpected``.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

from .faults import Fault, Script, distorted
from .loopback import Loopback, Reply, Request

_PATH = re.compile(r"^(?:/.*)?/meter/(v2/ai/(?:completions|images|audio|video)|v2/tool/events|v2/events|v2/apis/(?:requests|responses))$")


@dataclass(frozen=True)
class Received:
    """One request as it arrived, and the status it was answered with (0 where nothing was sent)."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Header names are lower case."""
    payload: Any
    """The parsed body; None where it was not JSON."""
    status: int
    connection: int
    time: float

    @property
    def key(self) -> Optional[str]:
        """The idempotency key."""
        return self.headers.get("idempotency-key")

    @property
    def accepted(self) -> bool:
        """Whether the answer was one of success."""
        return 200 <= self.status < 300


class MeteringServer:
    """Answers from the moment it is made until ``stop``; best used in a ``with`` block. ``usual`` is how it answers by itself."""

    def __init__(self, *, port: int = 0, usual: Optional[Fault] = None) -> None:
        self._changed = threading.Condition()
        self._script = Script(usual)
        self._records: List[Received] = []
        self._unexpected: List[Received] = []
        self._loopback = Loopback(self._answer, port)

    def __enter__(self) -> MeteringServer:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close every connection and wait for the threads."""
        self._loopback.stop()

    @property
    def url(self) -> str:
        """The base URL to configure."""
        return "http://127.0.0.1:%d" % self._loopback.port

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return self._loopback.connections

    @property
    def records(self) -> List[Received]:
        """Every metering request so far, in the order of arrival, whatever it was answered."""
        with self._changed:
            return list(self._records)

    @property
    def accepted(self) -> List[Received]:
        """Those answered with success, once per idempotency key: what the real service would store."""
        return _once(self.records)

    @property
    def unexpected(self) -> List[Received]:
        """Everything that is not a JSON object posted to a metering path."""
        with self._changed:
            return list(self._unexpected)

    def payloads(self, path: str = "") -> List[Dict[str, Any]]:
        """The bodies of what was accepted, of one path or of all."""
        return [each.payload for each in self.accepted if each.path.endswith(path)]

    def script(self, *answers: Fault) -> None:
        """How the next requests are answered, one each; ``Fault()`` is the usual way. See ``faults``."""
        with self._changed:
            self._script.add(*answers)

    def reset(self) -> None:
        """Forget everything received and scripted."""
        with self._changed:
            self._records.clear()
            self._unexpected.clear()
            self._script.clear()

    def wait_for(self, count: int, timeout: float = 5.0) -> List[Received]:
        """What was accepted, as soon as it is that many; TimeoutError says what came instead."""
        end = time.monotonic() + timeout
        with self._changed:
            while len(_once(self._records)) < count:
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    statuses = [each.status for each in self._records]
                    if len(_once(self._records)) >= count:
                        break
                    raise TimeoutError(
                        "%d of %d records accepted in %gs; statuses sent %s; %d unexpected requests"
                        % (len(_once(self._records)), count, timeout, statuses, len(self._unexpected))
                    )
            return _once(self._records)

    def _answer(self, request: Request) -> Reply:
        payload = _payload(request)
        expected = request.method == "POST" and _PATH.match(request.path) is not None and isinstance(payload, dict)
        with self._changed:
            fault = self._script.take(request)
            usual = 201 if expected else 404
            status = 0 if fault.drop or fault.hang else fault.status or usual
            received = Received(request.method, request.path, request.headers, payload, status, request.connection, request.received_at)
            (self._records if expected else self._unexpected).append(received)
            number = len(self._records)
            self._changed.notify_all()
        body = {"id": "loopback-%d" % number, "resourceType": "metering"} if expected else {"error": "not found"}
        return distorted(Reply(usual, {}, json.dumps(body).encode()), fault)


def _payload(request: Request) -> Any:
    try:
        return json.loads(request.body.decode("utf-8"))
    except ValueError:
        return None


def _once(records: List[Received]) -> List[Received]:
    found: Dict[str, Received] = {}
    for number, each in enumerate(records):
        if each.accepted:
            found.setdefault(each.key or "#%d" % number, each)
    return list(found.values())
