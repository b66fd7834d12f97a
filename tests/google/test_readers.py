"""What Google's answers say was used, in each shape in which they say it."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from revenium_middleware.google import counts, jobs, media, readers


def read(reader: Any, *events: Any) -> Any:
    for event in events:
        reader.feed(event)
    return reader.reading()


def test_buckets_are_disjoint_and_add_up() -> None:
    usage = counts.spent(
        {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 40,
            "toolUsePromptTokenCount": 10,
            "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30,
            "totalTokenCount": 160,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 15}, {"modality": "IMAGE", "tokenCount": 85}],
            "candidatesTokensDetails": [{"modality": 4, "tokenCount": 20}],
        }
    )
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning, usage.total) == (70, 40, 50, 30, 160)
    assert (usage.input or 0) + (usage.cache_read or 0) + (usage.output or 0) == usage.total
    assert (usage.input_image, usage.output_audio, usage.input_audio) == (85, 20, None)


@pytest.mark.parametrize(
    ("said", "output"),
    [({"promptTokenCount": 4, "totalTokenCount": 4}, 0), ({"promptTokenCount": 4, "totalTokenCount": 9}, 5), ({"promptTokenCount": 4}, None)],
)
def test_a_count_that_is_left_out_is_zero_only_where_the_total_says_so(said: Dict[str, Any], output: Any) -> None:
    assert counts.spent(said).output == output


@pytest.mark.parametrize(
    "hostile", [None, [], "x", 7, {"usageMetadata": "x"}, {"usageMetadata": {"promptTokenCount": "many"}}, {"candidates": [None, {"content": 3}]}]
)
def test_strange_answers_are_read_as_unknown(hostile: Any) -> None:
    kinds: List[Any] = [readers.ContentReader, readers.EmbeddingReader, readers.InteractionReader, readers.AnyUsageReader, media.PredictReader]
    for kind in [*kinds, media.FilmReader, media.FilmStartReader, jobs.BatchReader, jobs.TuningReader, jobs.CacheReader, jobs.PredictionJobReader]:
        assert not read(kind({}), hostile).usage.known


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "END"),
        ("MAX_TOKENS", "TOKEN_LIMIT"),
        ("SAFETY", "ERROR"),
        ("MODEL_ARMOR", "ERROR"),
        ("OTHER", "END"),
        ("NEW_ONE", "END"),
        (1, "END"),
        (2, "TOKEN_LIMIT"),
    ],
)
def test_reasons_to_stop(reason: Any, stop: str) -> None:
    assert read(readers.ContentReader({}), {"candidates": [{"finishReason": reason}]}).stop_reason == stop


def test_thoughts_that_are_pictures_are_not_billed_as_pictures() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": ""}}
    parts = [{**picture, "thought": True}, picture]
    reading = read(readers.ContentReader({}), {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]})
    assert [extra.fields["actual_image_count"] for extra in reading.beside] == [1]


def test_interactions_that_count_their_thoughts_within_the_output() -> None:
    within = counts.interacted({"total_input_tokens": 5, "total_output_tokens": 10, "total_thought_tokens": 4, "total_tokens": 15})
    beside = counts.interacted({"total_input_tokens": 5, "total_output_tokens": 10, "total_thought_tokens": 4, "total_tokens": 19})
    assert (within.output, beside.output) == (10, 14)


def test_a_film_made_longer_says_nothing_of_its_length() -> None:
    reading = read(media.FilmStartReader({"instances": [{"video": {"uri": "x"}}], "parameters": {}}), {"name": "models/veo/operations/a"})
    assert "duration_seconds" not in reading.facts["asked"] and reading.job == "a"
