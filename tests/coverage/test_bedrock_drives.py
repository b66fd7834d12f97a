"""boto3's Bedrock client: a method counts as metered only if it is driven here."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")

import revenium_middleware_bedrock  # noqa: E402
from revenium_middleware.bedrock.coverage import INVENTORY  # noqa: E402

from .bedrock_drives import DRIVES, OTHERS, TEXTS, _body  # noqa: E402
from .caller import Caller, NotThere  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

NAMES = {**COUNTS, "actual_image_count": "images", "duration_seconds": "seconds"}


def caller(url: str, tag: str) -> Caller:
    return Caller(boto3.client(**INVENTORY.clients[0][1], endpoint_url=url), {"task_type": tag})


@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    call = caller(provider.url, name)
    try:
        DRIVES[name](call)
    except NotThere as missing:
        pytest.skip("boto3 %s has no %s" % (boto3.__version__, missing))
    finally:
        call.close()
    found = records()
    compared(provider, found, NAMES)
    assert {record.values["provider"] for record in found} == {"AWS"}
    assert {record.values.get("task_type") for record in found} == {name}
    assert [record.values["transaction_id"] for record in found] == [each.id for each in provider.billed]
    assert [record.values["model"] for record in found] == [each.model for each in provider.billed]
    assert not any("usage_metadata" in repr(each.body) for each in provider.log)
    assert name in call.called


def test_each_kind_of_answer_is_a_record_of_its_kind(provider: Any, records: Callable[[], List[Any]]) -> None:
    call = caller(provider.url, "kinds")
    for model, body in {**TEXTS, **OTHERS}.items():
        call("invoke_model", **_body(model, body))
    call.close()
    kinds = {record.values["model"]: (record.kind, record.values["operation_type"], record.values["usage_source"]) for record in records()}
    assert {kinds[model] for model in TEXTS} == {("completion", "CHAT", "provider")}
    assert [kinds[model] for model in OTHERS] == [
        ("image", "IMAGE", "provider"),
        ("image", "IMAGE", "provider"),
        ("completion", "EMBED", "provider"),
        ("completion", "EMBED", "provider"),
        ("completion", "RERANK", "unknown"),  # no answer says what it took
    ]


def test_what_was_asked_of_a_picture_and_of_a_film_is_said(provider: Any, records: Callable[[], List[Any]]) -> None:
    call = caller(provider.url, "media")
    call("invoke_model", **_body("amazon.nova-canvas-v1:0", OTHERS["amazon.nova-canvas-v1:0"]))
    try:
        DRIVES["start_async_invoke"](call)
    except NotThere as missing:
        pytest.skip("boto3 %s has no %s" % (boto3.__version__, missing))
    finally:
        call.close()
    picture, film = (record.values for record in records())
    assert (picture["resolution"], picture["requested_image_count"], picture["billing_unit"]) == ("512x512", 2, "PER_IMAGE")
    wanted = {"duration_seconds": 6, "fps": 24, "resolution": "1280x720", "model_source": "AMAZON", "completion_status": "SUCCESS"}
    assert {name: film.get(name) for name in wanted} == wanted


def test_counting_and_listing_are_free(provider: Any, records: Callable[[], List[Any]]) -> None:
    call = caller(provider.url, "free")
    try:
        call("count_tokens", modelId="anthropic.claude", input={"converse": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}})
        call("list_async_invokes")
    except NotThere as missing:
        pytest.skip("boto3 %s has no %s" % (boto3.__version__, missing))
    finally:
        call.close()
    assert records() == []


def test_the_middleware_is_ready() -> None:
    assert revenium_middleware_bedrock.is_initialized()
