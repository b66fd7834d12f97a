"""The ``vertexai`` package (google-cloud-aiplatform) as data. Its two transports, gRPC and REST, part below these functions."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from .._calls.declarations import DirectSdk, Point, Provider, Sent, Surface
from .._usage.reading import listed
from .endpoints import ENDPOINTS, UNKNOWN
from .hosts import vertex
from .resources import POINTS, sent, shown
from .wire import at, last

_GENERATIVE = "vertexai.generative_models._generative_models"
_LANGUAGE = "vertexai.language_models._language_models"
_STREAMS = "google.cloud.aiplatform._streaming_prediction"
_OWN = re.compile(r"publishers/google/models/([^/@:]+)")


def _sent(resource: str, verb: str, body: Dict[str, Any], streamed: bool) -> Sent:
    model = _OWN.search(resource)
    name = model.group(1) if model is not None else resource.rpartition("/")[2]
    return sent("POST", "%s:%s" % (resource, verb), body, streamed, name)


def _content(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], streamed: bool) -> Optional[Sent]:
    contents = args[0] if args else kwargs.get("contents")
    config = kwargs.get("generation_config")
    body: Dict[str, Any] = {"contents": _pieces(contents), "tools": _pieces(kwargs.get("tools"))}
    body["generationConfig"] = next(iter(_pieces(config)), None)
    return _sent(str(model._prediction_resource_name), "streamGenerateContent" if streamed else "generateContent", body, streamed)


def _plain(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _content(model, args, kwargs, False)


def _stream(model: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _content(model, args, kwargs, True)


def _pieces(value: Any) -> List[Any]:
    """What was given, as far as an estimate needs it."""
    given = value if isinstance(value, list) else [value] if value is not None else []
    return [each.to_dict() if hasattr(each, "to_dict") else each for each in given]


def _answer(response: Any) -> Any:
    return shown(response._raw_response)


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


def _pipeline(module: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    """Tuning of the older models: its machines are billed by the hour as soon as it is begun."""
    place, model = str(kwargs.get("tuning_job_location")), last(kwargs.get("model_id"))
    return sent("POST", "projects/-/locations/%s/pipelineJobs" % place, {}, model=model or "")


def _nothing(job: Any) -> Any:
    """A pipeline says nothing of what it will use."""
    return {}


def _rlhf_pipeline(module: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    asked = args[0] if args else kwargs.get("tuning_parameters")
    given = {"tuning_job_location": at(asked, "location"), "model_id": at(asked, "large_model_reference")}
    return _pipeline(module, (), given)


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
        Point(_LANGUAGE, "_launch_tuning_job", _pipeline, _nothing, optional=True),
        Point(_LANGUAGE, "_launch_rlhf_tuning_job", _rlhf_pipeline, _nothing, optional=True),
        *POINTS,
    ),
    surfaces=(
        Surface(_GENERATIVE, "_?(?:Preview)?(?:GenerativeModel|ChatSession)"),
        Surface(_LANGUAGE, ".*(?:Model|Session|SessionBase|BatchPredict|Mixin)"),
        Surface("vertexai.caching._caching", "CachedContent"),
        Surface("vertexai.batch_prediction._batch_prediction", "BatchPredictionJob"),
        Surface("vertexai.tuning._tuning", "TuningJob"),
        Surface("vertexai.tuning._supervised_tuning", functions=True),
        Surface("vertexai.vision_models._vision_models", ".*(?:Model|Mixin)"),
    ),
    failures=("GoogleAPICallError", "RetryError", "HTTPError", "RequestException"),
    unreadable=("DecodeError", "ParseError"),
)
"""Every target is optional: releases drop these classes one by one, and ``google-genai`` takes their place."""
