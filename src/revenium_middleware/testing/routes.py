"""Which endpoint answers which path."""

from __future__ import annotations

import re
from typing import Optional, Pattern, Sequence, Tuple

from . import (
    anthropic_jobs,
    anthropic_messages,
    bedrock_answers,
    fal_answers,
    google_answers,
    google_media,
    ollama_answers,
    openai_assistants,
    openai_jobs,
    openai_media,
    openai_responses,
    openai_sessions,
    openai_text,
    perplexity_answers,
)
from .answers import Answer, Asked, Endpoint

Route = Tuple[str, Pattern[str], Endpoint]
Found = Tuple[Endpoint, Tuple[str, ...], Optional[str]]

# What comes before an endpoint's own path: a deployment, a version, or a host's way to spell either.
_PREFIX = re.compile(r"^(?:/openai/deployments/(?P<deployment>[^/]+)|(?:/[\w.-]+)*?/v\d\w*(?:/openai)?|/openai)?/(?P<rest>.+?)/?$")

_PLAIN = re.compile(r"^/(?P<rest>.+?)/?(?P<deployment>(?!))?$")


def _routes(*rows: Tuple[str, str, Endpoint]) -> Sequence[Route]:
    return [(method, re.compile(path.replace("{}", "([^/]+)") + "$"), endpoint) for method, path, endpoint in rows]


def _either(openai: Endpoint, perplexity: Endpoint) -> Endpoint:
    """Two providers, one path."""

    def chosen(asked: Asked) -> Answer:
        return perplexity(asked) if asked.native_perplexity else openai(asked)

    return chosen


def _or_google(endpoint: Endpoint, google: Endpoint) -> Endpoint:
    """The same path at Google, whose clients send their key another way."""
    return lambda asked: google(asked) if "x-goog-api-key" in asked.request.headers else endpoint(asked)


_TEXT = _routes(
    ("POST", "chat/completions", _either(openai_text.chat, perplexity_answers.chat)),
    ("GET", "chat/completions/{}", openai_jobs.shown),
    ("POST", "completions", openai_text.completions),
    ("POST", "embeddings", _either(openai_text.embeddings, perplexity_answers.embeddings)),
    ("POST", "moderations", openai_text.moderations),
    ("GET", "models", openai_text.models),
    ("GET", "models/{}", openai_text.models),
    ("POST", "responses", _either(openai_responses.create, perplexity_answers.responses)),
    ("POST", "responses/compact", openai_responses.compact),
    ("POST", "responses/input_tokens", openai_responses.count_input),
    ("POST", "responses/{}/cancel", openai_responses.cancel),
    ("GET", "responses/{}", _either(openai_responses.retrieve, perplexity_answers.responses_retrieve)),
    ("GET", "responses/{}/input_items", openai_responses.input_items),
    ("DELETE", "responses/{}", openai_responses.delete),
    ("POST", "decisions", _or_google(_either(openai_jobs.decisions, perplexity_answers.decisions), google_answers.decision)),
)
_MEDIA = _routes(
    ("POST", "images/generations", openai_media.generations),
    ("POST", "images/edits", openai_media.edits),
    ("POST", "images/variations", openai_media.variations),
    ("POST", "audio/speech", openai_media.speech),
    ("POST", "audio/transcriptions", openai_media.transcriptions),
    ("POST", "audio/translations", openai_media.translations),
    ("POST", "videos(?:/edits|/extensions)?", openai_media.video_create),
    ("POST", "videos/{}/remix", openai_media.video_create),
    ("GET", "videos", openai_media.video_list),
    ("POST", "videos/characters", openai_media.character_create),
    ("GET", "videos/characters/{}", openai_jobs.shown),
    ("GET", "videos/{}", openai_media.video_retrieve),
    ("DELETE", "videos/{}", openai_media.video_delete),
    ("GET", "videos/{}/content", openai_media.video_content),
)
_JOBS = _routes(
    ("POST", "files", openai_jobs.file_create),
    ("GET", "files", openai_jobs.file_list),
    ("GET", "files/{}", openai_jobs.shown),
    ("DELETE", "files/{}", openai_jobs.file_delete),
    ("GET", "files/{}/content", openai_jobs.file_content),
    ("POST", "batches", openai_jobs.batch_create),
    ("GET", "batches", openai_jobs.jobs_listed("batch_")),
    ("GET", "batches/{}", openai_jobs.retrieve),
    ("POST", "batches/{}/cancel", openai_jobs.cancel),
    ("POST", "fine_tuning/jobs", openai_jobs.fine_tuning_create),
    ("GET", "fine_tuning/jobs", openai_jobs.jobs_listed("ftjob-")),
    ("GET", "fine_tuning/jobs/{}", openai_jobs.retrieve),
    ("POST", "fine_tuning/jobs/{}/cancel", openai_jobs.cancel),
    ("POST", "fine_tuning/jobs/{}/(?:pause|resume)", openai_jobs.retrieve),
    ("GET", "fine_tuning/jobs/{}/(?:events|checkpoints)", openai_jobs.nothing_listed),
    ("POST", "fine_tuning/alpha/graders/run", openai_jobs.grader_run),
    ("POST", "evals", openai_jobs.eval_create),
    ("GET", "evals/{}", openai_jobs.shown),
    ("POST", "evals/{}/runs", openai_jobs.eval_run_create),
    ("GET", "evals/{}/runs", openai_jobs.jobs_listed("evalrun_")),
    ("GET", "evals/{}/runs/{}", openai_jobs.retrieve),
    ("POST", "evals/{}/runs/{}(?:/cancel)?", openai_jobs.cancel),
)
_ASSISTANTS = _routes(
    ("POST", "assistants", openai_assistants.assistant_create),
    ("GET", "assistants/{}", openai_jobs.shown),
    ("POST", "threads", openai_assistants.thread_create),
    ("POST", "threads/runs", openai_assistants.thread_and_run),
    ("GET", "threads/{}", openai_jobs.shown),
    ("POST", "threads/{}/messages", openai_assistants.message_create),
    ("GET", "threads/{}/messages", openai_assistants.messages),
    ("POST", "threads/{}/runs", openai_assistants.run_create),
    ("GET", "threads/{}/runs", openai_jobs.jobs_listed("run_")),
    ("GET", "threads/{}/runs/{}", openai_assistants.run_retrieve),
    ("POST", "threads/{}/runs/{}/cancel", openai_assistants.run_cancel),
    ("POST", "threads/{}/runs/{}/submit_tool_outputs", openai_assistants.outputs_submit),
    ("GET", "threads/{}/runs/{}/steps", openai_assistants.steps),
)
_SESSIONS = _routes(
    ("POST", "containers", openai_sessions.container_create),
    ("POST", "agents/environments", openai_sessions.container_create),
    ("POST", "agents/sessions", openai_sessions.session_create),
    ("GET", "agents/sessions/{}", openai_jobs.shown),
    ("POST", "agents/sessions/{}", openai_sessions.session_update),
    ("POST", "agents/sessions/{}/events", openai_sessions.event_create),
    ("GET", "agents/sessions/{}/events", openai_sessions.events),
    ("GET", "agents/sessions/{}/(?:subagents/[^/]+/)?turns", openai_sessions.turns),
    ("GET", "agents/sessions/{}/(?:subagents/[^/]+/)?turns/{}", openai_sessions.turn),
    ("POST", "agents/automations/{}/invocations", openai_sessions.invocation),
    ("GET", "agents/automations/{}/invocations/{}", openai_jobs.shown),
    ("POST", "realtime/calls", openai_sessions.call_create),
    ("POST", "live/sessions", openai_sessions.live_create),
    ("POST", "(?:realtime/calls|live/sessions)/{}/accept", openai_sessions.accepted),
    ("POST", "live/sessions/{}/fork", openai_sessions.live_create),
)
_PERPLEXITY = _routes(
    ("POST", "async/chat/completions", perplexity_answers.later),
    ("GET", "async/chat/completions", perplexity_answers.later_list),
    ("GET", "async/chat/completions/{}", perplexity_answers.later_retrieve),
    ("POST", "contextualizedembeddings", perplexity_answers.contextualized_embeddings),
    ("POST", "search", perplexity_answers.search),
    ("POST", "browser/sessions", perplexity_answers.session_create),
    ("DELETE", "browser/sessions/{}", perplexity_answers.session_delete),
)
_OLLAMA = _routes(
    ("POST", "api/chat", ollama_answers.chat),
    ("POST", "api/generate", ollama_answers.generate),
    ("POST", "api/embed", ollama_answers.embed),
    ("POST", "api/embeddings", ollama_answers.embeddings),
    ("POST", "systemone", ollama_answers.systemone),
    ("POST", "api/web_search", ollama_answers.web_search),
    ("POST", "api/web_fetch", ollama_answers.web_fetch),
    ("GET", "api/(?:tags|ps)", ollama_answers.models),
    ("POST", "api/(?:pull|push|create|show|copy)", ollama_answers.administration),
    ("DELETE", "api/delete", ollama_answers.administration),
)
_FAL = _routes(
    ("POST", "fal/queue/(.+)", fal_answers.submit),
    ("GET", "fal/queue/(.+)/requests/{}/status", fal_answers.status),
    ("GET", "fal/queue/(.+)/requests/{}", fal_answers.result),
    ("PUT", "fal/queue/(.+)/requests/{}/cancel", fal_answers.cancel),
    ("POST", "fal/(.+)/stream", fal_answers.stream),
    ("POST", "fal/(.+)", fal_answers.run),
)
_ANTHROPIC = _routes(
    ("POST", "messages", anthropic_messages.messages),
    ("POST", "messages/count_tokens", anthropic_messages.count_tokens),
    ("POST", "complete", anthropic_messages.complete),
    ("POST", "projects/.+/models/([^/]+):rawPredict", anthropic_messages.vertex(False)),
    ("POST", "projects/.+/models/([^/]+):streamRawPredict", anthropic_messages.vertex(True)),
    ("POST", "messages/batches", anthropic_jobs.batch_create),
    ("GET", "messages/batches", anthropic_jobs.batch_list),
    ("GET", "messages/batches/{}", anthropic_jobs.batch_retrieve),
    ("POST", "messages/batches/{}/cancel", anthropic_jobs.batch_cancel),
    ("GET", "messages/batches/{}/results", anthropic_jobs.batch_results),
    ("POST", "sessions", anthropic_jobs.session_create),
    ("GET", "sessions/{}", anthropic_jobs.session_retrieve),
    ("POST", "sessions/{}(?:/archive)?", anthropic_jobs.session_retrieve),
    ("POST", "sessions/{}/events", anthropic_jobs.events_send),
    ("GET", "sessions/{}/(?:threads/[^/]+/)?events", anthropic_jobs.events_list),
    ("GET", "sessions/{}/(?:threads/[^/]+|events)/stream", anthropic_jobs.events_stream),
    ("POST", "deployments/{}/run", anthropic_jobs.deployment_run),
    ("POST", "dreams", anthropic_jobs.dream_create),
    ("GET", "dreams/{}", openai_jobs.retrieve),
    ("POST", "dreams/{}/(?:cancel|archive)", anthropic_jobs.dream_stop),
)
_BEDROCK = _routes(
    ("POST", "model/(.+)/invoke", bedrock_answers.invoke),
    ("POST", "model/(.+)/invoke-with-response-stream", bedrock_answers.invoke_streamed),
    ("POST", "model/(.+)/converse", bedrock_answers.converse),
    ("POST", "model/(.+)/converse-stream", bedrock_answers.converse_streamed),
    ("POST", "model/(.+)/count-tokens", bedrock_answers.count_tokens),
    ("POST", "guardrail/{}/version/[^/]+/apply", bedrock_answers.guardrail),
    ("POST", "guardrail-checks/invoke", bedrock_answers.guardrail),
    ("POST", "async-invoke", bedrock_answers.start),
    ("GET", "async-invoke", bedrock_answers.listed),
    ("GET", "async-invoke/(.+)", bedrock_answers.look),
)
_GOOGLE = _routes(
    ("POST", "(?:.+/)?{}:(generateContent|streamGenerateContent)", google_answers.generate),
    ("POST", "(?:.+/)?{}:(batchEmbedContents|embedContent)", google_answers.embed),
    ("POST", "(?:.+/)?{}:(?:countTokens|computeTokens)", google_answers.count),
    ("POST", "(?:.+/)?{}:predict", google_media.predict),
    ("POST", "(?:.+/)?{}:serverStreamingPredict", google_media.older_stream),
    ("GET", "projects/.+/endpoints/{}", google_media.endpoint),
    ("POST", "(?:.+/)?{}:predictLongRunning", google_media.film),
    ("POST", "(?:.+/)?{}:fetchPredictOperation", google_media.fetch_operation),
    ("GET", "(?:.+/)?operations/{}", google_media.operation),
    ("POST", "(?:.+/)?{}:batchGenerateContent", google_media.batch),
    ("GET", "batches/(batch-[^/]+)", google_media.batch_shown),
    ("GET", "files/([^/:]+):download", google_media.batch_file),
    ("POST", "(?:.+/)?batchPredictionJobs", google_media.prediction_job),
    ("GET", "(?:.+/)?batchPredictionJobs/{}", google_media.operation),
    ("POST", "projects/.+/pipelineJobs", google_media.pipeline_job),
    ("POST", "(?:storage/v1/)?b", google_media.bucket),
    ("GET", "(?:storage/v1/)?b/{}/iam", google_media.bucket),
    ("PUT", "(?:storage/v1/)?b/{}/iam", google_media.bucket),
    ("POST", "(?:.+/)?tuningJobs", google_media.tuning_job),
    ("GET", "(?:.+/)?tuningJobs/{}", google_media.operation),
    ("POST", "(?:.+/)?cachedContents", google_media.cache),
    ("GET", "projects/.+/cachedContents/{}", google_media.cache_shown),
    ("PATCH", "(?:.+/)?cachedContents/{}", google_media.cache_kept),
    ("POST", "(?:.+/)?{}:asyncBatchEmbedContent", google_media.embedding_batch),
    ("POST", "(?:.+/)?{}:importFile", google_media.indexed),
    ("POST", "(?:.+/)?{}:uploadToFileSearchStore", google_media.upload_begun),
    ("POST", "google-upload/{}", google_media.upload_ended),
    ("POST", "interactions", google_answers.interaction),
    ("POST", "triggers/{}/executions", google_answers.trigger_run),
    ("GET", "interactions/{}", google_answers.interaction_shown),
    ("POST", "interactions/{}[:/]cancel", google_answers.interaction_shown),
    ("DELETE", "(?:.+/)?(?:interactions|cachedContents|batches|files)/{}", google_answers.empty),
)
ROUTES: Sequence[Route] = [*_GOOGLE, *_TEXT, *_MEDIA, *_JOBS, *_ASSISTANTS, *_SESSIONS, *_PERPLEXITY, *_OLLAMA, *_ANTHROPIC, *_BEDROCK]


def find(method: str, path: str) -> Optional[Found]:
    """The endpoint, what its path names, and the deployment in the path."""
    split = _PREFIX.match(path) if not path.startswith("/fal/") else _PLAIN.match(path)  # names of applications may look like a version
    if split is None:
        return None
    for wanted, pattern, endpoint in _FAL if path.startswith("/fal/") else ROUTES:
        found = pattern.match(split.group("rest"))
        if found is not None and wanted == method:
            return endpoint, found.groups(), split.group("deployment")
    return None
