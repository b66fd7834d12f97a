"""What the loopback provider does wrong on request, as the real openai package sees it."""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any, Dict

import openai
import pytest
from usage_checks import HELLO, last

from revenium_middleware.testing import Fault, ProviderServer


def test_status_faults_reach_the_client_one_by_one(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.unauthorized(), Fault.rate_limited(retry_after=3), Fault.server_error(), Fault.bad_request("No.", "temperature"))
    for kind in (openai.AuthenticationError, openai.RateLimitError, openai.InternalServerError, openai.BadRequestError):
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model="m", messages=HELLO)
        assert kind is not openai.RateLimitError or caught.value.response.headers["retry-after"] == "3"
    assert [each.status for each in server.log] == [401, 429, 500, 400] and server.calls == 0
    client.chat.completions.create(model="m", messages=HELLO)
    assert server.calls == 1 and not server.unplayed


def test_retries_are_seen_as_requests_of_their_own(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(429, headers={"retry-after-ms": "1"}))
    client.with_options(max_retries=2).chat.completions.create(model="m", messages=HELLO)
    assert [each.status for each in server.log] == [429, 200] and server.calls == 1


def test_faults_for_one_path_wait_for_it(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(500, path="/embeddings"))
    client.chat.completions.create(model="m", messages=HELLO)
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="e", input="one")


def test_a_stream_can_be_cut(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.cut(after=2))
    seen = []
    with pytest.raises(Exception, match="(?i)connection|peer|incomplete"):
        for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
            seen.append(chunk)
    assert len(seen) == 2 and last(server).billed


def test_a_stream_can_report_an_error(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.error_event(after=3))
    seen = []
    with pytest.raises(openai.APIError, match="server had an error"):
        for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
            seen.append(chunk)
    assert len(seen) == 3


def test_a_stream_without_its_done_line_still_ends(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault(done=False))
    assert len(list(client.chat.completions.create(model="m", messages=HELLO, stream=True))) > 5


@pytest.mark.parametrize("fault", [Fault.silence(), Fault.slow(first=5)])
def test_silence_runs_into_the_clients_timeout(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).chat.completions.create(model="m", messages=HELLO)


@pytest.mark.parametrize("fault", [Fault.disconnect(), Fault.cut(after=20)])
def test_a_lost_connection_is_an_error_of_the_connection(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=HELLO)
    assert last(server).status == (0 if fault.drop else 200)


def test_events_can_be_slow(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Fault.slow(first=0.05, between=0.02))
    started = time.monotonic()
    with client.chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
        next(iter(stream))
        assert 0.07 <= time.monotonic() - started < 1.0


@pytest.mark.parametrize("stream", [False, True])
def test_gzip(server: ProviderServer, client: openai.OpenAI, stream: bool) -> None:
    server.script(Fault(gzip=True))
    answer: Any = client.chat.completions.create(model="m", messages=HELLO, stream=stream)
    assert len(list(answer)) > 5 if stream else answer.usage.total_tokens == 39


@pytest.mark.parametrize("fault", [Fault.html(), Fault.empty()])
def test_other_bodies_arrive_as_they_are(server: ProviderServer, client: openai.OpenAI, fault: Fault) -> None:
    server.script(fault)
    raw = client.chat.completions.with_raw_response.create(model="m", messages=HELLO)
    assert raw.http_response.content == (b"" if fault.body == b"" else str(fault.body).encode()) and raw.status_code == 200


@pytest.mark.parametrize("fault, wanted", [(Fault.null_usage(), None), (Fault.negative_usage(), -31), (Fault.text_usage(), "31")])
@pytest.mark.parametrize("stream", [False, True])
def test_usage_can_be_anything(server: ProviderServer, client: openai.OpenAI, fault: Fault, wanted: Any, stream: bool) -> None:
    server.script(fault)
    options: Dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer: Any = client.chat.completions.create(model="m", messages=HELLO, **options)
    usage = (list(answer)[-1] if stream else answer).usage
    seen = usage if usage is None else usage.prompt_tokens
    assert (str(seen) if isinstance(wanted, str) else seen) == wanted and last(server).usage.input == 31


def test_a_host_may_refuse_stream_options() -> None:
    with ProviderServer(refuses_stream_options=True) as server:
        with openai.OpenAI(base_url=server.openai_url, api_key="any") as client:
            with pytest.raises(openai.BadRequestError, match="stream_options"):
                client.chat.completions.create(model="m", messages=HELLO, stream=True, stream_options={"include_usage": True})
            assert list(client.chat.completions.create(model="m", messages=HELLO, stream=True))


def test_a_key_can_be_required() -> None:
    with ProviderServer(api_key="right") as server:
        with openai.OpenAI(base_url=server.openai_url, api_key="wrong") as client:
            with pytest.raises(openai.AuthenticationError):
                client.models.list()
            assert client.with_options(api_key="right").models.list().data


def test_wrong_requests_are_refused_as_openai_does(server: ProviderServer, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="m", messages=[])
    with pytest.raises(openai.NotFoundError):
        client.get("/nothing/here", cast_to=object)
    connection = http.client.HTTPConnection(server.url[7:], timeout=2)
    connection.request("POST", "/v1/chat/completions", b"{no", {"content-type": "application/json"})
    assert connection.getresponse().status == 400 and last(server).body is None and server.calls == 0
    connection.close()


@pytest.mark.parametrize(
    "path, body",
    [
        ("chat/completions", {"model": "m", "messages": HELLO, "n": "many"}),
        ("chat/completions", {"model": "m", "messages": HELLO, "tools": [5]}),
        ("responses", {"model": "m", "input": "x", "text": "x"}),
        ("images/generations", {"n": "x"}),
        ("videos", {"seconds": "x"}),
        ("decisions", {"model": "m", "questions": 5}),
        ("chat/completions", ["a list"]),
    ],
)
def test_fields_of_the_wrong_type_are_refused(server: ProviderServer, client: openai.OpenAI, path: str, body: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        client.post("/" + path, body=body, cast_to=object)
    assert server.calls == 0 and last(server).status == 400


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\ncontent-length: abc\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\ncontent-length: 9\r\n\r\n{}",
        b"POST /v1/models HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_hung_up_on(server: ProviderServer, client: openai.OpenAI, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=2) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"" and server.log == []
    assert client.models.list().data


def test_a_chunked_request_body_is_read(server: ProviderServer) -> None:
    connection = http.client.HTTPConnection(server.url[7:], timeout=2)
    pieces = iter([b'{"model": "e", ', b'"input": "one"}'])
    connection.request("POST", "/v1/embeddings", pieces, {"content-type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status == 200 and last(server).body == {"model": "e", "input": "one"}
    connection.close()
