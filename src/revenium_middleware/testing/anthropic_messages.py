"""Anthropic's messages as they answer on the wire, at Anthropic, on Bedrock and on Vertex.

Input is counted as everywhere here, but what came from a cache or went into one is counted beside it. A model is thinking
where the request asks for it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Optional

from . import eventstream
from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, spent, visible_tokens, words
from .openai_text import pieces_of
from .schemas import sample


class _Message:
    """One answer: its blocks, each with the pieces a stream brings it in."""

    def __init__(self, asked: Asked, model: str) -> None:
        messages = asked.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Refused("messages: Field required", "messages")
        given = input_tokens(asked, messages, asked.get("system", ""))
        limit = asked.get("max_tokens")
        self.blocks: List[Dict[str, Any]] = []
        self.stop = "end_turn"
        visible = self._speak(asked, messages, given, limit)
        thinking = (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive")
        if thinking:
            self.blocks.insert(0, {"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmVk"})
        used = spent("o3-" + model if thinking else "claude " + model, given, visible)
        net = used.input - used.cached - used.cache_written
        self.used = replace(used, input=net, total=net + used.output)
        self.shell: Dict[str, Any] = {"id": asked.world.id("msg_"), "type": "message", "role": "assistant", "model": model}
        self.tier = "standard" if asked.get("service_tier") == "standard_only" else asked.get("tier", "standard")

    def _speak(self, asked: Asked, messages: List[Any], given: int, limit: Optional[int]) -> int:
        tools = [tool for tool in asked.get("tools", ()) if "input_schema" in tool]
        last = messages[-1].get("content") if isinstance(messages[-1], dict) else None
        answered = isinstance(last, list) and any(isinstance(part, dict) and part.get("type") == "tool_result" for part in last)
        if tools and not answered:
            arguments = sample(tools[0]["input_schema"]) or {}
            self.blocks.append({"type": "tool_use", "id": asked.world.id("toolu_"), "name": tools[0]["name"], "input": arguments})
            self.stop = "tool_use"
            return 1 + len(pieces_of(json.dumps(arguments)))
        wanted = (asked.get("output_config") or {}).get("format") or asked.get("output_format")
        said = pieces_of(json.dumps(sample(wanted.get("schema")) or {})) if wanted else words(visible_tokens(given, limit))
        if not wanted and limit is not None and visible_tokens(given) > limit:
            self.stop = "max_tokens"
        self.blocks.append({"type": "text", "text": "".join(said)})
        return len(said)

    def usage(self, output: int, *, whole: bool) -> Dict[str, Any]:
        used = self.used
        found: Dict[str, Any] = {
            "input_tokens": used.input,
            "cache_creation_input_tokens": used.cache_written,
            "cache_read_input_tokens": used.cached,
            "output_tokens": output,
        }
        if whole:
            found["cache_creation"] = {"ephemeral_5m_input_tokens": used.cache_written, "ephemeral_1h_input_tokens": 0}
            found["service_tier"] = self.tier
        if used.reasoning and output == used.output:
            found["output_tokens_details"] = {"thinking_tokens": used.reasoning}
        return found

    def body(self) -> Dict[str, Any]:
        ends = {"content": self.blocks, "stop_reason": self.stop, "stop_sequence": None}
        return {**self.shell, **ends, "usage": self.usage(self.used.output, whole=True)}

    def events(self) -> List[Event]:
        shell = {**self.shell, "content": [], "stop_reason": None, "stop_sequence": None, "usage": self.usage(1, whole=True)}
        found = [Event({"type": "message_start", "message": shell}, "message_start")]
        for index, block in enumerate(self.blocks):
            found.append(_event("content_block_start", index=index, content_block=_begun(block)))
            if index == 0:
                found.append(_event("ping"))
            found += [_event("content_block_delta", index=index, delta=delta) for delta in _deltas(block)]
            found.append(_event("content_block_stop", index=index))
        ended = {"stop_reason": self.stop, "stop_sequence": None}
        found.append(_event("message_delta", delta=ended, usage=self.usage(self.used.output, whole=False)))
        found.append(_event("message_stop"))
        return found


def _event(name: str, **fields: Any) -> Event:
    return Event({"type": name, **fields}, name)


def _begun(block: Mapping[str, Any]) -> Dict[str, Any]:
    empty = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: empty.get(name, value) for name, value in block.items()}


def _deltas(block: Mapping[str, Any]) -> List[Dict[str, Any]]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": piece} for piece in pieces_of(block["text"])]
    if block["type"] == "thinking":
        return [{"type": "thinking_delta", "thinking": block["thinking"]}, {"type": "signature_delta", "signature": block["signature"]}]
    return [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces_of(json.dumps(block["input"]))]]


def _answered(message: _Message, streamed: bool) -> Answer:
    paid = Answer(usage=message.used, billed=True, id=message.shell["id"], model=message.shell["model"], done=False)
    return replace(paid, events=message.events()) if streamed else replace(paid, body=message.body())


def messages(asked: Asked) -> Answer:
    """POST messages."""
    if not asked.get("max_tokens"):
        raise Refused("max_tokens: Field required", "max_tokens")
    return _answered(_Message(asked, asked.model), asked.streamed)


def count_tokens(asked: Asked) -> Answer:
    """POST messages/count_tokens: bills nothing."""
    return Answer({"input_tokens": input_tokens(asked, asked.get("messages"), asked.get("system", ""))})


def complete(asked: Asked) -> Answer:
    """POST complete: the old text completions, which never say what they used."""
    said = words(visible_tokens(input_tokens(asked, asked.get("prompt", "")), asked.get("max_tokens_to_sample")))
    shell = {"type": "completion", "id": asked.world.id("compl_"), "model": asked.model}
    paid = Answer(usage=Spent(), billed=True, id=shell["id"], model=asked.model, done=False)
    if not asked.streamed:
        return replace(paid, body={**shell, "completion": "".join(said), "stop_reason": "stop_sequence", "stop": "\n\nHuman:"})
    parts = [{**shell, "completion": piece, "stop_reason": None} for piece in said] + [{**shell, "completion": "", "stop_reason": "stop_sequence"}]
    return replace(paid, events=[Event(part, "completion") for part in parts])


# ---------------------------------------------------------------------- the same messages elsewhere


def bedrock(streamed: bool) -> Callable[[Asked], Answer]:
    """POST model/{id}/invoke and its twin that streams, with Amazon's own counts beside."""

    def invoked(asked: Asked) -> Answer:
        message = _Message(asked, asked.names[0].rpartition("anthropic.")[2].partition("-v1:")[0].partition("-v2:")[0])
        answer, used = _answered(message, streamed), message.used
        if not streamed:
            counts = (("input", used.input), ("output", used.output), ("cache-read-input", used.cached), ("cache-write-input", used.cache_written))
            return replace(answer, headers={"x-amzn-bedrock-%s-token-count" % name: str(number) for name, number in counts})
        metrics = {"inputTokenCount": used.input, "outputTokenCount": used.output, "invocationLatency": 40, "firstByteLatency": 10}
        *events, last = answer.events or ()
        final = replace(last, data={**last.data, "amazon-bedrock-invocationMetrics": metrics})
        return replace(answer, events=[*events, final], media_type="application/vnd.amazon.eventstream", encoded=eventstream.chunked)

    return invoked


def vertex(streamed: bool) -> Callable[[Asked], Answer]:
    """POST …/models/{id}:rawPredict and its twin that streams."""
    return lambda asked: _answered(_Message(asked, asked.names[0].replace("@", "-")), streamed)
