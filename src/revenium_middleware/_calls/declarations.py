"""What a provider package says about itself; no control flow lives in these values."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from .._core.fields import COMPLETION
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

    def labels(self, fingerprint: Any) -> Tuple[str, str]:
        """(provider, model source) of an answer."""
        label = dict(self.fingerprints).get(fingerprint) if self.fingerprints else None
        return (label, label) if label else (self.provider, self.model_source)


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
