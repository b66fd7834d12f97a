"""What users may do with the objects they get, and with the methods they call: the same as without us."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, Callable, Dict, Iterator, List, Tuple

import openai
import pytest
import wrapt

from tests.conftest import without_hooks

from .side import HTTP, chat_body
from .wire import Wire

NAME = "_revenium_transaction_id"
Records = Callable[[], List[Any]]


@pytest.fixture
def client(wire: Wire) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="sk-test", base_url=wire.openai_url, max_retries=0) as made:
        yield made


def _answers(client: openai.OpenAI) -> Dict[str, Any]:
    found = {
        "chat": client.chat.completions.create(**chat_body()),
        "embedding": client.embeddings.create(model="text-embedding-3-small", input="x"),
        "legacy": client.completions.create(model="gpt-3.5-turbo-instruct", prompt="x"),
    }
    if hasattr(client, "responses"):
        found["response"] = client.responses.create(model="gpt-4o", input="x")
    return found


def test_answers_carry_the_id_and_nothing_else_shows_it(client: openai.OpenAI, records: Records) -> None:
    for answer in _answers(client).values():
        name = getattr(answer, NAME)
        assert name in {record.values["transaction_id"] for record in records()}
        apart = "" if name == getattr(answer, "id", None) else name
        shown = [answer.model_dump(), answer.model_dump_json(), dict(answer), list(answer), repr(answer), str(answer), vars(answer), answer.to_dict()]
        shown += [answer.__pydantic_private__, answer.model_extra, answer.model_fields_set, answer.__getstate__() if hasattr(answer, "__getstate__") else None]
        assert not any("revenium" in repr(each).lower() or (apart and apart in repr(each)) for each in shown)


def test_answers_are_copied_compared_and_pickled_as_ever(client: openai.OpenAI) -> None:
    for answer in _answers(client).values():
        data = pickle.dumps(answer)
        assert b"revenium" not in data
        for twin in (pickle.loads(data), copy.copy(answer), copy.deepcopy(answer), answer.model_copy(), type(answer).model_construct(**answer.model_dump())):
            assert type(twin) is type(answer)
            assert twin.model_dump() == answer.model_dump()
        assert pickle.loads(data) == answer == copy.deepcopy(answer)


def test_an_id_belongs_to_its_object_alone(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**chat_body())
    assert getattr(copy.copy(answer), NAME) is None
    assert getattr(type(answer).model_construct(), NAME) is None
    assert getattr(answer.choices[0].message, NAME) is None


def test_http_responses_are_pickled_as_ever(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(**chat_body(), stream=True)
    assert list(stream)
    plain = client.post("/chat/completions", cast_to=HTTP.Response, body=chat_body())
    raw = client.chat.completions.with_raw_response.create(**chat_body()).http_response
    for response in (plain, raw, stream.response):
        data = pickle.dumps(response)
        assert b"revenium" not in data
        assert pickle.loads(data).status_code == 200


def test_streams_and_raw_responses_hold_nothing_more_than_before(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(**chat_body(), stream=True)
    raw = client.chat.completions.with_raw_response.create(**chat_body())
    metered = [sorted(vars(stream)), sorted(vars(raw))]
    stream.close()
    with without_hooks():
        alone = client.chat.completions.create(**chat_body(), stream=True)
        alone.close()
        assert metered == [sorted(vars(alone)), sorted(vars(client.chat.completions.with_raw_response.create(**chat_body())))]


def test_user_models_of_the_sdk_keep_their_schema() -> None:
    class Mine(openai.BaseModel):
        answer: str

    assert NAME not in repr(Mine.model_json_schema())
    assert list(Mine.model_fields) == ["answer"]
    assert Mine(answer="x") == Mine(answer="x")
    assert Mine(answer="x").model_dump() == {"answer": "x"}
    assert getattr(Mine(answer="x"), NAME) is None


# ---------------------------------------------------------------------- methods


def _hooked() -> Iterator[Tuple[str, type, str, Any]]:
    import openai._base_client as base
    from openai._resource import AsyncAPIResource, SyncAPIResource

    kinds: List[type] = [base.SyncAPIClient, base.AsyncAPIClient]
    pending: List[type] = [SyncAPIResource, AsyncAPIResource]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        kinds.append(kind)
    for kind in kinds:
        for name, value in vars(kind).items():
            if isinstance(value, wrapt.FunctionWrapper):
                yield "%s.%s.%s" % (kind.__module__, kind.__qualname__, name), kind, name, value


def test_hooked_methods_look_like_the_originals(client: openai.OpenAI) -> None:
    assert client.chat.completions and client.beta
    seen = 0
    for label, kind, name, hook in _hooked():
        original, method = hook.__wrapped__, getattr(kind, name)
        seen += 1
        assert inspect.signature(method) == inspect.signature(original), label
        assert inspect.iscoroutinefunction(method) == inspect.iscoroutinefunction(original), label
        assert (method.__name__, method.__qualname__, method.__module__, method.__doc__) == (
            original.__name__,
            original.__qualname__,
            original.__module__,
            original.__doc__,
        ), label
        assert inspect.isfunction(inspect.unwrap(method)), label
    assert seen > 100


def test_bound_methods_look_like_methods(client: openai.OpenAI) -> None:
    create = client.chat.completions.create
    assert create.__self__ is client.chat.completions
    assert create.__func__ is type(client.chat.completions).create.__wrapped__  # type: ignore[attr-defined]
    assert "usage_metadata" not in inspect.signature(create).parameters


def test_clients_that_compare_by_value_are_metered(client: openai.OpenAI, records: Any) -> None:
    class Mine(openai.OpenAI):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Mine)

    with Mine(api_key="any", base_url=str(client.base_url), max_retries=0) as mine:
        assert mine.chat.completions.create(**chat_body()).choices
    assert len(records()) == 1
