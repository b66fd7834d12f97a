"""OpenAI's images, audio and videos as they answer on the wire.

* images: 85 input tokens per image sent, ``100 + input % 50`` output tokens per image made; DALL-E reports no usage
* audio heard: ``2 + bytes % 97`` seconds and a bit; billed in whole seconds, or for gpt-4o models 10 audio tokens each
* videos: the seconds asked for
"""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from typing import Any, Dict, List, Mapping

from .answers import Answer, Asked, Event, Refused, Spent, characters, uploads, visible_tokens, words
from .world import Job

_PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82"
).decode()
_SOUND = b"\xff\xfb\x90\x00" + b"\0" * 413
_MEDIA_TYPES = {"mp3": "audio/mpeg", "opus": "audio/opus", "aac": "audio/aac", "flac": "audio/flac", "wav": "audio/wav", "pcm": "audio/pcm"}


def generations(asked: Asked) -> Answer:
    """POST images/generations."""
    return _images(asked, "image_generation", 0)


def edits(asked: Asked) -> Answer:
    """POST images/edits: the images to edit come in a form, or by reference in JSON."""
    sent = asked.get("images")
    return _images(asked, "image_edit", len(uploads(asked.get("image"))) or (len(sent) if isinstance(sent, list) else 1))


def variations(asked: Asked) -> Answer:
    """POST images/variations: DALL-E only."""
    return _images(asked, "image_variation", 1)


def _images(asked: Asked, kind: str, sent: int) -> Answer:
    model, count = str(asked.get("model", "dall-e-2")), int(asked.get("n", 1))
    created, size = asked.world.now(), str(asked.get("size", "1024x1024"))
    if not model.startswith(("gpt-image", "chatgpt-image")):
        one = {"b64_json": _PNG} if asked.get("response_format") == "b64_json" else {"url": "https://images.example.com/%s.png" % asked.world.id("img-")}
        if model == "dall-e-3":
            one["revised_prompt"] = str(asked.get("prompt", ""))
        return Answer({"created": created, "data": [dict(one) for _ in range(count)]}, usage=Spent(images=count), billed=True, model=model)
    text, seen = 20 + characters(asked.get("prompt", "")), 85 * sent
    made = count * (100 + (text + seen) % 50)
    used = Spent(input=text + seen, output=made, total=text + seen + made, image_input=seen, images=count)
    shape = {
        "background": "opaque" if asked.get("background", "auto") == "auto" else asked.get("background"),
        "output_format": asked.get("output_format", "png"),
        "quality": "medium" if asked.get("quality", "auto") == "auto" else asked.get("quality"),
        "size": "1024x1024" if size == "auto" else size,
    }
    paid = Answer(usage=used, billed=True, model=model)
    if asked.streamed:
        return replace(paid, events=_image_events(asked, kind, shape, used), done=False)
    usage = {**_image_usage(used), "output_tokens_details": {"image_tokens": made, "text_tokens": 0}}
    return replace(paid, body={"created": created, **shape, "data": [{"b64_json": _PNG} for _ in range(count)], "usage": usage})


def _image_usage(used: Spent) -> Dict[str, Any]:
    details = {"image_tokens": used.image_input, "text_tokens": used.input - used.image_input}
    return {"input_tokens": used.input, "input_tokens_details": details, "output_tokens": used.output, "total_tokens": used.total}


def _image_events(asked: Asked, kind: str, shape: Mapping[str, Any], used: Spent) -> List[Event]:
    common = {"b64_json": _PNG, "created_at": asked.world.now(), **shape}
    names = [(kind + ".partial_image", {"partial_image_index": at}) for at in range(int(asked.get("partial_images", 0)))]
    events = [Event({"type": name, **common, **more}, name) for name, more in names]
    last = kind + ".completed"
    return [*events, Event({"type": last, **common, "usage": _image_usage(used)}, last)]


def speech(asked: Asked) -> Answer:
    """POST audio/speech: sound, or its events with the tokens where ``stream_format`` is ``sse``."""
    said, model = str(asked.get("input", "")), asked.model
    paid = Answer(usage=Spent(characters=len(said)), billed=True, model=model)
    if asked.get("stream_format") != "sse":
        return replace(paid, content=_SOUND * 3, media_type=_MEDIA_TYPES.get(str(asked.get("response_format", "mp3")), "audio/mpeg"))
    if model.startswith("tts-1"):
        raise Refused("'sse' is not supported for this model.", "stream_format")
    given, made = 20 + len(said) + characters(asked.get("instructions", "")), 30 + len(said) % 41
    used = Spent(input=given, output=made, total=given + made, audio_output=made, characters=len(said))
    usage = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    deltas = [{"type": "speech.audio.delta", "audio": base64.b64encode(_SOUND).decode()} for _ in range(3)]
    events = [Event(data) for data in [*deltas, {"type": "speech.audio.done", "usage": usage}]]
    return replace(paid, usage=used, events=events, done=False)


def transcriptions(asked: Asked) -> Answer:
    """POST audio/transcriptions, by duration for whisper and by tokens for the gpt models."""
    duration, text = _heard(asked), "".join(words(visible_tokens(int(_heard(asked)))))
    form = str(asked.get("response_format", "json"))
    if asked.model.startswith("whisper"):
        used = Spent(seconds=float(math.ceil(duration)))
        return _transcript(asked, form, duration, text, used, {"type": "duration", "seconds": math.ceil(duration)})
    heard, prompt, made = 10 * math.ceil(duration), characters(asked.get("prompt", "")), visible_tokens(int(duration))
    used = Spent(input=heard + prompt, output=made, total=heard + prompt + made, audio_input=heard)
    details = {"audio_tokens": heard, "text_tokens": prompt}
    usage = {"type": "tokens", "input_tokens": used.input, "input_token_details": details, "output_tokens": made, "total_tokens": used.total}
    if not asked.streamed:
        return _transcript(asked, form, duration, text, used, usage)
    deltas: List[Dict[str, Any]] = [{"type": "transcript.text.delta", "delta": word} for word in words(made)]
    events = [Event(data, data["type"]) for data in [*deltas, {"type": "transcript.text.done", "text": text, "usage": usage}]]
    return Answer(events=events, usage=used, billed=True, model=asked.model)


def translations(asked: Asked) -> Answer:
    """POST audio/translations: whisper only, and only ``verbose_json`` says how long the sound was."""
    duration, form = _heard(asked), str(asked.get("response_format", "json"))
    answer = _transcript(asked, form, duration, "".join(words(visible_tokens(int(duration)))), Spent(seconds=float(math.ceil(duration))), None)
    if isinstance(answer.body, dict) and form == "verbose_json":
        answer.body.update(task="translate")
    return answer


def _heard(asked: Asked) -> float:
    files = uploads(asked.get("file"))
    if not files:
        raise Refused("Missing required parameter: 'file'.", "file")
    return 2.4 + files[0].size % 97


def _transcript(asked: Asked, form: str, duration: float, text: str, used: Spent, usage: Any) -> Answer:
    paid = Answer(usage=used, billed=True, model=asked.model)
    clock = "%02d:%02d" % divmod(int(duration), 60)
    plain = {
        "text": text + "\n",
        "srt": "1\n00:00:00,000 --> 00:%s,400\n%s\n\n" % (clock, text),
        "vtt": "WEBVTT\n\n00:00.000 --> %s.400\n%s\n\n" % (clock, text),
    }
    if form in plain:
        return replace(paid, content=plain[form].encode(), media_type="text/plain; charset=utf-8")
    body: Dict[str, Any] = {"text": text}
    if form == "verbose_json":
        numbers = {"id": 0, "seek": 0, "start": 0.0, "end": duration, "temperature": 0.0, "avg_logprob": -0.3, "compression_ratio": 1.1}
        segment = {**numbers, "no_speech_prob": 0.01, "text": text, "tokens": [50364, 50464]}
        body.update(task="transcribe", language="english", duration=duration, segments=[segment])
    elif form == "diarized_json":
        segment = {"type": "transcript.text.segment", "id": "seg_0", "start": 0.0, "end": duration, "text": text, "speaker": "A"}
        body.update(task="transcribe", duration=duration, segments=[segment])
    if usage is not None:
        body["usage"] = usage
    return replace(paid, body=body)


def video_create(asked: Asked) -> Answer:
    """POST videos, and edits, extensions and remixes of one: a job that is billed when it is seen done."""
    source = asked.names[0] if asked.names else (asked.get("video") or {}).get("id") if isinstance(asked.get("video"), dict) else None
    before = asked.world.job(str(source))
    made = seconds = int(asked.get("seconds", before.kept.seconds if before is not None else 4))
    if asked.request.path.rstrip("/").endswith("extensions") and before is not None:
        seconds += int(before.kept.seconds)  # shown as the stitched whole; what is made is the new segment
    body = {
        "id": asked.world.id("video_"),
        "object": "video",
        "created_at": asked.world.now(),
        "model": str(asked.get("model", "sora-2")),
        "prompt": asked.get("prompt"),
        "seconds": str(seconds),
        "size": str(asked.get("size", "720x1280")),
        "error": None,
        "expires_at": None,
        "remixed_from_video_id": source if asked.request.path.rstrip("/").endswith("remix") else None,
    }

    def view(state: str) -> Dict[str, Any]:
        ended = state == "completed"
        progress = {"queued": 0, "in_progress": 50}.get(state, 100)
        return {**body, "status": state, "progress": progress, "completed_at": asked.world.now() if ended else None}

    job = Job(str(body["id"]), ["queued", "in_progress", "completed"], view, Spent(seconds=float(made)))
    asked.world.jobs[job.id] = job
    return Answer(view("queued"), id=job.id, model=str(body["model"]))


def video_retrieve(asked: Asked) -> Answer:
    """GET videos/{id}: one state further each time."""
    job = _video(asked)
    shown = job.view(job.advance())
    due = job.bill()
    return Answer(shown, usage=job.kept if due else Spent(), billed=due, id=job.id, model=shown["model"])


def video_list(asked: Asked) -> Answer:
    """GET videos."""
    data = [job.view(job.state) for name, job in asked.world.jobs.items() if name.startswith("video_")]
    return Answer({"object": "list", "data": data, "first_id": None, "last_id": None, "has_more": False})


def video_content(asked: Asked) -> Answer:
    """GET videos/{id}/content."""
    _video(asked)
    return Answer(content=b"\0\0\0\x18ftypmp42" + b"\0" * 64, media_type="video/mp4")


def video_delete(asked: Asked) -> Answer:
    """DELETE videos/{id}."""
    del asked.world.jobs[_video(asked).id]
    return Answer({"id": asked.names[0], "object": "video.deleted", "deleted": True})


def character_create(asked: Asked) -> Answer:
    """POST videos/characters."""
    body = {"id": asked.world.id("char_"), "created_at": asked.world.now(), "name": asked.get("name")}
    asked.world.objects[str(body["id"])] = body
    return Answer(body)


def _video(asked: Asked) -> Job:
    job = asked.world.job(asked.names[0])
    if job is None:
        raise Refused("Video with id '%s' not found." % asked.names[0], "video_id", 404)
    return job
