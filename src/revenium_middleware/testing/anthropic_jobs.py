"""What Anthropic works on later, as it answers on the wire: batches, sessions of managed agents, dreams.

* a batch is billed with the first download of its results, one call per message that succeeded
* a session makes one request to its model for every message sent to it, ``50 + characters`` in and seven out; it is billed
  with the answer that first shows it ended
* a dream is billed with the retrieval that first shows it completed
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

from .answers import Answer, Asked, Event, Refused, Spent, characters
from .world import Job

_THEN = "2026-01-01T00:00:00Z"
_TEXT = 7


def batch_create(asked: Asked) -> Answer:
    """POST messages/batches: every request is answered as if it had been sent alone."""
    answers = [(each.get("custom_id"), asked.inner("/v1/messages", each.get("params") or {})) for each in asked.get("requests", ())]
    lines = [{"custom_id": name, "result": _result(answer)} for name, answer in answers]
    identifier = asked.world.id("msgbatch_")
    asked.world.files[identifier] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    url = "http://%s/v1/messages/batches/%s/results" % (asked.request.host, identifier)

    def view(state: str) -> Dict[str, Any]:
        ended = state in ("ended", "canceled")
        counts = {"processing": 0 if ended else len(lines), "succeeded": len(lines) if ended else 0, "errored": 0, "canceled": 0, "expired": 0}
        times = {"created_at": _THEN, "expires_at": _THEN, "ended_at": _THEN if ended else None, "archived_at": None, "cancel_initiated_at": None}
        made = {"id": identifier, "type": "message_batch", "processing_status": "ended" if ended else state, "request_counts": counts}
        return {**made, **times, "results_url": url if ended else None}

    asked.world.jobs[identifier] = Job(identifier, ["in_progress", "in_progress", "ended"], view, [answer.usage for _, answer in answers if answer.billed])
    return Answer(view("in_progress"), id=identifier)


def _result(answer: Answer) -> Dict[str, Any]:
    if answer.billed:
        return {"type": "succeeded", "message": {**answer.body, "usage": {**answer.body["usage"], "service_tier": "batch"}}}
    return {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request_error", "message": "Invalid request."}}}


def batch_retrieve(asked: Asked) -> Answer:
    """GET messages/batches/{id}: one state further, free."""
    job = _job(asked)
    return Answer(job.view(job.advance()), id=job.id)


def batch_cancel(asked: Asked) -> Answer:
    """POST messages/batches/{id}/cancel: what was done by then is billed all the same."""
    job = _job(asked)
    return Answer({**job.view("canceling"), "processing_status": "canceling"}, id=job.id)


def batch_results(asked: Asked) -> Answer:
    """GET messages/batches/{id}/results."""
    job = _job(asked)
    due = not job.billed
    job.billed = True
    used: List[Spent] = job.kept if due else []
    content = asked.world.files[job.id]
    return Answer(content=content, media_type="application/x-jsonl", usage=sum(used, Spent()), billed=bool(used), calls=len(used), id=job.id)


def batch_list(asked: Asked) -> Answer:
    """GET messages/batches."""
    data = [job.view(job.state) for name, job in asked.world.jobs.items() if name.startswith("msgbatch_")]
    return Answer({"data": data, "has_more": False, "first_id": None, "last_id": None})


def _job(asked: Asked) -> Job:
    job = asked.world.job(asked.names[-1])
    if job is None:
        raise Refused("No such job: %s" % asked.names[-1], "id", 404)
    return job


# ---------------------------------------------------------------------- managed agents


def _usage(used: Spent) -> Dict[str, int]:
    return {"input_tokens": used.input, "output_tokens": used.output, "cache_read_input_tokens": used.cached, "cache_creation_input_tokens": 0}


def session_create(asked: Asked) -> Answer:
    """POST sessions."""
    identifier = asked.world.id("sesn_")
    agent = {"type": "agent", "id": "agent_loopback", "version": 1, "name": "loopback", "model": {"id": "claude-opus-4-7"}, "tools": [], "mcp_servers": []}
    times = {"created_at": _THEN, "updated_at": _THEN, "archived_at": None}
    held = {"metadata": {}, "resources": [], "vault_ids": [], "outcome_evaluations": [], "stats": {}, "environment_id": asked.get("environment_id")}
    total = _usage(Spent(input=9_999, output=9_999))  # a running total that no record may take for its own
    asked.world.objects[identifier] = {"id": identifier, "type": "session", "agent": agent, "status": "idle", "usage": total, **times, **held, "events": []}
    return Answer(_session_shown(asked, identifier), id=identifier)


def _session_shown(asked: Asked, identifier: str) -> Dict[str, Any]:
    return {name: value for name, value in _session(asked, identifier).items() if name != "events"}


def _session(asked: Asked, identifier: str) -> Dict[str, Any]:
    found = asked.world.objects.get(identifier)
    if found is None:
        raise Refused("No such session: %s" % identifier, "id", 404)
    return found


def session_retrieve(asked: Asked) -> Answer:
    """GET or POST sessions/{id}: shows its running total, bills nothing."""
    return Answer(_session_shown(asked, asked.names[0]), id=asked.names[0])


def events_send(asked: Asked) -> Answer:
    """POST sessions/{id}/events: each message makes a request to the model."""
    events = _session(asked, asked.names[0])["events"]
    sent = [{**event, "id": asked.world.id("sevt_"), "processed_at": _THEN} for event in asked.get("events", ())]
    for event in sent:
        started, ended = asked.world.id("sevt_"), asked.world.id("sevt_")
        used = Spent(input=50 + characters(event), output=_TEXT, total=50 + characters(event) + _TEXT)
        span = {"id": ended, "type": "span.model_request_end", "model_request_start_id": started, "is_error": False, "model_usage": _usage(used)}
        said = {"id": asked.world.id("sevt_"), "type": "agent.message", "content": [{"type": "text", "text": "Hello."}]}
        idle = {"id": asked.world.id("sevt_"), "type": "session.status_idle", "stop_reason": {"type": "end_turn"}}
        shown = ({"id": started, "type": "span.model_request_start"}, said, span, idle)
        events += [(event, None), *(({**each, "processed_at": _THEN}, used if each is span else None) for each in shown)]
    return Answer({"data": sent}, status=200)


def events_list(asked: Asked) -> Answer:
    """GET sessions/{id}/events."""
    due, shown = _due(asked)
    return Answer({"data": shown, "next_page": None}, usage=sum(due, Spent()), billed=bool(due), calls=len(due))


def events_stream(asked: Asked) -> Answer:
    """GET sessions/{id}/events/stream, and a thread's."""
    due, shown = _due(asked)
    return Answer(events=[Event(each, each["type"]) for each in shown], usage=sum(due, Spent()), billed=bool(due), calls=len(due), done=False)


def _due(asked: Asked) -> Tuple[List[Spent], List[Dict[str, Any]]]:
    """What the events of a session bill that were not shown before, and all of its events."""
    session = _session(asked, asked.names[0])
    due = [used for _, used in session["events"] if used is not None]
    shown = [event for event, _ in session["events"]]
    session["events"] = [(event, None) for event in shown]
    return due, shown


def deployment_run(asked: Asked) -> Answer:
    """POST deployments/{id}/run: starts a session with something to do."""
    session = session_create(asked)
    run = {"id": asked.world.id("drun_"), "type": "deployment_run", "deployment_id": asked.names[0], "session_id": session.id, "created_at": _THEN}
    return Answer({**run, "error": None, "agent": {"type": "agent", "id": "agent_loopback"}, "trigger_context": {"type": "manual"}}, id=str(run["id"]))


def dream_create(asked: Asked) -> Answer:
    """POST dreams."""
    identifier, used = asked.world.id("drm_"), Spent(input=300, output=40, total=340)

    def view(state: str) -> Dict[str, Any]:
        spent = used if state == "completed" else Spent()
        made = {"id": identifier, "type": "dream", "status": state, "model": {"id": asked.model, "speed": "standard"}, "created_at": _THEN}
        return {**made, "inputs": [], "outputs": [], "session_id": None, "error": None, "usage": _usage(spent), "output_behavior": {"type": "create_new"}}

    asked.world.jobs[identifier] = Job(identifier, ["pending", "running", "completed"], view, [used])
    return Answer(view("pending"), id=identifier)


def dream_stop(asked: Asked) -> Answer:
    """POST dreams/{id}/cancel or archive: shows it as it is."""
    job = _job(asked)
    return Answer(job.view(job.state), id=job.id)
