"""What a record cost in US dollars: the provider's own figure, else the list price, else nothing at all.

Unknown stays unknown: a record that cannot be priced is ``unpriced`` with a reason, never 0. The rules here are those
that the price list does not keep by itself, since it answers a wrong unit or a tier it does not know with a
plausible number. Prices are public list prices: discounts, regional surcharges and tool fees (web search, code
execution) are not in a record's counts, so they are not in its cost either, unless the provider reported it.
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional

from .._core.values import amount, count
from . import catalogue as catalogues
from .catalogue import MISSING, Catalogue, Listing, Unlisted
from .reading import PRICED, PROVIDER, REPORTED, UNKNOWN, UNPRICED

_STANDARD = frozenset(("", "default", "auto", "standard", "on_demand"))
_SEARCHING = ("-search-", "deep-research", "sonar")
"""Models that bill searches beside tokens; the number of searches is in no record."""
_SOUND_ONLY = ("-tts", "transcribe")
"""Models whose plain token price is that of sound."""
_TOKENS = ("input_token_count", "output_token_count")
_TALLIES = _TOKENS + ("total_token_count", "duration_seconds", "character_count", "actual_image_count")


class Priced(NamedTuple):
    """What one record cost."""

    cost: Optional[float]
    """US dollars; None when it is not known."""
    status: str
    """``reported`` by the provider, ``priced`` from a list, or ``unpriced``."""
    catalogue: str
    """The price list and its version; "" where none was needed or none is installed."""
    why: str
    """Why it is unpriced, or why it cost nothing."""


def catalogue_name() -> str:
    """The installed price list, such as ``genai-prices 0.2.3``; "" when there is none."""
    found = catalogues.catalogue()
    return found.name if found is not None else ""


def price(values: Mapping[str, Any], created: float) -> Priced:
    """The cost of a record with these snake_case ``values``, at the prices of the moment it was ``created``."""
    reported = amount(values.get("total_cost"))
    if reported is not None:
        return Priced(reported, REPORTED, "", "")
    if _refused(values):
        return Priced(0.0, PRICED, "", "refused by the provider before anything was generated")
    found = catalogues.catalogue()
    if found is None:
        return Priced(None, UNPRICED, "", MISSING)
    try:
        return Priced(_listed(found, values, created), PRICED, found.name, "")
    except Unlisted as reason:
        return Priced(None, UNPRICED, found.name, str(reason))


def _refused(values: Mapping[str, Any]) -> bool:
    """Providers bill nothing for a call they answered with an error, and the record says so with zero counts.

    Only then: a failure whose counts are unknown or estimated (a lost connection, a broken stream) may have been billed.
    """
    failed = values.get("error_code") is not None or values.get("stop_reason") == "ERROR"
    if not failed or values.get("usage_source") != PROVIDER:
        return False
    tallies = [values.get(name) for name in _TALLIES]
    if any(tally for tally in tallies):
        return False
    return values.get("error_code") is not None or any(tally is not None for tally in tallies)


def _listed(listed: Catalogue, values: Mapping[str, Any], created: float) -> float:
    if values.get("usage_source") == UNKNOWN:
        raise Unlisted("how much was used is unknown")
    provider, model = str(values.get("provider") or ""), str(values.get("model") or "")
    listing = _listing(listed, provider, model, values)
    when, context = _moment(created), _context(values)
    if context and not listing.has_tier(context, when):
        raise Unlisted("no price for the %s tier of %s" % (next(iter(context.values())), model))
    keys = listing.keys(when, context)
    if not keys and model.lower().endswith(":free"):
        return 0.0
    units = _units(values, keys, model)
    return listing.cost(units, when, context)


def _listing(listed: Catalogue, provider: str, model: str, values: Mapping[str, Any]) -> Listing:
    if not listed.covers(provider):
        raise Unlisted("no price list for provider %s" % (provider or "unknown"))
    if values.get("operation_subtype") == "fine_tuning":
        raise Unlisted("training has no price in the list, only what the trained model answers")
    found = listed.find(provider, model) if model else None
    if found is None:
        raise Unlisted("no price for model %s of %s" % (model or "unknown", provider))
    return found


def _moment(created: float) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(created, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError, TypeError):
        raise Unlisted("the time of the call is unknown") from None


def _context(values: Mapping[str, Any]) -> Dict[str, str]:
    """The tier that was served (never the one asked for), in the list's words."""
    tier = str(values.get("actual_service_tier") or "").lower()
    if tier == "batch" or values.get("pricing_tier") == "BATCH":
        return {"processing": "batch"}  # under "service_tier" the list would take the full price
    if values.get("speed") == "fast" and str(values.get("provider") or "").upper() == "ANTHROPIC":
        return {"speed": "fast"}  # sold at a multiple of the price in the list
    return {} if tier in _STANDARD else {"service_tier": tier}


def _units(values: Mapping[str, Any], keys: FrozenSet[str], model: str) -> Dict[str, Any]:
    """The record's quantities in every unit the model is priced in. Raises Unlisted for one that is missing or has no price."""
    if "requests_kcount" in keys or any(part in model.lower() for part in _SEARCHING):
        raise Unlisted("%s also bills searches, which only the provider counts" % model)
    units: Dict[str, Any] = {}
    if any(key.endswith("_mtok") for key in keys):
        units.update(_token_units(values, keys, model))
    if "audio_hours" in keys:
        units["audio_seconds"] = _measured(values, "duration_seconds", "seconds", model)
    if "input_audio_hours" in keys:
        units["input_audio_seconds"] = units.get("audio_seconds", 0)
    if "input_mchars" in keys:
        units["input_characters"] = _measured(values, "character_count", "characters", model)
    if not units:
        raise Unlisted("the list has no price for the units of %s" % model)
    return units


def _measured(values: Mapping[str, Any], name: str, unit: str, model: str) -> float:
    found = amount(values.get(name))
    if not found:
        raise Unlisted("%s is billed by %s, which were not reported" % (model, unit))
    return found


def _token_units(values: Mapping[str, Any], keys: FrozenSet[str], model: str) -> Dict[str, Any]:
    tokens = _Tokens(values, model)
    if tokens.input is None or tokens.output is None:
        raise Unlisted("%s is billed by tokens, which were not reported" % model)
    if not tokens.input and not tokens.output:
        raise Unlisted("the answer reports no tokens at all")
    _must_have(keys, model, input_mtok=tokens.input, output_mtok=tokens.output)
    _must_have(keys, model, cache_read_mtok=tokens.cache_read, cache_write_mtok=tokens.cache_write, cache_write_1h_mtok=tokens.cache_write_1h)
    if not any(part in model.lower() for part in _SOUND_ONLY):
        _must_have(keys, model, input_audio_mtok=tokens.input_audio, output_audio_mtok=tokens.output_audio)
    _must_be_split(values, keys, model, tokens)
    units = {"input_tokens": tokens.input, "output_tokens": tokens.output}
    for name, key in _PARTS:
        part = getattr(tokens, name)
        if part and key in keys:
            units[key.replace("_mtok", "_tokens")] = part
    return units


_LISTED_ALIKE = ("cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "input_audio", "output_audio", "input_image", "output_image")
_PARTS = tuple((name, name + "_mtok") for name in _LISTED_ALIKE) + (("reasoning", "output_reasoning_mtok"),)
"""Our buckets and the list's keys. Each is a part of input or output: without a price of its own it has its parent's."""


def _must_have(keys: FrozenSet[str], model: str, **tokens: int) -> None:
    """Tokens whose price differs from their parent's wherever there is one: the parent's would be a guess."""
    for key, number in tokens.items():
        if number and key not in keys:
            raise Unlisted("the list has no price for %s tokens of %s" % (key.replace("_mtok", "").replace("_", " "), model))


def _must_be_split(values: Mapping[str, Any], keys: FrozenSet[str], model: str, tokens: "_Tokens") -> None:
    """Where sound or pictures have a price of their own, how many tokens they are must be known."""
    sound, pictures = "input_audio_mtok" in keys, "input_image_mtok" in keys
    if tokens.cache_read and ((sound and tokens.input_audio) or (pictures and tokens.input_image)):
        raise Unlisted("cached tokens of %s are not reported by kind, and the kinds have different prices" % model)
    heard = sound and values.get("operation_type") == "AUDIO" and values.get("input_audio_token_count") is None
    seen = pictures and values.get("source_image_provided") is True and values.get("input_image_token_count") is None
    if tokens.input and (heard or seen):
        raise Unlisted("input tokens of %s are not reported by kind, and the kinds have different prices" % model)


class _Tokens:
    """A record's token buckets as the list counts them: input includes everything read from and written to a cache."""

    def __init__(self, values: Mapping[str, Any], model: str) -> None:
        def part(name: str) -> int:
            return count(values.get(name + "_token_count")) or 0

        self.cache_read, self.cache_write_5m, self.cache_write_1h = part("cache_read"), part("cache_creation_5m"), part("cache_creation_1h")
        self.cache_write = max(part("cache_creation"), self.cache_write_5m + self.cache_write_1h)
        self.input_audio, self.output_audio = part("input_audio"), part("output_audio")
        self.input_image, self.output_image = part("input_image"), part("output_image")
        self.reasoning = part("reasoning")
        self.output = count(values.get("output_token_count"))
        if self.output is None and values.get("operation_type") == "EMBED":
            self.output = 0
        self.input = count(values.get("input_token_count"))
        if self.input is not None:
            beside = self.cache_read if _reads_beside(values, model) else 0
            self.input += beside + self.cache_write


def _reads_beside(values: Mapping[str, Any], model: str) -> bool:
    """The server's arithmetic: Anthropic's and Bedrock's input count leaves cache reads out, all others include them."""
    return str(values.get("provider") or "").upper() in ("ANTHROPIC", "AWS", "BEDROCK") or "claude" in model.lower()
