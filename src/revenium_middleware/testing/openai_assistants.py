"""OpenAI's assistants as they answer on the wire: threads, messages, and runs, plain and streamed.

A run is billed with the answer that first shows it completed: the last event of a stream, or a retrieval.
One that is offered functions first asks for their results, and goes on when they have been submitted.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, spent, visible_tokens, words
from .openai_text import usage_of_chat
from .schemas import sample
from .world import Job

_DEFAULT_MODEL = "gpt-4o-mini"


def assistant_create(asked: Asked) -> Answer:
    """POST assistants."""
    body = {"id": asked.world.id("asst_"), "object": "assistant", "created_at": asked.world.now(), "model": asked.model}
    for name in ("name", "description", "instructions"):
        body[name] = asked.get(name)
    return Answer(_kept(asked, {**body, "tools": asked.get("tools", []), "metadata": asked.get("metadata", {})}))


def thread_create(asked: Asked) -> Answer:
    """POST threads."""
    return Answer(_thread(asked, asked.body))


def message_create(asked: Asked) -> Answer:
    """POST threads/{id}/messages."""
    return Answer(_message(asked, asked.names[0], str(asked.get("role", "user")), asked.get("content", "")))


def messages(asked: Asked) -> Answer:
    """GET threads/{id}/messages, the newest first."""
    found = [each for each in asked.world.objects.values() if each.get("object") == "thread.message" and each["thread_id"] == asked.names[0]]
    return Answer({"object": "list", "data": found[::-1], "first_id": None, "last_id": None, "has_more": False})


def run_create(asked: Asked) -> Answer:
    """POST threads/{id}/runs."""
    return _run(asked, asked.names[0], asked.get("additional_messages", []), [])


def thread_and_run(asked: Asked) -> Answer:
    """POST threads/runs."""
    thread = _thread(asked, asked.get("thread", {}))
    return _run(asked, thread["id"], [], [Event(thread, "thread.created")])


def run_retrieve(asked: Asked) -> Answer:
    """GET threads/{id}/runs/{id}: one state further each time."""
    job = _job(asked)
    return _shown(job, job.advance())


def run_cancel(asked: Asked) -> Answer:
    """POST threads/{id}/runs/{id}/cancel."""
    job = _job(asked)
    job.end("cancelled")
    return Answer(job.view(job.state), id=job.id)


def outputs_submit(asked: Asked) -> Answer:
    """POST threads/{id}/runs/{id}/submit_tool_outputs."""
    job = _job(asked)
    job.steps, job.seen = ["queued", "in_progress", "completed"], 0
    if not asked.streamed:
        return Answer(job.view(job.state), id=job.id)
    return _streamed(asked, job, [], job.steps)


def steps(asked: Asked) -> Answer:
    """GET threads/{id}/runs/{id}/steps."""
    return Answer({"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False})


def _kept(asked: Asked, body: Dict[str, Any]) -> Dict[str, Any]:
    asked.world.objects[str(body["id"])] = body
    return body


def _thread(asked: Asked, given: Mapping[str, Any]) -> Dict[str, Any]:
    shell = {"id": asked.world.id("thread_"), "object": "thread", "created_at": asked.world.now()}
    thread = _kept(asked, {**shell, "metadata": given.get("metadata") or {}, "tool_resources": {}})
    for message in given.get("messages") or ():
        _message(asked, thread["id"], str(message.get("role", "user")), message.get("content", ""))
    return thread


def _message(asked: Asked, thread: str, role: str, content: Any, run: Optional[str] = None) -> Dict[str, Any]:
    parts = content if isinstance(content, list) else [{"type": "text", "text": {"value": content, "annotations": []}}]
    shell = {"id": asked.world.id("msg_"), "object": "thread.message", "created_at": asked.world.now(), "thread_id": thread, "role": role}
    whose: Dict[str, Any] = {"assistant_id": None, "run_id": run, "attachments": [], "metadata": {}}
    return _kept(asked, {**shell, **whose, "status": "completed", "completed_at": asked.world.now(), "content": parts})


def _job(asked: Asked) -> Job:
    job = asked.world.job(asked.names[-1])
    if job is None:
        raise Refused("No run found with id '%s'." % asked.names[-1], "run_id", 404)
    return job


def _shown(job: Job, state: str) -> Answer:
    view = job.view(state)
    due = state == "completed" and job.bill()
    return Answer(view, usage=job.kept if due else Spent(), billed=due, id=job.id, model=view["model"])


def _run(asked: Asked, thread: str, added: Any, first: List[Event]) -> Answer:
    assistant = asked.world.objects.get(str(asked.get("assistant_id")), {})
    model = str(asked.get("model", assistant.get("model", _DEFAULT_MODEL)))
    offered = asked.get("tools", assistant.get("tools", []))
    functions = [each["function"] for each in offered if each.get("type") == "function"]
    said = [each["content"] for each in asked.world.objects.values() if each.get("thread_id") == thread and "content" in each]
    given = input_tokens(asked, said, added, asked.get("instructions", assistant.get("instructions", "")))
    used = spent(model, given, visible_tokens(given))
    shape = {
        "id": asked.world.id("run_"),
        "object": "thread.run",
        "created_at": asked.world.now(),
        "assistant_id": asked.get("assistant_id"),
        "thread_id": thread,
        "model": model,
        "instructions": asked.get("instructions", assistant.get("instructions", "")),
        "tools": offered,
        "metadata": asked.get("metadata", {}),
        "parallel_tool_calls": True,
        "response_format": "auto",
        "tool_choice": "auto",
        "last_error": None,
        "incomplete_details": None,
    }
    calls = [_call(asked, function) for function in functions[:1]]

    def view(state: str) -> Dict[str, Any]:
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}} if state == "requires_action" else None
        usage = usage_of_chat(used) if state == "completed" else None
        return {**shape, "status": state, "required_action": action, "usage": usage}

    states = ["queued", "in_progress", "requires_action" if calls else "completed"]
    job = Job(str(shape["id"]), states, view, used)
    asked.world.jobs[job.id] = job
    if not asked.streamed:
        return Answer(view("queued"), id=job.id, model=model)
    return _streamed(asked, job, [*first, Event(view("queued"), "thread.run.created")], states)


def _call(asked: Asked, function: Mapping[str, Any]) -> Dict[str, Any]:
    arguments = json.dumps(sample(function.get("parameters") or {}) or {})
    return {"id": asked.world.id("call_"), "type": "function", "function": {"name": function.get("name"), "arguments": arguments}}


def _streamed(asked: Asked, job: Job, first: Sequence[Event], states: Sequence[str]) -> Answer:
    job.seen = len(job.steps) - 1
    events = [*first, *(Event(job.view(state), "thread.run.%s" % state) for state in states[:-1])]
    answer = _shown(job, states[-1])
    if states[-1] == "completed":
        events += _spoken(asked, answer.body, job.kept)
    events += [Event(answer.body, "thread.run.%s" % states[-1]), Event("[DONE]", "done")]
    return replace(answer, body=None, events=events, done=False)


def _spoken(asked: Asked, run: Mapping[str, Any], used: Spent) -> List[Event]:
    pieces = words(used.output - used.reasoning)
    message = _message(asked, run["thread_id"], "assistant", "".join(pieces), run["id"])
    started = {**message, "status": "in_progress", "content": [], "completed_at": None}
    found = [Event(started, "thread.message.created"), Event(started, "thread.message.in_progress")]
    for piece in pieces:
        part = {"index": 0, "type": "text", "text": {"value": piece, "annotations": []}}
        found.append(Event({"id": message["id"], "object": "thread.message.delta", "delta": {"content": [part]}}, "thread.message.delta"))
    return [*found, Event(message, "thread.message.completed")]
