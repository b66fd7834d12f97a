"""Warnings of the SDK still name the user's line, which is what makes Python show them."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import openai
import pytest


def test_the_sdks_own_deprecation_names_the_callers_line(provider: Any) -> None:
    client = openai.OpenAI(api_key="k", base_url=provider.openai_url)
    if not hasattr(inspect.getattr_static(type(client.images), "create_variation"), "__deprecated__"):
        pytest.skip("openai %s deprecates nothing that it would say" % openai.__version__)
    with client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.images.create_variation(image=b"png", usage_metadata={"agent": "a"})
    ours = [warning for warning in caught if issubclass(warning.category, DeprecationWarning) and "deprecated" in str(warning.message).lower()]
    assert [warning.filename for warning in ours] == [__file__]


def test_a_deprecated_method_is_metered_and_named_as_before(provider: Any, records: Any) -> None:
    client = openai.OpenAI(api_key="k", base_url=provider.openai_url)
    with client, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.images.create_variation(image=b"png", usage_metadata={"agent": "a"})
    assert [record.values["agent"] for record in records()] == ["a"]
    assert client.images.create_variation.__name__ == "create_variation"
    assert "image" in inspect.signature(client.images.create_variation).parameters


@pytest.mark.parametrize("tag", [{}, {"usage_metadata": {"agent": "a"}}])
def test_a_warning_about_a_model_names_the_callers_line(tag: Any, provider: Any) -> None:
    anthropic = pytest.importorskip("anthropic", reason="this SDK is not installed")
    with anthropic.Anthropic(api_key="k", base_url=provider.url) as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.messages.create(model="claude-2.1", max_tokens=9, messages=[{"role": "user", "content": "Hi"}], **tag)
    assert [warning.filename for warning in caught if "claude-2.1" in str(warning.message)] == [__file__]


def test_a_traceback_still_says_where_our_frame_is(provider: Any) -> None:
    client = openai.OpenAI(api_key="k", base_url=provider.openai_url)
    with client, pytest.raises(TypeError) as raised:
        client.chat.completions.create(usage_metadata={"agent": "a"})
    assert any("tags.py" in str(entry.path) for entry in raised.traceback)
