"""Amazon Bedrock's runtime as it answers on the wire: each family of models in its own words, Amazon's counts beside them.

Input is counted as everywhere here, but what came from a cache or went into one is counted beside it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Callable, Dict, List, Tuple

from . import anthropic_messages, eventstream
from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, spent, visible_tokens, words
from .world import Job

_METRICS = "amazon-bedrock-invocationMetrics"
Told = Tuple[Dict[str, Any], List[Dict[str, Any]]]
"""(a whole answer, the events of a streamed one)."""


class _Text:
    """What a model says to a request."""

    def __init__(self, asked: Asked) -> None:
        body = asked.body
        given = input_tokens(asked, *(body.get(name, "") for name in ("messages", "prompt", "inputText", "message", "system")))
        config = body.get("inferenceConfig") or body.get("textGenerationConfig") or body
        limit = next((config[name] for name in ("maxTokens", "max_tokens", "max_new_tokens", "maxTokenCount", "max_gen_len") if name in config), None)
        self.said = words(visible_tokens(given, limit))
        self.cut = limit is not None and visible_tokens(given) > limit
        used = spent("bedrock " + asked.names[0], given, len(self.said))
        net = used.input - used.cached - used.cache_written
        self.used = replace(used, input=net, output=len(self.said), total=net + len(self.said), reasoning=0)
        self.text = "".join(self.said)

    def ends(self, natural: str, cut: str) -> str:
        return cut if self.cut else natural

    @property
    def usage(self) -> Dict[str, int]:
        used = self.used
        found: Dict[str, int] = {"inputTokens": used.input, "outputTokens": used.output, "totalTokens": used.total}
        return {**found, "cacheReadInputTokens": used.cached, "cacheWriteInputTokens": used.cache_written}


def _nova(said: _Text) -> Told:
    stop = {"stopReason": said.ends("end_turn", "max_tokens")}
    whole = {"output": {"message": {"role": "assistant", "content": [{"text": said.text}]}}, **stop, "usage": said.usage}
    events: List[Dict[str, Any]] = [{"messageStart": {"role": "assistant"}}]
    events += [{"contentBlockDelta": {"delta": {"text": piece}, "contentBlockIndex": 0}} for piece in said.said]
    return whole, [*events, {"messageStop": stop}, {"metadata": {"usage": said.usage, "metrics": {}}}]


def _titan(said: _Text) -> Told:
    stop = said.ends("FINISH", "LENGTH")
    whole = {
        "inputTextTokenCount": said.used.input,
        "results": [{"tokenCount": said.used.output, "outputText": said.text, "completionReason": stop}],
    }
    event = {"outputText": said.text, "index": 0, "inputTextTokenCount": said.used.input}
    return whole, [{**event, "totalOutputTextTokenCount": said.used.output, "completionReason": stop}]


def _llama(said: _Text) -> Told:
    counts = {"prompt_token_count": said.used.input, "generation_token_count": said.used.output}
    stop = said.ends("stop", "length")
    events = [
        {"generation": piece, "prompt_token_count": said.used.input if number == 0 else None, "generation_token_count": number + 1, "stop_reason": None}
        for number, piece in enumerate(said.said)
    ]
    return {"generation": said.text, **counts, "stop_reason": stop}, [*events, {"generation": "", **counts, "stop_reason": stop}]


def _mistral(said: _Text) -> Told:
    parts = [{"outputs": [{"text": piece, "stop_reason": None}]} for piece in said.said]
    stop = said.ends("stop", "length")
    return {"outputs": [{"text": said.text, "stop_reason": stop}]}, [*parts, {"outputs": [{"text": "", "stop_reason": stop}]}]


def _command(said: _Text) -> Told:
    stop = {"finish_reason": said.ends("COMPLETE", "MAX_TOKENS")}
    events = [{"event_type": "text-generation", "text": piece, "is_finished": False} for piece in said.said]
    return {"text": said.text, **stop}, [*events, {"event_type": "stream-end", "is_finished": True, **stop}]


def _choices(said: _Text) -> Told:
    """As OpenAI answers, and with it DeepSeek, Qwen, Jamba and others."""
    stop = said.ends("stop", "length")
    counts = {"prompt_tokens": said.used.input, "completion_tokens": said.used.output, "total_tokens": said.used.total}
    events: List[Dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in said.said]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": stop}], "usage": counts})
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": said.text}, "finish_reason": stop}], "usage": counts}, events


_FAMILIES: Tuple[Tuple[str, Callable[[_Text], Told]], ...] = (
    ("amazon.nova", _nova),
    ("amazon.titan", _titan),
    ("meta.", _llama),
    ("mistral.", _mistral),
    ("cohere.", _command),
)


def _answered(asked: Asked, used: Spent) -> Answer:
    identifier = asked.world.id("request-")
    return Answer(headers={"x-amzn-requestid": identifier}, usage=used, billed=True, id=identifier, model=asked.names[0], done=False)


def _counted(answer: Answer) -> Answer:
    """With Amazon's own counts of it in the headers."""
    used = answer.usage
    counts = (("input", used.input), ("output", used.output), ("cache-read-input", used.cached), ("cache-write-input", used.cache_written))
    return replace(answer, headers={**answer.headers, **{"x-amzn-bedrock-%s-token-count" % name: str(number) for name, number in counts}})


def invoke(asked: Asked) -> Answer:
    """POST model/{id}/invoke."""
    model = asked.names[0]
    if _is_claude(asked):
        return _claude(asked, False)
    if any(name in model for name in ("titan-image", "nova-canvas", "stability.")):
        return _pictures(asked)
    if "embed" in model:
        return _vectors(asked)
    if "rerank" in model:
        return replace(_answered(asked, Spent()), body={"results": [{"index": 0, "relevance_score": 0.9}]})
    said = _Text(asked)
    whole, _ = _family(model)(said)
    return _counted(replace(_answered(asked, said.used), body=whole))


def invoke_streamed(asked: Asked) -> Answer:
    """POST model/{id}/invoke-with-response-stream."""
    if _is_claude(asked):
        return _claude(asked, True)
    said = _Text(asked)
    *events, last = _family(asked.names[0])(said)[1]
    metrics = {"inputTokenCount": said.used.input, "outputTokenCount": said.used.output, "invocationLatency": 40, "firstByteLatency": 10}
    metrics.update(cacheReadInputTokenCount=said.used.cached, cacheWriteInputTokenCount=said.used.cache_written)
    return _streamed(asked, said, [Event(event) for event in [*events, {**last, _METRICS: metrics}]], eventstream.chunked)


def _is_claude(asked: Asked) -> bool:
    return "anthropic." in asked.names[0] or "anthropic_version" in asked.body


def _claude(asked: Asked, streamed: bool) -> Answer:
    """Known by the id of its message to Anthropic's own SDK, by that of the request to Amazon's."""
    answer = anthropic_messages.bedrock(streamed)(asked)
    mine = _answered(asked, answer.usage)
    answer = replace(answer, headers={**answer.headers, **mine.headers})
    return replace(answer, id=mine.id, model=mine.model) if "boto" in asked.request.headers.get("user-agent", "").lower() else answer


def _streamed(asked: Asked, said: _Text, events: List[Event], encoded: Callable[[Event], bytes]) -> Answer:
    return replace(_answered(asked, said.used), events=events, media_type="application/vnd.amazon.eventstream", encoded=encoded)


def _family(model: str) -> Callable[[_Text], Told]:
    return next((family for name, family in _FAMILIES if name in model), _choices)


def converse(asked: Asked) -> Answer:
    """POST model/{id}/converse."""
    if not asked.get("messages"):
        raise Refused("The value at messages is empty.")
    said = _Text(asked)
    whole, _ = _nova(said)
    return replace(_answered(asked, said.used), body={**whole, "metrics": {"latencyMs": 40}, "serviceTier": asked.get("serviceTier", {"type": "default"})})


def converse_streamed(asked: Asked) -> Answer:
    """POST model/{id}/converse-stream."""
    said = _Text(asked)
    events = [Event(data, name) for event in _nova(said)[1] for name, data in event.items()]
    events[-1] = Event({"usage": said.usage, "metrics": {"latencyMs": 40}}, "metadata")
    return _streamed(asked, said, events, eventstream.named)


def _pictures(asked: Asked) -> Answer:
    config = asked.get("imageGenerationConfig", {})
    count = int(config.get("numberOfImages", asked.get("samples", 1)))
    return replace(_answered(asked, Spent(images=count)), body={"images": ["iVBORw0KGgo="] * count})


def _vectors(asked: Asked) -> Answer:
    given = input_tokens(asked, asked.get("inputText", ""), asked.get("texts", ""))
    answer = _answered(asked, Spent(given, 0, given))
    if "titan" in asked.names[0]:
        return replace(answer, body={"embedding": [0.1, 0.2], "inputTextTokenCount": given})
    return _counted(replace(answer, body={"embeddings": [[0.1, 0.2]], "response_type": "embeddings_floats"}))


def count_tokens(asked: Asked) -> Answer:
    """POST model/{id}/count-tokens: bills nothing."""
    return Answer({"inputTokens": 7})


def guardrail(asked: Asked) -> Answer:
    """POST guardrail/{id}/version/{version}/apply and guardrail-checks/invoke."""
    answer = _answered(replace(asked, names=asked.names or ("guardrail-checks",)), Spent())
    units = {"topicPolicyUnits": 1, "contentPolicyUnits": 1, "wordPolicyUnits": 1, "sensitiveInformationPolicyUnits": 0}
    units.update(sensitiveInformationPolicyFreeUnits=0, contextualGroundingPolicyUnits=0)
    return replace(answer, body={"usage": units, "action": "NONE", "outputs": [], "assessments": [], "results": {}})


# ---------------------------------------------------------------------- jobs


def start(asked: Asked) -> Answer:
    """POST async-invoke."""
    config = (asked.get("modelInput") or {}).get("videoGenerationConfig", {})
    arn = "arn:aws:bedrock:us-east-1:000000000000:async-invoke/" + asked.world.id("job")
    shown = {"invocationArn": arn, "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/%s" % asked.get("modelId"), "submitTime": "2025-01-01T00:00:00Z"}
    output = {"outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}}}
    job = Job(arn, ["InProgress", "InProgress", "Completed"], lambda status: {**shown, **output, "status": status}, float(config.get("durationSeconds", 6)))
    asked.world.jobs[arn] = job
    return Answer({"invocationArn": arn})


def look(asked: Asked) -> Answer:
    """GET async-invoke/{arn}: the first that shows it done is the bill."""
    job = asked.world.job(asked.names[0])
    if job is None:
        return Answer({"message": "no such job"}, status=400)
    body = job.view(job.advance())
    model = body["modelArn"].rpartition("/")[2]
    return Answer(body, usage=Spent(seconds=job.kept), billed=job.bill(), id=job.id, model=model)


def listed(asked: Asked) -> Answer:
    """GET async-invoke."""
    return Answer(json.loads(json.dumps({"asyncInvokeSummaries": [job.view(job.state) for job in asked.world.jobs.values()]})))
