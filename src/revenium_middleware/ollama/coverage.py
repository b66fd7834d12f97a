"""Every public method of the ollama package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, Inventory, Row

ROWS: Tuple[Row, ...] = (
    Row(r"chat|generate", METERED, "counts of the answer or of the last object of a stream; one that only loads a model bills nothing"),
    Row(r"embed", METERED, "count of the answer"),
    Row(r"embeddings", METERED, "one record per request, its counts unknown: the older endpoint reports none"),
    Row(r"systemone", METERED, "usage of the answer"),
    Row(r"web_search|web_fetch", METERED, "one record per request to Ollama's cloud: no answer says what it took"),
    Row(r"pull|push|create|create_blob|delete|copy|list|show|ps", FREE, "administration of models"),
    Row(r"close", FREE, "sends nothing"),
)

INVENTORY = Inventory("ollama", (("Client", {}), ("AsyncClient", {})), ROWS)
