"""Ollama's own API as it answers on the wire: lines of JSON in a stream, counts and nanoseconds in the last of them."""

from __future__ import annotations

import time
from typing import Any, Dict, List

from .answers import Answer, Asked, Event, Spent, input_tokens, spent, visible_tokens, words
from .openai_text import vector

_NANOSECONDS = {"total_duration": 5_000_000, "load_duration": 1_000_000, "prompt_eval_duration": 1_500_000, "eval_duration": 2_500_000}


def _streamed(asked: Asked) -> bool:
    """Ollama streams unless told not to."""
    return asked.get("stream", True) is True


def _limit(asked: Asked) -> Any:
    return (asked.get("options") or {}).get("num_predict")


def _answered(asked: Asked, given: int, part: Any) -> Answer:
    """A text answer; ``part`` puts a piece of text into the shape of its endpoint."""
    shell = {"model": asked.model, "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())}
    if not given:
        return Answer({**shell, **part(""), "done": True, "done_reason": "load"}, model=asked.model)
    pieces = words(visible_tokens(given, _limit(asked)))
    reason = "length" if _limit(asked) is not None else "stop"
    counts = {"prompt_eval_count": given, "eval_count": len(pieces), **_NANOSECONDS}
    used = spent("", given, len(pieces))
    last: Dict[str, Any] = {**shell, "done": True, "done_reason": reason, **counts}
    if not _streamed(asked):
        return Answer({**last, **part("".join(pieces))}, usage=used, billed=True, model=asked.model)
    events: List[Event] = [Event({**shell, **part(piece), "done": False}) for piece in pieces]
    return Answer(events=[*events, Event({**last, **part("")})], lines=True, usage=used, billed=True, model=asked.model)


def chat(asked: Asked) -> Answer:
    """POST api/chat. Without messages it only loads the model."""
    messages = asked.get("messages", [])
    return _answered(asked, input_tokens(asked, messages) if messages else 0, lambda text: {"message": {"role": "assistant", "content": text}})


def generate(asked: Asked) -> Answer:
    """POST api/generate. Without a prompt it only loads the model."""
    prompt = asked.get("prompt", "")
    return _answered(asked, input_tokens(asked, prompt) if prompt else 0, lambda text: {"response": text})


def embed(asked: Asked) -> Answer:
    """POST api/embed."""
    sent = asked.get("input", "")
    given = input_tokens(asked, sent)
    vectors = [vector(str(text), 8) for text in (sent if isinstance(sent, list) else [sent])]
    body = {"model": asked.model, "embeddings": vectors, "total_duration": 5_000_000, "load_duration": 1_000_000, "prompt_eval_count": given}
    return Answer(body, usage=Spent(given, 0, given), billed=True, model=asked.model)


def embeddings(asked: Asked) -> Answer:
    """POST api/embeddings, the older way, which counts nothing."""
    return Answer({"embedding": vector(str(asked.get("prompt", "")), 8)}, billed=True, model=asked.model)


def systemone(asked: Asked) -> Answer:
    """POST v1/systemone: one probability per question."""
    given = input_tokens(asked, asked.get("state", ""))
    answers = {name: {"type": "noul", "noul": 0.5} for name in asked.get("questions", {})}
    used = Spent(given, len(answers), given + len(answers))
    return Answer(
        {"model": asked.model, "answers": answers, "usage": {"input_tokens": used.input, "output_tokens": used.output}},
        usage=used,
        billed=True,
        model=asked.model,
    )


def web_search(asked: Asked) -> Answer:
    """POST api/web_search."""
    return Answer({"results": [{"title": "A page", "url": "https://example.com/", "content": "Text."}]}, billed=True, model="web_search")


def web_fetch(asked: Asked) -> Answer:
    """POST api/web_fetch."""
    return Answer({"title": "A page", "content": "Text.", "links": []}, billed=True, model="web_fetch")


def models(asked: Asked) -> Answer:
    """GET api/tags and GET api/ps."""
    return Answer({"models": []})


def administration(asked: Asked) -> Answer:
    """Pull, push, create, show, copy, delete."""
    return Answer({"status": "success"})
