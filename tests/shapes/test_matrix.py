"""Every form of call, sync and async: the user sees what the SDK alone shows, and there is exactly the record there should be."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Callable, Dict, List

import pytest

from revenium_middleware._core.metadata import canonical

from .baseline import Seen
from .side import METADATA, Expect, Form, Side, run
from .table import available, cells, names
from .wire import Sent, Wire

Records = Callable[[], List[Any]]


@pytest.mark.parametrize(("form", "asynchronous"), list(cells()), ids=names())
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_shape(form: Form, asynchronous: bool, wire: Wire, baseline: Seen, records: Records) -> None:
    if not available(form.sdk, form.needs):
        pytest.skip("the installed %s has no %s" % (form.sdk, form.needs or "module"))
    wire.set_gzip(form.gzip)
    side = run(form, wire, asynchronous, lambda: len(records()))
    alone = baseline[form.name, asynchronous]
    again = len(wire.sent) > len(alone["sent"])
    assert _neutral(side.seen, wire.port, again) == _neutral(alone["seen"], alone["port"], again)
    assert [before for before, _ in side.mutated] == [after for _, after in side.mutated], "the caller's objects were changed"
    _same_on_the_wire(form.expect, wire.sent, alone["sent"])
    _recorded(form.expect, records(), side, wire)


# ---------------------------------------------------------------------- the wire


def _same_on_the_wire(expect: Expect, sent: List[Sent], alone: List[Sent]) -> None:
    for each in sent:
        assert "revenium" not in repr(each).lower()
        assert "usage_metadata" not in repr(each)
    if len(sent) == len(alone) + 1:
        sent = [each for each in sent if b"include_usage" not in each.content]  # the question, which the host refused
    assert len(sent) == len(alone)
    for ours, theirs in zip(sent, alone):
        assert (ours.method, ours.path.replace("/a/", "/"), ours.query) == (theirs.method, theirs.path.replace("/a/", "/"), theirs.query)
        assert _unasked(ours) == _unasked(theirs) if expect.asks else ours.content == theirs.content
        assert _headers(ours, expect.asks) == _headers(theirs, expect.asks)
        assert (b'"include_usage":true' in ours.content.replace(b": ", b":")) >= expect.asks


def _unasked(sent: Sent) -> Dict[str, Any]:
    body: Dict[str, Any] = json.loads(sent.content)
    options = {name: value for name, value in (body.pop("stream_options", None) or {}).items() if name != "include_usage"}
    return {**body, "options": options}


def _headers(sent: Sent, asks: bool) -> Dict[str, str]:
    apart = {"host"} | ({"content-length"} if asks else set())
    return {name: value for name, value in sent.headers.items() if name not in apart}


def _neutral(seen: Any, port: int, again: bool) -> Any:
    """Without what two processes cannot agree on: the port and, where a request was sent ``again``, the ids counted up by it."""
    if isinstance(seen, str):
        return re.sub(r"t0000\d+", "ID" if again else r"\g<0>", seen.replace(":%d" % port, ":PORT"))
    if isinstance(seen, list):
        return [_neutral(item, port, again) for item in seen]
    if isinstance(seen, dict):
        return {name: _neutral(item, port, again) for name, item in seen.items()}
    return seen


# ---------------------------------------------------------------------- the ledger


def _recorded(expect: Expect, found: List[Any], side: Side, wire: Wire) -> None:
    assert len(found) == expect.records, [record.values for record in found]
    assert tuple(side.counts) == expect.at
    for number, record in enumerate(found):
        values = record.values
        assert record.kind == expect.kind
        assert {name: values.get(name) for name in ("model", "provider", "stop_reason", "is_streamed")} == {
            "model": expect.model,
            "provider": expect.provider,
            "stop_reason": (expect.stop.split() * len(found))[number],
            "is_streamed": expect.streamed,
        }
        _counted(expect, values, number, wire)
        if expect.tagged:
            given = canonical(METADATA)
            assert {name: values.get(name) for name in given} == given
        else:
            assert "organization_name" not in values
    _named(side, found)


def _counted(expect: Expect, values: Dict[str, Any], number: int, wire: Wire) -> None:
    counts = {name: value for name, value in values.items() if name.endswith("_token_count")}
    if expect.usage == "provider":
        spent = wire.bills[number].usage
        wanted = {"input_token_count": spent.input, "output_token_count": spent.output, "total_token_count": spent.total}
        assert {name: counts.get(name) for name in wanted} == wanted
        assert (counts.get("cache_read_token_count") or 0, counts.get("reasoning_token_count") or 0) in ((spent.cached, spent.reasoning), (0, 0))
    elif expect.usage == "begun":
        spent = wire.bills[number].usage
        said = max(1, math.ceil(expect.said / 4))
        found = (counts["input_token_count"], counts["output_token_count"], counts["total_token_count"], counts["cache_read_token_count"])
        assert found == (spent.input, said, spent.input + said, spent.cached)
    elif expect.usage == "estimated":
        chat = b'"messages"' in wire.sent[-1].content
        given, said = math.ceil(len("userSay hello" if chat else "Say hello") / 4) + 4 * chat, math.ceil(expect.said / 4)
        assert counts == {"input_token_count": given, "output_token_count": said, "total_token_count": given + said}
    elif expect.usage == "refused":
        assert counts == {"input_token_count": 0, "output_token_count": 0, "total_token_count": 0}
    else:
        assert counts == {}
    assert values["usage_source"] == {"refused": "provider", "begun": "estimated"}.get(expect.usage, expect.usage)


def _named(side: Side, found: List[Any]) -> None:
    if len(found) == 1:
        for answer in side.named:
            assert answer._revenium_transaction_id == found[0].values["transaction_id"]
