"""``usage_metadata``: what callers may say, made canonical. One bad field is dropped or cut with one warning naming it."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Dict, List, Optional, Tuple

from .diagnostics import Guard, diagnostics, logger
from .fields import (
    BY_NAME,
    CREDENTIAL_ALIAS,
    CREDENTIAL_FIELDS,
    FLAT_SUBSCRIBER,
    SPELLINGS,
    SUBSCRIBER_FIELDS,
)
from .values import Broken, Check, Cut, text

_READING = Guard("reading usage_metadata")
_RULES: Mapping[str, Optional[Check]] = {field.name: field.check for field in (*BY_NAME.values(), CREDENTIAL_ALIAS)}
_CREDENTIAL_LIMITS = {name: rule.limit for name, rule in CREDENTIAL_FIELDS.items() if isinstance(rule, text)}
_SUBSCRIBER_LIMITS = {name: rule.limit for name, rule in SUBSCRIBER_FIELDS.items() if isinstance(rule, text)}
_LIMITS: Mapping[str, Any] = {
    **{name: rule.limit for name, rule in _RULES.items() if isinstance(rule, text)},
    "subscriber": {**_SUBSCRIBER_LIMITS, "credential": _CREDENTIAL_LIMITS},
}
_DETECTED = frozenset(spelling for name in ("operation_type", "operation_subtype") for spelling in (name, BY_NAME[name].wire))


def canonical(given: Any) -> Dict[str, Any]:
    """The fields of ``given`` under their snake_case names, validated and JSON-safe; never raises.

    Unknown keys are ignored, ``None`` and blank text mean "not said", deprecated names warn once per process.
    A value that is no mapping gives nothing.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        diagnostics.warn("metadata/no mapping", "usage_metadata must be a mapping of field names to values, not %s: ignored", type(given).__name__)
        return {}
    plain = _plain(given, _LIMITS) if type(given) is dict else None
    return plain if plain is not None else _sorted_out(given)


def _plain(given: Dict[Any, Any], limits: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    """The usual case in one pass: short ASCII text under the names of the table; None for anything else."""
    fields: Dict[str, Any] = {}
    for key, value in list(given.items()):
        limit = limits.get(key) if type(key) is str else None
        if type(limit) is dict and type(value) is dict:
            value = _plain(value, limit)
            if not value:
                return None
        elif type(limit) is not int or type(value) is not str or not 0 < len(value) <= limit or value.isspace() or not value.isascii():
            return None
        fields[key] = value
    return fields


def _sorted_out(given: Mapping[Any, Any]) -> Dict[str, Any]:
    """Any spelling, any type of value."""
    chosen: Dict[str, Tuple[int, Any]] = {}
    flat: List[Tuple[Tuple[str, ...], Any]] = []
    nested: List[Any] = []
    for key, value in _entries(given):
        with _READING:  # keys and values are the caller's: even their own methods may fail
            if not isinstance(key, str):
                _ignored(key)
            elif value is None or (isinstance(value, str) and not str.strip(value)):
                continue
            elif key == "subscriber":
                nested.append(value)
            else:
                _choose(key, value, chosen, flat)
    fields = {name: clean for name, (_, value) in chosen.items() for clean in _checked(name, value, _RULES[name])}
    if nested or flat:
        with Guard("usage_metadata field subscriber"):
            subscriber = _subscriber(nested[0] if nested else None, flat)
            if subscriber:
                fields["subscriber"] = subscriber
    return fields


def _entries(given: Mapping[Any, Any]) -> List[Tuple[Any, Any]]:
    if type(given) is dict:
        return list(given.items())
    with _READING:
        return list(given.items())
    return []


def _choose(key: str, value: Any, chosen: Dict[str, Tuple[int, Any]], flat: List[Tuple[Tuple[str, ...], Any]]) -> None:
    """Put one entry where it belongs; of several spellings of a field the best one wins."""
    if key in SPELLINGS:
        name, rank = SPELLINGS[key]
        if name not in chosen or rank < chosen[name][0]:
            chosen[name] = (rank, value)
        if rank >= 2:
            _deprecated(key, name)
    elif key in FLAT_SUBSCRIBER:
        flat.append((FLAT_SUBSCRIBER[key], value))
    else:
        _ignored(key)


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> Dict[str, Any]:
    """Both, field by field; ``above`` wins. A subscriber is merged part by part, since its parts are fields too."""
    if not below:
        return dict(above)
    merged = {**below, **above}
    if "subscriber" in below and "subscriber" in above:
        merged["subscriber"] = overlay_subscriber(below["subscriber"], above["subscriber"])
    return merged


def overlay_subscriber(below: Mapping[str, Any], above: Mapping[str, Any]) -> Dict[str, Any]:
    merged = {**below, **above}
    if "credential" in below and "credential" in above:
        merged["credential"] = {**below["credential"], **above["credential"]}
    return merged


def finished(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """What goes into the record: fallbacks filled in, the credential alias folded into an otherwise anonymous subscriber."""
    ready = dict(fields)
    if "transaction_name" not in ready and "task_type" in ready:
        ready["transaction_name"] = ready["task_type"]
    ready.setdefault("retry_number", 0)
    alias = ready.pop("credential_alias", None)
    if alias is not None and not ready.get("subscriber"):
        ready["subscriber"] = {"credential": {"name": alias}}
    return ready


_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str)


def as_text(fields: Mapping[str, Any]) -> str:
    """Canonical metadata as ASCII JSON, the form that survives an SDK's handling of header values."""
    return _ENCODER.encode(fields)


def from_environment(environment: Mapping[str, str]) -> Dict[str, Any]:
    """The deployment's own defaults, by the variables the field table names."""
    found: Dict[str, Any] = {}
    for field in (*BY_NAME.values(), CREDENTIAL_ALIAS):
        for variable in field.environment:
            if environment.get(variable, "").strip():
                found[field.name] = environment[variable].strip()
                break
    return canonical(found)


def _checked(name: str, value: Any, rule: Optional[Check]) -> List[Any]:
    """The clean value in a list, or an empty one when it had to be dropped."""
    if type(value) is str:  # the usual case needs no guard
        return _clean(name, value, rule)
    with Guard("usage_metadata field %s" % name):  # the value's own methods may fail
        return _clean(name, value, rule)
    return []


def _clean(name: str, value: Any, rule: Optional[Check]) -> List[Any]:
    try:
        clean = rule(value) if rule is not None else ""
        return [] if isinstance(clean, str) and not clean.strip() else [clean]
    except Cut as cut:
        diagnostics.warn("metadata/cut/" + name, "usage_metadata field %s is %s: cut", name, cut)
        return [cut.kept]
    except Broken as broken:
        diagnostics.warn("metadata/broken/" + name, "usage_metadata field %s %s: dropped, the record is kept", name, broken)
        return []


def _subscriber(nested: Any, flat: List[Tuple[Tuple[str, ...], Any]]) -> Dict[str, Any]:
    if isinstance(nested, Mapping):
        subscriber = _parts("subscriber", nested, SUBSCRIBER_FIELDS)
        with Guard("usage_metadata field subscriber.credential"):
            credential = nested.get("credential")
            if isinstance(credential, Mapping):
                parts = _parts("subscriber.credential", credential, CREDENTIAL_FIELDS)
                if parts:
                    subscriber["credential"] = parts
            elif credential is not None:
                diagnostics.warn("metadata/credential", "usage_metadata field subscriber.credential must be a mapping with name and value: dropped")
        if subscriber:
            return subscriber
    elif nested is not None:
        diagnostics.warn("metadata/subscriber", "usage_metadata field subscriber must be a mapping with id, email and credential: dropped")
    return _from_flat(flat)


def _from_flat(flat: List[Tuple[Tuple[str, ...], Any]]) -> Dict[str, Any]:
    built: Dict[str, Any] = {}
    for path, value in flat:
        rules = SUBSCRIBER_FIELDS if len(path) == 1 else CREDENTIAL_FIELDS
        home = built if len(path) == 1 else built.setdefault("credential", {})
        for clean in _checked("subscriber_" + "_".join(path), value, rules[path[-1]]):
            home.setdefault(path[-1], clean)
    if not built.get("credential", True):
        del built["credential"]
    return built


def _parts(name: str, given: Mapping[Any, Any], rules: Mapping[str, Check]) -> Dict[str, Any]:
    parts: Dict[str, Any] = {}
    for part, rule in rules.items():
        value = given.get(part)
        for clean in _checked("%s.%s" % (name, part), value, rule) if value is not None else []:
            parts[part] = clean
    return parts


def _ignored(key: Any) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        why = "is detected from the call and cannot be set" if key in _DETECTED else "is not a known field"
        diagnostics.once("metadata/ignored/%.64s" % (key,), logging.DEBUG, "usage_metadata key %.64r %s: ignored", key, why)


_FOREIGN_TO_USERS = ("revenium_middleware", "meter_lib", "openai", "anthropic", "perplexity", "wrapt", "functools", "contextlib")


def _deprecated(key: str, name: str) -> None:
    """Warn at the user's own line, once per name and process; a warning turned into an error must not cost the record."""
    cause = "metadata/deprecated/" + key
    if not diagnostics.first(cause):
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _FOREIGN_TO_USERS:
        frame = frame.f_back
    where = (frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__"), frame.f_globals.setdefault("__warningregistry__", {}))
    try:
        warnings.warn_explicit("usage_metadata key %r is deprecated: use %r" % (key, name), DeprecationWarning, *where)
    except DeprecationWarning:  # the host runs with warnings as errors
        pass
