"""The price list: everything that is known of genai-prices is in this module.

It is imported when the first price is asked for, never at import, and may be missing: it needs Python 3.9, and its
releases differ (0.0.61 knows tokens only and no tiers, 0.1 and later know seconds, characters and served tiers).
"""

from __future__ import annotations

import datetime
import functools
import importlib
import re
from typing import Any, Dict, FrozenSet, Iterator, Mapping, Optional

MISSING = "genai-prices is not installed (it needs Python 3.9 or later)"

_PROVIDERS: Mapping[str, str] = {
    "openai": "openai",
    "azure": "azure",
    "xai": "x-ai",
    "groq": "groq",
    "perplexity": "perplexity",
    "fireworks": "fireworks",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "openrouter": "openrouter",
    "together": "together",
    "cohere": "cohere",
    "cloudflare": "cloudflare",
    "google": "google",
    "anthropic": "anthropic",
    "aws": "aws",
    "bedrock": "aws",
}
"""Our labels and the list's own. Its matching by substring is not used: it takes any text with "openai" in it for OpenAI."""

_MAKERS = ("openai", "anthropic", "mistral", "deepseek", "xai", "cohere", "perplexity", "google")
"""Those who sell their own models; the others sell everybody's, so a model's name does not tell them. Google does both."""

_ROUTES = frozenset(_PROVIDERS) | frozenset(("azure_ai", "x-ai", "fireworks_ai", "together_ai", "gemini", "vertex_ai"))
"""First parts of a model name that say whom a router asked, as in ``openai/gpt-4o``."""

_FAILURES = (LookupError, ValueError, ArithmeticError, TypeError, AttributeError)
"""What the library raises for a usage it cannot price; the last two where a release has another interface."""


class Unlisted(Exception):
    """The list cannot price this; the text says why."""


class Listing:
    """One model of one provider in the list."""

    def __init__(self, usage: Any, provider: Any, model: Any) -> None:
        self._usage = usage
        self._provider = provider
        self._model = model
        self.id: str = model.id

    def has_tier(self, context: Mapping[str, str], when: datetime.datetime) -> bool:
        """Whether this very tier has a price at that time; the library would quietly use the standard price."""
        if not any(self._model is own for own in self._provider.models):
            return False  # a model borrowed from another provider's list: the library ignores the tier
        for variant in getattr(self._model, "price_variants", None) or ():
            active = variant.constraint is None or variant.constraint.active(when)
            if active and variant.when.items() <= context.items():
                return True
        return False

    def keys(self, when: datetime.datetime, context: Mapping[str, str]) -> FrozenSet[str]:
        """What is priced at that time, such as ``input_mtok`` or ``audio_hours``."""
        prices = self._model.get_prices(when, context) if context else self._model.get_prices(when)
        return frozenset(key for key, price in vars(prices).items() if price is not None)

    def cost(self, units: Mapping[str, Any], when: datetime.datetime, context: Mapping[str, str]) -> float:
        """US dollars for ``units``. Raises Unlisted."""
        more: Dict[str, Any] = {"price_context": context} if context else {}
        try:
            found = self._model.calc_price(self._usage(**units), self._provider, genai_request_timestamp=when, **more)
            return float(found.total_price)
        except _FAILURES as error:
            raise Unlisted("the price list cannot price this usage (%s)" % type(error).__name__) from error


class Catalogue:
    """The list as it was published with the installed release."""

    def __init__(self, package: Any, snapshot: Any) -> None:
        self.name = "genai-prices %s" % package.__version__
        self._usage = package.Usage
        self._snapshot = snapshot
        self.find = functools.lru_cache(maxsize=4096)(self._find)
        """The listing of (provider label, model). A model that is not listed is looked for only once."""

    def _find(self, provider: str, model: str) -> Optional[Listing]:
        label = _PROVIDERS.get(provider.lower())
        if label is None:
            return None
        for name in _spellings(model):
            try:
                found = Listing(self._usage, *self._snapshot().find_provider_model(name, None, label, None))
            except _FAILURES:
                continue
            if _is_fine_tuned(name) and not _is_fine_tuned(found.id):
                continue  # the list takes ft:gpt-4-… for gpt-4, which has another price
            return found
        return None

    def maker(self, model: str) -> Optional[str]:
        """The provider label that the model's name alone tells; None when it tells none."""
        return next((label.upper() for label in _MAKERS if self.find(label, model) is not None), None)

    @staticmethod
    def covers(provider: str) -> bool:
        return provider.lower() in _PROVIDERS


@functools.lru_cache(maxsize=1)
def catalogue() -> Optional[Catalogue]:
    """The price list, or None where genai-prices is not installed."""
    try:
        package = importlib.import_module("genai_prices")
        snapshot = importlib.import_module("genai_prices.data_snapshot").get_snapshot
    except (ImportError, AttributeError):
        return None
    return Catalogue(package, snapshot)


def _spellings(model: str) -> Iterator[str]:
    """The name as it is, then without what resource paths, routers and Vertex add to it."""
    name = model.strip()
    yield name
    if name.startswith("arn:"):
        name = name.rpartition("/")[2]
        yield name
    if re.search(r"(^|/)models/", name):
        name = name.rpartition("models/")[2]
        yield name
    if "@" in name[1:]:  # Vertex: claude-sonnet-4-5@20250929; Cloudflare's @cf/ is part of the name
        name = name.replace("@default", "").replace("@", "-")
        yield name
    while "/" in name and name.partition("/")[0].lower() in _ROUTES:
        name = name.partition("/")[2]
        yield name


def _is_fine_tuned(name: str) -> bool:
    return name.lower().startswith("ft:") or ".ft-" in name.lower()
