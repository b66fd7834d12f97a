"""The waist of the Stainless-generated SDKs: ``<sdk>._base_client``, inherited by every client and user subclass.

``request`` owns the tag, the gate and failure; one billed answer is one call of ``_process_response``.
"""

from __future__ import annotations

from inspect import isawaitable
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

import wrapt

from .._core.diagnostics import Guard
from .._core.metadata import canonical, overlay
from .._usage.reading import pick
from . import identity
from .call import Call, Request, status_of
from .carrier import KEYWORD, loaded, unloaded
from .declarations import Endpoint, Endpoints, Provider
from .hooks import Arrival, Target, Undo, replace
from .runtime import Runtime
from .scoped import calling
from .streams import Watch, feed_raw, watch_body, watch_events

_RAW_HEADER = "x-stainless-raw-response"


class Tap:
    """Stands in ``options.post_parser``: sees every parsed answer and every stream object before the caller's own parser."""

    def __init__(self, call: Call, following: Any, hide_usage: bool) -> None:
        self.call = call
        self.following = following
        self.hide_usage = hide_usage
        self.watch: Optional[Watch] = None
        self.used = False

    def __call__(self, parsed: Any) -> Any:
        with Guard("reading"):
            self._read(parsed)
        result = self.following(parsed) if callable(self.following) else parsed
        with Guard("naming"):
            if not isinstance(getattr(type(result), "_iterator", None), property) and not hasattr(result, "_iterator"):
                self.name(result)
        return result

    def _read(self, parsed: Any) -> None:
        if self.watch is not None and self.call.request.streamed and hasattr(parsed, "_iterator"):
            watch_events(parsed, self.watch)
        elif not self.call.settled:
            if self.watch is not None:
                self.watch.parsed = True
            self.call.feed(parsed)
            self.call.complete()
            self.name(parsed)

    def name(self, answer: Any) -> None:
        if not identity.remember(answer, self.call.known_id()) and hasattr(answer, "__dict__"):
            answer._revenium_transaction_id = self.call.known_id()


class Waist:
    """The wrappers of one SDK's waist, around one provider declaration."""

    def __init__(self, provider: Provider, fallback: Endpoint, runtime: Callable[[], Runtime]) -> None:
        self._provider = provider
        self._endpoints = Endpoints(provider.endpoints, fallback)
        self._runtime = runtime
        self._stubborn: set[str] = set()
        """Hosts that refused to be asked for usage in a stream."""

    def targets(self) -> Tuple[Target, ...]:
        module = self._provider.sdk + "._base_client"
        clients = ("SyncAPIClient", "AsyncAPIClient")
        return tuple(Target(module, "%s.request" % client, self.request) for client in clients) + tuple(
            Target(module, "%s._process_response" % client, self.process_response) for client in clients
        )

    def arrivals(self) -> Tuple[Arrival, ...]:
        sdk = self._provider.sdk
        return (
            Arrival(sdk + "._resource", lambda module: tag_resources(module, sdk)),
            Arrival(sdk + "._models", lambda module: identity.offer(module.BaseModel)),
        )

    # ------------------------------------------------------------------ request

    def request(self, wrapped: Callable[..., Any], client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        call, asked = None, False
        with Guard("starting a call"):
            args, kwargs, call, asked = self._begin(client, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            if asked and self._refused_question(call, error):
                return wrapped(*args, **self._unasked(args, kwargs))
            self._failed(call, error)
            raise
        return self._awaited(wrapped, args, kwargs, call, asked, result) if isawaitable(result) else result

    async def _awaited(self, wrapped: Any, args: Any, kwargs: Any, call: Call, asked: bool, result: Any) -> Any:
        try:
            return await result
        except BaseException as error:
            if not (asked and self._refused_question(call, error)):
                self._failed(call, error)
                raise
        try:
            return await wrapped(*args, **self._unasked(args, kwargs))
        except BaseException as error:
            self._failed(call, error)
            raise

    def _begin(self, client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Tuple[Tuple[Any, ...], Dict[str, Any], Optional[Call], bool]:
        """(arguments to call on with, the call if it is ours to measure, whether we ask for usage)."""
        options = kwargs.get("options") if "options" in kwargs else args[1]
        endpoint, named = self._endpoints.find(options.method, options.url)
        clean, given = _without_ours(options)
        request = self._facts(client, clean, endpoint, named) if endpoint is not None and endpoint.reader is not None else None
        call = self._runtime().begin(request, given, self._provider.meters) if request is not None else None
        if call is None and clean is options:
            return args, kwargs, None, False
        asked = False
        if call is not None:
            clean = _copied(clean) if clean is options else clean
            asked = self._ask_for_usage(clean, call.request)
            hide = asked and not _user_asked(call.request.body)
            clean.post_parser = Tap(call, clean.post_parser, hide)
        if "options" in kwargs:
            return args, {**kwargs, "options": clean}, call, asked
        return (args[0], clean) + args[2:], kwargs, call, asked

    def _facts(self, client: Any, options: Any, endpoint: Endpoint, named: str) -> Request:
        body = _body(options)
        address = options.url if "://" in options.url else str(client.base_url)
        host = self._provider.host_of(client, urlsplit(address).netloc.rpartition("@")[2])
        model = body.get("model")
        url = _joined(str(client.base_url), options.url)
        return Request(body, endpoint, host, url, body.get("stream") is True, model if isinstance(model, str) else "", named)

    # ------------------------------------------------------------------ usage in streams

    def _ask_for_usage(self, options: Any, request: Request) -> bool:
        """Add ``include_usage`` to a copy of the body where the answer will become a stream object; True when added."""
        key = request.url.split("?")[0]
        wanted = request.streamed and request.endpoint.usage_on_request and not request.host.reports_usage_unasked
        if not wanted or key in self._stubborn or _raw_mode(options) == "stream" or _user_asked(request.body):
            return False
        home = "extra_json" if isinstance(options.extra_json, Mapping) and "stream_options" in options.extra_json else "json_data"
        body = getattr(options, home)
        if not isinstance(body, Mapping):
            return False
        before = body.get("stream_options")
        setattr(options, home, {**body, "stream_options": {**(before if isinstance(before, Mapping) else {}), "include_usage": True}})
        return True

    def _refused_question(self, call: Call, error: BaseException) -> bool:
        """The host refused the request because of what we added to it: ask once more without, and never again."""
        if call.settled or status_of(error) not in (400, 422):
            return False
        text = str(error)
        if "stream_options" not in text and "include_usage" not in text:
            return False
        self._stubborn.add(call.request.url.split("?")[0])
        return True

    def _unasked(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Dict[str, Any]:
        options = kwargs.get("options") if "options" in kwargs else args[1]
        tap = options.post_parser
        tap.hide_usage = False
        for home in ("json_data", "extra_json"):
            body = getattr(options, home)
            if isinstance(body, Mapping) and isinstance(body.get("stream_options"), Mapping):
                kept = {key: value for key, value in body["stream_options"].items() if key != "include_usage"}
                without = {key: value for key, value in body.items() if key != "stream_options"}
                setattr(options, home, {**without, "stream_options": kept} if kept else without)
        return kwargs

    def _failed(self, call: Call, error: BaseException) -> None:
        with Guard("settling"):
            if not isinstance(error, Exception):
                call.abandon()  # cancelled or interrupted while the provider was at work
            elif any(kind.__name__ == "APIError" for kind in type(error).__mro__):
                call.fail(error)
            else:
                call.discard()  # never sent: bad arguments, no credentials

    # ------------------------------------------------------------------ one billed answer

    def process_response(self, wrapped: Callable[..., Any], client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        tap = getattr(kwargs.get("options"), "post_parser", None)
        if not isinstance(tap, Tap):
            return wrapped(*args, **kwargs)
        with Guard("watching an answer"):
            if tap.used:  # the SDK's own middleware sent the request again: another bill
                tap = Tap(tap.call.again(), tap.following, tap.hide_usage)
                kwargs = {**kwargs, "options": _copied(kwargs["options"])}
                kwargs["options"].post_parser = tap
            tap.used = True
            self._watch(tap, kwargs["response"], kwargs.get("stream"))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            self._unreadable(tap, error)
            raise
        return self._answer(tap, result) if isawaitable(result) else self._named(tap, result)

    async def _answer(self, tap: Tap, result: Any) -> Any:
        try:
            answer = await result
        except BaseException as error:
            self._unreadable(tap, error)
            raise
        return self._named(tap, answer)

    def _watch(self, tap: Tap, response: Any, stream: Any) -> None:
        call = tap.call
        if stream or not response.is_closed:
            tap.watch = Watch(call, tap.hide_usage)
            self._runtime().opened(call)
            watch_body(response, tap.watch, self._runtime().dropped)
        elif response.request.headers.get(_RAW_HEADER):
            feed_raw(call, response.content)  # nobody may ever parse it
            call.complete()

    def _named(self, tap: Tap, answer: Any) -> Any:
        """An answer that was not parsed by the SDK (a raw response, an httpx response) is settled or named here."""
        with Guard("naming"):
            if tap.watch is None and not tap.call.settled:
                feed_raw(tap.call, getattr(answer, "content", b"") if isinstance(getattr(answer, "content", b""), bytes) else b"")
                tap.call.complete()
            if not hasattr(answer, "_iterator"):
                tap.name(answer)
        return answer

    def _unreadable(self, tap: Tap, error: BaseException) -> None:
        """The provider answered and billed, and the SDK could not make sense of it: recorded with what is known."""
        with Guard("settling"):
            if not tap.call.settled and tap.watch is None:
                tap.call.complete()


# ---------------------------------------------------------------------- requests


def _copied(options: Any) -> Any:
    copy = options.model_copy if hasattr(options, "model_copy") else options.copy
    return copy()


def _body(options: Any) -> Mapping[str, Any]:
    """The body as it will be sent: what the caller put into ``extra_body`` lies over the rest."""
    body = options.json_data if isinstance(options.json_data, Mapping) else {}
    extra = options.extra_json if isinstance(options.extra_json, Mapping) else None
    return {**body, **extra} if extra else body


def _without_ours(options: Any) -> Tuple[Any, Optional[Mapping[str, Any]]]:
    """(options with nothing of ours in headers, body or query; the metadata found): the same options when there was none."""
    headers, metadata = unloaded(options.headers)
    changes: Dict[str, Any] = {} if headers is options.headers else {"headers": headers}
    for home in ("params", "json_data", "extra_json"):
        content = getattr(options, home, None)
        if isinstance(content, Mapping) and KEYWORD in content:
            changes[home] = {key: value for key, value in content.items() if key != KEYWORD}
            metadata = overlay(canonical(content[KEYWORD]), metadata or {})
    if not changes:
        return options, None
    clean = _copied(options)
    for name, value in changes.items():
        setattr(clean, name, value)
    return clean, metadata


def _raw_mode(options: Any) -> str:
    if not isinstance(options.headers, Mapping):
        return ""
    return next((str(value) for name, value in options.headers.items() if str(name).lower() == _RAW_HEADER), "")


def _user_asked(body: Mapping[str, Any]) -> bool:
    return bool(pick(body.get("stream_options"), "include_usage")) if isinstance(body.get("stream_options"), Mapping) else False


def _joined(base: str, url: str) -> str:
    return url if "://" in url else base.rstrip("/") + "/" + url.lstrip("/")


# ---------------------------------------------------------------------- tags


def tag_resources(module: Any, sdk: str) -> Undo:
    """Let every public method of every resource class accept ``usage_metadata=``, also of classes not loaded yet."""
    undo: List[Undo] = []
    for base_name in ("SyncAPIResource", "AsyncAPIResource"):
        base = getattr(module, base_name)
        for kind in _descendants(base):
            undo.extend(_tag_class(kind))

        undo.append(replace(base, "__init_subclass__", classmethod(_tagging_later(base, undo))))
    return lambda: [action() for action in reversed(undo)] and None


def _tagging_later(base: type, undo: List[Undo]) -> Callable[..., None]:
    def created(cls: type, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)
        with Guard("hooking"):
            undo.extend(_tag_class(cls))

    return created


def _descendants(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from _descendants(kind)


def _tag_class(kind: type) -> List[Undo]:
    undo = []
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and callable(method) and not isinstance(method, (type, wrapt.ObjectProxy)):
            wrapper = _tag if _takes_headers(method) else _tag_by_scope
            undo.append(replace(kind, name, wrapt.FunctionWrapper(method, wrapper)))
    return undo


def _takes_headers(method: Any) -> bool:
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code = getattr(method, "__code__", None)
    return code is not None and "extra_headers" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _tag(wrapped: Callable[..., Any], resource: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """Move ``usage_metadata=`` into the carrier and call through."""
    if KEYWORD in kwargs:
        given = kwargs.pop(KEYWORD)
        with Guard("reading usage_metadata"):
            kwargs["extra_headers"] = loaded(kwargs.get("extra_headers"), given)
    return wrapped(*args, **kwargs)


def _tag_by_scope(wrapped: Callable[..., Any], resource: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    """The same for helpers that take no headers: their calls inherit the metadata from the scope."""
    if KEYWORD not in kwargs:
        return wrapped(*args, **kwargs)
    return calling(wrapped, args, kwargs, kwargs.pop(KEYWORD))

