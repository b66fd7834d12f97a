"""The loopback metering API: keeps what it gets, misbehaves as it is told."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any, Dict, Iterator, Optional, Tuple
from urllib.parse import urlsplit

import pytest

from revenium_middleware.testing import Fault, MeteringServer

CHAT = "/meter/v2/ai/completions"


@pytest.fixture
def server() -> Iterator[MeteringServer]:
    with MeteringServer() as running:
        yield running


def post(server: MeteringServer, path: str = CHAT, body: bytes = b'{"model": "m"}', key: Optional[str] = None, method: str = "POST") -> Tuple[int, bytes]:
    headers: Dict[str, str] = {"x-api-key": "k", "content-type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=2)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [CHAT, "/meter/v2/ai/images", "/meter/v2/ai/audio", "/meter/v2/ai/video", "/meter/v2/tool/events", "/base" + CHAT])
def test_records_are_kept_as_they_came(server: MeteringServer, path: str) -> None:
    status, body = post(server, path, key="one")
    assert status == 201 and json.loads(body)["resourceType"] == "metering"
    (record,) = server.records
    assert (record.method, record.path, record.payload, record.key, record.status) == ("POST", path, {"model": "m"}, "one", 201)
    assert record.headers["x-api-key"] == "k" and abs(record.time - time.time()) < 5 and server.unexpected == []
    assert server.payloads(path) == [{"model": "m"}] and server.payloads("/other") == []


@pytest.mark.parametrize("request_", [{"path": "/meter/v2/ai/other"}, {"path": "/v2/ai/completions"}, {"body": b"no"}, {"body": b"[]"}, {"method": "PUT"}])
def test_anything_else_is_unexpected(server: MeteringServer, request_: Dict[str, Any]) -> None:
    assert post(server, **request_)[0] == 404
    assert server.records == [] and len(server.unexpected) == 1


def test_what_was_sent_twice_is_accepted_once(server: MeteringServer) -> None:
    for key in ("one", "one", "two", None, None):
        post(server, key=key)
    assert len(server.records) == 5 and len(server.accepted) == 4


def test_answers_follow_the_script(server: MeteringServer) -> None:
    server.script(Fault(503), Fault.rate_limited(retry_after=2), Fault.redirect("http://127.0.0.1:1/"), Fault.empty(), Fault.html(201), Fault())
    assert [post(server)[0] for _ in range(6)] == [503, 429, 307, 200, 201, 201]
    assert [each.status for each in server.records] == [503, 429, 307, 200, 201, 201] and len(server.accepted) == 3


@pytest.mark.parametrize("fault", [Fault.disconnect(), Fault.cut(after=3)])
def test_connections_can_be_lost(server: MeteringServer, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises((http.client.HTTPException, OSError)):
        post(server)
    assert server.records[0].accepted is not fault.drop


def test_answers_can_be_late(server: MeteringServer) -> None:
    server.script(Fault.slow(first=0.1))
    started = time.monotonic()
    post(server)
    assert time.monotonic() - started >= 0.1


def test_waiting_returns_as_soon_as_the_records_are_there(server: MeteringServer) -> None:
    server.script(Fault(500))
    threading.Timer(0.05, lambda: [post(server, key=str(number)) for number in range(3)]).start()
    assert [each.key for each in server.wait_for(2)] == ["1", "2"]


def test_waiting_in_vain_says_what_came_instead(server: MeteringServer) -> None:
    server.script(Fault(500))
    post(server)
    with pytest.raises(TimeoutError, match=r"0 of 1 records accepted in 0.05s; statuses sent \[500\]"):
        server.wait_for(1, timeout=0.05)


def test_a_usual_answer_and_resetting() -> None:
    with MeteringServer(usual=Fault(503)) as server:
        assert [post(server)[0] for _ in range(2)] == [503, 503] and server.connections == 2
        server.script(Fault(200))
        server.reset()
        assert server.records == [] and post(server)[0] == 503
