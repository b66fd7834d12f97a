"""Perplexity's API as it answers on the wire: it says itself what a call cost.

One token costs a millionth of a dollar, an output token three; a chat adds half a cent for its search.
"""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping

from . import openai_responses
from .answers import Answer, Asked, Event, Refused, Spent, characters, input_tokens, visible_tokens, words
from .faults import rewritten
from .openai_text import vector
from .world import Job

_INPUT_PRICE, _OUTPUT_PRICE, _SEARCH_PRICE = 1e-6, 3e-6, 0.005
_PAGES = ("https://example.com/one", "https://example.org/two")


def _results() -> List[Dict[str, Any]]:
    more = {"date": "2025-01-02", "last_updated": "2025-03-04", "snippet": "A page.", "source": "web"}
    return [{"title": "Page %d" % at, "url": url, **more} for at, url in enumerate(_PAGES)]


def chat(asked: Asked) -> Answer:
    """POST chat/completions. Deep research reports reasoning and citations beside the completion."""
    given = input_tokens(asked, asked.get("messages", []))
    pieces = words(visible_tokens(given, asked.get("max_tokens")))
    deep = "research" in asked.model
    reasoning, citations, queries = (41 + given % 13, 17 + given % 5, 4) if deep else (0, 0, 1)
    parts = {
        "input_tokens_cost": given * _INPUT_PRICE,
        "output_tokens_cost": len(pieces) * _OUTPUT_PRICE,
        "reasoning_tokens_cost": reasoning * _OUTPUT_PRICE if deep else None,
        "citation_tokens_cost": citations * _INPUT_PRICE if deep else None,
        "search_queries_cost": queries * _SEARCH_PRICE if deep else None,
        "request_cost": _SEARCH_PRICE,
    }
    total = round(sum(value for value in parts.values() if value is not None), 9)
    used = Spent(given, len(pieces), given + len(pieces), reasoning=reasoning, searches=queries, cost=total)
    usage: Dict[str, Any] = {"prompt_tokens": given, "completion_tokens": len(pieces), "total_tokens": used.total, "search_context_size": "low"}
    if deep:
        usage.update(citation_tokens=citations, num_search_queries=queries, reasoning_tokens=reasoning)
    usage["cost"] = {name: value for name, value in {**parts, "total_cost": total}.items() if value is not None}
    shell = {"id": asked.world.id("pplx-"), "model": asked.model, "created": asked.world.now()}
    paid = Answer(usage=used, billed=True, id=str(shell["id"]), model=asked.model)
    if asked.streamed:
        return replace(paid, events=_chunks(shell, usage, pieces))
    return replace(paid, body=_message(shell, usage, "chat.completion", "".join(pieces), "", "stop"))


def _message(shell: Mapping[str, Any], usage: Any, kind: str, text: str, delta: str, finish: Any) -> Dict[str, Any]:
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text},
        "delta": {"role": "assistant", "content": delta},
    }
    return {**shell, "object": kind, "usage": usage, "citations": list(_PAGES), "search_results": _results(), "choices": [choice]}


def _chunks(shell: Mapping[str, Any], usage: Mapping[str, Any], pieces: List[str]) -> List[Event]:
    """Counts grow from chunk to chunk and the money is there at the end only."""
    found, nothing = [], {"input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "total_cost": 0.0}
    for at, piece in enumerate(pieces):
        so_far = {**usage, "completion_tokens": at + 1, "total_tokens": usage["prompt_tokens"] + at + 1, "cost": nothing}
        found.append(Event(_message(shell, so_far, "chat.completion.chunk", "".join(pieces[: at + 1]), piece, None)))
    return [*found, Event(_message(shell, usage, "chat.completion.done", "".join(pieces), "", "stop"))]


def later(asked: Asked) -> Answer:
    """POST async/chat/completions: billed with the retrieval that first shows it completed."""
    wanted = asked.get("request", {})
    done = chat(replace(asked, body={**wanted, "stream": False}))
    made = {"id": asked.world.id("async-"), "created_at": asked.world.now(), "model": str(wanted.get("model"))}

    def view(state: str) -> Dict[str, Any]:
        ended, now = state == "COMPLETED", asked.world.now()
        times = {"started_at": None if state == "CREATED" else now, "completed_at": now if ended else None, "failed_at": None}
        return {**made, **times, "status": state, "error_message": None, "response": done.body if ended else None}

    job = Job(str(made["id"]), ["CREATED", "IN_PROGRESS", "COMPLETED"], view, done.usage)
    asked.world.jobs[job.id] = job
    return Answer(view("CREATED"), id=job.id, model=str(made["model"]))


def later_retrieve(asked: Asked) -> Answer:
    """GET async/chat/completions/{id}."""
    job = asked.world.job(asked.names[0])
    if job is None:
        raise Refused("No such request: %s" % asked.names[0], "id", 404)
    view = job.view(job.advance())
    due = job.bill()
    return Answer(view, usage=job.kept if due else Spent(), billed=due, id=job.id, model=view["model"])


def later_list(asked: Asked) -> Answer:
    """GET async/chat/completions."""
    jobs = [job.view(job.state) for name, job in asked.world.jobs.items() if name.startswith("async-")]
    return Answer({"requests": [{key: job[key] for key in ("id", "created_at", "model", "status")} for job in jobs], "next_token": None})


def responses(asked: Asked) -> Answer:
    """POST responses: OpenAI's shape with Perplexity's usage."""
    return _priced(openai_responses.create(asked))


def responses_retrieve(asked: Asked) -> Answer:
    """GET responses/{id}."""
    return _priced(openai_responses.retrieve(asked))


def _priced(answer: Answer) -> Answer:
    events = None if answer.events is None else [replace(event, data=rewritten(event.data, _usage)) for event in answer.events]
    used = answer.usage
    cost = round(used.input * _INPUT_PRICE + used.output * _OUTPUT_PRICE, 9)
    return replace(answer, body=rewritten(answer.body, _usage), events=events, usage=replace(used, cost=cost))


def _usage(usage: Mapping[str, Any]) -> Dict[str, Any]:
    paid = {"input_cost": usage["input_tokens"] * _INPUT_PRICE, "output_cost": usage["output_tokens"] * _OUTPUT_PRICE}
    details = usage["input_tokens_details"]
    return {
        **{name: usage[name] for name in ("input_tokens", "output_tokens", "total_tokens")},
        "cost": {"currency": "USD", **paid, "total_cost": round(sum(paid.values()), 9)},
        "input_tokens_details": {"cache_creation_input_tokens": details["cache_write_tokens"], "cache_read_input_tokens": details["cached_tokens"]},
        "tool_calls_details": {"web_search": {"invocation": 1}},
    }


def embeddings(asked: Asked) -> Answer:
    """POST embeddings: vectors of bytes in base64."""
    sent = asked.get("input", "")
    data = [_embedded(at, text, asked) for at, text in enumerate(sent if isinstance(sent, list) else [sent])]
    return _embeddings(asked, data)


def contextualized_embeddings(asked: Asked) -> Answer:
    """POST contextualizedembeddings: documents of several chunks."""
    data = []
    for at, chunks in enumerate(asked.get("input", [])):
        data.append({"object": "list", "index": at, "data": [_embedded(number, text, asked) for number, text in enumerate(chunks)]})
    return _embeddings(asked, data)


def _embedded(at: int, text: str, asked: Asked) -> Dict[str, Any]:
    numbers = [int(value * 1000) for value in vector(str(text), int(asked.get("dimensions", 16)))]
    return {"object": "embedding", "index": at, "embedding": base64.b64encode(bytes(number % 256 for number in numbers)).decode()}


def _embeddings(asked: Asked, data: List[Dict[str, Any]]) -> Answer:
    given = input_tokens(asked, asked.get("input", ""))
    cost = round(given * _INPUT_PRICE, 9)
    usage = {"prompt_tokens": given, "total_tokens": given, "cost": {"currency": "USD", "input_cost": cost, "total_cost": cost}}
    body = {"object": "list", "model": asked.model, "data": data, "usage": usage}
    return Answer(body, usage=Spent(input=given, total=given, cost=cost), billed=True, model=asked.model)


def search(asked: Asked) -> Answer:
    """POST search: paid by the request; the answer does not say how much."""
    queries = asked.get("query", "")
    identifier = asked.world.id("search-")
    body = {"id": identifier, "results": _results(), "server_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return Answer(body, usage=Spent(searches=len(queries) if isinstance(queries, list) else 1), billed=True, id=identifier)


def decisions(asked: Asked) -> Answer:
    """POST decisions: named questions about a state."""
    questions: Mapping[str, Mapping[str, Any]] = asked.get("questions", {})
    given, made = 20 + characters(asked.get("state", "")) + 10 * len(questions), 2 * len(questions)
    answers = {name: _decided(question) for name, question in questions.items()}
    body = {"answers": answers, "model": asked.model, "usage": {"input_tokens": given, "output_tokens": made}}
    return Answer(body, usage=Spent(given, made, given + made), billed=True, model=asked.model)


def _decided(question: Mapping[str, Any]) -> Dict[str, Any]:
    criteria: Any = question.get("criteria") or {}
    if question.get("type") == "choice":
        names = list(criteria) or ["yes"]
        return {"type": "choice", "choice": names[0], "confidence": 0.75, "probabilities": {name: 1.0 / len(names) for name in names}}
    if question.get("type") == "score":
        legend = {str(at): text for at, text in enumerate(criteria)}
        return {"type": "score", "score": 1.0, "confidence": 0.75, "probabilities": {name: 1.0 / len(legend) for name in legend}, "legend": legend}
    return {"type": "noul", "noul": 0.75}


def session_create(asked: Asked) -> Answer:
    """POST browser/sessions: one bill, in a quantity of which no answer says anything."""
    return Answer({"session_id": asked.world.id("session-"), "status": "running"}, billed=True)


def session_delete(asked: Asked) -> Answer:
    """DELETE browser/sessions/{id}."""
    return Answer({"session_id": asked.names[0], "status": "stopped"})
