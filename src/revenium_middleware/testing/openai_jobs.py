"""OpenAI's files and the work done on them later, as they answer on the wire: batches, fine-tuning, evaluations, decisions.

Each retrieval shows a job one state further on. What was spent is billed once:

* a batch with the first download of its results, one call per line
* fine-tuning with the retrieval that shows it succeeded: ``100 + bytes of the training file`` input tokens
* an evaluation with the retrieval that shows it completed: one call per model
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .answers import Answer, Asked, Refused, Spent, input_tokens, spent, uploads, visible_tokens
from .openai_responses import usage_of_response
from .world import Job


def file_create(asked: Asked) -> Answer:
    """POST files."""
    files = uploads(asked.get("file"))
    if not files:
        raise Refused("Missing required parameter: 'file'.", "file")
    return Answer(_stored(asked, files[0].content, files[0].filename, str(asked.get("purpose", "user_data"))))


def _stored(asked: Asked, content: bytes, name: str, purpose: str) -> Dict[str, Any]:
    identifier = asked.world.id("file-")
    asked.world.files[identifier] = content
    shown = {"id": identifier, "object": "file", "bytes": len(content), "created_at": asked.world.now(), "filename": name}
    asked.world.objects[identifier] = {**shown, "purpose": purpose, "status": "processed", "expires_at": None}
    return asked.world.objects[identifier]


def file_list(asked: Asked) -> Answer:
    """GET files."""
    return Answer({"object": "list", "data": [asked.world.objects[name] for name in asked.world.files], "has_more": False})


def file_content(asked: Asked) -> Answer:
    """GET files/{id}/content: the results of a batch are billed here, the first time."""
    identifier = asked.names[0]
    if identifier not in asked.world.files:
        raise Refused("No such File object: %s" % identifier, "id", 404)
    job = asked.world.job(identifier)
    due = job.bill() if job is not None else False
    used: Sequence[Spent] = job.kept if job is not None and due else ()
    return Answer(
        content=asked.world.files[identifier], media_type="application/octet-stream", usage=sum(used, Spent()), billed=due, calls=len(used), id=identifier
    )


def file_delete(asked: Asked) -> Answer:
    """DELETE files/{id}."""
    asked.world.files.pop(asked.names[0], None)
    return Answer({"id": asked.names[0], "object": "file", "deleted": True})


def shown(asked: Asked) -> Answer:
    """GET anything that was made before."""
    found = asked.world.objects.get(asked.names[-1])
    if found is None:
        raise Refused("No such object: %s" % asked.names[-1], "id", 404)
    return Answer(found)


def nothing_listed(asked: Asked) -> Answer:
    """GET a list of something that there is none of."""
    return Answer({"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False})


def retrieve(asked: Asked) -> Answer:
    """GET a job: one state further; billed where its own rule says so."""
    job = _job(asked)
    view = job.view(job.advance())
    due = job.bill()
    used: Sequence[Spent] = job.kept if due else ()
    return Answer(view, usage=sum(used, Spent()), billed=bool(used), calls=len(used), id=job.id, model=view.get("model"))


def cancel(asked: Asked) -> Answer:
    """POST a job's end. Only OpenAI's evaluations spell it with one l."""
    job = _job(asked)
    job.end("canceled" if job.id.startswith("evalrun_") else "cancelled")
    return Answer(job.view(job.state), id=job.id)


def jobs_listed(prefix: str) -> Callable[[Asked], Answer]:
    """GET a list of the jobs whose ids begin so."""

    def listed(asked: Asked) -> Answer:
        data = [job.view(job.state) for name, job in asked.world.jobs.items() if name.startswith(prefix)]
        return Answer({"object": "list", "data": data, "first_id": None, "last_id": None, "has_more": False})

    return listed


def _job(asked: Asked) -> Job:
    job = asked.world.job(asked.names[-1])
    if job is None:
        raise Refused("No such job: %s" % asked.names[-1], "id", 404)
    return job


def _start(asked: Asked, identifier: str, steps: List[str], view: Callable[[str], Dict[str, Any]], used: Sequence[Spent]) -> Answer:
    job = Job(identifier, steps, view, used)
    asked.world.jobs[identifier] = job
    first = view(job.state)
    return Answer(first, id=identifier, model=first.get("model"))


def batch_create(asked: Asked) -> Answer:
    """POST batches: every line of the input file is answered as if it had been sent alone."""
    content = asked.world.files.get(str(asked.get("input_file_id")))
    if content is None:
        raise Refused("Invalid file id.", "input_file_id")
    lines = [json.loads(line) for line in content.splitlines() if line.strip()]
    answers = [asked.inner(str(line.get("url") or asked.get("endpoint")), line.get("body") or {}) for line in lines]
    results = [_result(asked, line, answer) for line, answer in zip(lines, answers)]
    file = _stored(asked, b"".join(json.dumps(each).encode() + b"\n" for each in results), "output.jsonl", "batch_output")
    paid = [answer for answer in answers if answer.billed]
    asked.world.jobs[file["id"]] = Job(file["id"], ["ready"], lambda state: file, [answer.usage for answer in paid])
    made = {"id": asked.world.id("batch_"), "created_at": asked.world.now(), "output": file["id"], "model": paid[0].model if paid else None}
    total = sum((answer.usage for answer in paid), Spent())

    def view(state: str) -> Dict[str, Any]:
        return _batch(asked, made, state, len(lines), total)

    return _start(asked, made["id"], ["validating", "in_progress", "completed"], view, ())


def _result(asked: Asked, line: Mapping[str, Any], answer: Answer) -> Dict[str, Any]:
    response = {"status_code": answer.status, "request_id": asked.world.id("req_"), "body": answer.body}
    return {"id": asked.world.id("batch_req_"), "custom_id": line.get("custom_id"), "response": response, "error": None}


def _batch(asked: Asked, made: Mapping[str, Any], state: str, lines: int, total: Spent) -> Dict[str, Any]:
    ended, now = state == "completed", asked.world.now()
    times = ("expired_at", "failed_at", "finalizing_at", "cancelling_at")
    return {
        "id": made["id"],
        "object": "batch",
        "endpoint": asked.get("endpoint"),
        "model": made["model"],
        "errors": None,
        "input_file_id": asked.get("input_file_id"),
        "completion_window": asked.get("completion_window", "24h"),
        "status": state,
        "output_file_id": made["output"] if ended else None,
        "error_file_id": None,
        "created_at": made["created_at"],
        "in_progress_at": now if state != "validating" else None,
        "expires_at": made["created_at"] + 86_400,
        "completed_at": now if ended else None,
        "cancelled_at": now if state == "cancelled" else None,
        **dict.fromkeys(times),
        "request_counts": {"total": lines, "completed": lines if ended else 0, "failed": 0},
        "usage": usage_of_response(total if ended else Spent()),
        "metadata": asked.get("metadata"),
    }


def fine_tuning_create(asked: Asked) -> Answer:
    """POST fine_tuning/jobs."""
    name = str(asked.get("training_file", ""))
    trained = 100 + len(asked.world.files.get(name, name.encode()))
    identifier, model, created = asked.world.id("ftjob-"), asked.answered_model, asked.world.now()

    def view(state: str) -> Dict[str, Any]:
        ended = state == "succeeded"
        return {
            "id": identifier,
            "object": "fine_tuning.job",
            "created_at": created,
            "model": model,
            "fine_tuned_model": "ft:%s:loopback::%s" % (model, identifier[-8:]) if ended else None,
            "finished_at": asked.world.now() if ended else None,
            "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.0},
            "organization_id": "org-loopback",
            "result_files": [],
            "seed": 7,
            "status": state,
            "trained_tokens": trained if ended else None,
            "training_file": name,
            "validation_file": asked.get("validation_file"),
            "error": None,
            "estimated_finish": None,
            "integrations": [],
            "metadata": asked.get("metadata"),
        }

    return _start(asked, identifier, ["validating_files", "queued", "running", "succeeded"], view, [Spent(input=trained, total=trained)])


def grader_run(asked: Asked) -> Answer:
    """POST fine_tuning/alpha/graders/run: billed by tokens where the grader is a model, free otherwise."""
    grader = asked.get("grader", {})
    names = ("formula_parse", "invalid_variable", "model_grader_parse", "model_grader_refusal", "model_grader_server", "other")
    more = ("python_grader_runtime", "python_grader_server", "sample_parse", "truncated_observation", "unresponsive_reward")
    paid = "model" in grader
    used = 20 + len(str(asked.get("model_sample", ""))) if paid else 0
    metadata = {
        "errors": {"%s_error" % name: False for name in names + more},
        "execution_time": 0.1,
        "name": grader.get("name", "grader"),
        "sampled_model_name": grader.get("model"),
        "scores": {},
        "token_usage": used if paid else None,
        "type": grader.get("type", "string_check"),
    }
    body = {"metadata": metadata, "model_grader_token_usage_per_model": {grader["model"]: used} if paid else {}, "reward": 1.0, "sub_rewards": {}}
    return Answer(body, usage=Spent(total=used), billed=paid, model=grader.get("model"))


def eval_create(asked: Asked) -> Answer:
    """POST evals."""
    identifier = asked.world.id("eval_")
    config = {"type": "custom", "schema": {}, **asked.get("data_source_config", {})}
    body = {"id": identifier, "object": "eval", "created_at": asked.world.now(), "name": asked.get("name", "eval"), "metadata": asked.get("metadata")}
    asked.world.objects[identifier] = {**body, "data_source_config": config, "testing_criteria": asked.get("testing_criteria", [])}
    return Answer(asked.world.objects[identifier])


def eval_run_create(asked: Asked) -> Answer:
    """POST evals/{id}/runs: two models take part, the one that answers and the one that grades."""
    source, identifier = asked.get("data_source", {}), asked.world.id("evalrun_")
    model = str(source.get("model", "gpt-4o-mini-2024-07-18"))
    given = input_tokens(asked, source.get("input_messages", ""))
    used = [spent(name, given + extra, visible_tokens(given + extra)) for name, extra in ((model, 0), ("o3-mini-2025-01-31", 13))]
    names = (model, "o3-mini-2025-01-31")
    shape = {"id": identifier, "object": "eval.run", "created_at": asked.world.now(), "eval_id": asked.names[0], "model": model}

    def view(state: str) -> Dict[str, Any]:
        ended = state == "completed"
        return {
            **shape,
            "name": asked.get("name", "run"),
            "status": state,
            "data_source": source,
            "error": None,
            "metadata": asked.get("metadata"),
            "per_model_usage": [_of_model(name, each) for name, each in zip(names, used)] if ended else [],
            "per_testing_criteria_results": [],
            "report_url": "https://platform.example.com/evaluations/%s" % identifier,
            "result_counts": {"total": int(ended), "passed": int(ended), "failed": 0, "errored": 0},
        }

    return _start(asked, identifier, ["queued", "in_progress", "completed"], view, used)


def _of_model(name: str, used: Spent) -> Dict[str, Any]:
    counts = {"prompt_tokens": used.input, "completion_tokens": used.output, "total_tokens": used.total, "cached_tokens": used.cached}
    return {"model_name": name, "invocation_count": 1, **counts}


def decisions(asked: Asked) -> Answer:
    """POST decisions: one answer for each question, in their order."""
    questions: List[Mapping[str, Any]] = asked.get("questions", [])
    given = input_tokens(asked, asked.get("input", ""), *questions)
    used = spent(asked.model, given, 2 * len(questions))
    body = {"answers": [_decided(question) for question in questions], "model": asked.answered_model, "usage": usage_of_response(used)}
    return Answer(body, usage=used, billed=True, model=asked.answered_model)


def _decided(question: Mapping[str, Any]) -> Dict[str, Any]:
    name: Optional[str] = question.get("name")
    if question.get("type") == "choice":
        values = [choice.get("value") if isinstance(choice, dict) else choice for choice in question.get("choices", [])] or ["yes"]
        shares = [{"value": value, "probability": 0.75 if at == 0 else 0.25 / max(1, len(values) - 1)} for at, value in enumerate(values)]
        return {"type": "choice", "name": name, "choice": values[0], "confidence": 0.75, "probabilities": shares}
    if question.get("type") == "score":
        return {"type": "score", "name": name, "score": 3.0, "confidence": 0.75, "probabilities": [{"label": "3", "value": 3, "probability": 1.0}]}
    return {"type": "predicate", "name": name, "probability": 0.75}
