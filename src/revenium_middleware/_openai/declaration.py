"""The ``openai`` package as a provider: what is hooked is the same whichever middleware asks for it."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Channel, Endpoint, Provider
from .._core.fields import AUDIO
from . import sessions
from .endpoints import ENDPOINTS
from .hosts import host_of, meters

_REALTIME = Endpoint("GET", "realtime", "AUDIO", sessions.RealtimeReader)
_TRANSLATION = Endpoint("GET", "realtime/translations", "AUDIO", sessions.TranslationReader, AUDIO, "translation")
_LIVE = Endpoint("GET", "live/sessions", "AUDIO", sessions.LiveReader, AUDIO)
_RESPONSES = Endpoint("GET", "responses", "CHAT", sessions.ResponsesSessionReader)

CHANNELS: Tuple[Channel, ...] = (
    Channel("resources.realtime.realtime", _REALTIME, "call_id"),
    Channel("resources.beta.realtime.realtime", _REALTIME),
    Channel("resources.realtime.translations.translations", _TRANSLATION, counts_sent=True),
    Channel("resources.live.live", _LIVE),
    Channel("resources.live.forks", _LIVE, "session_id"),
    Channel("resources.live.sideband", _LIVE, "session_id"),
    Channel("resources.responses.responses", _RESPONSES),
    Channel("resources.beta.responses.responses", _RESPONSES),
)

OPENAI_SDK = Provider("openai", "openai", ENDPOINTS, host_of, meters, CHANNELS)
