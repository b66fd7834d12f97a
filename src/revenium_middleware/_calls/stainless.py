"""The waist of the Stainless-generated SDKs: ``<sdk>._base_client``, inherited by every client and user subclass.

``request`` owns the tag, the gate and failure; one billed answer is one call of ``_process_response``.
"""

from __future__ import annotations

from functools import lru_cache, partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from .._core.diagnostics import Guard
from .._core.shared import FORK
from . import identity
from .call import Call, Request
from .declarations import Channel, Endpoint, Endpoints, Host, Provider
from .hooks import Arrival, Target, Undo
from .options import Question, asks_for_usage, body_of, copied, joined, raw_mode, without_ours
from .runtime import Runtime
from .streams import TEXT, Watch, feed_raw, watch_body, watch_events
from .tags import tag_resources

if TYPE_CHECKING:
    from .connections import Connections


def is_stream(answer: Any) -> bool:
    """Whether it is a stream object of the SDK, asked without waking a model's slow search for what it does not have."""
    return "_iterator" in getattr(answer, "__dict__", ()) or _draws_later(type(answer))  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _draws_later(kind: type) -> bool:
    """Newer releases make a stream's iterator when it is first asked for."""
    return any("_iterator" in vars(each) for each in kind.__mro__)


class Tap:
    """Stands in ``options.post_parser``: sees every parsed answer and every stream object before the caller's own parser."""

    def __init__(self, call: Call, following: Any, hide_usage: bool, raw: bool) -> None:
        self.call = call
        self.following = following
        self.hide_usage = hide_usage
        self.raw = raw
        """The caller gets the raw response, which nobody may ever parse."""
        self.watch: Optional[Watch] = None
        self.used = False

    def __call__(self, parsed: Any) -> Any:
        with Guard("reading"):
            self._read(parsed)
        result = self.following(parsed) if callable(self.following) else parsed
        with Guard("naming"):
            if not is_stream(result):
                self.name(result)
        return result

    def __deepcopy__(self, memo: Any) -> "Tap":
        return self  # clients that send another body than they were given copy their options deeply

    def _read(self, parsed: Any) -> None:
        if self.watch is not None and is_stream(parsed):
            watch_events(parsed, self.watch)
        elif not self.call.settled:
            if self.watch is not None:
                self.watch.parsed = True
            self.call.feed(parsed)
            self.call.complete()
            self.name(parsed)

    def name(self, answer: Any) -> None:
        identity.remember(answer, self.call.known_id() if self.call.settled else self.call.known_id)


class Waist:
    """The wrappers of one SDK's waist, around one provider declaration."""

    def __init__(self, provider: Provider, fallback: Endpoint, runtime: Callable[[], Runtime]) -> None:
        self._provider = provider
        self._endpoints = Endpoints(provider.endpoints, fallback)
        self._runtime = runtime
        self._question = Question()
        self._connections: Optional[Connections] = None
        self._hosts: Dict[Tuple[type, str], Host] = {}
        self._bases: "WeakKeyDictionary[Any, Tuple[Any, str]]" = WeakKeyDictionary()

    def targets(self) -> Tuple[Target, ...]:
        module = self._provider.sdk + "._base_client"
        clients = ("SyncAPIClient", "AsyncAPIClient")
        return tuple(Target(module, "%s.request" % client, self.request) for client in clients) + tuple(
            Target(module, "%s._process_response" % client, self.process_response) for client in clients
        )

    def arrivals(self) -> Tuple[Arrival, ...]:
        sdk = self._provider.sdk
        runtime = sdk + ".generated.runtime"  # where the generator's newer layout has both base classes
        tag = [Arrival(module, lambda loaded: tag_resources(loaded, sdk)) for module in (sdk + "._resource", runtime)]
        homes = [sdk + home for home in ("._models", "._streaming", "._response", "._legacy_response")]
        name = [Arrival(module, identity.offer_all) for module in (*homes, runtime)]
        connect = [Arrival("%s.%s" % (sdk, channel.module), partial(self._connected, channel)) for channel in self._provider.channels]
        return (*tag, *name, *connect)

    def _connected(self, channel: Channel, module: Any) -> Undo:
        """The SDK's WebSocket connections are there; few programs ever load them."""
        with FORK:
            from .connections import Connections

            self._connections = self._connections or Connections(self._provider, self._runtime)
        return self._connections.hook(channel, module)

    # ------------------------------------------------------------------ request

    def request(self, wrapped: Callable[..., Any], client: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        call, asked = None, False
        with Guard("starting a call"):
            theirs = _options(args, kwargs)
            options, given = without_ours(theirs)
            if options is not theirs:
                args, kwargs = _replaced(args, kwargs, options)  # whatever fails from here on, nothing of ours is sent
            options, call = self._begun(client, options, given, bool(kwargs.get("stream")))
            if call is not None:
                options = options if options is not theirs else copied(options)
                asked = self._tapped(options, call)
            if options is not theirs:
                args, kwargs = _replaced(args, kwargs, options)
        if call is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            if not (asked and self._question.refused(call, error)):
                self._failed(call, error)
                raise
        else:
            return self._awaited(wrapped, args, kwargs, call, asked, result) if isawaitable(result) else result
        return self._sent_again(wrapped, args, kwargs, call)  # outside the except: no error of ours is in the next one's context

    async def _awaited(self, wrapped: Any, args: Any, kwargs: Any, call: Call, asked: bool, result: Any) -> Any:
        try:
            return await result
        except BaseException as error:
            if not (asked and self._question.refused(call, error)):
                self._failed(call, error)
                raise
        return await self._sent_again(wrapped, args, kwargs, call)

    def _sent_again(self, wrapped: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], call: Call) -> Any:
        """The request as the caller made it, after the host refused what we had added."""
        options = _options(args, kwargs)
        options.post_parser.hide_usage = False
        self._question.withdraw(options, call.request)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            self._failed(call, error)
            raise
        return self._awaited(wrapped, args, kwargs, call, False, result) if isawaitable(result) else result

    def _begun(self, client: Any, options: Any, given: Optional[Mapping[str, Any]], streamed: bool) -> Tuple[Any, Optional[Call]]:
        """(options to send with, the call if it is ours to measure)."""
        endpoint, named = self._endpoints.find(options.method, options.url)
        if endpoint is None or endpoint.reader is None:
            return options, None
        options, facts = self._addressed(client, options, self._facts(client, options, endpoint, named, streamed))
        return options, self._runtime().begin(facts, given, self._provider.meters)

    def _tapped(self, options: Any, call: Call) -> bool:
        """Prepare our copy of the options to be sent; True when we ask for usage."""
        asked = self._question.ask(options, call.request)
        options.post_parser = Tap(call, options.post_parser, asked and not asks_for_usage(call.request.body), bool(raw_mode(options)))
        return asked

    def _facts(self, client: Any, options: Any, endpoint: Endpoint, named: str, streamed: bool) -> Request:
        body, base = body_of(options), self._base(client)
        url = joined(base, options.url)
        key = (type(client), options.url if "://" in options.url else base)
        host = self._hosts.get(key)
        if host is None:
            if len(self._hosts) > 1_000:
                self._hosts.clear()
            host = self._hosts[key] = self._provider.host_of(client, urlsplit(key[1]).netloc.rpartition("@")[2])
        model = body.get("model")
        return Request(body, endpoint, host, url, streamed, model if isinstance(model, str) else "", named)

    def _base(self, client: Any) -> str:
        """The client's base URL as text, which its URL object takes long to write."""
        base = client.base_url
        if type(client).__hash__ is None:  # a user's subclass that compares by value
            return str(base)
        known = self._bases.get(client)
        if known is None or known[0] is not base:
            known = self._bases[client] = (base, str(base))
        return known[1]

    def _addressed(self, client: Any, options: Any, request: Request) -> Tuple[Any, Request]:
        """The options and the facts with the model's name as the host in fact knows it."""
        if self._provider.addressed is None:
            return options, request
        host, model = self._provider.addressed(client, request.host, request.model, self._runtime().settings())
        if model == request.model:
            return options, request._replace(host=host)
        renamed = copied(options)
        for home in ("json_data", "extra_json"):
            content = getattr(options, home)
            if isinstance(content, Mapping) and "model" in content:
                setattr(renamed, home, {**content, "model": model})
        return renamed, request._replace(host=host, model=model, body={**request.body, "model": model})

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
        if not isinstance(tap, Tap) or kwargs["response"].status_code >= 400:  # the SDK's own middleware gets to see errors
            return wrapped(*args, **kwargs)
        with Guard("watching an answer"):
            if tap.used:  # the SDK's own middleware sent the request again: another bill
                tap = Tap(tap.call.again(), tap.following, tap.hide_usage, tap.raw)
                kwargs = {**kwargs, "options": copied(kwargs["options"])}
                kwargs["options"].post_parser = tap
            tap.used = True
            tap.call.reader.headers(kwargs["response"].headers)
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
            call.answering = True
            self._runtime().opened(call)
            watch_body(response, tap.watch, self._runtime().dropped)
        elif tap.raw:
            if call.reader.any_content or TEXT.search(response.headers.get("content-type", "json")):
                feed_raw(call, response.content)
            call.complete()

    def _named(self, tap: Tap, answer: Any) -> Any:
        """An answer that was not parsed by the SDK (a raw response, an httpx response) is settled or named here."""
        with Guard("naming"):
            if tap.watch is None and not tap.call.settled:
                content = getattr(getattr(answer, "http_response", answer), "content", b"")
                feed_raw(tap.call, content if isinstance(content, bytes) else b"")
                tap.call.complete()
            if not is_stream(answer):
                tap.name(answer)
        return answer

    def _unreadable(self, tap: Tap, error: BaseException) -> None:
        """The provider answered and billed, and the SDK could not make sense of it: recorded with what is known."""
        with Guard("settling"):
            if not tap.call.settled and tap.watch is None:
                tap.call.complete()


def _options(args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    return kwargs["options"] if "options" in kwargs else args[1]


def _replaced(args: Tuple[Any, ...], kwargs: Dict[str, Any], options: Any) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
    return (args, {**kwargs, "options": options}) if "options" in kwargs else ((args[0], options, *args[2:]), kwargs)
