"""OpenAI's sessions that run at the provider, as they answer on the wire: agents, containers, calls and live sessions.

A turn of an agent costs 50 input tokens and one per character of what it was asked, and seven output tokens. Events show it
ended, and each look at it one state further; it is billed with the answer that first shows it ended. A container is billed
by being started, in a quantity that no answer tells.
"""

from __future__ import annotations

from typing import Any, Dict, List

from .answers import Answer, Asked, Event, Refused, Spent, characters
from .openai_responses import usage_of_response
from .world import Job

_AGENT = {"id": "agent_loopback", "model": "gpt-6-luna", "reasoning": {}, "service_tier": "default", "text": {}, "tools": []}
_TEXT = 7


def container_create(asked: Asked) -> Answer:
    """POST containers, and the environments of agents, which are containers too."""
    body = {"id": asked.world.id("cntr_"), "object": "container", "created_at": asked.world.now(), "name": asked.get("name"), "status": "running"}
    return Answer(body, billed=True, id=str(body["id"]))


def session_create(asked: Asked) -> Answer:
    """POST agents/sessions: with something to do it starts a turn, and a streamed one shows it ending."""
    identifier = asked.world.id("asess_")
    asked.world.objects[identifier] = {
        "id": identifier,
        "object": "agent.session",
        "agent": {**_AGENT, **(asked.get("agent") or {})},
        "created_at": asked.world.now(),
        "last_active_at": asked.world.now(),
        "environment": {"type": "none"},
        "metadata": {},
        "required_actions": [],
        "status": "idle",
        "usage": None,
        "vault_ids": [],
    }
    if asked.get("input"):
        _start(asked, identifier, asked.get("input"))
    if not asked.streamed:
        return Answer(asked.world.objects[identifier], id=identifier)
    created = {"type": "agent.session.created", "event_id": asked.world.id("event_"), "session": asked.world.objects[identifier], "session_id": identifier}
    return _shown(asked, identifier, [created])


def session_update(asked: Asked) -> Answer:
    """POST agents/sessions/{id}."""
    return Answer(_session(asked))


def event_create(asked: Asked) -> Answer:
    """POST agents/sessions/{id}/events: what was said starts a turn, unless a subscriber has it already."""
    awaited = _session(asked).pop("awaited", False)
    if not awaited:
        _start(asked, asked.names[0], asked.get("events", []))
    return Answer(status=204, content=b"")


def events(asked: Asked) -> Answer:
    """GET agents/sessions/{id}/events: the turns that have not been shown yet; before the first, the one that will come."""
    session = _session(asked)
    if not _turns(asked, asked.names[0]):
        session["awaited"] = True
        _start(asked, asked.names[0], "")
    return _shown(asked, asked.names[0], [])


def turns(asked: Asked) -> Answer:
    """GET agents/sessions/{id}/turns."""
    jobs = _turns(asked, asked.names[0])
    data = [job.view(job.advance()) for job in jobs]
    due = [job.kept for job in jobs if job.bill()]
    return Answer({"object": "list", "data": data, "has_more": False}, usage=sum(due, Spent()), billed=bool(due), calls=len(due))


def turn(asked: Asked) -> Answer:
    """GET agents/sessions/{id}/turns/{id}."""
    job = asked.world.job(asked.names[1])
    if job is None:
        raise Refused("No such turn: %s" % asked.names[1], "turn_id", 404)
    shown = job.view(job.advance())
    due = job.bill()
    return Answer(shown, usage=job.kept if due else Spent(), billed=due, id=job.id)


def invocation(asked: Asked) -> Answer:
    """POST agents/automations/{id}/invocations: runs the automation now, in a session of its own."""
    session = session_create(asked)
    _start(asked, str(session.id), "an automation")
    body = {"id": asked.world.id("autinv_"), "object": "agent.automation.invocation", "automation_id": asked.names[0], "created_at": asked.world.now()}
    asked.world.objects[str(body["id"])] = {**body, "session_id": session.id, "status": "completed", "source": "manual"}
    return Answer(asked.world.objects[str(body["id"])])


def call_create(asked: Asked) -> Answer:
    """POST realtime/calls: the answer is the peer's description; the call is named beside it."""
    identifier = asked.world.id("rtc_")
    return Answer(content=b"v=0\r\n", media_type="application/sdp", headers={"location": "/v1/realtime/calls/%s" % identifier}, id=identifier, status=201)


def live_create(asked: Asked) -> Answer:
    """POST live/sessions, and a fork of one."""
    identifier = asked.world.id("live_")
    return Answer({"session": {"id": identifier}, "transport": {"type": "webrtc", "sdp": "v=0\r\n"}}, id=identifier)


def accepted(asked: Asked) -> Answer:
    """POST realtime/calls/{id}/accept and its like for live sessions."""
    return Answer({})


def _session(asked: Asked) -> Dict[str, Any]:
    found = asked.world.objects.get(asked.names[0])
    if found is None:
        raise Refused("No such session: %s" % asked.names[0], "session_id", 404)
    return found


def _start(asked: Asked, session: str, said: Any) -> None:
    given = 50 + characters(said)
    used = Spent(given, _TEXT, given + _TEXT)
    identifier, created = asked.world.id("turn_"), asked.world.now()

    def view(state: str) -> Dict[str, Any]:
        shown = {"id": identifier, "object": "agent.session.turn", "agent_id": _AGENT["id"], "session_id": session, "status": state}
        usage = usage_of_response(used) if state == "completed" else None
        return {**shown, "created_at": created, "started_at": created, "completed_at": None, "error": None, "usage": usage}

    asked.world.jobs[identifier] = Job(identifier, ["queued", "in_progress", "completed"], view, used, group=session)


def _turns(asked: Asked, session: str) -> List[Job]:
    return [job for job in asked.world.jobs.values() if job.group == session]


def _shown(asked: Asked, session: str, before: List[Dict[str, Any]]) -> Answer:
    jobs = _turns(asked, session)
    for job in jobs:
        job.seen = len(job.steps) - 1
    due = [job for job in jobs if job.bill()]
    found = [Event(event, str(event["type"])) for event in before]
    for job in due:
        shown = {"session_id": session, "turn": job.view("completed"), "turn_id": job.id}
        for state, usage in (("created", None), ("completed", usage_of_response(job.kept))):
            kind = "agent.session.turn." + state
            more = {"event_id": asked.world.id("event_"), "usage": usage}
            found.append(Event({**shown, **more, "type": kind}, kind))
        idle = {"type": "agent.session.idle", "event_id": asked.world.id("event_"), "session_id": session}
        found.append(Event(idle, "agent.session.idle"))
    return Answer(events=found, usage=sum((job.kept for job in due), Spent()), billed=bool(due), calls=len(due), done=False)
