"""What the loopback provider knows about a request, what it answers, and what it notes down.

Every number follows from the request:

* ``input``: 20, plus one per character of text sent, 85 per image, 31 per audio part or file, 9 per tool offered
* the text has ``5 + input % 7`` words, one token and one streamed delta each, unless the request allows fewer
* ``reasoning``: ``11 + input % 13`` for models that reason (o1, o3, o4, gpt-5, or "reason" in the name)
* ``output``: the tokens of every choice and the reasoning
* ``cached``: a third of the input if the model's name says "cached", ``cache_written``: a fifth if it says "cachewrite"
* ``audio_input`` and ``audio_output``: a quarter of the input and half of the text if the model's name says "audio"
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .faults import Fault, error
from .forms import Upload
from .loopback import Request
from .world import World

_TEXT_KEYS = ("content", "text", "input", "prompt", "instructions", "arguments", "output", "state", "query")
_IMAGE_TYPES = ("image_url", "input_image", "image")
_FILE_TYPES = ("input_audio", "input_file", "file", "file_url")
_REASONING = re.compile(r"(^|/)(o[134](-|$)|gpt-5(?!-chat))|reason")
_SNAPSHOTS: Mapping[str, str] = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-4": "gpt-4-0613",
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "o1": "o1-2024-12-17",
    "o3": "o3-2025-04-16",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
}


@dataclass(frozen=True)
class Spent:
    """What an answer cost, in every unit a provider bills by. Add them up with ``+``."""

    input: int = 0
    """All input tokens, the cached ones among them (Anthropic counts those beside)."""
    output: int = 0
    """All output tokens, the reasoning ones among them (Perplexity counts those beside)."""
    total: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    seconds: float = 0.0
    """Of audio heard or video made."""
    characters: int = 0
    """Of text spoken."""
    images: int = 0
    searches: int = 0
    cost: float = 0.0
    """US dollars, where the provider says so itself."""

    def __add__(self, other: Spent) -> Spent:
        names = [each.name for each in dataclasses.fields(self)]
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class Answered:
    """One request and what the provider made of it.

    ``usage`` is what was used up, whether or not a fault let the client see it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    host: str
    body: Any
    """Parsed JSON, or the fields of a multipart form with ``Upload`` values; None where it was neither."""
    status: int
    """0 where nothing was sent."""
    streamed: bool
    usage: Spent
    billed: bool
    """Whether this answer is one to pay for. A job bills once: with the answer that first shows it done."""
    calls: int
    """Billed calls in this answer: one, or one per line of a batch's results, or per model of an evaluation."""
    id: Optional[str]
    model: Optional[str]
    """As answered, which need not be the name that was asked for."""
    fault: Fault
    connection: int
    at: float


@dataclass(frozen=True)
class Event:
    """One server-sent event: JSON data, or text sent as it is."""

    data: Any
    name: Optional[str] = None


@dataclass(frozen=True)
class Answer:
    """A proper answer, before any fault is applied. One of ``body``, ``events`` and ``content`` is used."""

    body: Any = None
    events: Optional[Sequence[Event]] = None
    content: Optional[bytes] = None
    media_type: str = "application/json"
    usage: Spent = Spent()
    billed: bool = False
    calls: int = 1
    id: Optional[str] = None
    model: Optional[str] = None
    status: int = 200
    done: bool = True
    """Whether a stream ends with ``[DONE]``."""
    lines: bool = False
    """Whether a stream is lines of JSON rather than server-sent events."""
    encoded: Optional[Callable[[Event], bytes]] = None
    """How a stream's events are written, where that is not as server-sent events."""
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: Any = None
    """What a stream says when it breaks; None: as OpenAI says it."""


class Refused(Exception):
    """The request is wrong; says how."""

    def __init__(self, message: str, param: Optional[str] = None, status: int = 400) -> None:
        super().__init__(message)
        self.answer = Answer(error(message, "invalid_request_error", None, param), status=status)


@dataclass(frozen=True)
class Asked:
    """A request as an endpoint sees it."""

    request: Request
    body: Dict[str, Any]
    world: World
    deployment: Optional[str] = None
    names: Tuple[str, ...] = ()
    """What the path named: identifiers, in order."""
    options: Mapping[str, Any] = field(default_factory=dict)
    inner: Callable[[str, Dict[str, Any]], Answer] = lambda path, body: Answer(status=404)
    """Answers a request inside this one, as a line of a batch."""

    def get(self, name: str, default: Any = None) -> Any:
        """A field of the body; null counts as not given."""
        value = self.body.get(name)
        return default if value is None else value

    def flag(self, name: str) -> bool:
        """A field of the body as yes or no, also when a form sent it as text."""
        return self.body.get(name) in (True, "true", "True")

    @property
    def streamed(self) -> bool:
        return self.flag("stream")

    @property
    def model(self) -> str:
        """The name asked for; required."""
        found = self.get("model") or self.deployment or ("openai/gpt-5.1" if self.get("preset") else None)
        if not found:
            raise Refused("you must provide a model parameter", "model")
        return str(found)

    @property
    def answered_model(self) -> str:
        """The name as answered: the dated version of an alias, and what a deployment runs."""
        deployments: Mapping[str, str] = self.options.get("deployments", {})
        if self.deployment is None and self.model not in deployments:
            return _SNAPSHOTS.get(self.model, self.model)
        named = deployments.get(self.deployment or self.model)
        return named or _SNAPSHOTS.get(self.deployment or "", "gpt-4o-2024-11-20")

    @property
    def native_perplexity(self) -> bool:
        """Whether this is Perplexity's API rather than OpenAI's, which share their paths."""
        agent = self.request.headers.get("user-agent", "").lower()
        name = str(self.get("model", ""))
        return "perplexity" in agent or name.startswith(("sonar", "pplx")) or "preset" in self.body


Endpoint = Callable[[Asked], Answer]


def characters(value: Any) -> int:
    """Characters of text in a prompt of any shape; media and identifiers do not count."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(characters(item) for item in value)
    if isinstance(value, dict):
        return sum(characters(value[key]) for key in _TEXT_KEYS if key in value)
    return 1 if isinstance(value, int) else 0  # a prompt may be a list of tokens


def parts_of(value: Any, kinds: Sequence[str]) -> int:
    """How many content parts of these kinds a prompt holds."""
    if isinstance(value, (list, tuple)):
        return sum(parts_of(item, kinds) for item in value)
    if isinstance(value, dict):
        return int(value.get("type") in kinds) + sum(parts_of(item, kinds) for item in value.values() if isinstance(item, (list, dict)))
    return 0


def input_tokens(asked: Asked, *prompts: Any) -> int:
    """The rule of this module for everything that was sent."""
    found = 20 + sum(characters(prompt) for prompt in prompts)
    found += 85 * sum(parts_of(prompt, _IMAGE_TYPES) for prompt in prompts) + 31 * sum(parts_of(prompt, _FILE_TYPES) for prompt in prompts)
    return found + 9 * len(asked.get("tools", ()))


def words(count: int) -> List[str]:
    """A text of that many tokens, as the deltas of a stream bring it."""
    said = ("This", " is", " a", " loopback", " answer", ",", " made", " up", " of", " as", " many", " words", " as", " were", " asked", " for")
    return [said[number % len(said)] for number in range(count)]


def visible_tokens(given: int, limit: Optional[int] = None) -> int:
    """Tokens of text for that many input tokens."""
    found = 5 + given % 7
    return found if limit is None else max(1, min(found, int(limit)))


def spent(model: str, given: int, visible: int) -> Spent:
    """The usage of a text answer by the rules of this module."""
    name = model.lower()
    reasoning = 11 + given % 13 if _REASONING.search(name) else 0
    audio = "audio" in name
    return Spent(
        input=given,
        output=visible + reasoning,
        total=given + visible + reasoning,
        cached=given // 3 if "cached" in name else 0,
        cache_written=given // 5 if "cachewrite" in name else 0,
        reasoning=reasoning,
        audio_input=given // 4 if audio else 0,
        audio_output=visible // 2 if audio else 0,
    )


def uploads(value: Any) -> List[Upload]:
    """The files of a form field, whether one or several were sent."""
    found = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    return [each for each in found if isinstance(each, Upload)]
