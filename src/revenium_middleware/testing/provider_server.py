"""A provider on this machine, without a key, a bill or the network: the wire format of OpenAI, Azure, Anthropic, Perplexity, Ollama, fal, Bedrock and Google.

    with ProviderServer() as server:
        client = openai.OpenAI(base_url=server.openai_url, api_key="any")
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
        print(server.log[-1].usage)  # what that call cost, by the rules in ``answers``

Any path prefix is accepted, and so is a client that uses ``url`` as its HTTP proxy: then it may call
``http://api.perplexity.ai`` or ``http://my.openai.azure.com`` and still be answered here.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from . import routes
from .answers import Answer, Answered, Asked, Endpoint, Event, Refused, Spent
from .faults import Fault, Script, distorted, error, failed, rewritten
from .forms import parsed
from .loopback import Loopback, Reply, Request
from .world import World

_HEADERS = {"openai-version": "2020-10-01", "openai-processing-ms": "1", "openai-poll-after-ms": "5"}
_ERROR_EVENT = Event(error("The server had an error while processing your request.", "server_error"), "error")


class ProviderServer:
    """Answers from the moment it is made until ``stop``; best used in a ``with`` block.

    ``deployments`` maps the names of Azure deployments to the models they run. With ``refuses_stream_options`` every
    request that has them is answered by a 400 naming them. ``usual`` is what happens to every request that no script
    is for. With ``api_key`` a request that does not carry it is answered by a 401.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        deployments: Optional[Mapping[str, str]] = None,
        refuses_stream_options: bool = False,
        usual: Optional[Fault] = None,
        api_key: Optional[str] = None,
    ) -> None:
        self._options: Dict[str, Any] = {"deployments": dict(deployments or {})}
        self._refuses_stream_options = refuses_stream_options
        self._api_key = api_key
        self._lock = threading.Lock()
        self._script = Script(usual)
        self._world = World()
        self._log: List[Answered] = []
        self._loopback = Loopback(self._answer, port)

    def __enter__(self) -> ProviderServer:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close every connection and wait for the threads."""
        self._loopback.stop()

    @property
    def url(self) -> str:
        """Without a path: a proxy, or Azure's ``azure_endpoint``, Anthropic's and Perplexity's ``base_url``, Ollama's ``host``, boto3's ``endpoint_url``."""
        return "http://127.0.0.1:%d" % self._loopback.port

    @property
    def openai_url(self) -> str:
        """The ``base_url`` of an OpenAI client."""
        return self.url + "/v1"

    @property
    def fal_url(self) -> str:
        """What stands for ``https://fal.run`` and, with ``queue`` below it, for ``https://queue.fal.run``."""
        return self.url + "/fal"

    @property
    def google_url(self) -> str:
        """The ``base_url`` in the ``http_options`` of a Google client, for the Gemini API and for Vertex."""
        return self.url

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return self._loopback.connections

    @property
    def log(self) -> List[Answered]:
        """Every request so far, in the order of their arrival; noted before the first byte of the answer is sent."""
        with self._lock:
            return list(self._log)

    @property
    def billed(self) -> List[Answered]:
        """The requests that cost something."""
        return [each for each in self.log if each.billed]

    @property
    def calls(self) -> int:
        """Billed calls: what a meter should have recorded as successes."""
        return sum(each.calls for each in self.billed)

    @property
    def usage(self) -> Spent:
        """Everything billed so far."""
        return sum((each.usage for each in self.billed), Spent())

    def script(self, *faults: Fault) -> None:
        """What happens to the next requests, one fault each; see ``faults``."""
        with self._lock:
            self._script.add(*faults)

    @property
    def unplayed(self) -> List[Fault]:
        """Scripted faults that no request has met yet."""
        with self._lock:
            return self._script.waiting

    def reset(self) -> None:
        """Forget the log and the script; jobs and files stay."""
        with self._lock:
            self._log.clear()
            self._script.clear()

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            fault = self._script.take(request)
            body = _body_of(request)
            answer = self._refusal(request, body) or self._proper(request, body, fault)
            self._log.append(_noted(request, body, answer, fault))
            identifier = self._world.id("req_")
        return distorted(_reply(answer, fault, identifier), fault)

    def _refusal(self, request: Request, body: Any) -> Optional[Answer]:
        headers = request.headers
        if self._api_key is not None and self._api_key not in (headers.get("authorization", "")[7:], headers.get("api-key"), headers.get("x-api-key")):
            return Answer(error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"), status=401)
        if body is None:
            return Answer(error("We could not parse the body of your request.", "invalid_request_error"), status=400)
        if self._refuses_stream_options and isinstance(body, dict) and body.get("stream_options") is not None:
            return Answer(Fault.stream_options_refused().body, status=400)
        return None

    def _proper(self, request: Request, body: Any, fault: Fault) -> Answer:
        found: Optional[Tuple[Endpoint, Tuple[str, ...], Optional[str]]] = routes.find(request.method, request.path)
        if found is None:
            return Answer(error("Invalid URL (%s %s)" % (request.method, request.path), "invalid_request_error"), status=404)
        if failed(fault):
            return Answer({}, status=fault.status or 0)
        endpoint, names, deployment = found

        def inner(path: str, line: Dict[str, Any]) -> Answer:
            return self._proper(replace(request, method="POST", path=path), {**line, "stream": False}, fault)

        sent = body if isinstance(body, dict) else {}
        try:
            return endpoint(Asked(request, sent, self._world, deployment, names, self._options, inner))
        except Refused as refused:
            return refused.answer
        except (AttributeError, LookupError, TypeError, ValueError) as wrong:  # a field of the wrong type
            return Answer(error("Invalid type in the body: %s" % wrong, "invalid_request_error"), status=400)


def _body_of(request: Request) -> Any:
    if request.path.startswith("/google-upload/"):
        return {}  # a file's bytes, whatever type they claim
    try:
        return parsed(request.headers.get("content-type", ""), request.body)
    except ValueError:
        return None


def _noted(request: Request, body: Any, answer: Answer, fault: Fault) -> Answered:
    status = 0 if fault.drop or fault.hang else fault.status or answer.status
    billed = answer.billed and status < 400 and status > 0
    return Answered(
        request.method,
        request.path,
        request.query,
        request.headers,
        request.host,
        body,
        status,
        answer.events is not None,
        answer.usage if billed else Spent(),
        billed,
        answer.calls if billed else 0,
        answer.id,
        answer.model,
        fault,
        request.connection,
        request.received_at,
    )


def _reply(answer: Answer, fault: Fault, identifier: str) -> Reply:
    headers = {"content-type": answer.media_type, "x-request-id": identifier, **_HEADERS, **answer.headers}
    if answer.events is not None:
        streamed = "application/x-ndjson" if answer.lines else "text/event-stream; charset=utf-8"
        headers["content-type"] = answer.media_type if answer.encoded else streamed
        return Reply(answer.status, headers, chunks=_stream(answer, fault))
    if answer.content is not None:
        return Reply(answer.status, headers, answer.content)
    body = answer.body if fault.usage is None else rewritten(answer.body, fault.usage)
    return Reply(answer.status, headers, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def _stream(answer: Answer, fault: Fault) -> List[bytes]:
    events = list(answer.events or ())
    if fault.usage is not None:
        events = [replace(event, data=rewritten(event.data, fault.usage)) for event in events]
    if answer.lines:
        return _lines(events, fault)
    encoded = answer.encoded or _encoded
    if fault.error_after is not None:
        return [encoded(event) for event in events[: fault.error_after] + [_ERROR_EVENT if answer.broken is None else Event(answer.broken)]]
    chunks = [encoded(event) for event in events]
    return chunks + [b"data: [DONE]\n\n"] if answer.done and fault.done else chunks


def _lines(events: List[Event], fault: Fault) -> List[bytes]:
    data = [event.data for event in events]
    if fault.error_after is not None:
        data = [*data[: fault.error_after], {"error": _ERROR_EVENT.data["error"]["message"]}]
    return [json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in data]


def _encoded(event: Event) -> bytes:
    data = event.data if isinstance(event.data, str) else json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return ("%sdata: %s\n\n" % ("event: %s\n" % event.name if event.name else "", data)).encode()
