"""Every public method of the perplexity package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, Inventory, Row

_PRICING = "https://docs.perplexity.ai/docs/getting-started/pricing"

ROWS: Tuple[Row, ...] = (
    Row(r"chat\.completions\.create", METERED, "usage and cost of the answer; in streams the last chunk's running total", _PRICING),
    Row(r"async_\.chat\.completions\.(create|get)", METERED, "usage and cost, once, when the answer is first seen completed"),
    Row(r"responses\.(create|retrieve|cancel)", METERED, "usage and cost of the answer; background ones when seen finished"),
    Row(r"(contextualized_)?embeddings\.create", METERED, "usage and cost of the answer"),
    Row(r"decisions\.create", METERED, "usage of the answer"),
    Row(r"search\.create", METERED, 'one record per request: "charges per request only, with no additional token-based pricing"', _PRICING),
    Row(r"batches\.(create|retrieve|cancel)", METERED, "each line of the result file, once, when it is read; attributed as said at create"),
    Row(r"files\.content", METERED, "each line of a batch's result file, once"),
    Row(r"browser\.sessions\.create", METERED, "one record per session started, its quantity unknown: no answer reports it"),
    Row(r"(get|post|request|get_api_list)", METERED, "by its path, as the method that would have made it; unknown paths where the answer carries usage"),
    Row(r"async_\.chat\.completions\.list", FREE, "names jobs without their usage; they bill when their answers are read"),
    Row(r"batches\.list", FREE, "names jobs; their result files bill when read"),
    Row(r"browser\.sessions\.delete", FREE, "ends a session"),
    Row(r"files\.(create|delete|list|retrieve|upload)|responses\.files\.\w+", FREE, "files are kept without charge", _PRICING),
    Row(r"models\.list|skills\.(revisions\.)?\w+", FREE, "administration"),
    Row(r"(put|patch|delete)", FREE, "no billed path takes this verb"),
    Row(r"close|copy|with_options|is_closed|platform_headers", FREE, "sends nothing"),
)

INVENTORY = Inventory("perplexity", (("Perplexity", {"api_key": "none"}), ("AsyncPerplexity", {"api_key": "none"})), ROWS)
