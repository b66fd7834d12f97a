"""Every example runs as it stands, and its records are right."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from .loopback import EXAMPLES, Ran, demo

PROMISED = (
    "getting_started.py",
    "openai/openai_basic.py",
    "openai/openai_streaming.py",
    "openai/azure_basic.py",
    "openai/azure_streaming.py",
    "anthropic/anthropic-basic.py",
    "anthropic/anthropic-streaming.py",
    "anthropic/anthropic-bedrock.py",
    "anthropic/anthropic-advanced.py",
    "google/getting_started_google_ai.py",
    "google/getting_started_vertex_ai.py",
    "google/simple_streaming_test.py",
    "google/simple_embeddings_test.py",
    "perplexity/getting_started.py",
    "perplexity/basic.py",
    "perplexity/streaming.py",
    "perplexity/example_decorator.py",
    "ollama/getting_started.py",
    "ollama/example_streaming.py",
    "ollama/example_metadata.py",
    "ollama/embeddings_example.py",
    "fal/getting_started.py",
    "fal/queue.py",
    "bedrock/converse.py",
)
CALLS = {name: calls for group in demo().GROUPS for name, calls in group.calls.items()}
LABEL = {name: group.label for group in demo().GROUPS for name in group.calls}


def test_the_directory_holds_the_promised_examples_and_their_driver() -> None:
    found = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert found == {*PROMISED, "demo.py"}
    assert set(CALLS) == set(PROMISED)


def test_the_examples_page_names_every_example() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w/-]+\.py)`", page, re.MULTILINE)) == set(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_example_runs_and_records_each_call_once(name: str, tmp_path: Path, provider: Any) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if "from perplexity import" in text:
        needs_a_working_perplexity()
    for sdk in re.findall(r"^import (anthropic|ollama|fal_client|boto3)$", text, re.MULTILINE):
        pytest.importorskip(sdk, reason="this SDK is not installed")
    if "from google import" in text:
        pytest.importorskip("google.genai", reason="google-genai is not installed")
    if "AnthropicBedrock" in text:
        pytest.importorskip("botocore", reason="the SDK signs its requests to Bedrock with it")
    if "ollama" in name and not hasattr(importlib.import_module("ollama"), "embed"):
        pytest.skip("answers of this version are dicts, which carry no name of their record")
    if "client.responses" in text and not hasattr(openai.OpenAI, "responses") and openai.__version__ < "1.66":
        pytest.skip("openai %s has no Responses API" % openai.__version__)
    ran = Ran(EXAMPLES / name, tmp_path, provider)
    assert len(ran.records) == provider.calls == CALLS[name]
    assert {record["provider"] for record in ran.records} == {LABEL[name]}
    assert sum(record.get("input_token_count", 0) for record in ran.records) == provider.usage.input
    assert sum(record.get("output_token_count") or 0 for record in ran.records) == provider.usage.output
    assert all(record["usage_source"] == "provider" for record in ran.records)
    assert_names_its_records(name, text, ran)


def needs_a_working_perplexity() -> None:
    installed = importlib.util.find_spec("perplexity")
    if installed is None or installed.origin is None:
        pytest.skip("perplexityai is not installed")
    if sys.version_info < (3, 11) and Path(installed.origin).with_name("generated").is_dir():
        pytest.skip("perplexityai 0.43 and later is broken before Python 3.11, with and without us")


def assert_names_its_records(name: str, text: str, ran: Ran) -> None:
    if name == "getting_started.py":
        assert "Records so far: 1" in ran.printed
    elif "-> record" in text:  # Google's embeddings come without an id that could name theirs
        assert re.findall(r"-> record (\S+?)(?::|$)", ran.printed, re.MULTILINE) == [record["transaction_id"] for record in ran.records]
    customers = re.findall(r"organization_?[nN]ame\"?[:=] ?\"(\w+)\"", text)
    assert {record.get("organization_name") for record in ran.records} == set(customers or [None])
