"""Every metered method of the fal_client package, driven. There are no recordings of it: the provider answers in its documented formats."""

from __future__ import annotations

from typing import Any, Dict

from .caller import Caller
from .flows import Drive, once, several

PICTURES = "fal-ai/flux/dev", {"prompt": "a cat", "num_images": 2, "image_size": "square"}
FILM = "fal-ai/kling-video/v1/standard/text-to-video", {"prompt": "a cat", "duration": "8s"}
SPEECH = "fal-ai/playai/tts/v3", {"text": "Hello there"}
TEXT = "fal-ai/any-llm", {"prompt": "How are you?"}


def fetched(*looks: str) -> Drive:
    """A job that is submitted, waited for and fetched twice: one bill."""

    def drive(call: Caller) -> Any:
        for application, arguments in (PICTURES, FILM, SPEECH, TEXT):
            handle = call("submit", application, arguments, tagged=True)
            for look in looks:
                if look == "get":
                    call.on(handle, "get")
                else:
                    call(look, application, handle.request_id)

    return drive


DRIVES: Dict[str, Drive] = {
    "run": several(*(once("run", *each) for each in (PICTURES, FILM, SPEECH, TEXT))),
    "subscribe": several(*(once("subscribe", *each) for each in (PICTURES, FILM, SPEECH, TEXT))),
    "stream": several(once("stream", *TEXT), once("stream", *PICTURES)),
    "submit": fetched("result"),
    "result": fetched("result", "result"),
    "get": fetched("get", "get"),
}
