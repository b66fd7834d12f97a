"""What the provider says over its connections, in its documented shapes, and the bills that follow from it."""

from __future__ import annotations

import base64
from typing import Any, Dict, List, Tuple

Fields = Dict[str, Any]

SECOND = base64.b64encode(b"\0" * 48_000).decode()

_DONE = {
    "id": "resp_1",
    "object": "realtime.response",
    "status": "completed",
    "usage": {
        "total_tokens": 253,
        "input_tokens": 132,
        "output_tokens": 121,
        "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "image_tokens": 0, "cached_tokens": 64},
        "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
    },
}
_WRITTEN = {
    "id": "resp_2",
    "object": "realtime.response",
    "status": "incomplete",
    "status_details": {"type": "incomplete", "reason": "max_output_tokens"},
    "usage": {"total_tokens": 15, "input_tokens": 10, "output_tokens": 5, "input_token_details": {"text_tokens": 10, "audio_tokens": 0, "cached_tokens": 0}},
}
_SET_UP = {
    "id": "sess_1",
    "type": "realtime",
    "model": "gpt-realtime-2025-08-28",
    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}, "output": {"voice": "marin"}},
}
_TRANSCRIBED = {"type": "conversation.item.input_audio_transcription.completed", "event_id": "event_9", "content_index": 0, "transcript": "Hi"}
REALTIME: List[Fields] = [
    {"type": "session.created", "event_id": "event_1", "session": _SET_UP},
    {
        **_TRANSCRIBED,
        "item_id": "item_1",
        "usage": {"type": "tokens", "total_tokens": 22, "input_tokens": 13, "output_tokens": 9, "input_token_details": {"text_tokens": 0, "audio_tokens": 13}},
    },
    {**_TRANSCRIBED, "item_id": "item_2", "usage": {"type": "duration", "seconds": 1.5}},
    {"type": "response.created", "event_id": "event_2", "response": {"id": "resp_1", "object": "realtime.response", "status": "in_progress"}},
    {"type": "response.output_audio.delta", "event_id": "event_3", "response_id": "resp_1", "delta": SECOND, "item_id": "i", "content_index": 0},
    {"type": "response.done", "event_id": "event_4", "response": _DONE},
    {"type": "response.done", "event_id": "event_5", "response": _WRITTEN},
]
REALTIME_BILLS: List[Tuple[str, Fields]] = [
    (
        "audio",
        {
            "transaction_id": "item_1-0-transcription",
            "model": "gpt-4o-transcribe",
            "input_token_count": 13,
            "output_token_count": 9,
            "input_audio_token_count": 13,
            "operation_subtype": "transcription",
        },
    ),
    ("audio", {"transaction_id": "item_2-0-transcription", "duration_seconds": 1.5, "billing_unit": "PER_MINUTE", "is_realtime": True}),
    (
        "audio",
        {
            "transaction_id": "resp_1",
            "model": "gpt-realtime-2025-08-28",
            "input_token_count": 132,
            "output_token_count": 121,
            "total_token_count": 253,
            "cache_read_token_count": 64,
            "input_audio_token_count": 13,
            "output_audio_token_count": 91,
            "is_realtime": True,
            "voice": "marin",
            "usage_source": "provider",
        },
    ),
    (
        "completion",
        {
            "transaction_id": "resp_2",
            "input_token_count": 10,
            "output_token_count": 5,
            "total_token_count": 15,
            "stop_reason": "TOKEN_LIMIT",
            "operation_type": "CHAT",
            "is_streamed": True,
        },
    ),
]

_LIVE = {"id": "live_1", "model": "gpt-live-1", "status": "active", "expires_at": 2_000_000_000}


def _answer(name: str, status: str, usage: Any = None) -> Fields:
    shape = {"id": name, "object": "response", "model": "gpt-5.1-2025-11-13", "status": status, "output": [], "created_at": 1, "tools": []}
    return {**shape, "parallel_tool_calls": True, "tool_choice": "auto", "usage": usage}


_SPLIT = {"input_tokens_details": {"cached_tokens": 8}, "output_tokens_details": {"reasoning_tokens": 6}}
_USED = {**_SPLIT, "input_tokens": 40, "output_tokens": 20, "total_tokens": 60}
_CUT = {**_SPLIT, "input_tokens": 40, "output_tokens": 10, "total_tokens": 50}


def session_usage(seconds: float) -> Fields:
    return {"type": "session.usage.updated", "event_id": "event_u", "usage": {"seconds": seconds}}


LIVE: List[Fields] = [
    {"type": "session.started", "event_id": "event_1", "session": _LIVE},
    session_usage(4.0),
    {
        "type": "response.event",
        "event_id": "event_2",
        "event": {"type": "response.created", "sequence_number": 0, "response": _answer("resp_7", "in_progress")},
    },
    {
        "type": "response.event",
        "event_id": "event_3",
        "event": {"type": "response.completed", "sequence_number": 1, "response": _answer("resp_7", "completed", _USED)},
    },
    {
        "type": "decision.event",
        "event_id": "event_4",
        "event": {
            "type": "decision.completed",
            "decision": {
                "answers": [],
                "model": "gpt-6-luna",
                "usage": {**_USED, "input_tokens": 30, "output_tokens": 2, "total_tokens": 32, "output_tokens_details": {"reasoning_tokens": 0}},
            },
        },
    },
    session_usage(9.5),
]
LIVE_CLOSED: Fields = {"type": "session.closed", "event_id": "event_5", "reason": "close_requested", "session": _LIVE, "usage": {"seconds": 12.25}}
_DELEGATED: List[Tuple[str, Fields]] = [
    (
        "completion",
        {
            "transaction_id": "resp_7",
            "model": "gpt-5.1-2025-11-13",
            "input_token_count": 40,
            "output_token_count": 20,
            "cache_read_token_count": 8,
            "reasoning_token_count": 6,
            "operation_type": "CHAT",
        },
    ),
    ("completion", {"transaction_id": "event_4", "model": "gpt-6-luna", "input_token_count": 30, "output_token_count": 2, "operation_type": "CLASSIFY"}),
]


def live_bills(seconds: float) -> List[Tuple[str, Fields]]:
    spoken = {"transaction_id": "live_1", "model": "gpt-live-1", "duration_seconds": seconds, "is_realtime": True, "billing_unit": "PER_MINUTE"}
    return [*_DELEGATED, ("audio", spoken)]


TRANSLATION: List[Fields] = [
    {
        "type": "session.created",
        "event_id": "event_1",
        "session": {"id": "sess_3", "type": "translation", "model": "gpt-realtime-translate", "expires_at": 1, "audio": {"output": {"language": "de"}}},
    },
    {"type": "session.output_audio.delta", "event_id": "event_2", "delta": SECOND},
]
TRANSLATION_BILLS: List[Tuple[str, Fields]] = [
    (
        "audio",
        {
            "transaction_id": "sess_3",
            "model": "gpt-realtime-translate",
            "duration_seconds": 3.0,
            "target_language": "de",
            "operation_subtype": "translation",
            "is_realtime": True,
        },
    )
]

RESPONSES: List[Fields] = [
    {"type": "response.created", "sequence_number": 0, "response": _answer("resp_8", "in_progress")},
    {"type": "response.output_text.delta", "sequence_number": 1, "delta": "Hello", "item_id": "m", "content_index": 0, "output_index": 0, "logprobs": []},
    {"type": "response.completed", "sequence_number": 2, "response": _answer("resp_8", "completed", _USED)},
    {"type": "response.created", "sequence_number": 3, "response": _answer("resp_9", "in_progress")},
    {
        "type": "response.incomplete",
        "sequence_number": 4,
        "response": {**_answer("resp_9", "incomplete", _CUT), "incomplete_details": {"reason": "max_output_tokens"}},
    },
]
RESPONSES_BILLS: List[Tuple[str, Fields]] = [
    (
        "completion",
        {
            "transaction_id": "resp_8",
            "model": "gpt-5.1-2025-11-13",
            "input_token_count": 40,
            "output_token_count": 20,
            "total_token_count": 60,
            "cache_read_token_count": 8,
            "reasoning_token_count": 6,
            "stop_reason": "END",
            "is_streamed": True,
        },
    ),
    ("completion", {"transaction_id": "resp_9", "output_token_count": 10, "total_token_count": 50, "stop_reason": "TOKEN_LIMIT"}),
]
