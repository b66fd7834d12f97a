"""Which providers there are: the packages beside this one that say what they cover. No other list of them is kept."""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from typing import Iterable, Iterator, Tuple

from .coverage import Inventory

_PACKAGE = __name__.split(".")[0]


def providers() -> Tuple[str, ...]:
    """Names of the provider packages, such as ``openai``; imports none of them."""
    places = tuple(import_module(_PACKAGE).__path__)
    return tuple(name for name, is_package in sorted(_within(places)) if is_package and name[0] != "_" and _declares(places, name))


def _declares(places: Iterable[str], package: str) -> bool:
    return ("coverage", False) in _within(os.path.join(place, package) for place in places)


def _within(places: Iterable[str]) -> Iterator[Tuple[str, bool]]:
    return ((module.name, module.ispkg) for module in pkgutil.iter_modules(places))


def inventories(provider: str) -> Tuple[Inventory, ...]:
    """What a provider package declares, one for each SDK it covers. Imports it, as its users do, and no SDK."""
    declared = import_module("%s.%s.coverage" % (_PACKAGE, provider))
    return tuple(each for each in vars(declared).values() if isinstance(each, Inventory))
