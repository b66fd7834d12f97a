"""What users write, checked with mypy --strict against the built wheel (``nox -s types``). It is never run."""

from __future__ import annotations

from typing import AsyncIterator, Iterator, List, Mapping, Optional, Tuple

import openai
from openai.types.chat import ChatCompletion

import revenium_middleware
import revenium_middleware.openai
import revenium_middleware.perplexity
import revenium_middleware_openai
import revenium_middleware_perplexity
from revenium_middleware import MeteringErrorEvent, MeteringStatusError, ReveniumMiddlewareError, Status, metadata, revenium_metadata, revenium_meter


@revenium_meter()
@revenium_metadata(organization_name="AcmeCorp", task_type="chat")
def ask(client: openai.OpenAI, question: str) -> Optional[str]:
    with metadata(agent="support", subscriber={"id": "user-1"}):
        answer: ChatCompletion = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content


@revenium_metadata(agent="support")
async def ask_async(client: openai.AsyncOpenAI, question: str) -> str:
    answer = await client.responses.create(model="gpt-4o-mini", input=question)
    return answer.output_text


@revenium_metadata(agent="support")
def pieces(client: openai.OpenAI) -> Iterator[str]:
    for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=[], stream=True):
        yield chunk.choices[0].delta.content or ""


@revenium_metadata(agent="support")
async def pieces_async(client: openai.AsyncOpenAI) -> AsyncIterator[str]:
    async for chunk in await client.chat.completions.create(model="gpt-4o-mini", messages=[], stream=True):
        yield chunk.choices[0].delta.content or ""


class Service:
    @revenium_metadata(agent="service")
    def run(self, question: str) -> Optional[str]:
        return ask(openai.OpenAI(), question)


def ready() -> bool:
    both = revenium_middleware.openai.is_initialized() and revenium_middleware.perplexity.is_initialized()
    return both and revenium_middleware_openai.is_initialized() and revenium_middleware_perplexity.is_initialized()


def set_up() -> bool:
    try:
        return revenium_middleware.initialize_metering(api_key="hak_x", base_url="https://api.revenium.ai")
    except (ReveniumMiddlewareError, ValueError):
        return False


def health() -> Tuple[int, float, Mapping[str, int], List[str]]:
    status: Status = revenium_middleware.status()
    return status.recorded, status.last_delivery or 0.0, status.failures, [*status.faults, revenium_middleware.__version__]


@revenium_middleware.on_metering_error
def heard(event: MeteringErrorEvent) -> None:
    status: int = event.error.status if isinstance(event.error, MeteringStatusError) else 0
    print(event.operation, status, event.timestamp)


def own_usage(key: str, order: str) -> Tuple[str, int]:
    with revenium_middleware.metering_key(key), revenium_middleware.idempotency_key(order):
        transaction: str = revenium_middleware.client.record_usage(model="m", prompt_tokens=1, completion_tokens=2, user_id="u")
    task = revenium_middleware.run_async_in_thread(revenium_middleware.get_client().async_record_usage("m", 1))
    if task is not None and not revenium_middleware.shutdown_event.is_set():
        task.join(timeout=1.0)
    carried = revenium_middleware.carry_context(shut_down)
    return transaction, carried() + revenium_middleware.get_metering_status().pending


def shut_down() -> int:
    left: int = revenium_middleware.flush(timeout=2.5)
    revenium_middleware.uninstall()
    return left


question: Optional[str] = Service().run("What types do decorated functions keep?")
