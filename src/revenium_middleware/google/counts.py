"""Google's token counts as disjoint buckets.

The prompt's count has the cached tokens in it and leaves out what tools put before the model; the candidates' count
leaves out the thoughts. Input is the first two together, output the last two.
"""

from __future__ import annotations

from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Callable, Optional

from .._core.values import total
from .._usage.reading import Usage, listed, members
from .wire import asking, whole

_AUDIO, _IMAGE = ("AUDIO", 4), ("IMAGE", 2)
"""Name and number of a modality."""


def spent(usage: Any) -> Usage:
    """What a ``usageMetadata`` says. A count of zero is not written; where there is a total, what is missing is none."""
    if not isinstance(usage, Mapping) and not hasattr(usage, "prompt_token_count"):
        return Usage()
    ask = asking(usage)
    prompt, tools, cached = whole(ask("prompt_token_count")), whole(ask("tool_use_prompt_token_count")), whole(ask("cached_content_token_count"))
    thoughts, everything = whole(ask("thoughts_token_count")), whole(ask("total_token_count"))
    said = whole(ask("candidates_token_count"))
    if said is None:
        said = whole(ask("response_token_count"))
    given, output = total((prompt, tools)), total((said, thoughts))
    if output is None and given is not None and everything is not None:
        output = max(0, everything - given)
    cached = None if cached is None or given is None else min(cached, given)
    return Usage(
        input=None if given is None else given - (cached or 0),
        output=output,
        cache_read=cached,
        reasoning=thoughts,
        total=everything,
        **_modalities(ask),
    )


def _modalities(ask: Callable[[str], Any]) -> Any:
    heard, seen = ("prompt_tokens_details", "tool_use_prompt_tokens_details"), ("candidates_tokens_details", "response_tokens_details")
    return {
        "input_audio": total(_of(ask(name), _AUDIO) for name in heard),
        "input_image": total(_of(ask(name), _IMAGE) for name in heard),
        "output_audio": total(_of(ask(name), _AUDIO) for name in seen),
        "output_image": total(_of(ask(name), _IMAGE) for name in seen),
    }


def _of(details: Any, modality: Any) -> Optional[int]:
    found = None
    for detail in listed(details):
        ask = asking(detail)
        if ask("modality") in modality:
            found = total((found, whole(ask("token_count"))))
    return found


def interacted(usage: Any) -> Usage:
    """What the usage of an interaction says: the same counts under names of their own."""
    said = members(usage)
    given, tools, cached = whole(said("total_input_tokens")), whole(said("total_tool_use_tokens")), whole(said("total_cached_tokens"))
    output, thoughts, everything = whole(said("total_output_tokens")), whole(said("total_thought_tokens")), whole(said("total_tokens"))
    whole_input, whole_output = total((given, tools)), total((output, thoughts))
    if everything is not None and output is not None and whole_input is not None and whole_input + (whole_output or 0) > everything:
        whole_output = output  # the thoughts are in it
    cached = None if cached is None or whole_input is None else min(cached, whole_input)
    heard, seen = said("input_tokens_by_modality"), said("output_tokens_by_modality")
    return Usage(
        input=None if whole_input is None else whole_input - (cached or 0),
        output=whole_output,
        cache_read=cached,
        reasoning=thoughts,
        total=everything,
        input_audio=_by_modality(heard, "audio"),
        input_image=_by_modality(heard, "image"),
        output_audio=_by_modality(seen, "audio"),
        output_image=_by_modality(seen, "image"),
    )


def _by_modality(details: Any, kind: str) -> Optional[int]:
    return total(whole(members(detail)("tokens")) for detail in listed(details) if str(members(detail)("modality")).lower() == kind)
