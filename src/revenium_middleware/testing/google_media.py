"""What Google's APIs answer where they make pictures and films, and where work is answered for later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List

from .answers import Answer, Asked, Refused, Spent
from .google_answers import answered, given
from .openai_text import vector
from .world import Job


def predict(asked: Asked) -> Answer:
    """POST models/<model>:predict: embeddings where the first instance has a text, pictures where it does not."""
    model = asked.names[0]
    instances: List[Dict[str, Any]] = asked.get("instances", [])
    if "content" in instances[0]:
        tokens = [len(each["content"]) for each in instances]
        found = [{"embeddings": {"values": vector(each["content"], 8), "statistics": _counted(each["content"])}} for each in instances]
        body = {"predictions": found, "metadata": {"billableCharacterCount": sum(tokens)}}
        return Answer(body, usage=Spent(sum(tokens), 0, sum(tokens)), billed=True, model=model)
    if "text" in instances[0]:
        return Answer({"predictions": [{"textEmbedding": vector("x", 8)}]}, billed=True, model=model)
    if "messages" in instances[0] or "prefix" in instances[0]:
        return _older_text(model, instances)
    made = int((asked.get("parameters") or {}).get("sampleCount", 1))
    picture = {"bytesBase64Encoded": "iVBORw0KGgo=", "mimeType": "image/png"}
    return Answer({"predictions": [picture] * made}, usage=Spent(images=made), billed=True, model=model)


def _counted(text: str) -> Dict[str, Any]:
    return {"token_count": len(text), "truncated": False}


def endpoint(asked: Asked) -> Answer:
    """GET endpoints/<id>: where somebody's own model answers."""
    return Answer({"name": "projects/p/locations/us-central1/endpoints/" + asked.names[0]})


def _older_text(model: str, instances: List[Dict[str, Any]]) -> Answer:
    count = {"inputTokenCount": {"totalTokens": 12, "totalBillableCharacters": 40}, "outputTokenCount": {"totalTokens": 7, "totalBillableCharacters": 20}}
    found = {"candidates": [{"content": "Hello", "author": "1"}], "content": "Hello", "safetyAttributes": {}, "citationMetadata": {}}
    return Answer({"predictions": [found], "metadata": {"tokenMetadata": count}}, usage=Spent(12, 7, 19), billed=True, model=model)


def older_stream(asked: Asked) -> Answer:
    """POST models/<model>:serverStreamingPredict: text word by word, as tensors. Only a model with ``counted`` in its name counts."""
    model = asked.names[0]
    pieces = ["The ", "sky ", "is ", "blue."]
    chat = "messages" in asked.get("inputs", [{}])[0].get("structVal", {})
    counted = {"tokenMetadata": {"inputTokenCount": {"totalTokens": 12}, "outputTokenCount": {"totalTokens": 7}}}
    chunks: List[Dict[str, Any]] = []
    for number, piece in enumerate(pieces, 1):
        said: Dict[str, Any] = {"candidates": [{"content": piece}], "safetyAttributes": [{"blocked": False}]} if chat else {"content": piece}
        last = {"metadata": counted} if "counted" in model and number == len(pieces) else {}
        chunks.append({"outputs": [_tensor({**said, **last})]})
    return Answer(content=json.dumps(chunks).encode(), usage=Spent(12, 7, 19), billed=True, model=model)


def _tensor(value: Any) -> Dict[str, Any]:
    if isinstance(value, dict):
        return {"structVal": {name: _tensor(part) for name, part in value.items()}}
    if isinstance(value, list):
        return {"listVal": [_tensor(part) for part in value]}
    kind = "stringVal" if isinstance(value, str) else "boolVal" if isinstance(value, bool) else "intVal"
    return {kind: [value]}


# ---------------------------------------------------------------------- films


def film(asked: Asked) -> Answer:
    """POST models/<model>:predictLongRunning: billed by the first look that shows it done. A prompt with ``fail`` in it fails."""
    model = asked.names[0]
    parameters = asked.get("parameters") or {}
    made = int(parameters.get("sampleCount", 1))
    seconds = float(parameters.get("durationSeconds", 8)) * made
    failing = "fail" in str(asked.get("instances"))
    identifier = asked.world.id("op-")
    prefix = asked.request.path.partition("/v1")[2].partition("/")[2].rpartition(":")[0]
    name = "%s/operations/%s" % (prefix, identifier)

    def view(state: str) -> Dict[str, Any]:
        shown: Dict[str, Any] = {"name": name}
        if state != "done":
            return shown
        if failing:
            return {**shown, "done": True, "error": {"code": 13, "message": "internal"}}
        samples = [{"video": {"uri": "https://example.com/%d.mp4" % at}} for at in range(made)]
        kept = {"videos": [{"gcsUri": "gs://a/b.mp4"}] * made} if "projects/" in name else {"generateVideoResponse": {"generatedSamples": samples}}
        return {**shown, "done": True, "response": kept}

    job = Job(identifier, ["new", "running", "done"], view, Spent() if failing else Spent(seconds=seconds), group=model)
    asked.world.jobs[identifier] = job
    return Answer(view("new"), model=model)


def _shown(job: Job) -> Answer:
    body = job.view(job.advance())
    found = Answer(body, id=job.id, model=job.group)
    return replace(found, usage=job.kept, billed=True) if job.bill() else found


def _job(asked: Asked, identifier: str) -> Job:
    job = asked.world.job(identifier.rpartition("/")[2])
    if job is None:
        raise Refused("Operation not found", status=404)
    return job


def operation(asked: Asked) -> Answer:
    """GET .../operations/<id>."""
    return _shown(_job(asked, asked.names[-1]))


def fetch_operation(asked: Asked) -> Answer:
    """POST models/<model>:fetchPredictOperation."""
    return _shown(_job(asked, str(asked.get("operationName"))))


# ---------------------------------------------------------------------- batches


def batch(asked: Asked) -> Answer:
    """POST models/<model>:batchGenerateContent, inline or from a file: the answers are billed when they are first seen."""
    model = asked.names[0]
    config = asked.get("batch", {}).get("inputConfig", asked.get("batch", {}).get("input_config", {}))
    requests = config.get("requests", {}).get("requests")
    bodies = [each["request"] for each in requests] if requests else [{"contents": [{"parts": [{"text": "Hello"}]}]}] * 2
    answers = [answered(asked, body, model) for body in bodies]
    used = [each.pop("_spent") for each in answers]
    identifier = asked.world.id("batch-")
    file = asked.world.id("out-")
    lines = [{"response": each} for each in answers]
    asked.world.files[file] = b"\n".join(json.dumps({"key": str(at), **line}).encode() for at, line in enumerate(lines))

    def view(state: str) -> Dict[str, Any]:
        output: Dict[str, Any] = {"inlinedResponses": {"inlinedResponses": lines}} if requests else {"responsesFile": "files/" + file}
        metadata = {"model": "models/" + model, "displayName": "batch", "state": "BATCH_STATE_" + state}
        return {"name": "batches/" + identifier, "metadata": {**metadata, **({"output": output} if state == "SUCCEEDED" else {})}}

    total = sum(used, Spent())
    asked.world.jobs[identifier] = Job(identifier, ["PENDING", "RUNNING", "SUCCEEDED"], view, total if requests else None, group=model)
    asked.world.objects[file] = {"spent": total, "calls": len(answers)}
    return Answer(view("PENDING"), model=model)


def embedding_batch(asked: Asked) -> Answer:
    """POST models/<model>:asyncBatchEmbedContent."""
    model = asked.names[0]
    requests = asked.get("batch", {}).get("inputConfig", {}).get("requests", {}).get("requests") or [{}] * 2
    lines = [{"response": {"embedding": {"values": vector(str(at), 8)}, "tokenCount": 7}} for at in range(len(requests))]
    identifier = asked.world.id("batch-")

    def view(state: str) -> Dict[str, Any]:
        metadata: Dict[str, Any] = {"model": "models/" + model, "state": "BATCH_STATE_" + state}
        output = {"output": {"inlinedEmbedContentResponses": {"inlinedResponses": lines}}} if state == "SUCCEEDED" else {}
        return {"name": "batches/" + identifier, "metadata": {**metadata, **output}}

    total = Spent(7 * len(lines), 0, 7 * len(lines))
    asked.world.jobs[identifier] = Job(identifier, ["PENDING", "RUNNING", "SUCCEEDED"], view, total, group=model)
    asked.world.objects[identifier] = {"calls": len(lines)}
    return Answer(view("PENDING"), model=model)


def batch_shown(asked: Asked) -> Answer:
    """GET batches/<id>."""
    job = _job(asked, asked.names[0])
    body = job.view(job.advance())
    if job.kept is None or not job.bill():
        return Answer(body)
    count = asked.world.objects.get(job.id, {}).get("calls") or len(body["metadata"]["output"]["inlinedResponses"]["inlinedResponses"])
    return Answer(body, usage=job.kept, billed=True, calls=count, model=job.group)


def batch_file(asked: Asked) -> Answer:
    """GET files/<id>:download."""
    file = asked.names[0]
    kept = asked.world.objects.get(file, {})
    found = kept.pop("spent", None)
    return Answer(content=asked.world.files.get(file, b""), usage=found or Spent(), billed=found is not None, calls=kept.get("calls", 1))


def prediction_job(asked: Asked) -> Answer:
    """POST batchPredictionJobs: Vertex's batches, whose answers go to a bucket."""
    identifier = asked.world.id("8")
    name = "projects/p/locations/us-central1/batchPredictionJobs/" + identifier
    steps = ["JOB_STATE_PENDING", "JOB_STATE_SUCCEEDED"]
    model = str(asked.get("model"))
    job = Job(identifier, steps, lambda state: {"name": name, "state": state, "model": model}, Spent(), group=model)
    asked.world.jobs[identifier] = job
    return Answer(job.view("JOB_STATE_PENDING"))


def tuning_job(asked: Asked) -> Answer:
    """POST tuningJobs: billed by the tokens trained on."""
    identifier = asked.world.id("9")
    name = "projects/p/locations/us-central1/tuningJobs/" + identifier
    model = str(asked.get("baseModel"))

    def view(state: str) -> Dict[str, Any]:
        stats = {"tuningDataStats": {"supervisedTuningDataStats": {"totalBillableTokenCount": "5000"}}} if state == "JOB_STATE_SUCCEEDED" else {}
        return {"name": name, "state": state, "baseModel": model, **stats}

    asked.world.jobs[identifier] = Job(identifier, ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"], view, Spent(5000, 0, 5000), group=model)
    return Answer(view("JOB_STATE_PENDING"))


def pipeline_job(asked: Asked) -> Answer:
    """POST pipelineJobs: machines at work, billed by the hour."""
    name = "projects/p/locations/us-central1/pipelineJobs/" + str(asked.request.query.get("pipelineJobId", "1"))
    return Answer({"name": name, "state": "PIPELINE_STATE_PENDING"}, billed=True)


def bucket(asked: Asked) -> Answer:
    """POST b of Cloud Storage, where pipelines keep what they make, and who may read it."""
    return Answer({"name": "a", "bindings": []})


# ---------------------------------------------------------------------- caches and stores


def cache(asked: Asked) -> Answer:
    """POST cachedContents: billed by what is put in."""
    tokens = given(asked.get("contents", []))
    place = "projects/p/locations/us-central1/" if "/projects/" in asked.request.path else ""
    body = {"name": place + "cachedContents/" + asked.world.id("c"), "model": asked.get("model"), "usageMetadata": {"totalTokenCount": tokens}}
    return Answer(body, usage=Spent(cache_written=tokens, total=tokens), billed=True, model=asked.get("model"))


def cache_shown(asked: Asked) -> Answer:
    """GET cachedContents/<id>."""
    return Answer({"name": asked.request.path.partition("/v1/")[2], "model": "models/gemini-2.0-flash"})


def cache_kept(asked: Asked) -> Answer:
    """PATCH cachedContents/<id>: kept longer."""
    return Answer({"name": "cachedContents/" + asked.names[0], "model": "models/gemini-2.0-flash"}, billed=True)


def upload_begun(asked: Asked) -> Answer:
    """POST upload/.../fileSearchStores/<id>:uploadToFileSearchStore: says where to send the bytes."""
    return Answer({}, billed=True, headers={"x-goog-upload-url": "http://%s/google-upload/%s" % (asked.request.host, asked.world.id("u"))})


def upload_ended(asked: Asked) -> Answer:
    """POST to where it said."""
    shown = {"name": "fileSearchStores/a/upload/operations/" + asked.names[0]}
    return Answer(shown, headers={"x-goog-upload-status": "final"})


def indexed(asked: Asked) -> Answer:
    """POST fileSearchStores/<id>:importFile: embedded at a price, and nobody says how much."""
    return Answer({"name": "fileSearchStores/a/operations/" + asked.world.id("i")}, billed=True)
