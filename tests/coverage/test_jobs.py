"""Work that is billed later: recorded once, by whichever call and process sees it finished first, as its start attributed it."""

from __future__ import annotations

from typing import Any, Callable, List

import openai
import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime

from .flows import FILM

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Records = Callable[[], List[Any]]


@pytest.fixture
def client(provider: Any) -> Any:
    with openai.OpenAI(base_url=provider.openai_url, api_key="none", max_retries=0) as client:
        yield client


def finished(client: Any, **tag: Any) -> Any:
    if not hasattr(client, "videos"):
        pytest.skip("openai %s has no videos" % openai.__version__)
    film = client.videos.create(**FILM, **tag)
    for _ in range(3):
        seen = client.videos.retrieve(film.id)
    assert seen.status == "completed"
    return film


def test_a_finished_job_seen_again_by_another_process_is_the_same_record(client: Any, records: Records) -> None:
    film = finished(client, usage_metadata={"task_type": "film"})
    (before,) = records()
    runtime.reset()  # what a second process knows: nothing
    client.videos.retrieve(film.id)
    assert [(record.id, record.values["task_type"]) for record in records()] == [(before.id, "film")]


def test_another_process_that_is_first_to_see_it_finished_records_it(client: Any, records: Records) -> None:
    if not hasattr(client, "videos"):
        pytest.skip("openai %s has no videos" % openai.__version__)
    film = client.videos.create(**FILM)
    runtime.reset()
    for _ in range(4):
        client.videos.retrieve(film.id)
    (record,) = records()
    assert record.values["duration_seconds"] == 8
    assert record.values["transaction_id"] == film.id


def test_a_list_records_only_the_jobs_this_process_started(client: Any, records: Records) -> None:
    film = finished(client)
    assert len(records()) == 1
    runtime.reset()
    assert [each.id for each in client.videos.list().data] == [film.id]
    assert revenium_middleware.status().recorded == 0


def test_a_film_made_longer_is_billed_for_what_was_added(client: Any, provider: Any, records: Records) -> None:
    first = finished(client)
    longer = client.post("/videos/extensions", cast_to=type(first), body={"video": {"id": first.id}, "prompt": "more", "seconds": "12"})
    for _ in range(3):
        shown = client.videos.retrieve(longer.id)
    assert shown.seconds == "20"  # the whole
    assert [record.values["duration_seconds"] for record in records()] == [8, 12]
    assert provider.usage.seconds == 20
