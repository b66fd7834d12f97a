"""OpenAI's text endpoints as they answer on the wire: chat, legacy completions, embeddings, moderations, models."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, spent, visible_tokens, words
from .schemas import sample

_FINGERPRINT = "fp_loopback"
_PIECE = 6


def usage_of_chat(used: Spent) -> Dict[str, Any]:
    """The usage object of chat and legacy completions."""
    prompt = {"cached_tokens": used.cached, "audio_tokens": used.audio_input}
    if used.cache_written:
        prompt["cache_write_tokens"] = used.cache_written
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": used.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class Said:
    """What one choice says: text in pieces, or tool calls with their arguments in pieces."""

    def __init__(self, pieces: Sequence[str], finish: str = "stop", calls: Sequence[Tuple[str, str, str]] = ()) -> None:
        self.pieces = list(pieces)
        self.finish = finish
        self.calls = list(calls)
        """(id, function name, arguments)"""

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def tokens(self) -> int:
        return len(self.pieces) + sum(len(pieces_of(arguments)) + 1 for _, _, arguments in self.calls)


def pieces_of(text: str) -> List[str]:
    """A text in the pieces that a stream brings it in."""
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def say(asked: Asked, given: int, tools: Sequence[Mapping[str, Any]], schema: Any, limit: Optional[int], index: int = 0) -> Said:
    """The content of one choice: a tool call if tools are offered, JSON if a schema is given, else words."""
    if tools:
        calls = [(asked.world.id("call_"), str(tool.get("name")), json.dumps(sample(tool.get("parameters") or {}) or {})) for tool in tools]
        return Said([], "tool_calls", calls)
    if schema is not None:
        return Said(pieces_of(json.dumps(sample(schema) or {})))
    count = visible_tokens(given + index, limit)
    return Said(words(count), "length" if limit is not None and count < visible_tokens(given + index) else "stop")


def offered(asked: Asked, answered_already: bool) -> List[Mapping[str, Any]]:
    """The functions that this answer calls: the first one, or two where parallel calls are asked for; none after a result."""
    choice = asked.get("tool_choice", "auto")
    flat = [each.get("function", each) for each in asked.get("tools", ()) if each.get("type", "function") == "function"]
    if not flat or choice == "none" or answered_already:
        return []
    if isinstance(choice, dict):
        named = choice.get("function", choice).get("name")
        flat = [each for each in flat if each.get("name") == named] or flat
    return flat[: 2 if asked.get("parallel_tool_calls") else 1]


def _schema(asked: Asked) -> Any:
    wanted = asked.get("response_format", {})
    if wanted.get("type") == "json_schema":
        return wanted.get("json_schema", {}).get("schema", {})
    return {"type": "object", "properties": {"answer": {"type": "string"}}} if wanted.get("type") == "json_object" else None


def chat(asked: Asked) -> Answer:
    """POST chat/completions."""
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("Missing required parameter: 'messages'.", "messages")
    given = input_tokens(asked, messages)
    tools = offered(asked, isinstance(messages[-1], dict) and messages[-1].get("role") == "tool")
    limit = asked.get("max_completion_tokens", asked.get("max_tokens"))
    choices = [say(asked, given, tools, _schema(asked), limit, index) for index in range(int(asked.get("n", 1)))]
    used = spent(asked.model, given, sum(choice.tokens for choice in choices))
    shell: Dict[str, Any] = {
        "id": asked.world.id("chatcmpl-"),
        "created": asked.world.now(),
        "model": asked.answered_model,
        "service_tier": "default" if asked.get("service_tier", "auto") == "auto" else asked.get("service_tier"),
        "system_fingerprint": _FINGERPRINT,
    }
    paid = Answer(usage=used, billed=True, id=shell["id"], model=shell["model"])
    if asked.streamed:
        return replace(paid, events=_chat_events(asked, shell, choices, used))
    audio = "audio" in (asked.get("modalities") or ())
    body = {**shell, "object": "chat.completion", "choices": [_choice(asked, at, said, audio) for at, said in enumerate(choices)]}
    body["usage"] = usage_of_chat(used)
    if asked.get("store"):
        asked.world.objects[shell["id"]] = body
    return replace(paid, body=body)


def _choice(asked: Asked, index: int, said: Said, audio: bool) -> Dict[str, Any]:
    message: Dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None, "annotations": []}
    if said.calls:
        message["tool_calls"] = [_call(*call) for call in said.calls]
    if audio:
        data = base64.b64encode(b"\0" * 64).decode()
        message.update(content=None, audio={"id": asked.world.id("audio_"), "data": data, "expires_at": asked.world.now() + 3600, "transcript": said.text})
    return {"index": index, "message": message, "logprobs": None, "finish_reason": said.finish}


def _call(identifier: str, name: str, arguments: str) -> Dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def _chat_events(asked: Asked, shell: Mapping[str, Any], choices: Sequence[Said], used: Spent) -> List[Event]:
    wanted = bool(asked.get("stream_options", {}).get("include_usage"))
    head = {**shell, "object": "chat.completion.chunk"}
    tail: Dict[str, Any] = {"usage": None} if wanted else {}

    def event(index: int, delta: Mapping[str, Any], finish: Optional[str] = None) -> Event:
        return Event({**head, "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}], **tail})

    events = []
    for index, said in enumerate(choices):
        events.append(event(index, {"role": "assistant", "content": None if said.calls else "", "refusal": None}))
        events += [event(index, delta) for delta in _deltas(said)]
        events.append(event(index, {}, said.finish))
    if wanted:
        events.append(Event({**head, "choices": [], "usage": usage_of_chat(used)}))
    return events


def _deltas(said: Said) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = [{"content": piece} for piece in said.pieces]
    for at, (identifier, name, arguments) in enumerate(said.calls):
        found.append({"tool_calls": [{"index": at, **_call(identifier, name, "")}]})
        found += [{"tool_calls": [{"index": at, "function": {"arguments": piece}}]} for piece in pieces_of(arguments)]
    return found


def completions(asked: Asked) -> Answer:
    """POST completions: the legacy endpoint."""
    prompts = asked.get("prompt", "")
    several = prompts if isinstance(prompts, list) and prompts and not isinstance(prompts[0], int) else [prompts]
    given = input_tokens(asked, several)
    count = len(several) * int(asked.get("n", 1))
    choices = [say(asked, given, (), None, asked.get("max_tokens"), index) for index in range(count)]
    visible = sum(choice.tokens for choice in choices)
    used = Spent(input=given, output=visible, total=given + visible)
    shell: Dict[str, Any] = {"id": asked.world.id("cmpl-"), "object": "text_completion", "created": asked.world.now(), "model": asked.answered_model}
    usage = {"prompt_tokens": used.input, "completion_tokens": used.output, "total_tokens": used.total}
    paid = Answer(usage=used, billed=True, id=shell["id"], model=shell["model"])
    if not asked.streamed:
        listed = [{"text": said.text, "index": at, "logprobs": None, "finish_reason": said.finish} for at, said in enumerate(choices)]
        return replace(paid, body={**shell, "choices": listed, "usage": usage})
    wanted = bool(asked.get("stream_options", {}).get("include_usage"))
    tail: Dict[str, Any] = {"usage": None} if wanted else {}
    events = []
    for at, said in enumerate(choices):
        for number, piece in enumerate(said.pieces):
            finish = said.finish if number == len(said.pieces) - 1 else None
            events.append(Event({**shell, "choices": [{"text": piece, "index": at, "logprobs": None, "finish_reason": finish}], **tail}))
    if wanted:
        events.append(Event({**shell, "choices": [], "usage": usage}))
    return replace(paid, events=events)


def vector(text: str, dimensions: int) -> List[float]:
    """A unit-like vector that depends on the text only."""
    seed = hashlib.sha256(text.encode()).digest()
    return [(seed[number % len(seed)] - 128) / 1024.0 for number in range(dimensions)]


def embeddings(asked: Asked) -> Answer:
    """POST embeddings, as floats or as base64 of little-endian singles."""
    sent = asked.get("input")
    if sent is None or sent == "" or sent == []:
        raise Refused("'$.input' is invalid.", "input")
    several = sent if isinstance(sent, list) and not isinstance(sent[0], int) else [sent]
    vectors = [vector(json.dumps(each), int(asked.get("dimensions", 16))) for each in several]
    if asked.get("encoding_format", "float") == "base64":
        shown: List[Any] = [base64.b64encode(struct.pack("<%df" % len(each), *each)).decode() for each in vectors]
    else:
        shown = list(vectors)
    given = input_tokens(asked, several)
    data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(shown)]
    body = {"object": "list", "data": data, "model": asked.answered_model, "usage": {"prompt_tokens": given, "total_tokens": given}}
    return Answer(body, usage=Spent(input=given, total=given), billed=True, model=asked.answered_model)


_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def moderations(asked: Asked) -> Answer:
    """POST moderations: free of charge."""
    sent = asked.get("input", "")
    count = len(sent) if isinstance(sent, list) and sent and isinstance(sent[0], str) else 1
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.001),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    model = str(asked.get("model", "omni-moderation-latest"))
    identifier = asked.world.id("modr-")
    return Answer({"id": identifier, "model": model, "results": [result] * count}, id=identifier, model=model)


def models(asked: Asked) -> Answer:
    """GET models and models/{id}."""

    def model(name: str) -> Dict[str, Any]:
        return {"id": name, "object": "model", "created": 1700000000, "owned_by": "loopback"}

    if asked.names:
        return Answer(model(asked.names[0]))
    return Answer({"object": "list", "data": [model(name) for name in ("gpt-4o-mini", "gpt-4o", "gpt-5", "text-embedding-3-small")]})
