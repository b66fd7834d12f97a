"""The ways to a bill: a call, a job looked at until it is done, a file read, a session listened to."""

from __future__ import annotations

import io
import json
from typing import Any, Callable, Dict

from .caller import Caller

Drive = Callable[[Caller], Any]

TEXT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How are you?"}]}
ASKED = {"model": "gpt-4o-mini", "input": "How are you?"}
FILM = {"prompt": "a cat", "model": "sora-2", "seconds": "8"}
AGENT = {"environment": {"type": "none"}, "agent": {"model": "gpt-6-luna"}}
SAID = [{"type": "input_message", "content": "Hello"}]
BATCH = [{"custom_id": "line-%d" % at, "method": "POST", "url": "/v1/chat/completions", "body": {**TEXT, "model": "gpt-4o"}} for at in range(3)]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def sound() -> Any:
    return ("speech.wav", io.BytesIO(b"RIFF" + b"\0" * 64_000), "audio/wav")


def picture() -> Any:
    return ("picture.png", io.BytesIO(b"\x89PNG" + b"\0" * 400), "image/png")


def once(path: str, *args: Any, **kwargs: Any) -> Drive:
    """The method alone."""
    return lambda call: call(path, *args, tagged=True, **kwargs)


def several(*drives: Drive) -> Drive:
    return lambda call: [drive(call) for drive in drives]


def started(make: Callable[[Caller, bool], Any], looks: str, times: int, *, tag_look: bool = False) -> Drive:
    """A job, and looks at it until it is done, and once more."""

    def drive(call: Caller) -> Any:
        job = make(call, not tag_look)
        return [call(looks, job.id, tagged=tag_look) for _ in range(times + 1)]

    return drive


def film(path: str = "videos.create", **more: Any) -> Drive:
    def drive(call: Caller) -> Any:
        source = {} if path == "videos.create" else {"source": call("videos.create", **{**FILM, "seconds": "4"})}
        given: Dict[str, Any] = {name: value(source.get("source")) if callable(value) else value for name, value in more.items()}
        video = call(path, tagged=True, **given)
        return [call("videos.retrieve", video.id) for _ in range(4)]

    return drive


def film_seen_by(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        video = call("videos.create", tagged=True, **FILM)
        if look == "videos.list":
            for _ in range(3):
                call("videos.with_raw_response.retrieve", video.id)
        return call(look, *([] if look == "videos.list" else [video.id]))

    return drive


def run(path: str = "beta.threads.runs.create", look: str = "beta.threads.runs.retrieve", **more: Any) -> Drive:
    """A run of an assistant, looked at until it has ended."""

    def drive(call: Caller) -> Any:
        thread = call("beta.threads.create", messages=[{"role": "user", "content": "Hello"}])
        whose = {} if path.startswith("beta.threads.create_and") else {"thread_id": thread.id}
        made = call(path, tagged=True, assistant_id="asst_1", model="gpt-4o", **whose, **more)
        if look and not isinstance(made, list):
            for _ in range(3):
                call("beta.threads.runs.with_raw_response.retrieve" if look.endswith("list") else look, made.id, thread_id=made.thread_id)
            if look.endswith("list"):
                call(look, made.thread_id)

    return drive


def run_with_tools(path: str) -> Drive:
    def drive(call: Caller) -> Any:
        thread = call("beta.threads.create")
        made = call("beta.threads.runs.create", tagged=True, thread_id=thread.id, assistant_id="asst_1", model="gpt-4o", tools=[TOOL])
        for _ in range(2):
            waiting = call("beta.threads.runs.retrieve", made.id, thread_id=thread.id)
        outputs = [{"tool_call_id": each.id, "output": "sunny"} for each in waiting.required_action.submit_tool_outputs.tool_calls]
        given = {"run_id": made.id} if path.endswith(("poll", "outputs", "stream")) else {}
        call(path, thread_id=thread.id, tool_outputs=outputs, **given)
        if path.endswith("outputs"):
            for _ in range(3):
                call("beta.threads.runs.retrieve", made.id, thread_id=thread.id)

    return drive


def run_cancelled(call: Caller) -> Any:
    run()(call)  # a run that was seen ended, cancelled too late: the same bill
    thread = call("beta.threads.create")
    made = call("beta.threads.runs.create", thread_id=thread.id, assistant_id="asst_1", model="gpt-4o")
    call("beta.threads.runs.cancel", made.id, thread_id=thread.id)


def background(look: str, prefix: str = "", **more: Any) -> Drive:
    def drive(call: Caller) -> Any:
        made = call(prefix + "responses.create", tagged=True, background=True, **ASKED)
        for _ in range(3):
            call(prefix + "responses.retrieve", made.id)
        return call(look, made.id, **more)

    return drive


def batch(read: str, look: str = "batches.retrieve") -> Drive:
    def drive(call: Caller) -> Any:
        content = b"\n".join(json.dumps(line).encode() for line in BATCH)
        file = call("files.create", file=("input.jsonl", content), purpose="batch")
        made = call("batches.create", tagged=True, input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        for _ in range(3):
            seen = call(look, made.id) if look == "batches.retrieve" else call("batches.retrieve", made.id)
        if look != "batches.retrieve":
            seen = call(look, made.id)
        for _ in range(2):  # read again, billed once
            call(read, seen.output_file_id or call("batches.retrieve", made.id).output_file_id)

    return drive


def trained(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("fine_tuning.jobs.create", tagged=True, model="gpt-4o-mini", training_file="file-1")
        for _ in range(4):
            call("fine_tuning.jobs.retrieve", made.id)
        return call(look, *([] if look.endswith("list") else [made.id]))

    return drive


def evaluated(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        source = {"type": "completions", "model": "gpt-4o-mini", "source": {"type": "file_id", "id": "file-1"}}
        made = call("evals.runs.create", "eval_1", tagged=True, data_source=source)
        for _ in range(3):
            call("evals.runs.retrieve", made.id, eval_id="eval_1")
        return call(look, *(["eval_1"] if look.endswith("list") else [made.id]), **({} if look.endswith("list") else {"eval_id": "eval_1"}))

    return drive


def agent(look: Callable[[Caller, str], Any], **more: Any) -> Drive:
    """A session of an agent with one turn, and a look at it."""

    def drive(call: Caller) -> Any:
        session = call("beta.agents.sessions.create", tagged=True, **AGENT, **more)
        return look(call, session.id)

    return drive


def said_and_heard(call: Caller, session: str) -> Any:
    call("beta.agents.sessions.events.create", session, events=SAID)
    return [call("beta.agents.sessions.events.stream", session) for _ in range(2)]


def said_and_listed(call: Caller, session: str) -> Any:
    call("beta.agents.sessions.update", session, metadata={"a": "b"})
    call("beta.agents.sessions.events.create", session, events=SAID)
    return [call("beta.agents.sessions.turns.list", session) for _ in range(3)]


def looked_at(turns: str, **whose: Any) -> Callable[[Caller, str], Any]:
    def look(call: Caller, session: str) -> Any:
        (turn,) = call(turns + ".list", *([] if whose else [session]), **({"session_id": session, **whose} if whose else {})).data
        return [call(turns + ".retrieve", turn.id, session_id=session, **whose) for _ in range(2)]

    return look


def invoked(call: Caller) -> Any:
    made = call("beta.agents.automations.invocations.create", "auto_1", tagged=True)
    shown = call("beta.agents.automations.invocations.retrieve", made.id, automation_id="auto_1")
    return call("beta.agents.sessions.events.stream", shown.session_id)


def by_path(path: str, verb: str = "", **options: Any) -> Drive:
    """A call that names its path itself."""

    def drive(call: Caller) -> Any:
        import openai

        if path == "request":
            from openai._models import FinalRequestOptions

            return call("request", object, FinalRequestOptions.construct(method="post", url="/chat/completions", json_data=TEXT))
        if path == "post":
            return call("post", "/chat/completions", cast_to=openai.types.chat.ChatCompletion, body=TEXT)
        film = call("videos.create", **FILM) if path == "get_api_list" else call("responses.create", background=True, **ASKED)
        for _ in range(3):
            call("get", ("/videos/" if path == "get_api_list" else "/responses/") + film.id, cast_to=object)

    return drive
