"""What the tests of the loopback provider ask of an answer, and what they send."""

from __future__ import annotations

from typing import Any, Dict, List

from revenium_middleware.testing import Answered, ProviderServer, Spent

HELLO: List[Any] = [{"role": "user", "content": "Hello there"}]
WEATHER: Dict[str, Any] = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
}
CITY: Dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}}


def last(server: ProviderServer) -> Answered:
    return server.log[-1]


def same_tokens(usage: Any, noted: Spent) -> None:
    """What the SDK parsed is what the server noted."""
    if hasattr(usage, "prompt_tokens"):
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (noted.input, noted.output, noted.total)
    else:
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (noted.input, noted.output, noted.total)
