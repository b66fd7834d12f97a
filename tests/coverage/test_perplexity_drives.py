"""Perplexity's own SDK: a method counts as metered only if it is driven here."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

perplexity = pytest.importorskip("perplexity", reason="the native Perplexity SDK is not installed")

import revenium_middleware_perplexity  # noqa: E402

from .caller import Caller, NotThere  # noqa: E402
from .perplexity_drives import DRIVES  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    kind = perplexity.Perplexity if side == "sync" else perplexity.AsyncPerplexity
    call = Caller(kind(base_url=provider.url + "/v1" if perplexity.__version__ < "0.3" else provider.url, api_key="none", max_retries=0), {"task_type": name})
    try:
        DRIVES[name](call)
    except NotThere as missing:
        pytest.skip("perplexityai %s has no %s" % (perplexity.__version__, missing))
    finally:
        call.close()
    found = records()
    compared(provider, found, {field: spent for field, spent in COUNTS.items() if spent != "reasoning" or name == "chat.completions.create"})
    assert {record.values["provider"] for record in found} == {"PERPLEXITY"}
    if name not in ("get", "post", "request", "get_api_list"):
        assert name in call.called
        assert {record.values.get("task_type") for record in found} == {name}
    for record in found:
        reported = "total_cost" in record.values
        assert record.values.get("cost_status") == ("reported" if reported else None)


def test_a_search_is_one_record_without_tokens(provider: Any, records: Callable[[], List[Any]]) -> None:
    perplexity.Perplexity(base_url=provider.url + "/v1" if perplexity.__version__ < "0.3" else provider.url, api_key="none").search.create(query=["one", "two"])
    (record,) = records()
    assert record.values["operation_type"] == "SEARCH"
    assert record.values["usage_source"] == "unknown"
    assert "total_token_count" not in record.values


def test_the_middleware_is_ready() -> None:
    assert revenium_middleware_perplexity.is_initialized()
