"""SDKs that are hooked function by function: one wrapper for plain calls, coroutines, generators and async generators."""

from __future__ import annotations

from functools import partial
from inspect import isawaitable
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from .._core.diagnostics import Guard
from .._core.scope import Scope, current
from .._core.steps import GENERATORS, awaiting, within
from . import identity
from .call import Call, Request
from .declarations import DirectSdk, Endpoints, Host, Point, Sent
from .draws import tapped
from .failure import HTTPStatusError
from .hooks import Arrival, Target
from .lines import Lines
from .runtime import Runtime
from .streams import Watch, watch_body
from .surfaces import follow_pool, tag_surface


class DirectWaist:
    """The wrappers around the functions that one declaration names."""

    def __init__(self, sdk: DirectSdk, runtime: Callable[[], Runtime]) -> None:
        self._sdk = sdk
        self._endpoints = Endpoints(sdk.provider.endpoints, sdk.fallback)
        self._runtime = runtime
        self._hosts: Dict[Tuple[type, str], Host] = {}
        self._lines = Lines(sdk.lines, sdk.failures, partial(self._begin, None, None), runtime)

    def targets(self) -> Tuple[Target, ...]:
        points = (Target(point.module, point.attribute, partial(self._through, point), point.optional) for point in self._sdk.points)
        return (*points, *self._lines.targets())

    def arrivals(self) -> Tuple[Arrival, ...]:
        tag = [Arrival(surface.module, partial(tag_surface, surface)) for surface in self._sdk.surfaces]
        name = [Arrival(module, partial(identity.offer_matching, classes)) for module, classes in self._sdk.answers]
        follow = [Arrival(module, partial(follow_pool, pool)) for module, pool in self._sdk.pools]
        return (*tag, *name, *follow)

    # ------------------------------------------------------------------ the waist

    def _through(self, point: Point, wrapped: Callable[..., Any], instance: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        call, given = None, None
        with Guard("starting a call"):
            if point.unload is not None:
                (args, kwargs), given = point.unload(args, kwargs)  # whatever fails from here on, nothing of ours is sent
            call = self._begin(instance, given, point.sent(instance, args, kwargs))
        if call is None:
            return wrapped(*args, **kwargs)
        scope = current()._replace(owner=self._sdk.provider.name)
        try:
            result = within(scope, wrapped, args, kwargs)
        except BaseException as error:
            self._failed(call, error)
            raise
        return self._awaited(point, call, result, scope) if isawaitable(result) else self._delivered(point, call, result, scope)

    async def _awaited(self, point: Point, call: Call, awaitable: Any, scope: Scope) -> Any:
        try:
            result = await awaiting(awaitable, scope)
        except BaseException as error:
            self._failed(call, error)
            raise
        return self._delivered(point, call, result, scope)

    def _delivered(self, point: Point, call: Call, result: Any, scope: Scope) -> Any:
        with Guard("watching an answer"):
            watch = Watch(call, False)
            if point.headers is not None and not isinstance(result, GENERATORS):
                call.reader.headers(point.headers(result))
            if isinstance(result, GENERATORS):
                watch.sent = not point.late
                return tapped(result, watch, scope, point.content, partial(self._failed, call), self._runtime())
            if point.unread and self._refused(call, result):
                return result
            if (point.tap is not None and point.tap(result, watch)) or (point.unread and self._watched(result, watch)):
                call.answering = True
                self._runtime().opened(call)
                return result
        try:
            with Guard("reading"):
                call.feed(point.content(result))
        except BaseException:  # interrupted while the rest of an answer came in
            call.abandon()
            raise
        with Guard("settling"):
            call.complete()
            identity.remember(result, call.known_id())
        return result

    def _watched(self, response: Any, watch: Watch) -> bool:
        """Whether the body is still to come."""
        if response.is_closed or response.is_stream_consumed:
            return False
        watch_body(response, watch, self._runtime().dropped)
        return True

    @staticmethod
    def _refused(call: Call, response: Any) -> bool:
        if response.status_code < 400:
            return False
        call.fail(HTTPStatusError(response.status_code))
        return True

    def _failed(self, call: Call, error: BaseException) -> None:
        with Guard("settling"):
            names = {kind.__name__ for kind in type(error).__mro__}
            if not isinstance(error, Exception):
                call.abandon()  # cancelled or interrupted while the provider was at work
            elif names.intersection(self._sdk.failures):
                call.fail(error)
            elif names.intersection(self._sdk.unreadable):
                call.complete()  # answered and billed
            else:
                call.discard()  # never sent: bad arguments, no credentials

    # ------------------------------------------------------------------ the call

    def _begin(self, instance: Any, given: Optional[Mapping[str, Any]], sent: Optional[Sent]) -> Optional[Call]:
        if sent is None:
            return None
        endpoint, named = self._endpoints.find(sent.method, sent.url)
        if endpoint is None or endpoint.reader is None:
            return None
        model = sent.model or sent.body.get("model")
        request = Request(sent.body, endpoint, sent.host or self._host(instance, sent), sent.url, sent.streamed, model if isinstance(model, str) else "", named)
        return self._runtime().begin(request, given, self._sdk.provider.meters)

    def _host(self, instance: Any, sent: Sent) -> Host:
        key = (type(instance), urlsplit(sent.url).netloc.rpartition("@")[2])
        if key not in self._hosts:
            if len(self._hosts) > 1_000:
                self._hosts.clear()
            self._hosts[key] = self._sdk.provider.host_of(instance, key[1])
        return self._hosts[key]
