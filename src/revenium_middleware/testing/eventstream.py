"""Amazon's binary framing of a stream of events."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Mapping

from .answers import Event


def chunked(event: Event) -> bytes:
    """An event of an invoked model's stream: JSON in a chunk of bytes."""
    inner = base64.b64encode(json.dumps(event.data).encode()).decode()
    return _failure(event) or frame({":message-type": "event", ":event-type": "chunk", ":content-type": "application/json"}, json.dumps({"bytes": inner}))


def named(event: Event) -> bytes:
    """An event of a conversation's stream, under its own name."""
    return _failure(event) or frame({":message-type": "event", ":event-type": event.name or "", ":content-type": "application/json"}, json.dumps(event.data))


def _failure(event: Event) -> bytes:
    if event.name != "error":
        return b""
    headers = {":message-type": "exception", ":exception-type": "throttlingException", ":content-type": "application/json"}
    return frame(headers, json.dumps({"message": event.data["error"]["message"]}))


def frame(headers: Mapping[str, str], payload: str) -> bytes:
    """One message: lengths, headers and payload, each half with its checksum."""
    head = b""
    for name, value in headers.items():
        head += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = payload.encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    checked = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return checked + struct.pack(">I", zlib.crc32(checked))
