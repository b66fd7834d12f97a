"""Every endpoint of the loopback provider once more, through the async client of the real openai package."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Dict, Tuple

import openai
import pytest
from usage_checks import HELLO

from revenium_middleware.testing import ProviderServer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK, for endpoints on their way out

SOUND = ("a.mp3", b"x" * 10)
CALLS: Dict[str, Tuple[Dict[str, Any], int]] = {
    "chat.completions.create": ({"model": "o3", "messages": HELLO}, 1),
    "chat.completions.create stream": ({"model": "o3", "messages": HELLO, "stream": True}, 1),
    "completions.create": ({"model": "m", "prompt": "one"}, 1),
    "completions.create stream": ({"model": "m", "prompt": "one", "stream": True}, 1),
    "responses.create": ({"model": "o3", "input": "one"}, 1),
    "responses.create stream": ({"model": "o3", "input": "one", "stream": True}, 1),
    "responses.create background": ({"model": "o3", "input": "one", "background": True}, 0),
    "responses.compact": ({"model": "m", "input": "one"}, 1),
    "responses.input_tokens.count": ({"model": "m", "input": "one"}, 0),
    "embeddings.create": ({"model": "e", "input": "one"}, 1),
    "moderations.create": ({"input": "one"}, 0),
    "images.generate": ({"model": "gpt-image-1", "prompt": "one"}, 1),
    "images.edit": ({"model": "gpt-image-1", "prompt": "one", "image": b"one"}, 1),
    "images.create_variation": ({"image": b"one"}, 1),
    "audio.speech.create": ({"model": "tts-1", "voice": "alloy", "input": "one"}, 1),
    "audio.transcriptions.create": ({"model": "whisper-1", "file": SOUND}, 1),
    "audio.translations.create": ({"model": "whisper-1", "file": SOUND}, 1),
    "videos.create": ({"model": "sora-2", "prompt": "one"}, 0),
    "videos.create_and_poll": ({"model": "sora-2", "prompt": "one"}, 1),
    "fine_tuning.jobs.create": ({"model": "m", "training_file": "file-1"}, 0),
    "decisions.create": ({"model": "m", "input": "one", "questions": [{"type": "predicate", "question": "Is it?"}]}, 1),
    "files.create": ({"file": SOUND, "purpose": "batch"}, 0),
    "models.list": ({}, 0),
}


async def called(method: Callable[..., Any], given: Dict[str, Any]) -> Any:
    answer = await method(**given)
    return [event async for event in answer] if given.get("stream") else answer


def found(client: Any, path: str) -> Any:
    for name in path.split(" ")[0].split("."):
        if not hasattr(client, name):
            pytest.skip("openai %s has no %s" % (openai.__version__, path))
        client = getattr(client, name)
    return client


@pytest.mark.parametrize("path", CALLS)
def test_async_calls_are_answered_and_billed_alike(server: ProviderServer, path: str) -> None:
    given, billed = CALLS[path]

    async def call() -> Any:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
            return await called(found(client, path), given)

    assert asyncio.run(call()) is not None
    assert server.calls == billed and all(each.status == 200 for each in server.log) and (server.log[-1].streamed is bool(given.get("stream")))


def test_async_batches_and_runs(server: ProviderServer) -> None:
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "o3", "messages": HELLO}}

    async def calls() -> Any:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="any", max_retries=0) as client:
            file = await client.files.create(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
            batch = await client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
            states = [await client.batches.retrieve(batch.id) for _ in range(2)]
            result = await client.files.content(str(states[-1].output_file_id))
            assistant = await client.beta.assistants.create(model="gpt-4o")
            run = await client.beta.threads.create_and_run_poll(assistant_id=assistant.id, poll_interval_ms=1)
            return json.loads(result.text), run

    result, run = asyncio.run(calls())
    assert result["custom_id"] == "a" and run.status == "completed" and server.calls == 2
