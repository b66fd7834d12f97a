"""What a provider's answer says was used, in one shape for every provider."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping  # typing's own is slow to ask isinstance of
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, cast

from .._core.values import count, total

PROVIDER, ESTIMATED, UNKNOWN = "provider", "estimated", "unknown"
REPORTED, PRICED, UNPRICED = "reported", "priced", "unpriced"


def pick(source: Any, *path: str) -> Any:
    """The value at ``path`` in nested dicts or objects; None as soon as something is missing."""
    for name in path:
        if source is None:
            return None
        source = source.get(name) if type(source) is dict else _member(source, name)
    return source


def members(source: Any) -> Callable[[str], Any]:
    """How to ask ``source`` for its members, for whoever wants many of them: once per chunk of a stream, so made short."""
    if type(source) is dict:
        return cast(Callable[[str], Any], source.get)
    try:
        held, extra = source.__dict__, source.__pydantic_extra__
    except AttributeError:
        return functools.partial(_member, source)
    if type(extra) is not dict:  # a model that may have properties instead, or an object that answers to any name
        return functools.partial(_member, source)
    return {**held, **extra}.get if extra else held.get


def _member(source: Any, name: str) -> Any:
    held = getattr(source, "__dict__", None)
    if held is not None:
        if name in held:
            return held[name]
        # a pydantic model searches long for what it does not have, and streams ask for that at every chunk
        extra = getattr(source, "__pydantic_extra__", None)
        if type(extra) is dict:
            return extra.get(name)
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def listed(value: Any) -> Sequence[Any]:
    """``value`` when it is a list or tuple, else nothing."""
    return value if isinstance(value, (list, tuple)) else ()


def text_of(value: Any) -> Optional[str]:
    """``value`` when it is text that says something."""
    return value if value and isinstance(value, str) else None


class Usage(NamedTuple):
    """Disjoint token buckets; None is unknown. Reasoning, audio and image tokens are parts of input or output."""

    input: Optional[int] = None
    """Input that was neither read from nor written to a cache."""
    output: Optional[int] = None
    cache_read: Optional[int] = None
    cache_write: Optional[int] = None
    cache_write_5m: Optional[int] = None
    cache_write_1h: Optional[int] = None
    reasoning: Optional[int] = None
    input_audio: Optional[int] = None
    output_audio: Optional[int] = None
    input_image: Optional[int] = None
    output_image: Optional[int] = None
    total: Optional[int] = None
    """The provider's own total, where it gives one."""
    reads_in_input: bool = True
    """The server's arithmetic for this provider: whether its input count includes cache reads."""

    @property
    def known(self) -> bool:
        return self.input is not None or self.output is not None or self.total is not None

    def values(self) -> Dict[str, Any]:
        """The record's fields; unknown ones are absent."""
        read_too = self.cache_read if self.reads_in_input else None
        whole_input = total((self.input, read_too)) if self.input is not None else None
        found = {
            "input_token_count": whole_input,
            "output_token_count": self.output,
            "total_token_count": self.total if self.total is not None else total((whole_input, self.output)),
            "reasoning_token_count": self.reasoning,
            "cache_read_token_count": self.cache_read,
            "cache_creation_token_count": self.cache_write,
            "cache_creation_5m_token_count": self.cache_write_5m,
            "cache_creation_1h_token_count": self.cache_write_1h,
            "input_audio_token_count": self.input_audio,
            "output_audio_token_count": self.output_audio,
            "input_image_token_count": self.input_image,
            "output_image_token_count": self.output_image,
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclasses.dataclass
class Reading:
    """Everything a Reader found out; what it did not find stays at its default."""

    id: Optional[str] = None
    model: Optional[str] = None
    usage: Usage = Usage()
    stop_reason: Optional[str] = None
    finished: bool = False
    """The answer reached its own end: a terminal event, or a plain answer."""
    billable: bool = True
    """False for an answer that bills nothing by itself: a job that is still running, a job seen before."""
    job: Optional[str] = None
    """The id under which a later call will show how this one ended."""
    fields: Dict[str, Any] = dataclasses.field(default_factory=dict)
    """Record fields beyond tokens: media facts, service tier, fingerprint, reported cost."""
    parts: List["Reading"] = dataclasses.field(default_factory=list)
    """Records instead of this one: a batch's lines, a run's models."""
    beside: List["Reading"] = dataclasses.field(default_factory=list)
    """Records besides this one: passes of the same call that are billed outside its usage."""
    kind: Optional[str] = None
    """The record kind, where the answer decides it."""
    output_characters: int = 0
    """Text received, for the estimate of a stream that reported nothing."""
    partial: bool = False
    """The output reported is where it stood when the answer began, not where it ended."""
    provider_time: Optional[float] = None
    """When the provider says the work began, for jobs; seconds since the epoch."""
    facts: Dict[str, Any] = dataclasses.field(default_factory=dict)
    """Record fields that only the start of a job shows; they are kept for the call that shows its end.

    Under ``asked`` those that hold where the end says nothing else, under ``submitted`` when that was."""
    pieces: int = 1
    """How many of what was asked for the end of a job shows; each has the length asked for."""


class Reader:
    """Reads one call: ``feed`` it the answer, or each chunk of a stream, then ask for ``reading``."""

    any_content = False
    """Its answer may be a file: read whatever type of content it claims to be, line by line."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        """The body that was sent, for the facts an answer does not repeat."""
        self.result = Reading()

    def feed(self, event: Any) -> bool:
        """Take in an answer or a chunk; True when it carried content (what time to first token waits for)."""
        raise NotImplementedError

    def headers(self, headers: Mapping[str, str]) -> None:
        """What the answer says outside its body."""

    def sent(self, event: Any) -> None:
        """A message that went out over the connection, for those billed by what is sent."""

    def reading(self) -> Reading:
        return self.result

    def complete(self) -> None:
        """The stream ended by itself."""
        self.result.finished = True


def prompt_usage(usage: Any, writes_in_input: bool = True) -> Usage:
    """Usage in the OpenAI manner: ``prompt_tokens``/``input_tokens`` include what came from the cache."""
    said = members(usage)
    whole = counted(said, "prompt_tokens", "input_tokens")
    details = members(_first(said, "prompt_tokens_details", "input_tokens_details", "input_token_details", "prompt_token_details"))
    out = members(_first(said, "completion_tokens_details", "output_tokens_details", "output_token_details"))
    beside = counted(said, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
    read = _either(counted(details, "cached_tokens", "cache_read_input_tokens"), beside)
    write = counted(details, "cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens")
    cached = (read or 0) + ((write or 0) if writes_in_input else 0)
    if whole is not None and cached > whole:  # a provider that counts cache beside the input
        cached = 0
    return Usage(
        input=None if whole is None else whole - cached,
        output=counted(said, "completion_tokens", "output_tokens"),
        cache_read=read,
        cache_write=write,
        reasoning=_either(counted(out, "reasoning_tokens"), counted(said, "reasoning_tokens")),
        input_audio=counted(details, "audio_tokens"),
        output_audio=counted(out, "audio_tokens"),
        input_image=counted(details, "image_tokens"),
        output_image=counted(out, "image_tokens"),
        total=counted(said, "total_tokens"),
    )


def first_count(source: Any, *names: str) -> Optional[int]:
    """The first of ``names`` that holds a whole number of zero or more."""
    return counted(members(source), *names)


def counted(said: Callable[[str], Any], *names: str) -> Optional[int]:
    """The same for a source whose ``members`` are asked for already."""
    for name in names:
        value = said(name)
        if value is not None:
            number = count(value)
            if number is not None:
                return number
    return None


def _first(said: Callable[[str], Any], *names: str) -> Any:
    for name in names:
        found = said(name)
        if found:
            return found
    return None


def _either(first: Optional[int], second: Optional[int]) -> Optional[int]:
    return first if first is not None else second


_MEASURES = ("duration_seconds", "character_count", "actual_image_count")


def measured(fields: Mapping[str, Any]) -> bool:
    """Whether record fields say what was used where no tokens do."""
    return any(fields.get(name) is not None for name in _MEASURES)


def json_of(response: Any) -> Any:
    """The JSON of a response that was read; None where it is none."""
    try:
        return response.json()
    except ValueError:
        return None
