"""Every metered method of the openai package, driven: what to call so that the provider bills exactly what it notes down.

The key is the method a drive is about; it calls that one with the tag, and whatever else it takes to get to the bill.
"""

from __future__ import annotations

import io
import json
from typing import Any, Callable, Dict, List

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
    return [call("beta.agents.sessions.turns.list", session) for _ in range(2)]


def turn_retrieved(call: Caller, session: str) -> Any:
    return call("beta.agents.sessions.turns.retrieve", "", session_id=session)


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


DRIVES: Dict[str, Drive] = {
    "chat.completions.create": several(once("chat.completions.create", **TEXT), once("chat.completions.create", stream=True, **TEXT)),
    "chat.completions.parse": once("chat.completions.parse", **TEXT),
    "chat.completions.stream": once("chat.completions.stream", **TEXT),
    "beta.chat.completions.create": once("beta.chat.completions.create", **TEXT),
    "beta.chat.completions.parse": once("beta.chat.completions.parse", **TEXT),
    "beta.chat.completions.stream": once("beta.chat.completions.stream", **TEXT),
    "completions.create": several(
        once("completions.create", model="gpt-3.5-turbo-instruct", prompt="Say"),
        once("completions.create", model="gpt-3.5-turbo-instruct", prompt="Say", stream=True),
    ),
    "embeddings.create": once("embeddings.create", model="text-embedding-3-small", input=["one", "two"]),
    "decisions.create": once("decisions.create", model="gpt-6-luna", input="It rains.", questions=[{"type": "predicate", "predicate": "Is it wet?"}]),
    "images.generate": several(
        once("images.generate", model="gpt-image-1", prompt="a cat"),
        once("images.generate", model="dall-e-3", prompt="a cat"),
        lambda call: call("images.with_streaming_response.generate", model="gpt-image-1", prompt="a cat", tagged=True),
    ),
    "images.edit": lambda call: call("images.edit", image=picture(), prompt="a hat", model="gpt-image-1", tagged=True),
    "images.create_variation": lambda call: call("images.create_variation", image=picture(), n=2, tagged=True),
    "audio.speech.create": once("audio.speech.create", model="tts-1", voice="alloy", input="Good morning."),
    "audio.transcriptions.create": lambda call: [
        call("audio.transcriptions.create", model="whisper-1", file=sound(), response_format="verbose_json", tagged=True),
        call("audio.transcriptions.create", model="gpt-4o-transcribe", file=sound(), tagged=True),
    ],
    "audio.translations.create": lambda call: call("audio.translations.create", model="whisper-1", file=sound(), response_format="verbose_json", tagged=True),
    "videos.create": film(**FILM),
    "videos.edit": film("videos.edit", video=lambda made: picture(), prompt="blue"),
    "videos.extend": film("videos.extend", video=lambda made: picture(), prompt="more", seconds="8"),
    "videos.remix": film("videos.remix", video_id=lambda made: made.id, prompt="blue"),
    "videos.retrieve": film(**FILM),
    "videos.list": film_seen_by("videos.list"),
    "videos.poll": film_seen_by("videos.poll"),
    "videos.create_and_poll": once("videos.create_and_poll", **FILM),
    "batches.create": batch("files.content"),
    "batches.retrieve": batch("files.with_raw_response.content"),
    "batches.cancel": batch("files.content", "batches.cancel"),
    "files.content": batch("files.with_streaming_response.content"),
    "files.retrieve_content": batch("files.retrieve_content"),
    "fine_tuning.jobs.create": trained("fine_tuning.jobs.retrieve"),
    "fine_tuning.jobs.retrieve": trained("fine_tuning.jobs.retrieve"),
    "fine_tuning.jobs.list": trained("fine_tuning.jobs.list"),
    "fine_tuning.jobs.cancel": trained("fine_tuning.jobs.cancel"),
    "fine_tuning.jobs.pause": trained("fine_tuning.jobs.pause"),
    "fine_tuning.jobs.resume": trained("fine_tuning.jobs.resume"),
    "fine_tuning.alpha.graders.run": once(
        "fine_tuning.alpha.graders.run",
        model_sample="forty-two",
        grader={"type": "score_model", "name": "judge", "model": "gpt-4o", "input": [{"role": "user", "content": "?"}]},
    ),
    "evals.runs.create": evaluated("evals.runs.retrieve"),
    "evals.runs.retrieve": evaluated("evals.runs.retrieve"),
    "evals.runs.list": evaluated("evals.runs.list"),
    "evals.runs.cancel": evaluated("evals.runs.cancel"),
    "containers.create": once("containers.create", name="sandbox"),
    "beta.agents.environments.create": once("beta.agents.environments.create", environment={"type": "openai_hosted"}),
    "beta.agents.sessions.create": several(
        lambda call: call("beta.agents.sessions.create", stream=True, input="Hello", tagged=True, **AGENT),
        agent(lambda call, session: call("beta.agents.sessions.events.stream", session), input="Hello"),
    ),
    "beta.agents.sessions.events.create": agent(said_and_heard),
    "beta.agents.sessions.events.stream": agent(said_and_heard),
    "beta.agents.sessions.turns.list": agent(said_and_listed),
    "beta.agents.sessions.update": agent(said_and_listed),
    "beta.agents.sessions.subagents.turns.list": agent(
        lambda call, session: call("beta.agents.sessions.subagents.turns.list", "sub_1", session_id=session), input="Hello"
    ),
    "beta.agents.automations.invocations.create": invoked,
    "beta.agents.automations.invocations.retrieve": invoked,
    "beta.threads.runs.create": several(run(), run(stream=True)),
    "beta.threads.runs.retrieve": run(),
    "beta.threads.runs.list": run(look="beta.threads.runs.list"),
    "beta.threads.runs.cancel": run_cancelled,
    "beta.threads.runs.poll": run(look="beta.threads.runs.poll"),
    "beta.threads.runs.create_and_poll": run("beta.threads.runs.create_and_poll", ""),
    "beta.threads.runs.create_and_stream": run("beta.threads.runs.create_and_stream"),
    "beta.threads.runs.stream": run("beta.threads.runs.stream"),
    "beta.threads.runs.submit_tool_outputs": run_with_tools("beta.threads.runs.submit_tool_outputs"),
    "beta.threads.runs.submit_tool_outputs_and_poll": run_with_tools("beta.threads.runs.submit_tool_outputs_and_poll"),
    "beta.threads.runs.submit_tool_outputs_stream": run_with_tools("beta.threads.runs.submit_tool_outputs_stream"),
    "beta.threads.create_and_run": run("beta.threads.create_and_run"),
    "beta.threads.create_and_run_poll": run("beta.threads.create_and_run_poll", ""),
    "beta.threads.create_and_run_stream": run("beta.threads.create_and_run_stream"),
    **{
        prefix + name: drive
        for prefix in ("", "beta.")
        for name, drive in {
            "responses.create": several(once(prefix + "responses.create", **ASKED), once(prefix + "responses.create", stream=True, **ASKED)),
            "responses.compact": once(prefix + "responses.compact", **ASKED),
            "responses.retrieve": background(prefix + "responses.retrieve", prefix),
            "responses.cancel": background(prefix + "responses.cancel", prefix),
        }.items()
    },
    "responses.parse": once("responses.parse", **ASKED),
    "responses.stream": once("responses.stream", **ASKED),
    "post": by_path("post"),
    "request": by_path("request"),
    "get": by_path("get"),
    "get_api_list": by_path("get_api_list"),
}
