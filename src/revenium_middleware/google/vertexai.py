"""The ``vertexai`` package (google-cloud-aiplatform) as data. Its two transports, gRPC and REST, part below these functions."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from .._calls.declarations import DirectSdk, Host, Point, Provider, Sent, Surface
from .._usage.reading import listed
from .endpoints import ENDPOINTS, UNKNOWN
from .hosts import vertex
from .wire import at

_GENERATIVE = "vertexai.generative_models._generative_models"
_STREAMS = "google.cloud.aiplatform._streaming_prediction"
_PLACE = re.compile(r"/locations/([^/]+)/")
_OWN = re.compile(r"publishers/google/models/([^/@:]+)")


def _sent(resource: str, verb: str, body: Dict[str, Any], streamed: bool) -> Sent:
    place, model = _PLACE.search(resource), _OWN.search(resource)
    name = model.group(1) if model is not None else resource.rpartition("/")[2]
    host: Host = vertex(place.group(1) if place is not None else None)
    return Sent("POST", "/v1/%s:%s" % (resource, verb), body, streamed, name, host)


def _content(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], streamed: bool) -> Optional[Sent]:
    contents = args[0] if args else kwargs.get("contents")
    config = kwargs.get("generation_config")
    body: Dict[str, Any] = {"contents": _shown(contents), "tools": _shown(kwargs.get("tools"))}
    body["generationConfig"] = next(iter(_shown(config)), None)
    return _sent(str(model._prediction_resource_name), "streamGenerateContent" if streamed else "generateContent", body, streamed)


def _plain(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _content(model, args, kwargs, False)


def _stream(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _content(model, args, kwargs, True)


def _shown(value: Any) -> List[Any]:
    """What was given, as far as an estimate needs it."""
    given = value if isinstance(value, list) else [value] if value is not None else []
    return [each.to_dict() if hasattr(each, "to_dict") else each for each in given]


def _answer(response: Any) -> Any:
    """Names of enumerations rather than their numbers, and what is zero left out, as on the wire."""
    raw = response._raw_response
    return type(raw).to_dict(raw, preserving_proto_field_name=False, use_integers_for_enums=False, always_print_fields_with_no_presence=False)


def _predict(endpoint: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """Google's own models only: what a model of the user's own costs is not counted by the call."""
    resource = str(endpoint._gca_resource.name)
    given = dict(zip(("instances", "parameters"), args), **kwargs)
    if _OWN.search(resource) is None:
        return None
    instances = [each for each in listed(given.get("instances")) if isinstance(each, dict)]
    parameters = given.get("parameters")
    return _sent(resource, "predict", {"instances": instances, "parameters": parameters if isinstance(parameters, dict) else {}}, False)


def _predicted(prediction: Any) -> Any:
    return {"predictions": prediction.predictions, "metadata": prediction.metadata}


def _predict_stream(module: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """The older text models' streams, which know no ``Endpoint.predict``."""
    given = dict(zip(("client", "endpoint_name", "instance", "parameters"), args), **kwargs)
    resource, parameters = str(given["endpoint_name"]), given.get("parameters")
    if _OWN.search(resource) is None:
        return None
    body = {"instances": [given.get("instance")], "parameters": parameters if isinstance(parameters, dict) else {}}
    return _sent(resource, "serverStreamingPredict", body, True)


def _chunk(prediction: Any) -> Any:
    """In the shape of a plain answer: what a stream says about itself is in its predictions."""
    return {"predictions": [prediction], "metadata": at(prediction, "metadata")}


VERTEXAI_SDK = DirectSdk(
    Provider("google", "vertexai", ENDPOINTS, lambda client, netloc: vertex(None), lambda host, active: "google" in active),
    UNKNOWN,
    points=(
        Point(_GENERATIVE, "_GenerativeModel._generate_content", _plain, _answer, optional=True),
        Point(_GENERATIVE, "_GenerativeModel._generate_content_async", _plain, _answer, optional=True),
        Point(_GENERATIVE, "_GenerativeModel._generate_content_streaming", _stream, _answer, late=True, optional=True),
        Point(_GENERATIVE, "_GenerativeModel._generate_content_streaming_async", _stream, _answer, optional=True),
        Point("google.cloud.aiplatform.models", "Endpoint.predict", _predict, _predicted, optional=True),
        Point("google.cloud.aiplatform.models", "Endpoint.predict_async", _predict, _predicted, optional=True),
        Point(_STREAMS, "predict_stream_of_dicts_from_single_dict", _predict_stream, _chunk, late=True, optional=True),
        Point(_STREAMS, "predict_stream_of_dicts_from_single_dict_async", _predict_stream, _chunk, late=True, optional=True),
    ),
    surfaces=(
        Surface(_GENERATIVE, "_?(?:Preview)?(?:GenerativeModel|ChatSession)"),
        Surface("vertexai.language_models._language_models", ".*(?:Model|Session|SessionBase|BatchPredict|Mixin)"),
        Surface("vertexai.vision_models._vision_models", ".*(?:Model|Mixin)"),
    ),
    failures=("GoogleAPICallError", "RetryError", "HTTPError", "RequestException"),
    unreadable=("DecodeError", "ParseError"),
)
"""Every target is optional: releases drop these classes one by one, and ``google-genai`` takes their place."""
