"""The metering service's own endpoints, by the names of its reference: one request each, answered while you wait."""

from __future__ import annotations

import datetime
import decimal
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from .._core import scope
from .._core.errors import ConfigurationError
from .._core.fields import AUDIO, BY_NAME, COMPLETION, ENDPOINTS, FIELDS, FLAT_SUBSCRIBER, IMAGE, SPELLINGS, VIDEO
from .._core.metadata import canonical
from .._core.record import new_id, timestamp
from .runtime import Runtime

_OPTIONS = ("extra_body", "idempotency_key", "timeout")
_COSTS = ("input_token_cost", "output_token_cost", "cache_creation_token_cost", "cache_read_token_cost")


class Endpoint(NamedTuple):
    """One path of the service and the names it takes."""

    path: str
    names: FrozenSet[str]
    """As on the wire; their snake_case spellings are accepted too."""
    attributed: bool = False
    """Also takes what ``usage_metadata`` takes."""


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _recording(kind: str, *more: str) -> Endpoint:
    own = {field.wire for field in FIELDS if field.wire and field.check is None and kind in field.kinds and field.name != "subscriber"}
    return Endpoint(ENDPOINTS[kind], frozenset(own | {_camel(name) for name in more}), True)


def _plain(path: str, *names: str) -> Endpoint:
    return Endpoint(path, frozenset(map(_camel, names)))


_COMPLETION, _IMAGE, _AUDIO, _VIDEO = _recording(COMPLETION, *_COSTS), _recording(IMAGE), _recording(AUDIO), _recording(VIDEO)
_EVENT = _plain("v2/events", "payload", "source_type", "transaction_id", "source_id", "subscriber_credential")
_REQUEST = _plain(
    "v2/apis/requests",
    *("transaction_id", "content_type", "credential", "method", "remote_host", "request_message_size", "resource", "source_id"),
    *("source_type", "user_agent"),
)
_RESPONSE = _plain(
    "v2/apis/responses",
    *("response_code", "transaction_id", "backend_latency", "content_type", "gateway_latency", "response_message_size", "total_duration"),
)


class Resource:
    """What all endpoints share: fields in, the service's JSON out."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def _send(self, endpoint: Endpoint, given: Mapping[str, Any]) -> Any:
        from .._delivery.submission import send

        return send(self._submission(endpoint, given), self._runtime.settings())

    async def _send_async(self, endpoint: Endpoint, given: Mapping[str, Any]) -> Any:
        from .._delivery.submission import send_async

        return await send_async(self._submission(endpoint, given), self._runtime.settings())

    def _submission(self, endpoint: Endpoint, given: Mapping[str, Any]) -> Any:
        from .._delivery.submission import Submission

        around, settings = scope.current(), self._runtime.settings()
        base_url, credential = around.destination or settings.destination
        if not credential:
            raise ConfigurationError("no usable Revenium key: set REVENIUM_METERING_API_KEY, or use initialize_metering() or metering_key()")
        payload = {**_payload(endpoint, given), **(given.get("extra_body") or {})}
        series = around.series
        name = given.get("idempotency_key") or (series.named(False) if series is not None else new_id())
        return Submission(base_url + endpoint.path, self._runtime.keys[credential], name, payload, given.get("timeout"))


class Completions(Resource):
    """``client.ai``: finished usage records, sent as they are. Required fields are the service's to check.

    ``extra_body`` adds fields that have no name here, ``idempotency_key`` and ``timeout`` (seconds) are of the request.
    Raises MeteringStatusError, MeteringConnectionError, and ValueError without a usable key.
    """

    def create_completion(self, **fields: Any) -> Any:
        """Send a completion record: text, embeddings, failures. Returns the service's JSON."""
        return self._send(_COMPLETION, fields)

    async def async_create_completion(self, **fields: Any) -> Any:
        return await self._send_async(_COMPLETION, fields)

    def create_image(self, **fields: Any) -> Any:
        return self._send(_IMAGE, fields)

    async def async_create_image(self, **fields: Any) -> Any:
        return await self._send_async(_IMAGE, fields)

    def create_audio(self, **fields: Any) -> Any:
        return self._send(_AUDIO, fields)

    async def async_create_audio(self, **fields: Any) -> Any:
        return await self._send_async(_AUDIO, fields)

    def create_video(self, **fields: Any) -> Any:
        return self._send(_VIDEO, fields)

    async def async_create_video(self, **fields: Any) -> Any:
        return await self._send_async(_VIDEO, fields)


class Events(Resource):
    """``client.events``: metering events of any kind."""

    def create(self, **fields: Any) -> Any:
        """Send ``payload`` (an object) with ``source_type`` and ``transaction_id``. Returns the service's JSON."""
        return self._send(_EVENT, fields)

    async def async_create(self, **fields: Any) -> Any:
        return await self._send_async(_EVENT, fields)


class APIs(Resource):
    """``client.apis``: the traffic of an API, request and response apart, joined by ``transaction_id``."""

    def meter_request(self, **fields: Any) -> Any:
        return self._send(_REQUEST, fields)

    async def async_meter_request(self, **fields: Any) -> Any:
        return await self._send_async(_REQUEST, fields)

    def meter_response(self, **fields: Any) -> Any:
        return self._send(_RESPONSE, fields)

    async def async_meter_response(self, **fields: Any) -> Any:
        return await self._send_async(_RESPONSE, fields)


def _payload(endpoint: Endpoint, given: Mapping[str, Any]) -> Dict[str, Any]:
    """The fields under their names on the wire; None means not given. Raises TypeError for a name nobody knows."""
    payload: Dict[str, Any] = {}
    said: Dict[str, Any] = {}
    for name, value in given.items():
        wire = _camel(name)
        if value is None or name in _OPTIONS:
            continue
        if wire in endpoint.names:
            payload[wire] = _plain_value(value)
        elif endpoint.attributed and (name in SPELLINGS or name in FLAT_SUBSCRIBER or name == "subscriber"):
            said[name] = value
        else:
            raise TypeError("unexpected keyword argument '%s': a field that is not in the reference goes into extra_body" % name)
    for name, value in _attribution(said):
        payload[name] = value
    return payload


def _attribution(said: Mapping[str, Any]) -> Tuple[Tuple[str, Any], ...]:
    clean = canonical(said)
    alias: Optional[Any] = clean.pop("credential_alias", None)
    if alias is not None and not clean.get("subscriber"):
        clean["subscriber"] = {"credential": {"name": alias}}
    return tuple((str(BY_NAME[name].wire), value) for name, value in clean.items())


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return timestamp(value.timestamp())
    return float(value) if isinstance(value, decimal.Decimal) else value
