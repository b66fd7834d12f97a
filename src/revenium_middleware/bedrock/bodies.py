"""The body of an invocation's answer, read before the call returns and put back for the user to read."""

from __future__ import annotations

import io
import json
import sys
from inspect import iscoroutinefunction
from typing import Any, Iterator, Optional, Tuple

_PIECE = 64 << 10


class _Connection:
    """What is left of the connection: nobody waits on it any more, so any timeout suits it."""

    def __getattr__(self, name: str) -> "_Connection":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *ignored: Any) -> None:
        return None


class Replayed(io.BytesIO):
    """Stands where the HTTP response stood in ``body._raw_stream``; what it cannot do itself the response does."""

    _fp = _Connection()

    def __init__(self, raw: Any, data: bytes, error: Optional[BaseException]) -> None:
        super().__init__(data)
        self._raw = raw
        self._error = error

    def read(self, size: Optional[int] = -1, *ignored: Any, **also: Any) -> bytes:
        """As the response would have it: its error comes after what it had said."""
        data = super().read(-1 if size is None else size)
        if not data and self._error is not None and size != 0:
            raise self._error
        return data

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        if not count and self._error is not None and len(buffer):
            raise self._error
        return count

    def stream(self, amount: int = _PIECE, decode_content: Optional[bool] = None) -> Iterator[bytes]:
        while True:
            data = self.read(amount)
            if not data:
                return
            yield data

    def close(self) -> None:
        """Reading a closed response gives nothing, and is no error."""
        self.seek(0, io.SEEK_END)
        self._error = None
        self._raw.close()

    def __getattr__(self, name: str) -> Any:
        if name == "_raw":  # of an instance that is being made
            raise AttributeError(name)
        return getattr(self._raw, name)


def whole(result: Any) -> Any:
    """What an answer says: the JSON of its body where it has one, else itself."""
    body = result.get("body") if isinstance(result, dict) else None
    if not hasattr(body, "_raw_stream"):
        return result
    if iscoroutinefunction(getattr(body, "read", None)):
        return {}  # it can only be read by who awaits it: the headers have the counts
    data = _taken(body)
    if "json" not in str(result.get("contentType") or "json"):
        return {}
    try:
        return json.loads(data)
    except ValueError:
        return {}


def _taken(body: Any) -> bytes:
    """All of the body; should it break off, its reader will meet the same error at the same place."""
    raw, parts, error = body._raw_stream, [], None
    while True:
        try:
            part = raw.read(_PIECE)
        except (OSError, *_broken()) as broken:
            error = broken
            break
        if not part:
            break
        parts.append(part)
    data = b"".join(parts)
    body._raw_stream = Replayed(raw, data, error)
    return data


def _broken() -> Tuple[Any, ...]:
    """urllib3's errors; it is loaded, having brought the answer."""
    library = sys.modules.get("urllib3.exceptions")
    return (library.HTTPError,) if library is not None else ()
