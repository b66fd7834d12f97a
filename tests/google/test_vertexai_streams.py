"""Streams of the older text models in the vertexai package: over REST, and over gRPC where they are asynchronous."""

from __future__ import annotations

import gc
from typing import Any, AsyncIterator, Callable, Dict, List

import pytest

pytest.importorskip("vertexai", reason="google-cloud-aiplatform is not installed")
pytest.importorskip("vertexai.language_models", reason="this release has no language models any more")

from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceAsyncClient, transports
from google.cloud.aiplatform_v1.types import StreamingPredictRequest, StreamingPredictResponse, Tensor
from vertexai import language_models as language

from .conftest import run
from .test_vertexai import TAG, Records, _model, project

__all__ = ["project"]

TEXT = "The sky is blue."
PROMPT = "Why is the sky blue? "  # 21 characters: 6 tokens, estimated


def _text(counted: str = "") -> Any:
    return _model(language.TextGenerationModel, "text-bison%s@002" % counted)


def _code() -> Any:
    return _model(language.CodeGenerationModel, "code-bison@002")


def _chat() -> Any:
    return _model(language.ChatModel, "chat-bison@002").start_chat()


def _code_chat() -> Any:
    return _model(language.CodeChatModel, "codechat-bison@002").start_chat()


FORMS: Dict[str, Callable[..., Any]] = {
    "text-bison": lambda **tag: _text().predict_streaming(PROMPT, **tag),
    "code-bison": lambda **tag: _code().predict_streaming(PROMPT, **tag),
    "chat-bison": lambda **tag: _chat().send_message_streaming(PROMPT, **tag),
    "codechat-bison": lambda **tag: _code_chat().send_message_streaming(PROMPT, **tag),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_stream_that_nobody_counts_is_estimated(project: Any, form: str, records: Records) -> None:
    assert "".join(chunk.text for chunk in FORMS[form](**TAG)) == TEXT
    (record,) = records()
    values = record.values
    assert (values["model"], values["operation_type"], values["operation_subtype"]) == (form, "GENERATE", "streaming")
    assert (values["usage_source"], values["output_token_count"], values["is_streamed"]) == ("estimated", 4, True)
    assert 6 <= values["input_token_count"] <= 8  # a chat says who speaks, too
    assert (values["stop_reason"], values["task_type"], values["model_host"], values["region"]) == ("END", "vertex", "vertex", "us-central1")


def test_a_stream_that_is_counted_is_recorded_as_counted(project: Any, records: Records) -> None:
    assert list(_text("-counted").predict_streaming(PROMPT))
    (record,) = records()
    assert [record.values[name] for name in ("usage_source", "input_token_count", "output_token_count", "total_token_count")] == ["provider", 12, 7, 19]


@pytest.mark.parametrize("left", ["closed", "dropped"])
def test_a_stream_left_early_is_recorded(project: Any, left: str, records: Records) -> None:
    stream = _text().predict_streaming(PROMPT, **TAG)
    assert next(stream).text == "The "
    if left == "closed":
        stream.close()
    del stream
    gc.collect()
    (record,) = records()
    assert [record.values[name] for name in ("stop_reason", "usage_source", "output_token_count", "task_type")] == ["CANCELLED", "estimated", 1, "vertex"]


def test_a_stream_that_was_never_begun_is_not_recorded(project: Any, records: Records) -> None:
    _text().predict_streaming(PROMPT).close()
    assert (records(), project.calls) == ([], 0)


def test_a_refused_stream_is_an_error_record(project: Any, records: Records) -> None:
    from revenium_middleware.testing import Fault

    project.script(Fault.bad_request())
    with pytest.raises(Exception, match="Invalid value"):
        list(_text().predict_streaming(PROMPT, **TAG))
    (record,) = records()
    assert [record.values[name] for name in ("stop_reason", "error_code", "output_token_count")] == ["ERROR", 400, 0]


# ---------------------------------------------------------------------- asynchronous: its client speaks gRPC only

PREDICT = "/google.cloud.aiplatform.v1.PredictionService/ServerStreamingPredict"


async def _answer(request: StreamingPredictRequest, context: Any) -> AsyncIterator[StreamingPredictResponse]:
    chat = "messages" in request.inputs[0].struct_val
    for piece in ("The ", "sky ", "is ", "blue."):
        said = Tensor(struct_val={"content": Tensor(string_val=[piece])})
        safe = Tensor(list_val=[Tensor(struct_val={"blocked": Tensor(bool_val=[False])})])
        whole = Tensor(struct_val={"candidates": Tensor(list_val=[said]), "safetyAttributes": safe})
        yield StreamingPredictResponse(outputs=[whole if chat else said])


async def _streamed(model: Callable[[], Any], stream: Callable[[Any], Any], most: int) -> str:
    """What the first ``most`` chunks say of a stream that a gRPC server on this machine answers."""
    import grpc

    server = grpc.aio.server()
    method = grpc.unary_stream_rpc_method_handler(_answer, StreamingPredictRequest.deserialize, StreamingPredictResponse.serialize)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(PREDICT.split("/")[1], {PREDICT.split("/")[2]: method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel("127.0.0.1:%d" % port) as channel:
            asked = model()
            holder = getattr(asked, "_model", asked)
            holder._endpoint._prediction_async_client_value = PredictionServiceAsyncClient(
                transport=transports.PredictionServiceGrpcAsyncIOTransport(channel=channel)
            )
            found: List[str] = []
            chunks = stream(asked)
            async for chunk in chunks:
                found.append(chunk.text)
                if len(found) == most:
                    break
            await chunks.aclose()
            return "".join(found)
    finally:
        await server.stop(None)


ASYNC_FORMS: Dict[str, Any] = {
    "text-bison": (_text, lambda model: model.predict_streaming_async(PROMPT, **TAG)),
    "code-bison": (_code, lambda model: model.predict_streaming_async(PROMPT, **TAG)),
    "chat-bison": (_chat, lambda chat: chat.send_message_streaming_async(PROMPT, **TAG)),
    "codechat-bison": (_code_chat, lambda chat: chat.send_message_streaming_async(PROMPT, **TAG)),
}


@pytest.mark.parametrize("form", sorted(ASYNC_FORMS))
def test_asynchronous_streams(project: Any, form: str, records: Records) -> None:
    assert run(_streamed(*ASYNC_FORMS[form], most=9)) == TEXT
    (record,) = records()
    assert [record.values[name] for name in ("model", "stop_reason", "usage_source", "output_token_count")] == [form, "END", "estimated", 4]
    assert (record.values["task_type"], record.values["is_streamed"]) == ("vertex", True)


def test_an_asynchronous_stream_left_early_is_recorded(project: Any, records: Records) -> None:
    assert run(_streamed(*ASYNC_FORMS["text-bison"], most=2)) == "The sky "
    (record,) = records()
    assert [record.values[name] for name in ("stop_reason", "usage_source", "output_token_count")] == ["CANCELLED", "estimated", 2]
