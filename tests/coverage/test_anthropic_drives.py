"""Anthropic's own SDK: a method counts as metered only if it is driven here."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

anthropic = pytest.importorskip("anthropic", reason="the Anthropic SDK is not installed")

from .anthropic_drives import DRIVES  # noqa: E402
from .caller import Caller, NotThere  # noqa: E402
from .test_openai_drives import COUNTS, compared  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK, about models that will end
_COUNTS = {**COUNTS, "cache_creation_token_count": "cache_written", "cache_creation_5m_token_count": "cache_written"}


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    kind = anthropic.Anthropic if side == "sync" else anthropic.AsyncAnthropic
    call = Caller(kind(base_url=provider.url, api_key="none", max_retries=0), {"task_type": name})
    try:
        DRIVES[name](call)
    except (NotThere, TypeError) as missing:
        if isinstance(missing, TypeError) and anthropic.__version__ >= "2":
            raise
        pytest.skip("anthropic %s has no %s" % (anthropic.__version__, missing))
    finally:
        call.close()
    found = records()
    compared(provider, found, _COUNTS)
    assert {record.values["provider"] for record in found} == {"ANTHROPIC"}
    if name not in ("get", "post", "request", "get_api_list"):
        assert name in call.called
        assert {record.values.get("task_type") for record in found} == {name}
    batch = ".batches." in name or name.startswith("get")
    assert {record.values.get("pricing_tier") for record in found} == {"BATCH" if batch else None}


def test_what_is_free_leaves_nothing(provider: Any, records: Callable[[], List[Any]]) -> None:
    with anthropic.Anthropic(base_url=provider.url, api_key="none", max_retries=0) as client:
        client.messages.count_tokens(model="claude-opus-4-7", messages=[{"role": "user", "content": "Hi"}])
        list(client.models.list())
        batch = client.messages.batches.create(requests=[])
        client.messages.batches.cancel(batch.id)
        list(client.messages.batches.list())
    assert records() == []
