"""The loopback provider, driven by the real perplexityai package."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Iterator, List

import pytest

from revenium_middleware.testing import ProviderServer, Spent

perplexity: Any = pytest.importorskip("perplexity", reason="perplexityai is not installed here")

HELLO: List[Any] = [{"role": "user", "content": "Hello there"}]
Method = Callable[[str], Any]


@pytest.fixture
def method(server: ProviderServer) -> Iterator[Method]:
    with perplexity.Perplexity(base_url=server.url, api_key="any", max_retries=0) as client:

        def find(path: str) -> Any:
            found = client
            for name in path.split("."):
                if not hasattr(found, name):
                    pytest.skip("perplexityai %s has no %s" % (perplexity.__version__, path))
                found = getattr(found, name)
            return found

        yield find


def test_chat(server: ProviderServer, method: Method) -> None:
    answer = method("chat.completions.create")(model="sonar", messages=HELLO)
    noted = server.log[-1]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (31, 8, 39)
    assert answer.usage.cost.total_cost == noted.usage.cost == pytest.approx(0.005055) and noted.id == answer.id
    assert answer.citations and answer.search_results and answer.choices[0].message.content


def test_streamed_chat(server: ProviderServer, method: Method) -> None:
    chunks = list(method("chat.completions.create")(model="sonar-deep-research", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == chunks[-1].choices[0].message.content
    assert [chunk.usage.cost.total_cost > 0 for chunk in chunks].count(True) == 1
    assert chunks[-1].usage.reasoning_tokens == server.log[-1].usage.reasoning and chunks[-1].usage.num_search_queries == 4


def test_async_client(server: ProviderServer) -> None:
    async def calls() -> Any:
        async with perplexity.AsyncPerplexity(base_url=server.url, api_key="any") as client:
            stream = await client.chat.completions.create(model="sonar", messages=HELLO, stream=True)
            return [chunk async for chunk in stream]

    assert asyncio.run(calls())[-1].choices[0].finish_reason == "stop" and server.calls == 1


def test_chat_for_later_is_billed_when_it_is_seen_done(server: ProviderServer, method: Method) -> None:
    made = method("async_.chat.completions.create")(request={"model": "sonar", "messages": HELLO})
    states = [made.status] + [method("async_.chat.completions.get")(made.id).status for _ in range(3)]
    assert states == ["CREATED", "IN_PROGRESS", "COMPLETED", "COMPLETED"]
    assert server.calls == 1 and server.usage.cost > 0.005 and method("async_.chat.completions.list")().requests[0].id == made.id


def test_responses(server: ProviderServer, method: Method) -> None:
    answer = method("responses.create")(model="openai/gpt-5", input="Hello")
    noted = server.log[-1].usage
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (noted.input, noted.output) and noted.reasoning > 0
    assert answer.usage.cost.total_cost == pytest.approx(noted.cost) and answer.output_text
    events = list(method("responses.create")(preset="pro-search", input="Hello", stream=True))
    assert events[-1].type == "response.completed" and events[-1].response.usage.cost.total_cost == pytest.approx(server.log[-1].usage.cost)


def test_a_background_response(server: ProviderServer, method: Method) -> None:
    retrieve = method("responses.retrieve")
    made = method("responses.create")(model="openai/gpt-5", input="Hello", background=True)
    assert made.status == "queued" and [retrieve(made.id).status for _ in range(2)] == ["in_progress", "completed"]
    assert server.calls == 1 and server.usage.cost > 0


def test_embeddings(server: ProviderServer, method: Method) -> None:
    answer = method("embeddings.create")(model="pplx-embed-v1-0.6b", input=["one", "two"])
    assert len(answer.data) == 2 and isinstance(answer.data[0].embedding, str)
    assert answer.usage.prompt_tokens == server.log[-1].usage.input and answer.usage.cost.total_cost == server.log[-1].usage.cost
    several = method("contextualized_embeddings.create")(model="pplx-embed-context-v1-0.6b", input=[["one", "two"], ["three"]])
    assert [len(document.data) for document in several.data] == [2, 1] and several.usage.prompt_tokens == 31


def test_search_is_billed_by_the_query(server: ProviderServer, method: Method) -> None:
    assert method("search.create")(query=["one", "two"]).results[0].url
    assert server.usage == Spent(searches=2) and server.calls == 1


def test_decisions(server: ProviderServer, method: Method) -> None:
    questions = {"q": {"type": "noul"}, "c": {"type": "choice", "criteria": {"a": "A", "b": "B"}}, "s": {"type": "score", "criteria": ["low", "high"]}}
    answer = method("decisions.create")(model="pplx-decide", state="Hello", questions=questions)
    assert set(answer.answers) == {"q", "c", "s"} and answer.usage.input_tokens == server.log[-1].usage.input == 55


def test_batches(server: ProviderServer, method: Method) -> None:
    line = {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "openai/gpt-5", "input": "Hello"}}
    create = method("batches.create")
    file = method("files.create")(file=("in.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = create(input_file_id=file.id, endpoint="/v1/responses")
    states = [method("batches.retrieve")(batch.id) for _ in range(2)]
    assert [each.status for each in states] == ["in_progress", "completed"] and states[-1].usage.total_tokens > 0
    content = method("files.content")(states[-1].output_file_id)
    result = json.loads(content.read() if hasattr(content, "read") else content)
    assert result["response"]["body"]["usage"]["cost"]["total_cost"] > 0 and server.calls == 1 and server.usage.cost > 0


def test_browser_sessions_are_billed_without_saying_how_much(server: ProviderServer, method: Method) -> None:
    made = method("browser.sessions.create")()
    assert made.status == "running" and server.calls == 1  # billed, in a quantity that no answer names
    method("browser.sessions.delete")(made.session_id)
