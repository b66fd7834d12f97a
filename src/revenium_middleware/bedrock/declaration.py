"""boto3's client of Bedrock's runtime as data: the one function that every call of every AWS client passes through."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import quote

from .._calls.carrier import KEYWORD
from .._calls.declarations import Arguments, DirectSdk, Host, Point, Provider, Sent
from .._calls.runtime import Runtime
from .._core.metadata import canonical
from .bodies import whole
from .endpoints import ENDPOINTS, UNKNOWN
from .hosts import host_of
from .requests import asked, conversed, started
from .taps import tap

_SERVICE = "bedrock-runtime"


class _Operation(NamedTuple):
    """An operation that bills, or shows what did."""

    method: str
    path: str
    named_by: str
    """The argument that says which model, guardrail or job."""
    body: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    streamed: bool = False


OPERATIONS: Mapping[str, _Operation] = {
    "InvokeModel": _Operation("POST", "/model/%s/invoke", "modelId", asked),
    "InvokeModelWithResponseStream": _Operation("POST", "/model/%s/invoke-with-response-stream", "modelId", asked, True),
    "Converse": _Operation("POST", "/model/%s/converse", "modelId", conversed),
    "ConverseStream": _Operation("POST", "/model/%s/converse-stream", "modelId", conversed, True),
    "StartAsyncInvoke": _Operation("POST", "/async-invoke", "modelId", started),
    "GetAsyncInvoke": _Operation("GET", "/async-invoke/%s", "invocationArn", dict),
    "ApplyGuardrail": _Operation("POST", "/guardrail/%s/apply", "guardrailIdentifier", dict),
    "InvokeGuardrailChecks": _Operation("POST", "/guardrail-checks/invoke", "", dict),
}


def _sent(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """(name of the operation, its parameters); of all the services only Bedrock's runtime is ours."""
    if client.meta.service_model.service_name != _SERVICE or len(args) != 2 or not isinstance(args[1], dict):
        return None
    operation = OPERATIONS.get(args[0])
    name = args[1].get(operation.named_by, "") if operation is not None else ""
    if operation is None or not isinstance(name, str):
        return None
    body = operation.body(args[1])
    path = operation.path % quote(name, safe=":/") if "%s" in operation.path else operation.path
    model = "" if operation.method == "GET" else name or "guardrail-checks"
    return Sent(operation.method, client.meta.endpoint_url.rstrip("/") + path, body, operation.streamed, model, host_of(client, model, body))


def _unload(args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Tuple[Arguments, Optional[Mapping[str, Any]]]:
    """Methods of boto3 take whatever they are given, so the metadata is among the parameters."""
    parameters = args[1] if len(args) == 2 else None
    if not isinstance(parameters, dict) or KEYWORD not in parameters:
        return (args, kwargs), None
    kept = {name: value for name, value in parameters.items() if name != KEYWORD}
    return ((args[0], kept), kwargs), canonical(parameters[KEYWORD])


def _headers(result: Any) -> Mapping[str, str]:
    headers: Mapping[str, str] = result["ResponseMetadata"]["HTTPHeaders"]
    return headers


def _nobody(client: Any, netloc: str) -> Host:
    """Not asked: each request says who answers it."""
    return Host("AWS", "AWS", middleware="bedrock")


def bedrock_sdk(runtime: Callable[[], Runtime]) -> DirectSdk:
    """The declaration; ``REVENIUM_BEDROCK_TRANSPORT`` is asked at each call."""

    def sent(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
        found = _sent(client, args, kwargs)
        return found if found is not None and runtime().settings().bedrock_transport else None

    def tapped(result: Any, watch: Any) -> bool:
        return tap(result, watch, runtime().dropped)

    clients = (("botocore.client", "BaseClient", False), ("aiobotocore.client", "AioBaseClient", True))
    return DirectSdk(
        Provider("bedrock", "botocore", ENDPOINTS, _nobody, lambda host, active: "bedrock" in active),
        UNKNOWN,
        points=tuple(
            Point(module, name + "._make_api_call", sent, whole, _headers, unload=_unload, tap=tapped, optional=optional) for module, name, optional in clients
        ),
        surfaces=(),  # methods of boto3 are made per client and accept any keyword
        failures=("ClientError", "HTTPClientError", "ConnectionError"),
        unreadable=("ResponseParserError",),
        answers=(("botocore.eventstream", "EventStream"),),
    )
