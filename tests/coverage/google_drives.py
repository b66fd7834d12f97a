"""Every metered method of the google-genai package, driven."""

from __future__ import annotations

import io
from typing import Any, Callable, Dict

from .caller import Caller
from .flows import Drive, once, several

FLASH = "gemini-2.0-flash"
TEXT = {"model": FLASH, "contents": "Why is the sky blue?"}
MIXED = {"model": FLASH, "contents": ["What is this?", {"inline_data": {"mime_type": "image/png", "data": b"png"}}]}
REQUESTS = [{"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}] * 3
PICTURE = {"image_bytes": b"png", "mime_type": "image/png"}
ON_VERTEX = {"models.generate_images", "models.edit_image", "models.upscale_image", "models.recontext_image", "models.segment_image"}
ON_VERTEX |= {"models.generate_videos", "operations.get", "tunings.tune", "tunings.get"}
"""What newer versions send to Vertex only."""


def talked(path: str) -> Drive:
    def drive(call: Caller) -> Any:
        chat = call("chats.create", model=FLASH)
        call.called.add("chats." + path)
        return [call.on(chat, path, said, tagged=True) for said in ("Hello", "And you?")]

    return drive


def film(call: Caller) -> Any:
    config = {"number_of_videos": 2, "duration_seconds": 6}
    seen = call("models.generate_videos", model="veo-3.0", prompt="a cat", config=config, tagged=True)
    for _ in range(4):
        seen = call("operations.get", seen)
    return seen


def batch(look: Callable[[Caller, Any], Any], source: Any) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("batches.create", model=FLASH, src=source, tagged=True)
        for _ in range(3):
            seen = call("batches.get", name=made.name)
        return look(call, seen)

    return drive


def trained(call: Caller) -> Any:
    made = call("tunings.tune", base_model=FLASH, training_dataset={"gcs_uri": "gs://bucket/file"}, tagged=True)
    return [call("tunings.get", name=made.name) for _ in range(4)]


def background(look: str) -> Drive:
    def drive(call: Caller) -> Any:
        made = call("interactions.create", model=FLASH, input="Hello", background=True, tagged=True)
        return [call(look, made.id) for _ in range(2)]

    return drive


def triggered(call: Caller) -> Any:
    run = call("triggers.run", "daily", tagged=True)
    return [call("interactions.get", run.interaction_id) for _ in range(2)]


def downloaded(call: Caller, seen: Any) -> Any:
    return [call("files.download", file=seen.dest.file_name) for _ in range(2)]


def uploaded(call: Caller) -> Any:
    store = {"file_search_store_name": "fileSearchStores/a", "config": {"mime_type": "text/plain"}}
    return call("file_search_stores.upload_to_file_search_store", file=io.BytesIO(b"text"), tagged=True, **store)


def edited(call: Caller) -> Any:
    from google.genai import types

    picture = types.RawReferenceImage(reference_id=1, reference_image=types.Image(**PICTURE))
    return call("models.edit_image", model="imagen-3.0-capability", prompt="a hat", reference_images=[picture], tagged=True)


def embedded(call: Caller) -> Any:
    source = {"inlined_requests": {"contents": ["one", "two"]}}
    made = call("batches.create_embeddings", model="gemini-embedding-001", src=source, tagged=True)
    return [call("batches.get", name=made.name) for _ in range(4)]


DRIVES: Dict[str, Drive] = {
    "models.generate_content": several(once("models.generate_content", **TEXT), once("models.generate_content", **MIXED)),
    "models.generate_content_stream": several(once("models.generate_content_stream", **TEXT), once("models.generate_content_stream", **MIXED)),
    "chats.send_message": talked("send_message"),
    "chats.send_message_stream": talked("send_message_stream"),
    "models.embed_content": once("models.embed_content", model="text-embedding-004", contents=["one", "two"]),
    "models.generate_images": once("models.generate_images", model="imagen-4.0", prompt="a cat", config={"number_of_images": 2}),
    "models.upscale_image": once("models.upscale_image", model="imagen-4.0", image=PICTURE, upscale_factor="x2"),
    "models.recontext_image": once("models.recontext_image", model="imagen-product", source={"prompt": "on a table", "person_image": PICTURE}),
    "models.edit_image": edited,
    "models.segment_image": once("models.segment_image", model="image-segmentation", source={"image": PICTURE}),
    "models.generate_videos": film,
    "operations.get": film,
    "batches.create": batch(lambda call, seen: seen, REQUESTS),
    "batches.create_embeddings": embedded,
    "batches.get": batch(lambda call, seen: call("batches.get", name=seen.name), REQUESTS),
    "batches.list": batch(lambda call, seen: call("batches.list"), REQUESTS),
    "files.download": batch(downloaded, "files/input"),
    "caches.create": once("caches.create", model=FLASH, config={"contents": ["a long text"]}),
    "caches.update": once("caches.update", name="cachedContents/abc", config={"ttl": "3600s"}),
    "file_search_stores.import_file": once("file_search_stores.import_file", file_search_store_name="fileSearchStores/a", file_name="files/b"),
    "file_search_stores.upload_to_file_search_store": uploaded,
    "tunings.tune": trained,
    "tunings.get": trained,
    "interactions.create": several(
        once("interactions.create", model=FLASH, input="Hello"), once("interactions.create", model=FLASH, input="Hello", stream=True)
    ),
    "interactions.get": background("interactions.get"),
    "interactions.cancel": background("interactions.cancel"),
    "triggers.run": triggered,
    "decisions.create": once("decisions.create", model=FLASH, input="The sky.", questions={"blue": {"type": "noul", "instructions": "Is it blue?"}}),
}
