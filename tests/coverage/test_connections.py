"""Connections that stay open, through the real SDK and a real WebSocket: one record per bill, and the events as they came."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
from operator import attrgetter
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import openai
import pytest

import revenium_middleware
from revenium_middleware._core.diagnostics import diagnostics

pytest.importorskip("websockets", reason="the openai package connects through it")

from . import scripts
from .lines import LineServer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Bills = List[Tuple[str, scripts.Fields]]
HELLO = {"type": "session.update", "session": {}}


class Line(NamedTuple):
    """A method that connects, what is said over it, and the bills of that."""

    arguments: Dict[str, Any]
    says: List[scripts.Fields]
    bills: Bills
    sends: Tuple[Any, ...] = ()
    start: Optional[Callable[[Any, Dict[str, Any]], Any]] = None
    """A call over HTTP that starts what the connection listens to, made with the tag; returns the argument that names it."""


def _started(path: str, argument: str, **arguments: Any) -> Callable[[Any, Dict[str, Any]], Any]:
    def start(client: Any, tag: Dict[str, Any]) -> Any:
        raw = attrgetter(path.rpartition(".")[0] + ".with_raw_response." + path.rpartition(".")[2])(client)(usage_metadata=tag, **arguments)
        return raw, argument

    return start


_SIDEBAND = Line({}, [*scripts.LIVE, scripts.LIVE_CLOSED], scripts.live_bills(12.25))
_CALL = Line({}, scripts.REALTIME, scripts.REALTIME_BILLS)
_SOUND = tuple({"type": "session.input_audio_buffer.append", "audio": scripts.SECOND} for _ in range(3))
LINES: Dict[str, Tuple[str, Line]] = {
    "realtime.connect": ("realtime.connect", Line({"model": "gpt-realtime"}, scripts.REALTIME, scripts.REALTIME_BILLS)),
    "beta.realtime.connect": ("beta.realtime.connect", Line({"model": "gpt-realtime"}, scripts.REALTIME, scripts.REALTIME_BILLS)),
    "realtime.translations.connect": (
        "realtime.translations.connect",
        Line({"model": "gpt-realtime-translate"}, scripts.TRANSLATION, scripts.TRANSLATION_BILLS, _SOUND),
    ),
    "live.connect": ("live.connect", Line({}, [*scripts.LIVE, scripts.LIVE_CLOSED], scripts.live_bills(12.25))),
    "live.forks.connect": ("live.forks.connect", _SIDEBAND._replace(arguments={"session_id": "live_1"})),
    "live.sideband.connect": ("live.sideband.connect", _SIDEBAND._replace(arguments={"session_id": "live_1"})),
    "responses.connect": ("responses.connect", Line({}, scripts.RESPONSES, scripts.RESPONSES_BILLS)),
    "beta.responses.connect": ("beta.responses.connect", Line({}, scripts.RESPONSES, scripts.RESPONSES_BILLS)),
    "realtime.calls.create": ("realtime.connect", _CALL._replace(start=_started("realtime.calls.create", "call_id", sdp="v=0"))),
    "realtime.calls.accept": ("realtime.connect", _CALL._replace(start=_started("realtime.calls.accept", "call_id", call_id="rtc_1", type="realtime"))),
    "live.create": (
        "live.sideband.connect",
        _SIDEBAND._replace(start=_started("live.create", "session_id", session={"model": "gpt-live-1"}, transport={"type": "webrtc", "sdp": "v=0"})),
    ),
    "live.sessions.accept": (
        "live.sideband.connect",
        _SIDEBAND._replace(start=_started("live.sessions.accept", "session_id", session_id="live_1", session={"model": "gpt-live-1"})),
    ),
    "live.sessions.fork": (
        "live.sideband.connect",
        _SIDEBAND._replace(start=_started("live.sessions.fork", "session_id", session_id="live_0", transport={"type": "webrtc", "sdp": "v=0"})),
    ),
}


FORMS = [(name, read) for name in sorted(LINES) for read in ("iterated", "recv", "recv_bytes") if read == "iterated" or not LINES[name][1].start]


@pytest.fixture
def lines() -> Iterator[LineServer]:
    server = LineServer()
    yield server
    server.stop()


Make = Callable[[str], Any]


def _can_receive() -> bool:
    """Before it knew of websockets 13, the SDK's sync connection needed 14, which Python 3.8 does not have."""
    from websockets.sync.connection import Connection

    return "decode" in inspect.signature(Connection.recv).parameters or importlib.util.find_spec("openai.lib._websocket") is not None


@pytest.fixture
def make(lines: LineServer, provider: Any) -> Make:
    def client(side: str) -> Any:
        kind = openai.OpenAI if side == "sync" else openai.AsyncOpenAI
        if "websocket_base_url" not in inspect.signature(kind.__init__).parameters:
            pytest.skip("openai %s has no connections" % openai.__version__)
        if side == "sync" and not _can_receive():
            pytest.skip("openai %s itself cannot receive through this websockets: recv() takes no decode" % openai.__version__)
        return kind(base_url=provider.openai_url, websocket_base_url=lines.url, api_key="none", max_retries=0)

    return client


async def _now(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def connecting(client: Any, path: str) -> Any:
    try:
        return attrgetter(path)(client)
    except AttributeError:
        pytest.skip("openai %s has no %s" % (openai.__version__, path))


async def conversation(client: Any, path: str, line: Line, read: str, **tag: Any) -> List[Any]:
    """Everything one connection hears, however it is read, until the provider hangs up."""
    from websockets.exceptions import ConnectionClosedOK

    heard: List[Any] = []
    manager = connecting(client, path)(**line.arguments, **tag)
    connection = await manager.__aenter__() if hasattr(manager, "__aenter__") else manager.__enter__()
    for message in line.sends:
        await _now(connection.send(message))
    if read == "iterated" and hasattr(connection, "__aiter__"):
        heard += [event async for event in connection]
    elif read == "iterated":
        heard += list(connection)
    else:
        try:
            while True:
                heard.append(await _now(getattr(connection, read)()))
        except ConnectionClosedOK:
            pass
    await _now(manager.__aexit__(None, None, None) if hasattr(manager, "__aexit__") else manager.__exit__(None, None, None))
    await _now(client.close())
    return heard


def _named(name: str, raw: Any) -> str:
    """What the provider calls the session that was started."""
    if name in ("live.create", "live.sessions.fork"):
        return str(json.loads(raw.content)["session"]["id"])
    return "live_1" if name == "live.sessions.accept" else str(raw.headers.get("location", "/rtc_1").rpartition("/")[2])


def assert_billed(found: List[Any], bills: Bills, task: Optional[str]) -> None:
    assert [record.kind for record in found] == [kind for kind, _ in bills], [record.values for record in found]
    for record, (_, expected) in zip(found, bills):
        assert {name: record.values.get(name) for name in expected} == expected
        assert record.values.get("task_type") == task
        assert record.values["provider"] == "CUSTOM"


@pytest.mark.parametrize("side", ["sync", "async"])
@pytest.mark.parametrize("name, read", FORMS)
def test_a_connection_leaves_one_record_per_bill(name: str, side: str, read: str, make: Make, lines: LineServer, records: Any) -> None:
    path, line = LINES[name]
    client, tag = make(side), {"task_type": name}
    connecting(client, path)
    lines.play(*line.says, listens=len(line.sends))

    async def talk() -> List[Any]:
        if line.start is None:
            return await conversation(client, path, line, read, usage_metadata=tag)
        connecting(client, name)
        raw, argument = line.start(client, tag)
        raw = await _now(raw)
        return await conversation(client, path, line._replace(arguments={argument: _named(name, raw)}), read)

    heard = asyncio.run(talk())
    assert len(heard) == len(line.says)
    if read == "recv_bytes":
        assert [json.loads(data) for data in heard] == line.says
    else:
        assert [event.type for event in heard] == [event["type"] for event in line.says]
    assert_billed(records(), line.bills, name)
    assert not any("revenium" in header for headers in lines.headers for header in headers)
    assert not any("revenium" in path for path in lines.paths)


def test_attribution_is_that_of_the_moment_of_connecting(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    lines.play(*scripts.REALTIME)
    with revenium_middleware.metadata(task_type="outer"):
        manager = connecting(client, "realtime.connect")(model="gpt-realtime")
    with revenium_middleware.metadata(task_type="elsewhere"), manager as connection:
        assert len(list(connection)) == len(scripts.REALTIME)
    assert {record.values["task_type"] for record in records()} == {"outer"}


def test_a_session_left_early_is_billed_for_what_it_said_so_far(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    connecting(client, "live.connect")
    lines.play(*scripts.LIVE, stays=True)
    with client.live.connect(usage_metadata={"task_type": "left"}) as connection:
        for _ in scripts.LIVE:
            connection.recv()
        assert revenium_middleware.status().open_streams == 1
    assert_billed(records(), scripts.live_bills(9.5), "left")
    assert revenium_middleware.status().open_streams == 0


def test_a_response_cut_short_is_estimated_and_never_a_fake_zero(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    connecting(client, "responses.connect")
    lines.play(*scripts.RESPONSES[:2], stays=True)
    with client.responses.connect() as connection:
        connection.recv(), connection.recv()
    (record,) = records()
    assert record.values["stop_reason"] == "CANCELLED"
    assert record.values["usage_source"] == "estimated"
    assert record.values["output_token_count"] == 2


def test_a_connection_that_is_dropped_is_settled(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    connecting(client, "live.connect")
    lines.play(*scripts.LIVE, stays=True)
    connection = client.live.connect().enter()
    for _ in scripts.LIVE:
        connection.recv()
    connection._connection.close()
    del connection
    assert_billed(records(), scripts.live_bills(9.5), None)


def test_two_connections_to_one_session_make_one_record_of_it(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    connecting(client, "live.sideband.connect")
    lines.play(*scripts.LIVE, scripts.LIVE_CLOSED)
    for manager in (client.live.connect(), client.live.sideband.connect(session_id="live_1")):
        with manager as connection:
            assert len(list(connection)) == len(scripts.LIVE) + 1
    assert_billed(records(), scripts.live_bills(12.25), None)


def test_a_timeout_while_waiting_settles_nothing(make: Make, lines: LineServer, records: Any) -> None:
    client = make("async")
    connecting(client, "realtime.connect")
    lines.play(*scripts.REALTIME, listens=1)

    async def talk() -> None:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.05)
            await connection.send(HELLO)
            async for _ in connection:
                pass
        await client.close()

    asyncio.run(talk())
    assert_billed(records(), scripts.REALTIME_BILLS, None)


def test_events_that_are_no_json_reach_the_application(make: Make, lines: LineServer, records: Any) -> None:
    client = make("sync")
    connecting(client, "realtime.connect")
    strange: List[Any] = ["not an event", ["neither"], *({"type": "response.done", "response": each} for each in (None, {"usage": {"input_tokens": "many"}}))]
    lines.play(*strange)
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert json.loads(connection.recv_bytes()) == "not an event"
        assert json.loads(connection.recv_bytes()) == ["neither"]
        connection.recv_bytes(), connection.recv_bytes()
    assert all(record.values["usage_source"] != "provider" for record in records())


def test_the_application_hears_its_events_when_our_reader_raises(make: Make, lines: LineServer, records: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from revenium_middleware._openai.sessions import RealtimeReader

    monkeypatch.setattr(diagnostics, "reraise", False)
    monkeypatch.setattr(RealtimeReader, "heard", lambda self, event, kind: 1 / 0)
    client = make("sync")
    connecting(client, "realtime.connect")
    lines.play(*scripts.REALTIME)
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert len(list(connection)) == len(scripts.REALTIME)
    assert revenium_middleware.status().failures["reading a connection"] >= 1


def test_a_connection_keeps_its_class_and_its_errors(make: Make, lines: LineServer) -> None:
    from websockets.exceptions import ConnectionClosedOK

    client = make("sync")
    connecting(client, "realtime.connect")
    lines.play(scripts.REALTIME[0])
    with client.realtime.connect(model="gpt-realtime") as connection:
        assert type(connection).__name__ == "RealtimeConnection"
        connection.recv()
        with pytest.raises(ConnectionClosedOK):
            connection.recv()
