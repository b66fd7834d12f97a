"""fal's API as it answers on the wire, after its documentation and the client that reads it: there are no recordings of it.

What an application makes is told by its name: ``tts`` or ``audio`` sound, ``whisper`` text of sound, ``video`` a film,
``any-llm`` or ``router`` text with counts, everything else as many images as were asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Tuple

from .answers import Answer, Asked, Event, Refused, Spent, input_tokens, visible_tokens, words
from .world import Job

_FILE = {"file_size": 1024}


def _made(asked: Asked, application: str) -> Tuple[Dict[str, Any], Spent]:
    """The result of an application, and what it used."""
    name = application.lower()
    if "any-llm" in name or "router" in name:
        return _text(asked)
    if "whisper" in name:
        return {"text": "Hello there", "chunks": [{"timestamp": [0.0, 2.5], "text": "Hello there"}]}, Spent()
    if "video" in name:
        seconds = float(str(asked.get("duration", 5)).rstrip("s"))
        return {"video": {"url": "https://example.com/a.mp4", "content_type": "video/mp4", "duration": seconds, **_FILE}}, Spent(seconds=seconds)
    if "tts" in name or "audio" in name:
        spoken = asked.get("text", asked.get("prompt", ""))
        return {"audio": {"url": "https://example.com/a.mp3", "content_type": "audio/mpeg", "duration": 2.5, **_FILE}}, Spent(
            seconds=2.5, characters=len(spoken)
        )
    count = int(asked.get("num_images", 1))
    image = {"url": "https://example.com/a.jpg", "width": 1024, "height": 576, "content_type": "image/jpeg"}
    return {"images": [image] * count, "timings": {"inference": 0.5}, "seed": 7, "has_nsfw_concepts": [False] * count, "prompt": asked.get("prompt")}, Spent(
        images=count
    )


def _text(asked: Asked) -> Tuple[Dict[str, Any], Spent]:
    given = input_tokens(asked, asked.get("prompt", ""))
    pieces = words(visible_tokens(given))
    usage = {"prompt_tokens": given, "completion_tokens": len(pieces), "total_tokens": given + len(pieces)}
    return {"output": "".join(pieces), "partial": False, "error": None, "usage": usage}, Spent(given, len(pieces), usage["total_tokens"])


def run(asked: Asked) -> Answer:
    """POST https://fal.run/<application>."""
    body, used = _made(asked, asked.names[0])
    request = asked.world.id("req-")
    return Answer(body, usage=used, billed=True, id="fal-" + request, model=asked.names[0], headers={"x-fal-request-id": request})


def stream(asked: Asked) -> Answer:
    """POST https://fal.run/<application>/stream: each event has the whole of what is there so far."""
    body, used = _made(asked, asked.names[0])
    if "output" in body:
        pieces = words(used.output)
        events: List[Any] = [{"output": "".join(pieces[: at + 1]), "partial": True} for at in range(len(pieces))] + [body]
    else:
        events = [body, body]
    return Answer(events=[Event(event) for event in events], done=False, usage=used, billed=True, model=asked.names[0])


def submit(asked: Asked) -> Answer:
    """POST https://queue.fal.run/<application>: billed with the first fetch of the result."""
    application = asked.names[0]
    body, used = _made(asked, application)
    job = Job(asked.world.id("req-"), ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"], lambda state: body, used)
    asked.world.jobs[job.id] = job
    short = "/".join(application.split("/")[:2])
    address = "http://%s/fal/queue/%s/requests/%s" % (asked.request.host, short, job.id)
    urls = {"response_url": address, "status_url": address + "/status", "cancel_url": address + "/cancel"}
    return Answer({"status": "IN_QUEUE", "request_id": job.id, "queue_position": 0, **urls}, headers={"x-fal-request-id": job.id})


def _job(asked: Asked) -> Job:
    job = asked.world.job(asked.names[1])
    if job is None:
        raise Refused("Request not found", status=404)
    return job


def status(asked: Asked) -> Answer:
    """GET .../status, which moves the job on."""
    job = _job(asked)
    state = job.advance()
    shown: Dict[str, Any] = {"status": state, "request_id": job.id, "queue_position": 0, "logs": []}
    return Answer({**shown, "metrics": {"inference_time": 0.5}} if state == "COMPLETED" else shown)


def result(asked: Asked) -> Answer:
    """GET the result of a finished job."""
    job = _job(asked)
    if not job.ended:
        raise Refused("Request is still in progress")
    due = job.bill()
    found = Answer(job.view("COMPLETED"), id="fal-" + job.id, model=asked.names[0], headers={"x-fal-request-id": asked.world.id("req-")})
    return replace(found, usage=job.kept, billed=True) if due else found


def cancel(asked: Asked) -> Answer:
    """PUT .../cancel."""
    _job(asked).end("CANCELLED")
    return Answer({"status": "CANCELLATION_REQUESTED"}, status=202)
