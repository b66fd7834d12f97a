"""The demo's own check fails when a record is missing, doubled or wrong."""

from __future__ import annotations

from typing import Any, Dict, List

import openai
import pytest

from .loopback import demo

DEMO = demo()
CALLS = sum(calls for group in DEMO.GROUPS for calls in group.calls.values())


@pytest.fixture
def made(provider: Any) -> List[Dict[str, Any]]:
    """What should have been recorded after as many calls as the demo makes."""
    with openai.OpenAI(base_url=provider.openai_url, api_key="any") as client:
        for _ in range(CALLS):
            client.embeddings.create(model="text-embedding-3-small", input="Hello")
    counted = {"input_token_count": provider.usage.input // CALLS, "output_token_count": 0, "usage_source": "provider", "provider": "OPENAI"}
    return [dict(counted) for _ in range(CALLS)]


def test_exact_records_pass(made: List[Dict[str, Any]], provider: Any) -> None:
    assert DEMO.verified({"OPENAI"}, provider, made)


@pytest.mark.parametrize("spoil", ["lose", "double", "miscount", "estimate", "mislabel"])
def test_anything_else_fails(spoil: str, made: List[Dict[str, Any]], provider: Any, capsys: Any) -> None:
    if spoil == "lose":
        made.pop()
    elif spoil == "double":
        made.append(made[0])
    else:
        made[0].update({"miscount": {"input_token_count": 1}, "estimate": {"usage_source": "estimated"}, "mislabel": {"provider": "CUSTOM"}}[spoil])
    assert not DEMO.verified({"OPENAI"}, provider, made)
    assert "FAIL" in capsys.readouterr().out


def test_the_users_account_and_settings_stay_out_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", "hak_real")
    monkeypatch.setenv("REVENIUM_SELECTIVE_METERING", "true")
    given = DEMO.environment(tmp_path / "ledger.db")
    assert (given["REVENIUM_METERING_API_KEY"], given["REVENIUM_SELECTIVE_METERING"]) == ("", "")
    assert given["REVENIUM_LEDGER"] == str(tmp_path / "ledger.db")
