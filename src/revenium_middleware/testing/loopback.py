"""HTTP/1.1 on 127.0.0.1 in daemon threads: the floor under both loopback servers. Standard library only."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, Callable, Dict, List, Mapping, Optional, Sequence, Set
from urllib.parse import parse_qsl, unquote, urlsplit

_LINE = 65_536
_NO_BODY = (204, 304)


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    host: str
    """Who the client meant: the authority of a proxy-style URL, else the ``Host`` header."""
    connection: int
    """Counts connections from 1, so that keep-alive can be seen."""
    received_at: float


@dataclass(frozen=True)
class Reply:
    """One answer and how it is to be sent. ``chunks`` makes it a stream, else ``body`` is sent whole."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks: Optional[Sequence[bytes]] = None
    delay: float = 0.0
    """Seconds before the first byte."""
    chunk_delay: float = 0.0
    """Seconds before each chunk of a stream."""
    cut_after: Optional[int] = None
    """Close the connection after that many chunks, or bytes of a body sent whole."""
    gzip: bool = False
    drop: bool = False
    """Close the connection without a byte."""
    hang: bool = False
    """Say nothing until the client has gone or the server stops."""


class Loopback:
    """Accepts connections and sends what ``answer`` returns for each request."""

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: Set[socket.socket] = set()
        self._threads: List[threading.Thread] = []
        self.connections = 0
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(512)
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="loopback-%d" % self.port, daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Close everything and wait for the threads; calling it again does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        try:  # closing a listening socket does not wake its accept everywhere, a connection does
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            pass
        self._accepting.join(2.0)
        self._listener.close()
        with self._lock:
            waiting, still_open = list(self._threads), list(self._open)
        for connection in still_open:
            _shut(connection)
        for thread in waiting:
            thread.join(2.0)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._stopping.wait(0.01):
                    return
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection, self.connections), name="loopback-connection", daemon=True)
                self._threads = [each for each in self._threads if each.is_alive()] + [thread]
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        stream = connection.makefile("rb")
        try:
            while not self._stopping.is_set():
                request = _received(stream, connection, number)
                if request is None or not self._send(connection, request, self._answer(request)):
                    return
        except OSError:
            return  # the client has gone
        finally:
            with self._lock:
                self._open.discard(connection)
            stream.close()
            _shut(connection)
            connection.close()

    def _send(self, connection: socket.socket, request: Request, reply: Reply) -> bool:
        """Whether the connection can be used again."""
        if reply.delay and self._stopping.wait(reply.delay):
            return False
        if reply.hang:
            _until_gone(connection, self._stopping)
            return False
        if reply.drop:
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        headers = {"content-type": "application/json", **reply.headers, "connection": "keep-alive" if keep else "close"}
        if reply.gzip:
            headers["content-encoding"] = "gzip"
        if reply.chunks is None:
            return self._whole(connection, request, reply, headers) and keep
        return self._stream(connection, reply, headers) and keep

    def _whole(self, connection: socket.socket, request: Request, reply: Reply, headers: Dict[str, str]) -> bool:
        body = reply.body
        if reply.gzip:
            compressor = zlib.compressobj(wbits=31)
            body = compressor.compress(body) + compressor.flush()
        if reply.status in _NO_BODY:
            body = b""
        else:
            headers["content-length"] = str(len(body))
        if request.method == "HEAD":
            body = b""
        sent = body if reply.cut_after is None else body[: reply.cut_after]
        connection.sendall(_head(reply.status, headers) + sent)
        return reply.cut_after is None

    def _stream(self, connection: socket.socket, reply: Reply, headers: Dict[str, str]) -> bool:
        headers["transfer-encoding"] = "chunked"
        connection.sendall(_head(reply.status, headers))
        compressor = zlib.compressobj(wbits=31) if reply.gzip else None
        for number, chunk in enumerate(reply.chunks or ()):
            if number == reply.cut_after:
                return False
            if reply.chunk_delay and self._stopping.wait(reply.chunk_delay):
                return False
            if compressor is not None:
                chunk = compressor.compress(chunk) + compressor.flush(zlib.Z_SYNC_FLUSH)
            connection.sendall(_chunk(chunk))
        if reply.cut_after is not None:
            return False
        connection.sendall((_chunk(compressor.flush()) if compressor is not None else b"") + b"0\r\n\r\n")
        return True


def _received(stream: BinaryIO, connection: socket.socket, number: int) -> Optional[Request]:
    try:
        return _read(stream, connection, number)
    except ValueError:
        return None  # not HTTP, or cut short: nothing that could be answered


def _read(stream: BinaryIO, connection: socket.socket, number: int) -> Optional[Request]:
    """The next request of a connection, or None at its end."""
    first = stream.readline(_LINE).split()
    if len(first) != 3:
        return None
    headers: Dict[str, str] = {}
    while True:
        line = stream.readline(_LINE).rstrip(b"\r\n")
        if not line:
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = _body(stream, headers)
    target = urlsplit(first[1].decode("latin-1"))
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    host = target.netloc or headers.get("host", "")
    return Request(first[0].decode("latin-1"), unquote(target.path), query, headers, body, host, number, time.time())


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length") or 0)
        body = stream.read(length)
        if len(body) < length:
            raise ValueError("the body is cut short")
        return body
    parts: List[bytes] = []
    while True:
        size = int(stream.readline(_LINE).split(b";")[0] or b"0", 16)
        part = stream.read(size)
        stream.readline(_LINE)
        if not size:
            return b"".join(parts)
        parts.append(part)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = ["HTTP/1.1 %d %s" % (status, _reason(status))] + ["%s: %s" % pair for pair in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _until_gone(connection: socket.socket, stopping: threading.Event) -> None:
    """Waits without reading ahead: a peek of nothing means that the client has closed."""
    connection.settimeout(0.02)
    while not stopping.is_set():
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                return
            stopping.wait(0.02)
        except socket.timeout:
            continue
