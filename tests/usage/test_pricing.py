"""Prices: what the list says where it can be believed, and nothing where it cannot."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any, Dict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revenium_middleware._usage import pricing
from revenium_middleware._usage.pricing import Priced, catalogue_name, price

AUTUMN = 1_795_000_000.0  # 2026-11-18
LISTED = catalogue_name()
NEW = bool(LISTED) and not LISTED.startswith("genai-prices 0.0.")

listed = pytest.mark.skipif(not LISTED, reason="genai-prices cannot be installed on this Python")
new = pytest.mark.skipif(not NEW, reason="this release of genai-prices knows tokens at the standard tier only")


def used(**values: Any) -> Dict[str, Any]:
    record = {"provider": "OPENAI", "model": "gpt-4o-mini-2024-07-18", "usage_source": "provider", "input_token_count": 1000, "output_token_count": 100}
    record.update(values)
    return {name: value for name, value in record.items() if value is not None}


def untold(**values: Any) -> Dict[str, Any]:
    return used(input_token_count=None, output_token_count=None, **values)


def cost(values: Dict[str, Any], created: float = AUTUMN) -> Any:
    found = price(values, created)
    assert found.status == "priced", found.why
    assert found.catalogue == LISTED
    assert found.why == ""
    return pytest.approx(found.cost, rel=1e-9)


def unpriced(values: Dict[str, Any], why: str, created: float = AUTUMN) -> None:
    found = price(values, created)
    assert (found.cost, found.status) == (None, "unpriced")
    assert why in found.why


# ------------------------------------------------------------------ the provider's own figure


@pytest.mark.parametrize("total", [0.0123, 0, 7])
def test_a_reported_cost_wins_over_everything(total: float) -> None:
    assert price(used(total_cost=total, usage_source="unknown", provider="CUSTOM"), AUTUMN) == Priced(float(total), "reported", "", "")


@pytest.mark.parametrize("total", [-1, math.nan, math.inf, "0.1", True])
def test_a_reported_cost_that_is_no_amount_is_not_believed(total: Any) -> None:
    assert price(used(total_cost=total, provider="CUSTOM"), AUTUMN).status == "unpriced"


# ------------------------------------------------------------------ tokens


@listed
def test_tokens_at_the_list_price() -> None:
    assert cost(used()) == 1000 * 0.15e-6 + 100 * 0.6e-6


@listed
def test_cached_tokens_are_a_part_of_openai_input() -> None:
    assert cost(used(cache_read_token_count=600)) == 400 * 0.15e-6 + 600 * 0.075e-6 + 100 * 0.6e-6


@listed
def test_reasoning_is_a_part_of_output() -> None:
    assert cost(used(reasoning_token_count=64)) == cost(used())


@new
def test_anthropic_counts_cache_beside_the_input_and_writes_by_lifetime() -> None:
    found = cost(
        used(
            provider="ANTHROPIC",
            model="claude-sonnet-4-5-20250929",
            cache_read_token_count=600,
            cache_creation_token_count=300,
            cache_creation_5m_token_count=200,
            cache_creation_1h_token_count=100,
        )
    )
    assert found == (1000 * 3 + 600 * 0.3 + 200 * 3.75 + 100 * 6 + 100 * 15) * 1e-6


@pytest.mark.skipif(NEW or not LISTED, reason="only older releases lack the price of an hour in the cache")
def test_an_hour_in_the_cache_is_not_priced_as_five_minutes() -> None:
    values = used(provider="ANTHROPIC", model="claude-sonnet-4-5-20250929", cache_creation_token_count=300, cache_creation_1h_token_count=100)
    unpriced(values, "no price for cache write 1h tokens")


@listed
def test_a_part_that_always_has_its_own_price_is_not_priced_as_its_parent() -> None:
    unpriced(used(model="gpt-4-0613", cache_read_token_count=5), "no price for cache read tokens of gpt-4-0613")


@listed
def test_an_embedding_has_no_output_to_pay_for() -> None:
    values = used(model="text-embedding-3-small", operation_type="EMBED", output_token_count=0)
    assert cost(values) == 1000 * 0.02e-6
    del values["output_token_count"]
    assert cost(values) == 1000 * 0.02e-6
    unpriced(used(model="text-embedding-3-small"), "no price for output tokens")


@listed
def test_an_estimate_is_priced_like_a_report() -> None:
    assert cost(used(usage_source="estimated")) == cost(used())


@listed
def test_the_price_is_that_of_the_day() -> None:
    before, after = 1_749_000_000.0, 1_750_000_000.0  # around 2025-06-10, when o3 became cheaper
    assert cost(used(model="o3"), before) == 1000 * 10e-6 + 100 * 40e-6
    assert cost(used(model="o3"), after) == 1000 * 2e-6 + 100 * 8e-6


# ------------------------------------------------------------------ names


@listed
@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("OPENAI", "gpt-4o-mini"),
        ("openai", "GPT-4o-mini"),
        ("OPENAI", "openai/gpt-4o-mini"),
        ("OPENAI", "models/gpt-4o-mini"),
        ("Azure", "gpt-4o-mini"),
        ("Azure", "azure/gpt-4o-mini-2024-07-18"),
    ],
)
def test_one_model_by_many_names(provider: str, model: str) -> None:
    assert cost(used(provider=provider, model=model)) == cost(used())


@listed
@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("Azure", "gpt-35-turbo", 1000 * 0.5e-6 + 100 * 1.5e-6),
        ("GOOGLE", "models/gemini-2.5-flash", 1000 * 0.3e-6 + 100 * 2.5e-6),
        ("GOOGLE", "publishers/google/models/gemini-2.5-flash", 1000 * 0.3e-6 + 100 * 2.5e-6),
        ("GOOGLE", "google/gemini-2.5-flash", 1000 * 0.3e-6 + 100 * 2.5e-6),
        ("GOOGLE", "claude-sonnet-4-5@20250929", 1000 * 3e-6 + 100 * 15e-6),
        ("FIREWORKS", "accounts/fireworks/models/llama-v3p1-8b-instruct", 1100 * 0.2e-6),
        ("GROQ", "llama-3.3-70b-versatile", 1000 * 0.59e-6 + 100 * 0.79e-6),
        ("XAI", "grok-4", 1000 * 3e-6 + 100 * 15e-6),
        ("AWS", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", 1000 * 3e-6 + 100 * 15e-6),
        ("AWS", "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0", 1000 * 3e-6 + 100 * 15e-6),
        ("OPENROUTER", "openai/gpt-4o", 1000 * 2.5e-6 + 100 * 10e-6),
    ],
)
def test_the_names_of_other_hosts(provider: str, model: str, dollars: float) -> None:
    assert cost(used(provider=provider, model=model)) == dollars


@listed
def test_a_fine_tuned_model_has_its_own_price() -> None:
    assert cost(used(model="ft:gpt-4o-mini-2024-07-18:acme::abc123")) == 1000 * 0.3e-6 + 100 * 1.2e-6


@listed
@pytest.mark.parametrize("model", ["ft:gpt-4-0613:acme::abc", "ft:gpt-99:acme::abc"])
def test_a_fine_tuned_model_is_not_priced_as_the_model_it_came_from(model: str) -> None:
    unpriced(used(model=model), "no price for model")


@listed
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"model": "my-deployment"}, "no price for model my-deployment of OPENAI"),
        ({"model": "gpt-4o-mini-of-ours"}, "no price for model"),
        ({"model": ""}, "no price for model unknown"),
        ({"model": None}, "no price for model unknown"),
        ({"model": "dall-e-3", "actual_image_count": 1}, "no price for model dall-e-3"),
        ({"provider": "CUSTOM"}, "no price list for provider CUSTOM"),
        ({"provider": "OLLAMA", "model": "llama3"}, "no price list for provider OLLAMA"),
        ({"provider": "HUGGINGFACE", "model": "meta-llama/Llama-3.1-8B-Instruct"}, "no price list for provider HUGGINGFACE"),
        ({"provider": None}, "no price list for provider unknown"),
        ({"provider": "my-openai-clone"}, "no price list for provider my-openai-clone"),
        ({"operation_subtype": "fine_tuning", "output_token_count": 0}, "training has no price"),
    ],
)
def test_what_is_not_listed_has_no_price(values: Dict[str, Any], why: str) -> None:
    unpriced(used(**values), why)


# ------------------------------------------------------------------ unknown counts


@listed
@pytest.mark.parametrize(
    ("values", "why"),
    [
        (used(usage_source="unknown"), "how much was used is unknown"),
        (untold(), "billed by tokens, which were not reported"),
        (used(output_token_count=None), "billed by tokens, which were not reported"),
        (used(input_token_count=None), "billed by tokens, which were not reported"),
        (used(input_token_count=-5), "billed by tokens, which were not reported"),
        (used(input_token_count="1000"), "billed by tokens, which were not reported"),
        (used(input_token_count=0, output_token_count=0), "reports no tokens at all"),
    ],
)
def test_unknown_counts_have_no_price(values: Dict[str, Any], why: str) -> None:
    unpriced(values, why)


@pytest.mark.parametrize(
    "values",
    [
        used(stop_reason="ERROR", error_code=429, input_token_count=0, output_token_count=0),
        used(stop_reason="ERROR", input_token_count=0, output_token_count=0, model="unheard-of", provider="CUSTOM"),
        untold(error_code=400, model="dall-e-3"),
    ],
)
def test_a_call_the_provider_refused_cost_nothing_whatever_its_model(values: Dict[str, Any]) -> None:
    assert price(values, AUTUMN) == Priced(0.0, "priced", "", "refused by the provider before anything was generated")


@listed
@pytest.mark.parametrize(
    "values",
    [
        untold(stop_reason="ERROR", usage_source="unknown"),  # the connection was lost: it may have been billed
        used(stop_reason="ERROR", usage_source="unknown", input_token_count=0, output_token_count=0),
        untold(stop_reason="ERROR"),
        used(stop_reason="END", input_token_count=0, output_token_count=0),
    ],
)
def test_a_failure_that_may_have_been_billed_is_not_free(values: Dict[str, Any]) -> None:
    unpriced(values, "")


@listed
def test_a_failure_with_counts_is_billed_for_them() -> None:
    assert cost(used(stop_reason="ERROR")) == cost(used())


# ------------------------------------------------------------------ the traps of the list


@new
def test_whisper_given_tokens_is_not_free() -> None:
    unpriced(used(model="whisper-1"), "whisper-1 is billed by seconds, which were not reported")


@new
def test_whisper_by_its_seconds() -> None:
    assert cost(untold(model="whisper-1", duration_seconds=60)) == 0.006
    unpriced(untold(model="whisper-1", duration_seconds=0), "billed by seconds")


@new
def test_a_minimum_of_seconds_is_kept() -> None:
    assert cost(untold(provider="GROQ", model="whisper-large-v3", duration_seconds=3)) == 10 * 0.111 / 3600


@pytest.mark.skipif(LISTED != "genai-prices 0.2.3", reason="speech models came with a later release")
def test_speech_by_characters_or_by_tokens() -> None:
    assert cost(untold(model="tts-1", character_count=1000)) == 0.015
    unpriced(used(model="tts-1"), "tts-1 is billed by characters")
    unpriced(untold(model="gpt-4o-mini-tts", character_count=1000), "gpt-4o-mini-tts is billed by tokens")


@new
def test_batch_is_not_full_price_however_it_is_spelled() -> None:
    half = cost(used(pricing_tier="BATCH"))
    assert half == (1000 * 0.15e-6 + 100 * 0.6e-6) / 2
    assert cost(used(actual_service_tier="batch")) == half
    assert cost(used(actual_service_tier="default", pricing_tier="BATCH")) == half


@new
def test_the_served_tier_counts_not_the_requested_one() -> None:
    standard = cost(used(model="gpt-5"))
    assert cost(used(model="gpt-5", actual_service_tier="flex")) == standard.expected / 2
    assert cost(used(model="gpt-5", actual_service_tier="priority")) == standard.expected * 2
    assert cost(used(model="gpt-5", actual_service_tier="default", requested_service_tier="flex")) == standard


@listed
@pytest.mark.parametrize("tier", [None, "", "default", "auto", "standard", "on_demand", "DEFAULT"])
def test_the_standard_tier_by_its_names(tier: Any) -> None:
    assert cost(used(actual_service_tier=tier)) == cost(used())


@listed
@pytest.mark.parametrize(
    "values",
    [
        {"actual_service_tier": "scale"},
        {"actual_service_tier": "flex"},  # gpt-4o-mini has no flex price
        {"provider": "Azure", "pricing_tier": "BATCH"},  # Azure's list is borrowed from OpenAI, which ignores tiers
        {"provider": "Azure", "actual_service_tier": "priority"},
    ],
)
def test_a_tier_without_a_price_of_its_own_is_not_the_standard_one(values: Dict[str, Any]) -> None:
    unpriced(used(**values), "tier of gpt-4o-mini")


@listed
def test_fast_answers_of_anthropic_cost_more_than_the_list_says() -> None:
    claude = {"provider": "ANTHROPIC", "model": "claude-opus-4-1"}
    unpriced(used(**claude, speed="fast"), "fast tier")
    assert cost(used(**claude, speed="standard")) == cost(used(**claude))


@new
def test_a_tier_before_its_price_was_listed_is_unpriced() -> None:
    unpriced(used(pricing_tier="BATCH"), "batch tier", created=1_750_000_000.0)


@listed
@pytest.mark.parametrize(
    ("provider", "model"), [("PERPLEXITY", "sonar-pro"), ("PERPLEXITY", "sonar"), ("PERPLEXITY", "sonar-deep-research"), ("OPENAI", "o3-deep-research")]
)
def test_a_model_that_bills_searches_needs_the_providers_own_figure(provider: str, model: str) -> None:
    unpriced(used(provider=provider, model=model), "also bills searches")
    assert price(used(provider=provider, model=model, total_cost=0.02), AUTUMN).cost == 0.02


@new
def test_sound_is_not_priced_as_text() -> None:
    unpriced(used(model="gpt-4o-audio-preview", input_audio_token_count=500), "no price for input audio tokens")
    split = used(model="gpt-audio", input_audio_token_count=500, output_audio_token_count=40)
    assert cost(split) == (500 * 2.5 + 500 * 32 + 60 * 10 + 40 * 64) * 1e-6


@listed
def test_tokens_of_a_recording_must_say_how_many_are_sound() -> None:
    unpriced(used(model="gpt-4o-transcribe", operation_type="AUDIO"), "not reported by kind")
    assert cost(used(model="gpt-4o-transcribe", operation_type="AUDIO", input_audio_token_count=900)) == (100 * 2.5 + 900 * 6 + 100 * 10) * 1e-6


@new
def test_cached_sound_must_say_how_much_of_it_was_cached() -> None:
    unpriced(used(model="gpt-realtime", input_audio_token_count=500, cache_read_token_count=100), "cached tokens of gpt-realtime")


@new
def test_pictures_by_tokens() -> None:
    assert cost(used(model="gpt-image-1", operation_type="IMAGE", input_image_token_count=20)) == (980 * 5 + 20 * 10 + 100 * 40) * 1e-6
    unpriced(used(model="gpt-image-1", operation_type="IMAGE", source_image_provided=True), "not reported by kind")


@new
def test_a_model_with_no_price_at_all_is_free_only_when_it_says_so() -> None:
    assert cost(used(provider="OPENROUTER", model="meta-llama/llama-3.3-70b-instruct:free")) == 0
    unpriced(used(model="omni-moderation-latest"), "no price for the units")


@listed
def test_parts_that_exceed_the_whole_are_no_reason_to_raise() -> None:
    unpriced(used(cache_read_token_count=5000), "cannot price this usage")


@pytest.mark.parametrize("created", [math.nan, math.inf, -1e18, 1e18])
@listed
def test_a_time_that_is_none(created: float) -> None:
    unpriced(used(), "the time of the call is unknown", created)


# ------------------------------------------------------------------ always


_anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2))


_names = st.sampled_from(sorted(used(cache_read_token_count=1, actual_service_tier="", pricing_tier="", duration_seconds=1, total_cost=1)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_names, _anything))
def test_no_record_makes_it_raise_or_invent_a_zero(values: Dict[str, Any]) -> None:
    found = price({**used(), **values}, AUTUMN)
    assert found.status in ("reported", "priced", "unpriced")
    assert (found.cost is None) == (found.status == "unpriced")
    assert bool(found.why) >= (found.status == "unpriced")
    assert found.cost is None or found.cost > 0 or found.status == "reported"


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**6), st.floats(0, 1))
@listed
def test_more_use_never_costs_less_and_the_cache_never_costs_more(inputs: int, outputs: int, share: float) -> None:
    inputs += 1
    plain = price(used(input_token_count=inputs, output_token_count=outputs), AUTUMN).cost
    cached = price(used(input_token_count=inputs, output_token_count=outputs, cache_read_token_count=int(inputs * share)), AUTUMN).cost
    more = price(used(input_token_count=inputs + 1, output_token_count=outputs), AUTUMN).cost
    assert plain is not None and cached is not None and more is not None
    assert 0 < cached <= plain < more


def test_without_a_price_list_it_says_why() -> None:
    code = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from revenium_middleware._usage.pricing import catalogue_name, price\n"
        "values = {'provider': 'OPENAI', 'model': 'gpt-4o', 'usage_source': 'provider', 'input_token_count': 1, 'output_token_count': 1}\n"
        "print(repr(catalogue_name()), price(values, 1.0), price({**values, 'total_cost': 2}, 1.0).cost)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.stdout.strip() == "'' %r 2.0" % (Priced(None, "unpriced", "", pricing.MISSING),)


def test_nothing_is_imported_before_the_first_price() -> None:
    code = "import sys, revenium_middleware._usage.pricing; print('genai_prices' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.stdout.strip() == "False False"


@pytest.mark.skipif(sys.version_info >= (3, 9), reason="this Python can have a price list")
def test_python_3_8_has_no_price_list() -> None:
    assert LISTED == ""
    unpriced(used(), "genai-prices is not installed (it needs Python 3.9 or later)")
