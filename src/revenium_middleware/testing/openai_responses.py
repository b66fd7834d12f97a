"""OpenAI's Responses API as it answers on the wire: plain, streamed, in the background, compacted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping

from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, spent
from .openai_text import Said, offered, pieces_of, say
from .world import Job


def usage_of_response(used: Spent) -> Dict[str, Any]:
    """The usage object of the Responses API."""
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.cache_written},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }


def create(asked: Asked) -> Answer:
    """POST responses."""
    said, used = _worked_out(asked)
    made = _response(asked, said, used)
    final = dict(made, status="incomplete", incomplete_details={"reason": "max_output_tokens"}) if said.finish == "length" else made
    identifier, model = final["id"], final["model"]
    if asked.flag("background"):
        job = Job(identifier, ["queued", "in_progress", str(final["status"])], lambda state: _at(final, state), (used, said))
        asked.world.jobs[identifier] = job
        if not asked.streamed:
            return Answer(_at(final, "queued"), id=identifier, model=model)
        job.seen = 2
    elif asked.get("store", True):
        stored = Job(identifier, [str(final["status"])], lambda state: final, (used, said), billed=True)
        asked.world.jobs[identifier] = stored
    if asked.streamed:
        if asked.flag("background"):
            asked.world.jobs[identifier].billed = True
        return Answer(events=_events(final, said), usage=used, billed=True, id=identifier, model=model, done=False)
    return Answer(final, usage=used, billed=True, id=identifier, model=model)


def retrieve(asked: Asked) -> Answer:
    """GET responses/{id}: a background response moves on one state each time; ``stream=true`` waits for its end."""
    job = _job(asked)
    streamed = asked.request.query.get("stream") == "true"
    if streamed:
        job.seen = len(job.steps)
    shown = job.view(job.advance())
    used, said = job.kept
    due = job.bill()
    answer = Answer(shown, usage=used if due else Spent(), billed=due, id=job.id, model=shown["model"])
    if streamed:
        events = _events(shown, said)
        after = int(asked.request.query.get("starting_after", -1))
        return replace(answer, events=[event for event in events if event.data["sequence_number"] > after], done=False)
    return answer


def cancel(asked: Asked) -> Answer:
    """POST responses/{id}/cancel."""
    job = _job(asked)
    job.end("cancelled")
    shown = job.view(job.state)
    return Answer(shown, id=job.id, model=shown["model"])


def delete(asked: Asked) -> Answer:
    """DELETE responses/{id}."""
    _job(asked)
    del asked.world.jobs[asked.names[0]]
    return Answer({"id": asked.names[0], "object": "response", "deleted": True})


def input_items(asked: Asked) -> Answer:
    """GET responses/{id}/input_items."""
    _job(asked)
    return Answer({"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False})


def compact(asked: Asked) -> Answer:
    """POST responses/compact: billed like a response."""
    _, used = _worked_out(asked)
    identifier = asked.world.id("resp_")
    item = {"id": asked.world.id("cmp_"), "type": "compaction", "encrypted_content": "bG9vcGJhY2s="}
    body = {"id": identifier, "object": "response.compaction", "created_at": asked.world.now(), "output": [item], "usage": usage_of_response(used)}
    return Answer(body, usage=used, billed=True, id=identifier, model=asked.answered_model)


def count_input(asked: Asked) -> Answer:
    """POST responses/input_tokens: free of charge."""
    return Answer({"object": "response.input_tokens", "input_tokens": _given(asked)})


def _job(asked: Asked) -> Job:
    job = asked.world.job(asked.names[0])
    if job is None:
        raise Refused("Response with id '%s' not found." % asked.names[0], "response_id", 404)
    return job


def _given(asked: Asked) -> int:
    return input_tokens(asked, asked.get("input", ""), asked.get("instructions", ""))


def _worked_out(asked: Asked) -> "tuple[Said, Spent]":
    sent = asked.get("input", "")
    given = _given(asked)
    returned = isinstance(sent, list) and any(isinstance(item, dict) and item.get("type") == "function_call_output" for item in sent)
    wanted = asked.get("text", {}).get("format", {})
    schema = wanted.get("schema") if wanted.get("type") == "json_schema" else None
    said = say(asked, given, offered(asked, returned), schema, asked.get("max_output_tokens"))
    return said, spent(asked.model, given, said.tokens)


def _at(final: Mapping[str, Any], state: str) -> Dict[str, Any]:
    """The response as it is shown in a state before its last."""
    if state == final["status"]:
        return dict(final)
    return dict(final, status=state, output=[], usage=None, completed_at=None, incomplete_details=None)


def _response(asked: Asked, said: Said, used: Spent) -> Dict[str, Any]:
    return {
        "id": asked.world.id("resp_"),
        "object": "response",
        "created_at": asked.world.now(),
        "status": "completed",
        "background": asked.flag("background"),
        "completed_at": asked.world.now(),
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "model": asked.answered_model,
        "output": _items(asked, said, used),
        "parallel_tool_calls": True,
        "previous_response_id": asked.get("previous_response_id"),
        "reasoning": asked.get("reasoning", {"effort": None, "summary": None}),
        "service_tier": "default" if asked.get("service_tier", "auto") == "auto" else asked.get("service_tier"),
        "store": asked.get("store", True),
        "temperature": 1.0,
        "text": asked.get("text", {"format": {"type": "text"}}),
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": asked.get("tools", []),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage_of_response(used),
        "user": None,
        "metadata": asked.get("metadata", {}),
    }


def _items(asked: Asked, said: Said, used: Spent) -> List[Dict[str, Any]]:
    items: List[Dict[str, Any]] = []
    if used.reasoning:
        items.append({"id": asked.world.id("rs_"), "type": "reasoning", "summary": []})
    for identifier, name, arguments in said.calls:
        call = {"id": asked.world.id("fc_"), "type": "function_call", "status": "completed", "call_id": identifier}
        items.append({**call, "name": name, "arguments": arguments})
    if not said.calls:
        content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}]
        items.append({"id": asked.world.id("msg_"), "type": "message", "status": "completed", "content": content, "role": "assistant"})
    return items


def _events(final: Mapping[str, Any], said: Said) -> List[Event]:
    started = _at(final, "in_progress")
    found: List[Dict[str, Any]] = [{"type": "response.created", "response": started}, {"type": "response.in_progress", "response": started}]
    for at, item in enumerate(final["output"]):
        empty: Dict[str, Dict[str, Any]] = {"message": {"content": [], "status": "in_progress"}, "function_call": {"arguments": "", "status": "in_progress"}}
        found.append({"type": "response.output_item.added", "output_index": at, "item": {**item, **empty.get(item["type"], {})}})
        where = {"item_id": item["id"], "output_index": at}
        found += _text_events(where, item, said) if item["type"] == "message" else _argument_events(where, item)
        found.append({"type": "response.output_item.done", "output_index": at, "item": item})
    found.append({"type": "response.%s" % final["status"], "response": final})
    return [Event({**event, "sequence_number": number}, event["type"]) for number, event in enumerate(found)]


def _text_events(where: Mapping[str, Any], item: Mapping[str, Any], said: Said) -> List[Dict[str, Any]]:
    where = {**where, "content_index": 0}
    part = item["content"][0]
    return [
        {"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []} for piece in said.pieces),
        {"type": "response.output_text.done", **where, "text": said.text, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _argument_events(where: Mapping[str, Any], item: Mapping[str, Any]) -> List[Dict[str, Any]]:
    if item["type"] != "function_call":
        return []
    deltas = [{"type": "response.function_call_arguments.delta", **where, "delta": piece} for piece in pieces_of(item["arguments"])]
    done = {"type": "response.function_call_arguments.done", **where, "name": item["name"], "arguments": item["arguments"]}
    return [*deltas, done]
