"""What a provider package says about itself; no control flow lives in these values."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Callable, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from .._core.fields import COMPLETION
from .._core.settings import Settings
from .._usage.reading import Reader

MakeReader = Callable[[Mapping[str, Any]], Reader]


class Endpoint(NamedTuple):
    """One endpoint of an API, chosen by what goes over the wire."""

    method: str
    path: str
    """Regular expression for the end of the URL's path."""
    operation: str
    reader: Optional[MakeReader]
    """None: the call bills nothing."""
    kind: str = COMPLETION
    subtype: str = ""
    usage_on_request: bool = False
    """A stream of it reports usage only where ``stream_options.include_usage`` asks."""
    own_id: bool = False
    """The answer has no id to bill by: the record gets one of its own."""
    settles_jobs: bool = False
    """Shows how a job ended; recorded once, whoever sees it first."""
    known_jobs_only: bool = False
    """Answers repeat a bill that may be another process's: recorded only for jobs started here."""
    starts_named: bool = False
    """The id in the path is of the job or session that this call starts or goes on with."""


class Host(NamedTuple):
    """Who answers behind an address."""

    provider: str
    model_source: str
    reports_usage_unasked: bool = False
    """Streams carry usage anyway, or the host refuses the question."""
    middleware: str = "openai"
    """The middleware that meters this host."""
    deployment_of: Callable[[str, str, str], str] = lambda url, asked, default: asked
    """(URL, model in the request, default of the settings) -> the name behind which a model answers."""
    family_of: Callable[[str], str] = lambda name: name
    """The model that such a name tells, where no answer has said it."""
    fingerprints: Tuple[Tuple[str, str], ...] = ()
    """(system fingerprint of an answer, label of the provider it gives away)."""
    says: Mapping[str, Any] = MappingProxyType({})
    """Record fields that the client or its address gives away; what callers say themselves is above it."""
    supposes: Mapping[str, Any] = MappingProxyType({})
    """The same, where the deployment's own defaults know better."""
    as_sent: bool = False
    """Sells its models by ids of its own: recorded is the id asked for, not the name an answer gives."""

    def labels(self, fingerprint: Any) -> Tuple[str, str]:
        """(provider, model source) of an answer."""
        label = dict(self.fingerprints).get(fingerprint) if self.fingerprints else None
        return (label, label) if label else (self.provider, self.model_source)


def suffix_of(netloc: str, hosts: Mapping[str, Host]) -> Optional[Host]:
    """The host registered for the name of ``netloc`` (``name[:port]``) or for what it ends in, label by label."""
    name = netloc.lower().rpartition(":")[0] if ":" in netloc and not netloc.endswith("]") else netloc.lower()
    labels = name.rstrip(".").split(".")
    return next(filter(None, (hosts.get(".".join(labels[start:])) for start in range(len(labels) - 1))), None)


class Channel(NamedTuple):
    """A WebSocket connection of an SDK, which bills part by part while it is open."""

    module: str
    """Below the SDK's name, where the connection and its context manager are defined."""
    endpoint: Endpoint
    named_by: str = ""
    """The argument of ``connect`` that names the session another call started."""
    counts_sent: bool = False
    """Billed by what is sent, so the reader hears that too."""


class Provider(NamedTuple):
    """A provider SDK built on a shared client waist."""

    name: str
    sdk: str
    """Import name of the SDK."""
    endpoints: Tuple[Endpoint, ...]
    host_of: Callable[[Any, str], Host]
    """(client, host name) -> who answers there."""
    meters: Callable[[Host, FrozenSet[str]], bool]
    """(host, active middleware names) -> whether calls to it are ours."""
    channels: Tuple[Channel, ...] = ()
    addressed: Optional[Callable[[Any, Host, str, Settings], Tuple[Host, str]]] = None
    """(client, host, model asked for, settings) -> (who answers in fact, the id to ask it for)."""


class Sent(NamedTuple):
    """What a call of a waist function is about to send."""

    method: str
    url: str
    """Whole, or the path where the SDK's client adds the rest."""
    body: Mapping[str, Any]
    streamed: bool = False
    model: str = ""
    """Where the body does not name it under ``model``."""
    host: Optional[Host] = None
    """Who answers, where each request says so and not the address alone."""


Arguments = Tuple[Tuple[Any, ...], Dict[str, Any]]


class Point(NamedTuple):
    """A function of an SDK that every call of some kind passes through."""

    module: str
    attribute: str
    sent: Callable[[Any, Tuple[Any, ...], Dict[str, Any]], Optional[Sent]]
    """(instance, args, kwargs) -> what is sent; None when the call is not one to measure."""
    content: Callable[[Any], Any] = lambda result: result
    """What of an answer, or of each item of a stream, the readers read."""
    headers: Optional[Callable[[Any], Mapping[str, str]]] = None
    """Where an answer has its headers, for readers that want them."""
    late: bool = False
    """Its generators send nothing before their first step."""
    unload: Optional[Callable[[Tuple[Any, ...], Dict[str, Any]], Tuple[Arguments, Optional[Mapping[str, Any]]]]] = None
    """Takes metadata that travelled inside the arguments out of them: (the arguments to send, canonical metadata)."""
    unread: bool = False
    """It answers with the HTTP response, whose body the SDK or its user has yet to read: watched as it passes."""
    tap: Optional[Callable[[Any, Any], bool]] = None
    """Taps a stream inside the answer in place: (answer, its ``streams.Watch``) -> whether there was one."""
    optional: bool = False
    """Some supported versions do not have it."""


class Line(NamedTuple):
    """A connection that stays open and bills part by part: opened by an async context manager, heard by a coroutine."""

    module: str
    connect: str
    receive: str
    close: str
    sent: Callable[[Any, Tuple[Any, ...], Dict[str, Any]], Optional[Sent]]
    """(instance, args, kwargs) of ``connect`` -> what it asks for; its readers bill by parts."""


class Surface(NamedTuple):
    """Where users call an SDK: there ``usage_metadata=`` is accepted."""

    module: str
    classes: str = ""
    """Regular expression for the names of classes defined there, whose public methods are meant."""
    functions: bool = False
    """The module's own public functions, and the methods of a client that it offers as functions."""


class DirectSdk(NamedTuple):
    """An SDK that is hooked function by function, having no client waist that all its kin share."""

    provider: Provider
    fallback: Endpoint
    """For an unknown POST."""
    points: Tuple[Point, ...]
    surfaces: Tuple[Surface, ...]
    failures: Tuple[str, ...]
    """Classes of the errors that a request ends with: refused by the provider, lost on the way."""
    unreadable: Tuple[str, ...] = ()
    """Classes of the errors that an answer ends with which the SDK could not make sense of. All others mean: never sent."""
    answers: Tuple[Tuple[str, str], ...] = ()
    """(module, regular expression for its types of answer), which get ``_revenium_transaction_id``."""
    lines: Tuple[Line, ...] = ()
    pools: Tuple[Tuple[str, str], ...] = ()
    """(module, name) of the thread pools to which the SDK hands calls of its users: the scope goes along."""


class Endpoints:
    """The endpoint a request goes to, found by method and path."""

    def __init__(self, endpoints: Tuple[Endpoint, ...], fallback: Endpoint) -> None:
        self._compiled = tuple((e.method, re.compile(r"(?:^|/)" + e.path + r"/?$"), e) for e in endpoints)
        self._fallback = fallback
        self._known: Dict[str, Tuple[Optional[Endpoint], str]] = {}

    def find(self, method: str, url: str) -> Tuple[Optional[Endpoint], str]:
        """(endpoint, id in the path); for an unknown POST the fallback that looks for usage in the answer; else None."""
        key = method + " " + url
        if key not in self._known:
            if len(self._known) > 2_000:  # paths with ids in them
                self._known.clear()
            self._known[key] = self._search(method.upper(), url)
        return self._known[key]

    def _search(self, method: str, url: str) -> Tuple[Optional[Endpoint], str]:
        path = url.split("?", 1)[0].split("#", 1)[0]
        for wanted, pattern, endpoint in self._compiled:
            found = pattern.search(path) if wanted == method else None
            if found is not None:
                return endpoint, found.group(1) if pattern.groups else ""
        return (self._fallback if method == "POST" else None), ""
