"""Input of every kind is one record, with the provider's counts by kind where it reports them."""

from __future__ import annotations

from typing import Any, Callable, List

import pytest

pytest.importorskip("google.genai", reason="google-genai is not installed")
from google.genai import types

from .conftest import MODEL


def _picture() -> Any:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    return image.new("RGB", (2, 2))


FORMS = {
    "inline bytes": lambda: {"inline_data": {"mime_type": "image/png", "data": b"png"}},
    "part": lambda: types.Part.from_bytes(data=b"png", mime_type="image/png"),
    "address": lambda: types.Part.from_uri(file_uri="gs://bucket/a.png", mime_type="image/png"),
    "file": lambda: types.File(name="files/a", uri="https://example.com/files/a", mime_type="image/png"),
    "picture": _picture,
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_pictures_in_every_form_are_one_record(form: str, client: Any, provider: Any, records: Callable[[], List[Any]]) -> None:
    client.models.generate_content(model=MODEL, contents=["What is this?", FORMS[form]()])
    (record,) = records()
    assert record.values["input_token_count"] == provider.usage.input
    assert record.values["input_image_token_count"] == provider.usage.image_input == 85
