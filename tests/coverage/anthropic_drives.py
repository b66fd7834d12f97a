"""Every metered method of the anthropic package, driven against a provider that answers in its documented formats."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pydantic

from .caller import Caller
from .flows import Drive, once, several

TEXT: Dict[str, Any] = {"model": "claude-opus-4-7", "max_tokens": 50, "messages": [{"role": "user", "content": "How are you?"}]}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
SEEN = {**TEXT, "messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "What is it?"}]}]}
FILED = {**TEXT, "messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]}
LINKED = {**TEXT, "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://files.test/cat.png"}}]}]}
CACHED = {**TEXT, "model": "claude-cached-cachewrite", "thinking": {"type": "enabled", "budget_tokens": 1024}}
BATCH = [{"custom_id": "line-%d" % at, "params": TEXT} for at in range(3)]
SAID = [{"type": "user.message", "content": [{"type": "text", "text": "Hello"}]}]


class Answer(pydantic.BaseModel):
    answer: str


def created(path: str) -> Drive:
    raw, streaming = path.replace(".create", ".with_raw_response.create"), path.replace(".create", ".with_streaming_response.create")
    forms = (TEXT, SEEN, FILED, LINKED, CACHED, {**TEXT, "stream": True}, {**CACHED, "stream": True})
    return several(*(once(path, **form) for form in forms), once(raw, **TEXT), once(streaming, **TEXT), once(streaming, **TEXT, stream=True))


def batched(path: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call(path + ".create", requests=[*BATCH, {"custom_id": "wrong", "params": {"model": "claude-opus-4-7", "messages": []}}], tagged=True)
        for _ in range(3):
            call(path + ".retrieve", made.id)
        return [call(path + look, made.id) for look in (".results", ".with_raw_response.results", ".with_streaming_response.results")]

    return drive


def read_raw(path: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call(path + ".create", requests=BATCH, tagged=True)
        for _ in range(3):
            call(path + ".retrieve", made.id)
        call(path + ".with_streaming_response.results", made.id)
        return call(path + ".results", made.id)

    return drive


def session(*looks: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("beta.sessions.create", agent="agent_1", environment_id="env_1", tagged=True)
        call("beta.sessions.events.send", made.id, events=SAID)
        call("beta.sessions.retrieve", made.id)
        call("beta.sessions.update", made.id, title="t")
        return [look(call, made.id) for look in map(_look, looks) for _ in range(2)]

    return drive


def _look(path: str) -> Callable[[Caller, str], Any]:
    if ".threads." in path:
        return lambda call, name: call(path, "thread_1", session_id=name)
    return lambda call, name: call(path, name)


def run(call: Caller) -> Any:
    made = call("beta.deployments.run", "depl_1", tagged=True)
    call("beta.sessions.events.send", made.session_id, events=SAID)
    return call("beta.sessions.events.list", made.session_id)


def dream(*looks: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("beta.dreams.create", model="claude-opus-4-7", inputs=[], tagged=True)
        seen = [call("beta.dreams.retrieve", made.id) for _ in range(4 if looks == ("beta.dreams.retrieve",) else 2)]
        return seen + [call(look, made.id) for look in looks]

    return drive


def by_path(path: str) -> Callable[[Caller], Any]:
    def drive(call: Caller) -> Any:
        if path == "request":
            from anthropic._models import FinalRequestOptions

            return call("request", object, FinalRequestOptions.construct(method="post", url="/v1/messages", json_data=TEXT))
        if path == "post":
            return call("post", "/v1/messages", cast_to=object, body=TEXT)
        made = call("post", "/v1/messages/batches", cast_to=object, body={"requests": BATCH})
        return [call("get", "/v1/messages/batches/%s/results" % made["id"], cast_to=str) for _ in range(2)]

    return drive


DRIVES: Dict[str, Drive] = {
    "messages.create": created("messages.create"),
    "beta.messages.create": created("beta.messages.create"),
    "messages.stream": several(once("messages.stream", **TEXT), once("messages.stream", **SEEN)),
    "beta.messages.stream": once("beta.messages.stream", **TEXT),
    "messages.parse": once("messages.parse", **TEXT, output_format=Answer),
    "beta.messages.parse": once("beta.messages.parse", **TEXT, output_format=Answer),
    "beta.messages.tool_runner": once("beta.messages.tool_runner", **TEXT, tools=[]),
    "completions.create": once("completions.create", model="claude-2.1", prompt="Hello", max_tokens_to_sample=9),
    "messages.batches.create": batched("messages.batches"),
    "beta.messages.batches.create": batched("beta.messages.batches"),
    "messages.batches.results": read_raw("messages.batches"),
    "beta.messages.batches.results": read_raw("beta.messages.batches"),
    "beta.sessions.create": session("beta.sessions.events.list", "beta.sessions.events.stream"),
    "beta.sessions.events.send": session("beta.sessions.events.stream"),
    "beta.sessions.events.list": session("beta.sessions.events.list"),
    "beta.sessions.events.stream": session("beta.sessions.events.stream", "beta.sessions.events.list"),
    "beta.sessions.threads.events.list": session("beta.sessions.threads.events.list"),
    "beta.sessions.threads.events.stream": session("beta.sessions.threads.events.stream"),
    "beta.deployments.run": run,
    "beta.dreams.create": dream("beta.dreams.retrieve"),
    "beta.dreams.retrieve": dream("beta.dreams.retrieve"),
    "beta.dreams.cancel": dream("beta.dreams.cancel"),
    "beta.dreams.archive": dream("beta.dreams.archive"),
    "post": by_path("post"),
    "request": by_path("request"),
    "get": by_path("get"),
    "get_api_list": by_path("get"),
}
