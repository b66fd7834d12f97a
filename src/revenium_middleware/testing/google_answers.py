"""Gemini's API as it answers on the wire, and Vertex's, which differs in what comes before the model in the path.

The rules of ``answers``, and of its own: a model with ``image`` in its name draws one picture of 1290 tokens, a prompt with
``forbidden`` in it is blocked, and functions offered are called once, before anything is said.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any, Dict, List, Optional

from .answers import Answer, Asked, Event, Spent, spent, visible_tokens, words
from .openai_text import vector

BROKEN = {"error": {"code": 500, "message": "The server had an error while processing your request.", "status": "INTERNAL"}}
PICTURE_TOKENS = 1290
_PICTURE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


def given(contents: Any) -> int:
    """Input tokens of contents: 20, one per character, 85 per picture, 31 per other file."""
    return 20 + _weight(contents)


def _weight(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_weight, value))
    if not isinstance(value, dict):
        return 0
    found = len(value["text"]) if isinstance(value.get("text"), str) else 0
    media = value.get("inlineData") or value.get("fileData")
    if media:
        found += 85 if _is_picture(media) else 31
    return found + sum(_weight(value[key]) for key in ("parts", "contents", "content") if key in value)


def _is_picture(media: Dict[str, Any]) -> bool:
    return str(media.get("mimeType") or media.get("mime_type")).startswith("image/")


def _pictures(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_pictures, value))
    if not isinstance(value, dict):
        return 0
    media = value.get("inlineData") or value.get("fileData") or {}
    return int(_is_picture(media)) + sum(_pictures(value[key]) for key in ("parts", "contents") if key in value)


def used(asked: Asked, body: Dict[str, Any], model: str, visible: int) -> Spent:
    """The usage of generated content."""
    tokens = given(body.get("contents", [])) + (given([body["systemInstruction"]]) - 20 if body.get("systemInstruction") else 0)
    found = spent(model, tokens + 9 * len(body.get("tools", ())), visible)
    extra = PICTURE_TOKENS if "image" in model else 0
    seen = 85 * _pictures(body.get("contents", []))
    return dataclasses.replace(found, output=found.output + extra, total=found.total + extra, image_input=seen, images=int(bool(extra)))


def counts(found: Spent, tools: int = 0) -> Dict[str, Any]:
    """``usageMetadata``; what is zero is not written."""
    extra = PICTURE_TOKENS * found.images
    usage: Dict[str, Any] = {
        "promptTokenCount": found.input - tools,
        "candidatesTokenCount": found.output - found.reasoning,
        "totalTokenCount": found.total,
        "thoughtsTokenCount": found.reasoning,
        "cachedContentTokenCount": found.cached,
        "toolUsePromptTokenCount": tools,
    }
    details = {"AUDIO": found.audio_input, "IMAGE": found.image_input}
    text = usage["promptTokenCount"] - sum(details.values())
    made = {"TEXT": usage["candidatesTokenCount"] - extra - found.audio_output, "IMAGE": extra, "AUDIO": found.audio_output}
    usage["promptTokensDetails"] = _details({"TEXT": text, **details})
    usage["candidatesTokensDetails"] = _details(made)
    return {name: value for name, value in usage.items() if value}


def _details(by_modality: Dict[str, int]) -> List[Dict[str, Any]]:
    return [{"modality": modality, "tokenCount": number} for modality, number in by_modality.items() if number]


def _call_due(body: Dict[str, Any]) -> Optional[str]:
    """The function to call, if any is offered and was not answered yet."""
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    offered = [each for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]
    answered = any("functionResponse" in part for part in parts)
    return offered[0]["name"] if offered and not answered else None


def answered(asked: Asked, body: Dict[str, Any], model: str) -> Dict[str, Any]:
    """The whole answer as one object, with what it cost beside it under ``_spent``."""
    config = body.get("generationConfig") or {}
    if "forbidden" in str(body.get("contents", "")):
        found = spent("", given(body["contents"]), 0)
        shown: Dict[str, Any] = {"promptFeedback": {"blockReason": "SAFETY"}}
    else:
        limit = config.get("maxOutputTokens")
        visible = visible_tokens(given(body.get("contents", [])), limit)
        found = used(asked, body, model, visible)
        due = _call_due(body)
        parts: List[Dict[str, Any]] = [{"functionCall": {"name": due, "args": {}}}] if due else [{"text": "".join(words(visible))}]
        parts += [_PICTURE] * found.images
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "MAX_TOKENS" if limit else "STOP", "index": 0}
        shown = {"candidates": [candidate]}
    tools = 9 * len(body.get("tools", ()))
    return {**shown, "usageMetadata": counts(found, tools), "modelVersion": model, "responseId": asked.world.id("resp-"), "_spent": found}


def generate(asked: Asked) -> Answer:
    """POST models/<model>:generateContent and :streamGenerateContent."""
    model, verb = asked.names
    body = answered(asked, asked.body, model)
    found = body.pop("_spent")
    facts: Dict[str, Any] = {"usage": found, "billed": True, "id": body["responseId"], "model": model}
    if verb == "generateContent":
        return Answer(body, **facts)
    chunks = _chunks(body, vertex="/projects/" in asked.request.path)
    if asked.request.query.get("alt") != "sse":  # as one array, which older clients take apart as it comes
        return Answer(content=json.dumps(chunks).encode(), **facts)
    return Answer(events=[Event(chunk) for chunk in chunks], done=False, broken=BROKEN, **facts)


def _chunks(body: Dict[str, Any], vertex: bool) -> List[Dict[str, Any]]:
    """One chunk per word; Gemini's report the counts so far, Vertex's wait for the last of them."""
    if "candidates" not in body:
        return [body]
    (candidate,) = body["candidates"]
    texts = [part for part in candidate["content"]["parts"] if "text" in part]
    others = [part for part in candidate["content"]["parts"] if "text" not in part]
    pieces = [{"text": " " + word if at else word} for at, word in enumerate(texts[0]["text"].split(" "))] if texts else []
    parts = pieces + others
    shell = {"modelVersion": body["modelVersion"], "responseId": body["responseId"]}
    prompt = body["usageMetadata"]["promptTokenCount"]
    chunks = []
    for number, part in enumerate(parts, 1):
        so_far = {"trafficType": "ON_DEMAND"} if vertex else {"promptTokenCount": prompt, "candidatesTokenCount": number, "totalTokenCount": prompt + number}
        last = number == len(parts)
        end = {"finishReason": candidate["finishReason"]} if last else {}
        usage = body["usageMetadata"] if last else so_far
        chunks.append({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0, **end}], "usageMetadata": usage, **shell})
    return chunks


def embed(asked: Asked) -> Answer:
    """POST models/<model>:batchEmbedContents counts nothing; :embedContent of Vertex does."""
    model, verb = asked.names
    if verb == "batchEmbedContents":
        found = [{"values": vector(str(each), 8)} for each in asked.get("requests", [])]
        return Answer({"embeddings": found}, billed=True, model=model)
    tokens = given(asked.get("content", {}))
    body = {"embedding": {"values": vector("x", 8)}, "usageMetadata": {"promptTokenCount": tokens, "totalTokenCount": tokens}}
    return Answer(body, usage=Spent(tokens, 0, tokens), billed=True, model=model)


def count(asked: Asked) -> Answer:
    """POST models/<model>:countTokens and :computeTokens are free."""
    return Answer({"totalTokens": given(asked.get("contents", []))})


def models(asked: Asked) -> Answer:
    """GET models."""
    return Answer({"models": [{"name": "models/gemini-2.0-flash", "displayName": "Gemini"}]})


def empty(asked: Asked) -> Answer:
    """What lists nothing, deletes or cancels something."""
    return Answer({})


# ---------------------------------------------------------------------- interactions


def _usage(found: Spent) -> Dict[str, Any]:
    return {
        "total_input_tokens": found.input,
        "total_output_tokens": found.output - found.reasoning,
        "total_thought_tokens": found.reasoning,
        "total_cached_tokens": found.cached,
        "total_tokens": found.total,
        "input_tokens_by_modality": [{"modality": "text", "tokens": found.input}],
    }


def interaction(asked: Asked) -> Answer:
    """POST interactions, plain or streamed; in the background it is billed when it is seen ended."""
    said = asked.get("input", "")
    tokens = 20 + (len(said) if isinstance(said, str) else _weight(said))
    pieces = words(visible_tokens(tokens))
    model = str(asked.get("model") or asked.get("agent"))
    found = spent(model, tokens, len(pieces))
    shown: Dict[str, Any] = {"id": asked.world.id("int-"), "object": "interaction", "model": model, "status": "completed", "usage": _usage(found)}
    shown.update(created="2026-01-01T00:00:00Z", updated="2026-01-01T00:00:00Z", steps=[{"type": "model_output", "content": _said("".join(pieces))}])
    facts: Dict[str, Any] = {"id": shown["id"], "model": model}
    begun = {**{key: value for key, value in shown.items() if key not in ("usage", "steps")}, "status": "in_progress"}
    if asked.get("background") is True:
        asked.world.objects[shown["id"]] = {"shown": shown, "spent": found}
        return Answer(begun, **facts)
    facts.update(usage=found, billed=True)
    if not asked.streamed:
        return Answer(shown, **facts)
    deltas = [{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": piece}} for piece in pieces]
    events: List[Dict[str, Any]] = [
        {"event_type": "interaction.created", "interaction": begun},
        *deltas,
        {"event_type": "interaction.completed", "interaction": shown},
    ]
    return Answer(events=[Event(event, event["event_type"]) for event in events], **facts)


def _said(text: str) -> List[Dict[str, str]]:
    return [{"type": "text", "text": text}]


def trigger_run(asked: Asked) -> Answer:
    """POST triggers/<id>/executions: an interaction in the background."""
    begun = interaction(replace(asked, body={"agent": "researcher", "input": "Hello", "background": True}))
    shown = {"id": asked.world.id("exec-"), "trigger_id": asked.names[0], "interaction_id": begun.body["id"], "status": "running"}
    return Answer(shown)


def decision(asked: Asked) -> Answer:
    """POST decisions."""
    given_tokens = 20 + len(str(asked.get("input")))
    found = spent("", given_tokens, 3)
    return Answer({"answers": {}, "usage": _usage(found), "model": asked.get("model")}, usage=found, billed=True, model=asked.get("model"))


def interaction_shown(asked: Asked) -> Answer:
    """GET interactions/<id>: the first look at one from the background bills it."""
    kept = asked.world.objects.get(asked.names[0])
    if kept is None:
        return Answer({"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}, status=404)
    found = kept.pop("spent", None)
    return Answer(kept["shown"], usage=found or Spent(), billed=found is not None, id=kept["shown"]["id"], model=kept["shown"]["model"])
