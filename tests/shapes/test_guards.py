"""What holds whatever goes wrong on our side, and whatever metering is set to."""

from __future__ import annotations

from typing import Any, Callable, Iterator, List

import openai
import pytest

from revenium_middleware._calls.runtime import Runtime
from revenium_middleware._core.diagnostics import diagnostics
from revenium_middleware._openai.readers import ChatReader
from tests.conftest import without_hooks

from .side import METADATA, chat_body
from .wire import Wire

Records = Callable[[], List[Any]]


@pytest.fixture
def client(wire: Wire) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url=wire.openai_url, max_retries=0) as made:
        yield made


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
    """Makes a part of ours raise, as it would in production: not into the test."""
    monkeypatch.setattr(diagnostics, "reraise", False)

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError("ours")

    return lambda owner, name: monkeypatch.setattr(owner, name, fail)


def _texts(client: openai.OpenAI, wire: Wire) -> List[str]:
    """Four forms of the same call, as their user sees them."""
    plain = client.chat.completions.create(**chat_body(), **_tag())
    raw = client.chat.completions.with_raw_response.create(**chat_body(), **_tag()).parse()
    streamed = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**chat_body(), stream=True, **_tag())]
    with client.chat.completions.with_streaming_response.create(**chat_body(), **_tag()) as response:
        lines = "".join(response.iter_lines())
    assert '"object":"chat.completion"' in lines
    return [plain.choices[0].message.content, raw.choices[0].message.content, "".join(streamed)]


def _tag() -> Any:
    return {"usage_metadata": dict(METADATA)}


SAID = "This is a loopback answer,"
PARTS = [
    (ChatReader, "__init__"),
    (ChatReader, "feed"),
    (ChatReader, "reading"),
    (Runtime, "begin"),
    (Runtime, "settings"),
    (Runtime, "commit"),
    (Runtime, "resolve"),
    (Runtime, "opened"),
    (Runtime, "closed"),
]


@pytest.mark.parametrize(("owner", "name"), PARTS, ids=["%s.%s" % (owner.__name__, name) for owner, name in PARTS])
def test_app_gets_its_answer_when_our_reader_raises(owner: Any, name: str, client: openai.OpenAI, wire: Wire, broken: Any) -> None:
    broken(owner, name)
    assert _texts(client, wire) == [SAID] * 3
    assert diagnostics.failures, "the failure is to be counted"
    assert "revenium" not in repr(wire.sent).lower()
    assert "usage_metadata" not in repr(wire.sent)


def test_app_gets_its_error_when_we_fail_too(client: openai.OpenAI, wire: Wire, broken: Any) -> None:
    broken(ChatReader, "reading")
    wire.refuse_stream_options()
    with pytest.raises(openai.BadRequestError, match="stream_options"):
        client.chat.completions.create(**chat_body(), stream=True, stream_options={"include_usage": True})


OFF = {
    "as usual": {},
    "selective metering": {"REVENIUM_SELECTIVE_METERING": "true"},
    "no ledger and no key": {"REVENIUM_LEDGER": "off"},
    "memory": {"REVENIUM_LEDGER": "memory"},
    "debug log": {"REVENIUM_LOG_LEVEL": "DEBUG"},
}


@pytest.mark.parametrize("state", list(OFF), ids=[name.replace(" ", "_") for name in OFF])
def test_nothing_of_ours_is_sent_to_the_provider(state: str, client: openai.OpenAI, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFF[state].items():
        monkeypatch.setenv(name, value)
    for metadata in (dict(METADATA), {}, None, "text", 7, {"subscriber": {"id": "ü\n\U0001f600"}}, object()):
        assert client.chat.completions.create(**chat_body(), usage_metadata=metadata).choices  # type: ignore[call-overload]
    assert list(client.chat.completions.create(**chat_body(), stream=True, **_tag()))
    assert client.chat.completions.create(**chat_body(), extra_body=_tag(), extra_query={"q": "1"}).choices
    assert client.embeddings.create(model="text-embedding-3-small", input="x", extra_headers={"X-Mine": "1"}, **_tag()).data
    assert client.moderations.create(input="x", **_tag()).results == client.moderations.create(input="x").results  # type: ignore[call-arg]
    assert client.models.list(**_tag()).data  # type: ignore[call-arg]
    assert client.post("/chat/completions", cast_to=object, body=chat_body(), options={"extra_json": _tag()}) is not None
    assert "revenium" not in repr(wire.sent).lower()
    assert "usage_metadata" not in repr(wire.sent)


def test_a_reader_that_raises_costs_no_record(client: openai.OpenAI, wire: Wire, broken: Any, records: Records) -> None:
    assert client.chat.completions.create(**chat_body()).choices
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChatReader, "feed", lambda reader, event: 1 // 0)
        assert client.chat.completions.create(**chat_body()).choices
    assert client.chat.completions.create(**chat_body()).choices
    assert [record.values["usage_source"] for record in records()] == ["provider", "unknown", "provider"]


def test_keyword_is_gone_after_uninstall(client: openai.OpenAI, wire: Wire, records: Records) -> None:
    with without_hooks():
        with pytest.raises(TypeError, match="usage_metadata"):
            client.chat.completions.create(**chat_body(), **_tag())
        assert not hasattr(client.chat.completions.create(**chat_body()), "_revenium_transaction_id")
        assert records() == []
    assert client.chat.completions.create(**chat_body(), **_tag()).choices
    assert len(records()) == 1
