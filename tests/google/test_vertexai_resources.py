"""Caches, batches and tuning of the vertexai package: recorded where their bill is seen, each once."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

pytest.importorskip("vertexai", reason="google-cloud-aiplatform is not installed")
pytest.importorskip("vertexai.caching", reason="this release has no caches any more")

from google.cloud.aiplatform import initializer
from vertexai import batch_prediction, caching, language_models
from vertexai.preview import caching as preview_caching
from vertexai.tuning import sft

from revenium_middleware import metadata
from revenium_middleware.testing import Fault

from .test_vertexai import TAG, Records, _model, project

__all__ = ["project"]

HOUR = datetime.timedelta(hours=1)
PIPELINE = {
    "pipelineSpec": {
        "components": {},
        "deploymentSpec": {"executors": {}},
        "pipelineInfo": {"name": "tune"},
        "root": {
            "dag": {"tasks": {}},
            "inputDefinitions": {"parameters": {name: {"type": "STRING"} for name in ("model_display_name", "dataset_uri")}},
        },
        "schemaVersion": "2.0.0",
        "sdkVersion": "kfp-1.8.12",
    },
    "runtimeConfig": {"gcsOutputDirectory": "gs://a/root", "parameters": {}},
}
UNKNOWN = ("unknown", None, None)


def _counts(record: Any) -> Any:
    return tuple(record.values.get(name) for name in ("usage_source", "input_token_count", "output_token_count"))


@pytest.mark.parametrize("module", [caching, preview_caching], ids=["stable", "preview"])
def test_a_cache_is_recorded_as_written_and_then_as_kept(project: Any, module: Any, records: Records) -> None:
    cache = module.CachedContent.create(model_name="gemini-2.0-flash", contents=["a long text"], ttl=HOUR, **TAG)
    assert isinstance(cache, module.CachedContent)
    cache.update(ttl=HOUR, **TAG)
    written, kept = records()
    assert [record.values["operation_subtype"] for record in (written, kept)] == ["cache_creation", "cache_storage"]
    assert (written.values["cache_creation_token_count"], written.values["usage_source"]) == (project.usage.cache_written, "provider")
    assert _counts(kept) == UNKNOWN
    assert {(record.values["model"], record.values["region"], record.values["task_type"]) for record in (written, kept)} == {
        ("gemini-2.0-flash", "us-central1", "vertex")
    }


def test_a_refused_cache_is_an_error_record(project: Any, records: Records) -> None:
    project.script(Fault.bad_request())
    with pytest.raises(Exception, match="Invalid value"):
        caching.CachedContent.create(model_name="gemini-2.0-flash", contents=["a long text"])
    (record,) = records()
    assert (record.values["stop_reason"], record.values["error_code"]) == ("ERROR", 400)


def test_a_batch_is_recorded_once_it_is_seen_done(project: Any, records: Records) -> None:
    job = batch_prediction.BatchPredictionJob.submit("gemini-2.0-flash", "gs://a/in.jsonl", output_uri_prefix="gs://a/out", **TAG)
    assert records() == []
    while not job.has_ended:
        job.refresh()
    job.refresh()
    (record,) = records()
    assert (record.values["model"], record.values["operation_subtype"], record.values["pricing_tier"]) == ("gemini-2.0-flash", "batch_prediction", "BATCH")
    assert (_counts(record), record.values["task_type"], record.values["region"]) == (UNKNOWN, "vertex", "us-central1")


def test_a_batch_of_an_older_model_is_recorded_too(project: Any, records: Records) -> None:
    with metadata(task_type="older"):
        model = _model(language_models.TextGenerationModel, "text-bison@002")
        job = model.batch_predict(dataset="gs://a/in.jsonl", destination_uri_prefix="gs://a/out")
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    (record,) = records()
    assert (record.values["model"], _counts(record), record.values["task_type"]) == ("text-bison@002", UNKNOWN, "older")


def test_a_batch_by_a_model_of_the_users_own_is_not_ours(project: Any, records: Records) -> None:
    from google.cloud import aiplatform

    job = aiplatform.BatchPredictionJob.submit(
        model_name="projects/p/locations/us-central1/models/1", job_display_name="mine", gcs_source="gs://a/in.jsonl", gcs_destination_prefix="gs://a/out"
    )
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert records() == []


def test_tuning_is_recorded_by_what_it_was_trained_on(project: Any, records: Records) -> None:
    job = sft.train(source_model="gemini-2.0-flash-001", train_dataset="gs://a/in.jsonl", **TAG)
    assert records() == []
    while not job.has_ended:
        job.refresh()
    job.refresh()
    (record,) = records()
    assert (record.values["model"], record.values["operation_subtype"]) == ("gemini-2.0-flash-001", "fine_tuning")
    assert (_counts(record), record.values["task_type"]) == (("provider", 5000, 0), "vertex")


def test_tuning_of_an_older_model_is_recorded_as_begun(project: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    """Its pipeline bills machines by the hour from then on, and nothing says for how many."""
    pytest.importorskip("yaml", reason="pipelines want it")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", project.google_url)
    monkeypatch.setattr(initializer.global_config, "_service_account", "a@example.com")  # else it asks Google's own host who we are
    pipeline = tmp_path / "pipeline.json"
    pipeline.write_text(json.dumps(PIPELINE))
    job = language_models._language_models._launch_tuning_job(
        training_data="gs://a/in.jsonl",
        model_id="publishers/google/models/text-bison@002",
        tuning_pipeline_uri=str(pipeline),
        tuning_parameters={},
        tuning_job_location="us-central1",
        tuned_model_location="us-central1",
    )
    assert job.resource_name
    (record,) = records()
    assert (record.values["model"], record.values["operation_subtype"], record.values["region"]) == ("text-bison@002", "fine_tuning", "us-central1")
    assert _counts(record) == UNKNOWN
