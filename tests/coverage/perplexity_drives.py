"""Every metered method of the perplexity package, driven. There are no recordings of it: the provider answers in its documented formats."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict

from .caller import Caller
from .flows import Drive, once, several

TEXT = {"model": "sonar", "messages": [{"role": "user", "content": "What is new?"}]}
ASKED = {"model": "openai/gpt-5.1", "input": "What is new?"}


def later(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("async_.chat.completions.create", request=TEXT, tagged=True)
        return [call(look, made.id) for _ in range(4)]

    return drive


def background(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("responses.create", background=True, tagged=True, **ASKED)
        for _ in range(4):
            call("responses.retrieve", made.id)
        return call(look, made.id)

    return drive


def batch(read: str, look: str = "batches.retrieve") -> Drive:
    def drive(call: Caller) -> Any:
        lines = [{"custom_id": "line-%d" % at, "method": "POST", "url": "/v1/responses", "body": ASKED} for at in range(2)]
        file = call("files.create", file=("input.jsonl", b"\n".join(json.dumps(line).encode() for line in lines)), purpose="batch")
        made = call("batches.create", tagged=True, input_file_id=file.id, endpoint="/v1/responses")
        for _ in range(3):
            seen = call("batches.retrieve", made.id)
        if look != "batches.retrieve":
            call(look, made.id)
        return [call(read, seen.output_file_id) for _ in range(2)]

    return drive


def by_path(path: str) -> Callable[[Caller], Any]:
    def drive(call: Caller) -> Any:
        if path == "request":
            from perplexity._models import FinalRequestOptions

            return call("request", object, FinalRequestOptions.construct(method="post", url="/chat/completions", json_data=TEXT))
        if path == "post":
            return call("post", "/chat/completions", cast_to=object, body=TEXT)
        made = call("async_.chat.completions.create", request=TEXT)
        return [call("get", "/async/chat/completions/" + made.id, cast_to=object) for _ in range(3)]

    return drive


DRIVES: Dict[str, Drive] = {
    "chat.completions.create": several(
        once("chat.completions.create", **TEXT),
        once("chat.completions.create", stream=True, **TEXT),
        once("chat.completions.with_raw_response.create", **{**TEXT, "model": "sonar-deep-research"}),
        once("chat.completions.with_streaming_response.create", **TEXT),
    ),
    "async_.chat.completions.create": later("async_.chat.completions.get"),
    "async_.chat.completions.get": later("async_.chat.completions.get"),
    "responses.create": several(once("responses.create", **ASKED), once("responses.create", stream=True, **ASKED)),
    "responses.retrieve": background("responses.retrieve"),
    "responses.cancel": background("responses.cancel"),
    "embeddings.create": once("embeddings.create", model="pplx-embed-v1-4b", input=["one", "two"]),
    "contextualized_embeddings.create": once("contextualized_embeddings.create", model="pplx-embed-context-v1-4b", input=[["one"], ["two"]]),
    "decisions.create": once("decisions.create", model="pplx-decider-v1.2", state="It rains.", questions={"wet": {"type": "noul", "question": "Is it wet?"}}),
    "search.create": once("search.create", query="What is new?"),
    "batches.create": batch("files.content"),
    "batches.retrieve": batch("files.with_raw_response.content"),
    "batches.cancel": batch("files.content", "batches.cancel"),
    "files.content": batch("files.with_streaming_response.content"),
    "browser.sessions.create": once("browser.sessions.create"),
    "post": by_path("post"),
    "request": by_path("request"),
    "get": by_path("get"),
    "get_api_list": by_path("get"),
}
