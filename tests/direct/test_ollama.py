"""What Ollama's answers say, old and new, and what must not be made of them."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

from revenium_middleware.ollama import readers

Records = Callable[[], List[Any]]
DONE: Dict[str, Any] = {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, "total_duration": 5}


def read(*events: Dict[str, Any]) -> Any:
    reader = readers.GeneratedReader({})
    for event in events:
        reader.feed(event)
    return reader.reading()


@pytest.mark.parametrize(("reason", "wanted"), [("stop", "END"), ("length", "TOKEN_LIMIT"), ("tool_calls", "END_SEQUENCE"), ("error", "ERROR"), ("new", "END")])
def test_reasons(reason: str, wanted: str) -> None:
    assert read({**DONE, "done_reason": reason}).stop_reason == wanted


def test_only_the_last_object_counts() -> None:
    reading = read({"model": "m", "message": {"content": "Hi", "thinking": "Hm"}, "done": False, "eval_count": 99}, DONE)
    assert (reading.usage.input, reading.usage.output, reading.output_characters) == (7, 3, 4)


def test_a_prompt_that_was_not_evaluated_again_has_an_unknown_count() -> None:
    reading = read({name: value for name, value in DONE.items() if name != "prompt_eval_count"})
    assert (reading.usage.input, reading.usage.output) == (None, 3)


def test_text_of_every_kind_is_seen() -> None:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    assert read({"message": {"content": "", "tool_calls": [call]}}).output_characters > 0
    assert read({"response": "four"}).output_characters == 4


@pytest.mark.parametrize("method", ["chat", "generate"])
def test_loading_a_model_is_no_bill(method: str, client: Any, provider: Any, records: Records) -> None:
    getattr(client, method)(model="m")
    assert len(provider.log) == 1 and records() == []


def test_a_record_of_a_chat_with_tools(client: Any, records: Records) -> None:
    tool = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object", "properties": {}}}}
    try:
        client.chat(model="m", messages=[{"role": "user", "content": "Hello"}], tools=[tool])
    except TypeError:
        pytest.skip("this version has no tools")
    (record,) = records()
    assert (record.values["operation_type"], record.values["operation_subtype"]) == ("TOOL_CALL", "function_call")


def test_labels(client: Any, records: Records) -> None:
    client.generate(model="qwen2.5:0.5b", prompt="Hello")
    client.embeddings(model="nomic-embed-text", prompt="Hello")
    generated, embedded = records()
    found = {name: generated.values[name] for name in ("provider", "model_source", "model", "operation_type", "is_streamed", "cost_type")}
    assert found == {
        "provider": "OLLAMA",
        "model_source": "OLLAMA",
        "model": "qwen2.5:0.5b",
        "operation_type": "GENERATE",
        "is_streamed": False,
        "cost_type": "AI",
    }
    assert (embedded.values["operation_type"], embedded.values["usage_source"], embedded.values["model"]) == ("EMBED", "unknown", "nomic-embed-text")
    assert "total_token_count" not in embedded.values
