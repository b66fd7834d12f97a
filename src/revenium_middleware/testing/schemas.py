"""Values that satisfy a JSON schema, for structured outputs and the arguments of tools."""

from __future__ import annotations

from typing import Any, Mapping

_DEEPEST = 8


def sample(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The simplest value the schema allows; None for what it does not say."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    root = schema if root is None else root
    if "$ref" in schema:
        return sample(_referred(str(schema["$ref"]), root), root, depth + 1)
    for choice in ("const", "enum", "default"):
        if choice in schema:
            return schema[choice][0] if choice == "enum" else schema[choice]
    for several in ("anyOf", "oneOf", "allOf"):
        if schema.get(several):
            return sample(schema[several][0], root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: Mapping[str, Any], root: Any, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        return {name: sample(each, root, depth + 1) for name, each in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [sample(schema.get("items"), root, depth + 1) for _ in range(max(1, int(schema.get("minItems", 1))))]
    lowest = schema.get("minimum", 7)
    return {"string": "text", "integer": int(lowest), "number": lowest + 0.5, "boolean": True}.get(str(kind))


def _referred(reference: str, root: Any) -> Any:
    found = root
    for step in reference.lstrip("#/").split("/"):
        found = found.get(step, {}) if isinstance(found, Mapping) else {}
    return found
