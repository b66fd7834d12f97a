"""The OpenAI API as data: which calls bill, and how each says so. Every path is matched at the end of the URL."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from .._core.fields import AUDIO, IMAGE, VIDEO
from . import agents, jobs, media, readers

_ID = r"([^/]+)"
_ANY = r"[^/]+"
_TURNS = "agents/sessions/%s/(?:subagents/%s/)?turns" % (_ID, _ANY)

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "chat/completions", "CHAT", readers.ChatReader, usage_on_request=True),
    Endpoint("POST", "completions", "GENERATE", readers.ChatReader, usage_on_request=True),
    Endpoint("POST", "responses", "CHAT", readers.ResponsesReader),
    Endpoint("POST", "responses/compact", "CHAT", readers.ResponsesReader, subtype="compaction"),
    Endpoint("POST", "responses/input_tokens", "OTHER", None),
    Endpoint("POST", "responses/%s/cancel" % _ID, "CHAT", readers.FinishedResponseReader, settles_jobs=True),
    Endpoint("GET", "responses/%s" % _ID, "CHAT", readers.FinishedResponseReader, settles_jobs=True),
    Endpoint("POST", "embeddings", "EMBED", readers.EmbeddingsReader, own_id=True),
    Endpoint("POST", "moderations", "MODERATION", None),
    Endpoint("POST", "images/generations", "IMAGE", media.ImagesReader, IMAGE, "generation", own_id=True),
    Endpoint("POST", "images/(?:edits|variations)", "IMAGE", media.EditedImagesReader, IMAGE, "generation", own_id=True),
    Endpoint("POST", "audio/speech", "AUDIO", media.SpeechReader, AUDIO, "tts", own_id=True),
    Endpoint("POST", "audio/transcriptions", "AUDIO", media.TranscriptionReader, AUDIO, "transcription", own_id=True),
    Endpoint("POST", "audio/translations", "AUDIO", media.TranslationReader, AUDIO, "translation", own_id=True),
    Endpoint("POST", "videos/extensions", "VIDEO", jobs.ExtensionReader, VIDEO, "generation"),
    Endpoint("POST", "videos/characters", "VIDEO", None),
    Endpoint("POST", "videos(?:/edits|/%s/remix)?" % _ANY, "VIDEO", jobs.VideoReader, VIDEO, "generation"),
    Endpoint("GET", "videos", "VIDEO", jobs.listed_by(jobs.VideoReader), VIDEO, "generation", known_jobs_only=True),
    Endpoint("GET", "videos/%s" % _ID, "VIDEO", jobs.VideoReader, VIDEO, "generation", settles_jobs=True),
    Endpoint("POST", "batches", "OTHER", jobs.BatchReader),
    Endpoint("POST", "batches/%s/cancel" % _ID, "OTHER", jobs.BatchReader, settles_jobs=True),
    Endpoint("GET", "batches/%s" % _ID, "OTHER", jobs.BatchReader, settles_jobs=True),
    Endpoint("GET", "files/%s/content" % _ID, "CHAT", jobs.BatchOutputReader, settles_jobs=True),
    Endpoint("POST", "threads/runs", "CHAT", jobs.RunReader),
    Endpoint("POST", "threads/%s/runs" % _ANY, "CHAT", jobs.RunReader),
    Endpoint("POST", "threads/%s/runs/%s/submit_tool_outputs" % (_ANY, _ANY), "CHAT", jobs.RunReader),
    Endpoint("POST", "threads/%s/runs/%s/cancel" % (_ANY, _ID), "CHAT", jobs.RunReader, settles_jobs=True, known_jobs_only=True),
    Endpoint("GET", "threads/%s/runs" % _ANY, "CHAT", jobs.listed_by(jobs.RunReader), known_jobs_only=True),
    Endpoint("GET", "threads/%s/runs/%s" % (_ANY, _ID), "CHAT", jobs.RunReader, settles_jobs=True, known_jobs_only=True),
    Endpoint("POST", "fine_tuning/jobs", "OTHER", jobs.FineTuningReader),
    Endpoint("POST", "fine_tuning/jobs/%s/(?:cancel|pause|resume)" % _ID, "OTHER", jobs.FineTuningReader, settles_jobs=True),
    Endpoint("GET", "fine_tuning/jobs", "OTHER", jobs.listed_by(jobs.FineTuningReader), known_jobs_only=True),
    Endpoint("GET", "fine_tuning/jobs/%s" % _ID, "OTHER", jobs.FineTuningReader, settles_jobs=True),
    Endpoint("POST", "fine_tuning/alpha/graders/run", "OTHER", jobs.GraderReader, subtype="grading"),
    Endpoint("POST", "evals/%s/runs" % _ANY, "OTHER", jobs.EvaluationReader),
    Endpoint("POST", "evals/%s/runs/%s(?:/cancel)?" % (_ANY, _ID), "OTHER", jobs.EvaluationReader, settles_jobs=True),
    Endpoint("GET", "evals/%s/runs" % _ANY, "OTHER", jobs.listed_by(jobs.EvaluationReader), known_jobs_only=True),
    Endpoint("GET", "evals/%s/runs/%s" % (_ANY, _ID), "OTHER", jobs.EvaluationReader, settles_jobs=True),
    Endpoint("POST", "decisions", "CLASSIFY", readers.EmbeddingsReader, own_id=True),
    Endpoint("POST", "containers", "OTHER", jobs.SandboxReader, subtype="container"),
    Endpoint("POST", "agents/environments", "OTHER", jobs.SandboxReader, subtype="container"),
    Endpoint("POST", "agents/sessions", "CHAT", agents.AgentReader, subtype="agent"),
    Endpoint("POST", "agents/sessions/%s(?:/events)?" % _ID, "CHAT", agents.AgentReader, subtype="agent", starts_named=True),
    Endpoint("GET", "agents/sessions/%s/events" % _ID, "CHAT", agents.AgentReader, subtype="agent", settles_jobs=True),
    Endpoint("GET", _TURNS, "CHAT", jobs.listed_by(agents.TurnReader), subtype="agent", known_jobs_only=True),
    Endpoint("GET", "%s/%s" % (_TURNS, _ANY), "CHAT", agents.TurnReader, subtype="agent", settles_jobs=True),
    Endpoint("POST", "agents/automations/%s/invocations" % _ANY, "CHAT", agents.StartReader, subtype="agent"),
    Endpoint("GET", "agents/automations/%s/invocations/%s" % (_ANY, _ID), "CHAT", agents.StartReader, subtype="agent"),
    Endpoint("POST", "(?:realtime/calls|live/sessions)", "AUDIO", agents.StartReader, AUDIO),
    Endpoint("POST", "(?:realtime/calls|live/sessions)/%s/accept" % _ID, "AUDIO", agents.StartReader, AUDIO, starts_named=True),
    Endpoint("POST", "live/sessions/%s/fork" % _ID, "AUDIO", agents.StartReader, AUDIO),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", readers.AnyUsageReader)
