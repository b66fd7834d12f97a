"""What users of google-genai see is the same with and without us: results, types, exceptions, signatures."""

from __future__ import annotations

import inspect
import pickle
import warnings
from typing import Any, Callable, Dict, List

import pytest

pytest.importorskip("google.genai", reason="google-genai is not installed")
from google.genai import chats, models

from revenium_middleware.testing import Fault
from tests.conftest import without_hooks

from .conftest import MODEL, client_of, run

ASK = {"model": MODEL, "contents": "Why is the sky blue?"}


def _shape(value: Any) -> Any:
    """Type and content, without what the provider numbers."""
    if isinstance(value, list):
        return [_shape(each) for each in value]
    if isinstance(value, BaseException):
        causes = [type(each) for each in (value.__cause__, value.__context__) if each is not None]
        return type(value), str(value), causes
    if not hasattr(value, "model_dump"):
        return type(value)
    shown = value.model_dump(exclude={"response_id", "sdk_http_response", "automatic_function_calling_history", "id"})
    return type(value), sorted(vars(value)), repr(sorted(shown.items()))


def _async(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda client: run(function(client))


async def _streamed(client: Any) -> List[Any]:
    return [chunk async for chunk in await client.aio.models.generate_content_stream(**ASK)]


async def _plain(client: Any) -> Any:
    return await client.aio.models.generate_content(**ASK)


FORMS: Dict[str, Callable[[Any], Any]] = {
    "plain": lambda client: client.models.generate_content(**ASK),
    "streamed": lambda client: list(client.models.generate_content_stream(**ASK)),
    "async": _async(_plain),
    "async streamed": _async(_streamed),
    "chat": lambda client: client.chats.create(model=MODEL).send_message("Hello"),
    "embedding": lambda client: client.models.embed_content(model="text-embedding-004", contents=["a", "b"]),
    "blocked": lambda client: client.models.generate_content(model=MODEL, contents="forbidden"),
    "counted": lambda client: client.models.count_tokens(**ASK),
    "wrong": lambda client: client.models.generate_content(model=MODEL),
    "unknown argument": lambda client: client.models.generate_content(**ASK, telepathy=True),
}
FAULTS: Dict[str, Fault] = {
    "as usual": Fault(),
    "refused": Fault.bad_request(),
    "limited": Fault.rate_limited(),
    "failed": Fault.server_error(503),
    "a page": Fault.html(),
    "empty": Fault.empty(),
    "cut": Fault.cut(after=1),
    "disconnected": Fault.disconnect(),
    "broken off": Fault.error_event(after=1),
}


def _seen(form: str, fault: str, provider: Any) -> Any:
    provider.reset()
    provider.script(FAULTS[fault])
    client = client_of(provider.google_url)
    try:
        found = FORMS[form](client)
    except Exception as error:  # noqa: BLE001 - what users see
        found = error
    return _shape(found)


@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_same_with_and_without(form: str, fault: str, provider: Any) -> None:
    metered = _seen(form, fault, provider)
    with without_hooks():
        alone = _seen(form, fault, provider)
    assert metered == alone


def test_methods_keep_their_names_and_signatures() -> None:
    metered = {kind: _described(kind) for kind in (models.Models, models.AsyncModels, chats.Chat, chats.AsyncChat)}
    with without_hooks():
        assert metered == {kind: _described(kind) for kind in metered}


def _described(kind: type) -> Any:
    found = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
    return {
        name: (str(inspect.signature(method)), method.__name__, method.__doc__, inspect.iscoroutinefunction(method), inspect.isgeneratorfunction(method))
        for name, method in found.items()
        if callable(method)
    }


def test_warnings_name_the_line_of_the_caller(vertex: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vertex.models.generate_images(model="imagen-4.0", prompt="a cat", usage_metadata={"task_type": "t"})
    assert all(warning.filename == __file__ for warning in caught if "generate_images" in str(warning.message))


def test_answers_are_pickled_and_copied_as_ever(client: Any) -> None:
    answer = client.models.generate_content(**ASK)
    assert b"revenium" not in pickle.dumps(answer)
    assert pickle.loads(pickle.dumps(answer)) == answer == answer.model_copy()


def test_arguments_are_not_changed(client: Any) -> None:
    config: Dict[str, Any] = {"temperature": 0.5, "system_instruction": "Be brief."}
    contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
    tag = {"task_type": "t"}
    client.models.generate_content(model=MODEL, contents=contents, config=config, usage_metadata=tag)
    assert (config, contents, tag) == (
        {"temperature": 0.5, "system_instruction": "Be brief."},
        [{"role": "user", "parts": [{"text": "Hello"}]}],
        {"task_type": "t"},
    )
