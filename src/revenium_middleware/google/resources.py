"""What ``vertexai`` makes of its resources' services: caches, batches, tuning. Both transports pass through their clients."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Optional, Tuple

from .._calls.declarations import Point, Sent
from .hosts import vertex
from .wire import at, last

_PLACE = re.compile(r"/locations/([^/]+)/")
_VERSIONS = ("google.cloud.aiplatform_v1", "google.cloud.aiplatform_v1beta1")
_Sends = Callable[[Any, Tuple[Any, ...], Dict[str, Any]], Optional[Sent]]


def shown(message: Any) -> Any:
    """Names of enumerations rather than their numbers, and what is zero left out, as on the wire."""
    return type(message).to_dict(message, preserving_proto_field_name=False, use_integers_for_enums=False, always_print_fields_with_no_presence=False)


def sent(method: str, path: str, body: Dict[str, Any], streamed: bool = False, model: str = "") -> Sent:
    """A request to Vertex in the region that its path names."""
    place = _PLACE.search(path)
    return Sent(method, "/v1/" + path, body, streamed, model, vertex(place.group(1) if place is not None else None))


def _given(args: Tuple[Any, ...], kwargs: Dict[str, Any], *path: str) -> Any:
    """An argument, which may be a field of the request."""
    found = kwargs.get(path[0])
    return at(args[0] if args else kwargs.get("request"), *path) if found is None else at(found, *path[1:])


def _creating(collection: str, *model: str) -> _Sends:
    def sends(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Sent:
        return sent("POST", "%s/%s" % (_given(args, kwargs, "parent"), collection), {}, model=last(_given(args, kwargs, *model)) or "")

    return sends


def _on(method: str, *name: str) -> _Sends:
    return lambda client, args, kwargs: sent(method, str(_given(args, kwargs, *name)), {})


def _batching(client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Optional[Sent]:
    return _BATCH(client, args, kwargs) if _published(_given(args, kwargs, *_BATCHED)) else None


def _batch(job: Any) -> Any:
    return shown(job) if _published(job.model) else {}


def _published(model: Any) -> bool:
    """Machines, not calls, are billed for a model of the user's own."""
    return "publishers/" in str(model)


_BATCHED = ("batch_prediction_job", "model")
_BATCH = _creating("batchPredictionJobs", *_BATCHED)
_METHODS: Tuple[Tuple[str, str, _Sends, Callable[[Any], Any]], ...] = (
    ("gen_ai_cache_service", "GenAiCacheServiceClient.create_cached_content", _creating("cachedContents", "cached_content", "model"), shown),
    ("gen_ai_cache_service", "GenAiCacheServiceClient.update_cached_content", _on("PATCH", "cached_content", "name"), shown),
    ("gen_ai_tuning_service", "GenAiTuningServiceClient.create_tuning_job", _creating("tuningJobs", "tuning_job", "base_model"), shown),
    ("gen_ai_tuning_service", "GenAiTuningServiceClient.get_tuning_job", _on("GET", "name"), shown),
    ("job_service", "JobServiceClient.create_batch_prediction_job", _batching, _batch),
    ("job_service", "JobServiceClient.get_batch_prediction_job", _on("GET", "name"), _batch),
)

POINTS: Tuple[Point, ...] = tuple(
    Point("%s.services.%s.client" % (version, service), method, sends, content, optional=True)
    for version in _VERSIONS
    for service, method, sends, content in _METHODS
)
