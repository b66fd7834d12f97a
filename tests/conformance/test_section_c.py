"""Section C, 67 to 81: Google through google-genai and vertexai.

73 to 75 are met by tests/google/test_vertexai (vertexai is not installed everywhere), 79 by the outage tests of section J: no
provider has a path of its own to delivery.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import threading

import pytest

from revenium_middleware._delivery.intake import up_to_date
from revenium_middleware.testing import Fault

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")

from tests.google.conftest import MODEL, client_of, quiet, run  # noqa: E402, F401

from .conftest import tokens  # noqa: E402

TEXT = {"model": MODEL, "contents": "Hello there"}


class Two:
    """One side of the SDK, sync or async; a stream is read to its end."""

    def __init__(self, url, asynchronous):
        self.url, self.asynchronous = url, asynchronous

    def call(self, path, vertex=False, **arguments):
        client = client_of(self.url, vertex)
        module, name = path.split(".")

        async def work():
            answer = await getattr(getattr(client.aio, module), name)(**arguments)
            return [chunk async for chunk in answer] if hasattr(answer, "__aiter__") else answer

        if self.asynchronous:
            return run(work())
        answer = getattr(getattr(client, module), name)(**arguments)
        return list(answer) if hasattr(answer, "__next__") else answer


@pytest.fixture(params=["sync", "async"])
def two(request, provider):
    return Two(provider.google_url, request.param == "async")


def test_c67_cached_content_is_a_cache_read(two, provider, one):
    two.call("models.generate_content", model="gemini-2.5-flash-cached", contents="Hello there")
    payload = one()
    assert payload["cacheReadTokenCount"] == provider.usage.cached > 0
    assert payload.get("cacheCreationTokenCount", 0) == 0
    assert payload["inputTokenCount"] == provider.usage.input


@pytest.mark.parametrize("name", ["generate_content", "generate_content_stream"])
def test_c68_the_async_client_is_recorded_as_the_sync_one(name, provider, delivered):
    for asynchronous in (False, True):
        Two(provider.google_url, asynchronous).call("models." + name, **TEXT)
    first, second = delivered(2)
    assert tokens(first) == tokens(second)
    assert sum(payload["totalTokenCount"] for payload in (first, second)) == provider.usage.total


def test_c68_embeddings_and_images_of_the_async_client(two, provider, delivered):
    two.call("models.embed_content", model="text-embedding-004", contents="Hello")
    two.call("models.generate_images", vertex=True, model="imagen-4.0", prompt="a cat", config={"number_of_images": 2})
    assert len(delivered(2)) == 2 == provider.calls


@pytest.mark.parametrize("streamed", [False, True])
def test_c69_one_record_per_message_of_a_chat(streamed, provider, delivered):
    client = client_of(provider.google_url)
    chat = client.chats.create(model=MODEL)

    async def work():
        apart = client_of(provider.google_url)
        talk = apart.aio.chats.create(model=MODEL)
        if not streamed:
            return await talk.send_message("Hello")
        return [chunk async for chunk in await talk.send_message_stream("Hello")]

    for question in ("Hello", "And you?"):
        assert list(chat.send_message_stream(question)) if streamed else chat.send_message(question)
    run(work())
    assert sum(payload["inputTokenCount"] for payload in delivered(3)) == provider.usage.input


@pytest.mark.parametrize("way", ["closed", "dropped", "failing"])
def test_c70_a_stream_stopped_early_is_one_record(way, provider, one):
    client = client_of(provider.google_url)
    if way == "failing":
        provider.script(Fault.error_event(after=2))
    stream = client.models.generate_content_stream(**TEXT)
    next(stream)
    if way == "closed":
        stream.close()
    elif way == "failing":
        try:
            list(stream)
        except genai.errors.APIError as error:  # older versions hand the error out as an empty chunk
            assert "server had an error" in str(error)
    del stream
    gc.collect()
    assert one()["stopReason"] == ("ERROR" if way == "failing" else "CANCELLED")


@pytest.mark.parametrize("selective", ["true", "false"])
def test_c71_usage_metadata_never_reaches_the_sdk_or_the_provider(two, provider, delivered, monkeypatch, selective):
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", selective)
    for path, arguments in (("models.generate_content", TEXT), ("models.generate_content_stream", TEXT)):
        two.call(path, usage_metadata={"organization_name": "Acme"}, **arguments)
    payloads = delivered(0 if selective == "true" else 2)
    assert {payload["organizationName"] for payload in payloads} <= {"Acme"}
    assert not any("Acme" in json.dumps(each.body) + str(each.headers) for each in provider.log)


def test_c72_embeddings_of_the_gemini_api_are_recorded_without_counts(two, one, records):
    two.call("models.embed_content", model="text-embedding-004", contents=["one", "two"])
    payload = one()
    assert (payload["operationType"], payload["totalTokenCount"]) == ("EMBED", 0)
    assert records()[0].values["usage_source"] == "unknown"


def test_c72_vertex_counts_each_text(two, provider, one):
    two.call("models.embed_content", vertex=True, model="text-embedding-005", contents=["one", "three"])
    payload = one()
    assert (payload["operationType"], payload["inputTokenCount"], payload["outputTokenCount"]) == ("EMBED", provider.usage.input, 0)


@pytest.mark.parametrize("prompt", ["a cat", "please fail"])
def test_c76_a_film_is_recorded_once_when_it_is_first_seen_done(prompt, provider, one):
    client = client_of(provider.google_url, vertex=True)
    if not hasattr(client.models, "generate_videos"):
        pytest.skip("this version makes no films")
    film = client.models.generate_videos(model="veo-3.0", prompt=prompt, config={"number_of_videos": 2, "duration_seconds": 6})
    for _ in range(4):
        film = client.operations.get(film)
    payload = one("ai/video")
    failed = prompt != "a cat"
    assert (payload["durationSeconds"], payload["completionStatus"]) == ((0.0, "FAILED") if failed else (12.0, "SUCCESS"))
    assert payload["transactionId"] == payload["videoJobId"] == film.name.rpartition("/")[2]


def test_c76_two_processes_that_see_it_name_the_record_alike(provider, records, tmp_path, monkeypatch):
    client = client_of(provider.google_url, vertex=True)
    if not hasattr(client.models, "generate_videos"):
        pytest.skip("this version makes no films")
    film = client.models.generate_videos(model="veo-3.0", prompt="a cat")
    for _ in range(3):
        film = client.operations.get(film)
    (mine,) = records()
    program = """
import google.oauth2.credentials, revenium_middleware_google
from google import genai
from google.genai import types
client = genai.Client(vertexai=True, project="p", location="europe-west1", http_options={"base_url": %r},
                      credentials=google.oauth2.credentials.Credentials(token="none"))
client.operations.get(types.GenerateVideosOperation(name=%r))
"""
    import os

    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths, "REVENIUM_LEDGER": str(tmp_path / "other.db")}
    subprocess.run([sys.executable, "-c", program % (provider.google_url, film.name)], env=environment, check=True, timeout=120)
    ledger = up_to_date(tmp_path / "other.db")
    assert [row["id"] for row in ledger.query("SELECT id FROM record")] == [mine.id]
    ledger.close()


def test_c77_pictures_in_an_answer_have_a_record_of_their_own(two, provider, delivered):
    two.call("models.generate_content", model="gemini-2.5-flash-image", contents="Draw a cat")
    (chat,), (image,) = _apart(delivered)
    assert chat["outputTokenCount"] == provider.usage.output - 1290
    assert chat["totalTokenCount"] == provider.usage.total - 1290
    assert image["actualImageCount"] == 1
    assert image["transactionId"] == chat["transactionId"] + "-image"


def _apart(delivered):
    payloads = delivered(2)
    return [each for each in payloads if "actualImageCount" not in each], [each for each in payloads if "actualImageCount" in each]


CALLS = {
    "content": ("models.generate_content", False, TEXT),
    "embeddings": ("models.embed_content", False, {"model": "text-embedding-004", "contents": "Hello"}),
    "images": ("models.generate_images", True, {"model": "imagen-4.0", "prompt": "a cat"}),
    "films": ("models.generate_videos", True, {"model": "veo-3.0", "prompt": "a cat"}),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_c78_a_refused_call_is_one_error_record(name, two, provider, one):
    path, vertex, arguments = CALLS[name]
    provider.script(Fault.bad_request())
    try:
        two.call(path, vertex=vertex, **arguments)
    except AttributeError:
        pytest.skip("this version has no %s" % path)
    except genai.errors.APIError as error:
        assert error.code == 400
    payload = one()
    assert payload["errorReason"] == "ClientError (HTTP 400)"
    assert payload.get("stopReason", "ERROR") == "ERROR"


def test_c80_the_import_adds_no_log_handler():
    code = """
import logging, revenium_middleware_google, google.genai
print(len(logging.getLogger().handlers), len(logging.getLogger("revenium_middleware").handlers))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE, timeout=120, check=True, env=_environment())
    assert done.stdout.split() == [b"0", b"0"]
    assert logging.getLogger("revenium_middleware").handlers == []


def _environment():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_c81_calls_of_many_threads_keep_apart(provider, delivered):
    client = client_of(provider.google_url)
    client.models.generate_content(**TEXT, usage_metadata={"task_type": "0"})

    def work(number):
        client.models.generate_content(**TEXT, usage_metadata={"task_type": str(number)})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(payload["taskType"] for payload in delivered(9)) == [str(number) for number in range(9)]


def test_what_belongs_to_one_task_stays_there(provider, delivered):
    async def work():
        client = client_of(provider.google_url)
        calls = (client.aio.models.generate_content(**TEXT, usage_metadata={"task_type": str(number)}) for number in range(4))
        await asyncio.gather(*calls)

    run(work())
    assert sorted(payload["taskType"] for payload in delivered(4)) == ["0", "1", "2", "3"]
