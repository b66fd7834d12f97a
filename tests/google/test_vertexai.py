"""The vertexai package over its REST transport, answered on this machine."""

from __future__ import annotations

from typing import Any, Callable, Iterator, List

import pytest

vertexai = pytest.importorskip("vertexai", reason="google-cloud-aiplatform is not installed")
generative_models = pytest.importorskip("vertexai.generative_models", reason="this release has no generative models any more")

Records = Callable[[], List[Any]]
TAG = {"usage_metadata": {"task_type": "vertex"}}


@pytest.fixture
def project(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """vertexai, initialised for the provider: its REST transport insists on https only where no scheme is given."""
    from google.auth.credentials import AnonymousCredentials

    vertexai.init(project="p", location="us-central1", api_transport="rest", api_endpoint=provider.google_url, credentials=AnonymousCredentials())
    yield provider


def whole(provider: Any, found: List[Any]) -> None:
    assert len(found) == provider.calls, [record.values for record in found]
    assert sum(record.values["input_token_count"] for record in found) == provider.usage.input
    assert sum(record.values["output_token_count"] for record in found) == provider.usage.output
    assert {record.values["provider"] for record in found} == {"Google"}
    assert {(record.values["model_host"], record.values["region"]) for record in found} == {("vertex", "us-central1")}
    assert {record.values["usage_source"] for record in found} == {"provider"}


def test_content_and_chats(project: Any, records: Records) -> None:
    model = generative_models.GenerativeModel("gemini-2.0-flash")
    assert isinstance(model.generate_content("Hello", **TAG), generative_models.GenerationResponse)
    assert list(model.generate_content("Hello", stream=True, **TAG))
    chat = model.start_chat()
    chat.send_message("Hello", **TAG)
    assert list(chat.send_message("Hello", stream=True, **TAG))
    found = records()
    whole(project, found)
    assert len(found) == 4
    assert {(record.values["task_type"], record.values["model"]) for record in found} == {("vertex", "gemini-2.0-flash")}
    assert [record.values["is_streamed"] for record in found] == [False, True, False, True]


def test_the_region_of_the_deployment_is_above_that_of_the_call(project: Any, monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    monkeypatch.setenv("REVENIUM_REGION", "here")
    generative_models.GenerativeModel("gemini-2.0-flash").generate_content("Hello")
    assert [record.values["region"] for record in records()] == ["here"]


def test_a_stream_left_early_is_recorded(project: Any, records: Records) -> None:
    stream = generative_models.GenerativeModel("gemini-2.0-flash").generate_content("Why is the sky blue?", stream=True)
    next(stream)
    stream.close()
    assert [(record.values["stop_reason"], record.values["usage_source"]) for record in records()] == [("CANCELLED", "estimated")]


def test_a_refused_call_is_an_error_record(project: Any, records: Records) -> None:
    from revenium_middleware.testing import Fault

    project.script(Fault.bad_request())
    with pytest.raises(Exception, match="Invalid value"):
        generative_models.GenerativeModel("gemini-2.0-flash").generate_content("Hello", **TAG)
    (record,) = records()
    assert (record.values["stop_reason"], record.values["error_code"]) == ("ERROR", 400)


def test_embeddings_and_pictures(project: Any, records: Records) -> None:
    language, vision = pytest.importorskip("vertexai.language_models"), pytest.importorskip("vertexai.vision_models")
    embeddings = _model(language.TextEmbeddingModel, "text-embedding-005")
    embeddings.get_embeddings(["one", "three"], **TAG)
    pictures = _model(vision.ImageGenerationModel, "imagen-3.0-generate-002").generate_images("a cat", number_of_images=2, **TAG)
    assert len(pictures.images) == 2
    found = records()
    assert [(record.kind, record.values["operation_type"]) for record in found] == [("completion", "EMBED"), ("image", "IMAGE")]
    assert (found[0].values["input_token_count"], found[1].values["actual_image_count"]) == (8, 2)
    assert {record.values["task_type"] for record in found} == {"vertex"}


def _model(kind: Any, name: str) -> Any:
    """As ``from_pretrained`` makes it, which asks the model garden first."""
    return kind(name, endpoint_name="projects/p/locations/us-central1/publishers/google/models/" + name)


def test_predictions_by_models_of_the_users_own_are_not_ours(project: Any, records: Records) -> None:
    from google.cloud import aiplatform

    endpoint = aiplatform.Endpoint("projects/p/locations/us-central1/endpoints/123")
    assert endpoint.predict(instances=[{"content": "x"}]).predictions
    assert records() == []


def test_the_middleware_is_ready() -> None:
    import revenium_middleware_google

    assert revenium_middleware_google.is_initialized()
