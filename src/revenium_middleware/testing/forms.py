"""Request bodies: JSON, or a multipart form with its uploads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping

_PARAMETER = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Upload:
    """A file of a multipart form."""

    filename: str
    content_type: str
    content: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


def parsed(content_type: str, body: bytes) -> Any:
    """The body as a value: JSON, or a dict of form fields. Raises ValueError where it is neither."""
    if not body:
        return {}
    if content_type.startswith("multipart/form-data"):
        return _form(content_type, body)
    if content_type.startswith("application/sdp"):
        return {"sdp": body.decode("utf-8", "replace")}
    return json.loads(body.decode("utf-8"))


def _form(content_type: str, body: bytes) -> Dict[str, Any]:
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        raise ValueError("a multipart body without a boundary")
    fields: Dict[str, Any] = {}
    for part in body.split(b"--" + found.group(1).encode("latin-1"))[1:]:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            continue
        headers = _headers(head)
        given = dict(_PARAMETER.findall(headers.get("content-disposition", "")))
        _put(fields, given.get("name", ""), _value(headers, given, content[:-2]))
    return fields


def _headers(head: bytes) -> Dict[str, str]:
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _value(headers: Mapping[str, str], given: Mapping[str, str], content: bytes) -> Any:
    if "filename" in given:
        return Upload(given["filename"], headers.get("content-type", "application/octet-stream"), content)
    return content.decode("utf-8", "replace")


def _put(fields: Dict[str, Any], name: str, value: Any) -> None:
    """Repeated names and ``name[]`` become a list, ``name[key]`` a mapping, as the SDKs send them."""
    outer, bracket, rest = name.partition("[")
    if not bracket:
        fields[name] = value if name not in fields else (fields[name] if isinstance(fields[name], list) else [fields[name]]) + [value]
        return
    inner = rest.partition("]")[0]
    if inner:
        fields.setdefault(outer, {})[inner] = value
    else:
        fields.setdefault(outer, []).append(value)
