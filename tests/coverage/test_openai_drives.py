"""A method counts as metered only if it is driven here: through the real SDK, against a provider that notes down what it bills."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import openai
import pytest

from .caller import Caller, NotThere
from .openai_drives import DRIVES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK, about APIs that will end

COUNTS = {
    "input_token_count": "input",
    "output_token_count": "output",
    "total_token_count": "total",
    "cache_read_token_count": "cached",
    "reasoning_token_count": "reasoning",
    "duration_seconds": "seconds",
    "character_count": "characters",
    "total_cost": "cost",
}


NOT_SAID = {
    "audio.translations.create": "duration_seconds",  # the answer has the sound's length, not the full second it bills
    **{name: "reasoning_token_count" for name in DRIVES if name.startswith("evals.runs.")},  # a run's usage by model does not split its output
}


def compared(provider: Any, found: List[Any], names: Dict[str, str]) -> None:
    """One record per bill, and the sums of both are the same."""
    assert len(found) == provider.calls, [(each.path, each.calls) for each in provider.log] + [record.values for record in found]
    assert found, "nothing was billed: the drive does not reach a bill"
    for field, spent in names.items():
        recorded = sum(record.values.get(field) or 0 for record in found)
        assert recorded == pytest.approx(getattr(provider.usage, spent)), (field, [record.values for record in found])
    assert len({record.id for record in found}) == len(found)


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(DRIVES))
def test_a_metered_method_leaves_the_records_of_its_bills(name: str, side: str, provider: Any, records: Callable[[], List[Any]]) -> None:
    kind = openai.OpenAI if side == "sync" else openai.AsyncOpenAI
    call = Caller(kind(base_url=provider.openai_url, api_key="none", max_retries=0), {"task_type": name})
    try:
        DRIVES[name](call)
    except NotThere as missing:
        pytest.skip("openai %s has no %s" % (openai.__version__, missing))
    finally:
        call.close()
    found = records()
    compared(provider, found, {field: spent for field, spent in COUNTS.items() if field != NOT_SAID.get(name)})
    assert {record.values.get("provider") for record in found} == {"CUSTOM"}
    if name not in ("get", "post", "request", "get_api_list"):
        assert name in call.called
        assert {record.values.get("task_type") for record in found} == {name}
