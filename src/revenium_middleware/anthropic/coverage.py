"""Every public method of the anthropic package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row

_PRICING = "https://platform.claude.com/docs/en/about-claude/pricing"
_BATCHES = "https://platform.claude.com/docs/en/build-with-claude/batch-processing"
_AGENTS = "https://platform.claude.com/docs/en/managed-agents/overview"
_DREAMS = "https://platform.claude.com/docs/en/managed-agents/dreams"

ROWS: Tuple[Row, ...] = (
    Row(
        r"(beta\.)?messages\.(create|parse|stream)",
        METERED,
        "usage of the answer or of its last event; steps billed beside it as records of their own; web searches are in no field",
    ),
    Row(r"beta\.messages\.(tool_runner|thread)", METERED, "each request to the model, as messages.create or messages.stream"),
    Row(r"beta\.prompt_caching\.messages\.(create|stream)", METERED, "as messages"),
    Row(r"completions\.create", METERED, "the call; its answer reports no usage, so a plain one's is unknown and a stream's estimated"),
    Row(
        r"(beta\.)?messages\.batches\.(create|results)",
        METERED,
        "each message of the results, once, when they are read; attributed as said at create",
        _BATCHES,
    ),
    Row(
        r"beta\.sessions\.(create|events\.(send|stream|list|tool_runner)|threads\.events\.(stream|list))",
        METERED,
        "each request to the model, once, when an event shows its end; attributed as said to the session; the session's running time is in no event",
        _AGENTS,
    ),
    Row(r"beta\.deployments\.run", METERED, "the requests of the session it starts, heard by sessions.events and attributed as said here", _AGENTS),
    Row(r"beta\.dreams\.(create|retrieve|cancel|archive)", METERED, "usage of the dream, once, when first seen ended", _DREAMS),
    Row(r"(get|post|request|get_api_list)", METERED, "by its path, as the method that would have made it; unknown paths where the answer carries usage"),
    # What runs where this process cannot see
    Row(
        r"beta\.deployments\.(create|unpause)",
        UNMETERABLE,
        "the provider starts sessions on its schedule, whether or not any process of ours runs; their requests are metered where one looks at their events",
        _AGENTS,
    ),
    # What bills nothing
    Row(r"(beta\.)?messages\.count_tokens|count_tokens|get_tokenizer", FREE, "counts, generates nothing"),
    Row(r"(beta\.)?messages\.batches\.(cancel|delete|list|retrieve)", FREE, "names batches; their results bill when read", _BATCHES),
    Row(
        r"beta\.sessions\.(archive|delete|list|retrieve|update|resources\.\w+|threads\.(archive|list|retrieve))",
        FREE,
        "shows running totals; the requests bill",
    ),
    Row(r"beta\.environments\.work\.(poller|worker)", FREE, "runs tools for sessions in this process; the sessions' requests bill"),
    Row(r"beta\.(environments|agents|memory_stores|vaults|tunnels)\..*", FREE, "definitions and keepings; the sessions that use them bill", _PRICING),
    Row(r"beta\.deployments\.(archive|list|pause|retrieve|update)|beta\.deployment_runs\.(list|retrieve)", FREE, "reads, settings and endings"),
    Row(r"beta\.dreams\.list", FREE, "names dreams; they bill when one is seen ended"),
    Row(r"(beta\.)?(files|skills|models|user_profiles)\..*", FREE, "administration; files are kept without charge", _PRICING),
    Row(r"beta\.webhooks\.\w+|(beta\.)?organization\..*", FREE, "administration"),
    Row(r"(put|patch|delete)", FREE, "no billed path takes this verb"),
    Row(r"close|copy|with_options|with_middleware|is_closed|platform_headers", FREE, "sends nothing"),
)

_KEY = {"api_key": "none"}
_AMAZON = {"aws_region": "us-east-1", "aws_access_key": "none", "aws_secret_key": "none"}
_VERTEX = {"region": "us-east5", "project_id": "none", "access_token": "none"}
_AZURE = {"api_key": "none", "base_url": "https://localhost/anthropic/"}

INVENTORY = Inventory(
    "anthropic",
    (
        ("Anthropic", _KEY),
        ("AsyncAnthropic", _KEY),
        ("AnthropicBedrock", _AMAZON),
        ("AsyncAnthropicBedrock", _AMAZON),
        ("AnthropicVertex", _VERTEX),
        ("AsyncAnthropicVertex", _VERTEX),
        ("AnthropicFoundry", _AZURE),
        ("AsyncAnthropicFoundry", _AZURE),
    ),
    ROWS,
)
