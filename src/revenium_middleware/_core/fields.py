"""Every field of a usage record, described once.

Building, validating, serialising and documenting all read this table. Limits and shapes are those of the metering
service: over-long text is accepted there and silently not stored, and one bad optional value refuses a whole record,
so the table cuts the first and drops the second. ``wire`` is the only place where a camelCase name exists;
a field without one lives in the ledger, the report and the exports, and is never sent.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from .values import Check, boolean, integer, matching, number, one_of, text

COMPLETION, IMAGE, AUDIO, VIDEO = "completion", "image", "audio", "video"
_ALL = frozenset((COMPLETION, IMAGE, AUDIO, VIDEO))
_CHAT = frozenset((COMPLETION,))
_PICTURE = frozenset((IMAGE, VIDEO))
_MEDIA = frozenset((IMAGE, AUDIO, VIDEO))


class Field(NamedTuple):
    """One row: the Python name, the name on the wire, the records it belongs to, its rule and who may set it."""

    name: str
    wire: Optional[str]
    kinds: FrozenSet[str]
    check: Optional[Check]
    """The rule for a value from outside; None where only our own code sets the field."""
    environment: Tuple[str, ...] = ()
    """Variables that supply a default, first non-empty one wins."""
    deprecated: Tuple[str, ...] = ()
    """Old spellings still accepted from callers, with a DeprecationWarning."""
    required: FrozenSet[str] = frozenset()
    """The record kinds whose wire schema demands an integer or text here: an unknown count is sent as 0."""


def _own(name: str, wire: Optional[str], kinds: FrozenSet[str] = _ALL, required: FrozenSet[str] = frozenset()) -> Field:
    return Field(name, wire, kinds, None, (), (), required)


def _given(name: str, wire: str, check: Check, kinds: FrozenSet[str] = _ALL, environment: Tuple[str, ...] = (), deprecated: Tuple[str, ...] = ()) -> Field:
    return Field(name, wire, kinds, check, environment, deprecated)


_TAG = text(255)
_LABEL = text(256)
_TOKEN_SHAPE = matching(r"[A-Za-z0-9._-]{1,64}")
_JOB_ID = matching(r"(?!(?:types|conversion-funnel)$)[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")

FIELDS: Tuple[Field, ...] = (
    # What was called, when, and how it ended
    _own("transaction_id", "transactionId", _ALL, _ALL),
    _own("model", "model", _ALL, _ALL),
    _own("provider", "provider", _ALL, _ALL),
    _own("model_source", "modelSource"),
    _own("model_host", "modelHost", _CHAT),
    _own("middleware_source", "middlewareSource"),
    _own("cost_type", "costType"),
    _own("operation_type", "operationType"),
    _own("operation_subtype", "operationSubtype"),
    _own("request_time", "requestTime", _ALL, _ALL),
    _own("response_time", "responseTime", _ALL, _ALL),
    _own("completion_start_time", "completionStartTime", _CHAT, _CHAT),
    _own("request_duration", "requestDuration", _ALL, _ALL),
    _own("time_to_first_token", "timeToFirstToken", _CHAT),
    _own("mediation_latency", "mediationLatency", _CHAT),
    _own("is_streamed", "isStreamed", _CHAT, _CHAT),
    _own("stop_reason", "stopReason", _CHAT, _CHAT),
    _own("error_reason", "errorReason"),
    _own("error_code", "errorCode"),
    _own("system_fingerprint", "systemFingerprint", _CHAT),
    _own("temperature", "temperature", _CHAT),
    # What was used
    _own("input_token_count", "inputTokenCount", frozenset((COMPLETION, AUDIO)), _CHAT),
    _own("output_token_count", "outputTokenCount", frozenset((COMPLETION, AUDIO)), _CHAT),
    _own("total_token_count", "totalTokenCount", _CHAT, _CHAT),
    _own("reasoning_token_count", "reasoningTokenCount", _CHAT),
    _own("cache_read_token_count", "cacheReadTokenCount", _CHAT),
    _own("cache_creation_token_count", "cacheCreationTokenCount", _CHAT),
    _own("cache_creation_5m_token_count", "cacheCreation5mTokenCount", _CHAT),
    _own("cache_creation_1h_token_count", "cacheCreation1hTokenCount", _CHAT),
    _own("input_audio_token_count", "inputAudioTokenCount", frozenset((AUDIO,))),
    _own("output_audio_token_count", "outputAudioTokenCount", frozenset((AUDIO,))),
    _own("input_image_token_count", None),
    _own("output_image_token_count", None),
    _own("usage_source", None),
    _own("cost_status", None),
    _own("total_cost", "totalCost"),
    _own("billing_unit", "billingUnit", _MEDIA),
    # Images, sound and films
    _own("actual_image_count", "actualImageCount", frozenset((IMAGE,)), frozenset((IMAGE,))),
    _own("requested_image_count", "requestedImageCount", frozenset((IMAGE,)), frozenset((IMAGE,))),
    _own("revised_prompt_provided", "revisedPromptProvided", frozenset((IMAGE,))),
    _own("source_image_provided", "sourceImageProvided", frozenset((IMAGE,))),
    _own("style", "style", frozenset((IMAGE,))),
    _own("format", "format", frozenset((IMAGE,))),
    _own("quality", "quality", frozenset((IMAGE, AUDIO))),
    _own("resolution", "resolution", _PICTURE),
    _own("aspect_ratio", "aspectRatio", _PICTURE),
    _own("character_count", "characterCount", frozenset((AUDIO,))),
    _own("duration_seconds", "durationSeconds", frozenset((AUDIO, VIDEO)), frozenset((VIDEO,))),
    _own("voice", "voice", frozenset((AUDIO,))),
    _own("playback_speed", "speed", frozenset((AUDIO,))),
    _own("audio_format", "audioFormat", frozenset((AUDIO,))),
    _own("response_format", "responseFormat", frozenset((AUDIO,))),
    _own("sample_rate", "sampleRate", frozenset((AUDIO,))),
    _own("is_realtime", "isRealtime", frozenset((AUDIO,))),
    _own("language", "language", frozenset((AUDIO,))),
    _own("source_language", "sourceLanguage", frozenset((AUDIO,))),
    _own("target_language", "targetLanguage", frozenset((AUDIO,))),
    _own("async_operation", "asyncOperation", frozenset((VIDEO,))),
    _own("completion_status", "completionStatus", frozenset((VIDEO,))),
    _own("requested_duration_seconds", "requestedDurationSeconds", frozenset((VIDEO,))),
    _own("fps", "fps", frozenset((VIDEO,))),
    _own("credits_consumed", "creditsConsumed", frozenset((VIDEO,))),
    _own("credit_rate", "creditRate", frozenset((VIDEO,))),
    _own("video_job_id", "videoJobId", frozenset((VIDEO,))),
    # Prompts, only when capture is on
    _own("system_prompt", "systemPrompt", _CHAT),
    _own("input_messages", "inputMessages"),
    _own("output_response", "outputResponse"),
    _own("prompts_truncated", "promptsTruncated"),
    # Who, what for: what callers say
    Field("subscriber", "subscriber", _ALL, None),  # an object: its parts are SUBSCRIBER_FIELDS
    _given("organization_name", "organizationName", _TAG, deprecated=("organization_id", "organizationId")),
    _given("product_name", "productName", text(224), deprecated=("product_id", "productId")),
    _given("subscription_id", "subscriptionId", _TAG),
    _given("agent", "agent", _TAG),
    _given("agent_version", "agentVersion", text(64)),
    _given("task_type", "taskType", _TAG),
    _given("trace_id", "traceId", _TAG),
    _given("trace_type", "traceType", matching(r"[a-zA-Z0-9_-]{1,128}"), environment=("REVENIUM_TRACE_TYPE",)),
    _given("trace_name", "traceName", _LABEL, environment=("REVENIUM_TRACE_NAME",)),
    _given("transaction_name", "transactionName", _TAG, environment=("REVENIUM_TRANSACTION_NAME",)),
    _given("parent_transaction_id", "parentTransactionId", _TAG, environment=("REVENIUM_PARENT_TRANSACTION_ID",)),
    _given("source_transaction_id", "sourceTransactionId", _TAG, _PICTURE),
    _given("retry_number", "retryNumber", integer(0, 2147483647), environment=("REVENIUM_RETRY_NUMBER",)),
    _given("ticket_id", "ticketId", _LABEL, environment=("REVENIUM_TICKET_ID",)),
    _given("environment", "environment", _TAG, environment=("REVENIUM_ENVIRONMENT", "ENVIRONMENT", "DEPLOYMENT_ENV")),
    _given(
        "region",
        "region",
        _TAG,
        environment=("REVENIUM_REGION", "AWS_REGION", "AWS_DEFAULT_REGION", "AZURE_REGION", "GCP_REGION", "GOOGLE_CLOUD_REGION"),
    ),
    _given("response_quality_score", "responseQualityScore", number(0, 1), _CHAT),
    _given("agentic_job_id", "agenticJobId", _JOB_ID, environment=("REVENIUM_AGENTIC_JOB_ID",)),
    _given("agentic_job_name", "agenticJobName", _TAG, environment=("REVENIUM_AGENTIC_JOB_NAME",)),
    _given("agentic_job_type", "agenticJobType", _TAG, environment=("REVENIUM_AGENTIC_JOB_TYPE",)),
    _given("agentic_job_version", "agenticJobVersion", _TAG, environment=("REVENIUM_AGENTIC_JOB_VERSION",)),
    _given("squad_id", "squadId", _TAG),
    _given("squad_name", "squadName", _TAG),
    _given("squad_role", "squadRole", _TAG),
    _given("skill_name", "skillName", _LABEL, _CHAT, ("REVENIUM_SKILL_NAME",)),
    _given("skill_source", "skillSource", one_of("bundled", "projectSettings", "userSettings", "plugin"), _CHAT, ("REVENIUM_SKILL_SOURCE",)),
    _given("skill_kind", "skillKind", one_of("workflow"), _CHAT, ("REVENIUM_SKILL_KIND",)),
    _given("skill_plugin_name", "skillPluginName", _LABEL, _CHAT, ("REVENIUM_SKILL_PLUGIN_NAME",)),
    _given("skill_marketplace_name", "skillMarketplaceName", _LABEL, _CHAT, ("REVENIUM_SKILL_MARKETPLACE_NAME",)),
    _given("skill_invocation_trigger", "skillInvocationTrigger", text(32), _CHAT, ("REVENIUM_SKILL_INVOCATION_TRIGGER",)),
    _given("coding_assistant_account_uuid", "codingAssistantAccountUuid", _TAG, _CHAT),
    _given("subscriber_email_source", "subscriberEmailSource", _TAG, _CHAT),
    _given("effort", "effort", matching(r"[A-Za-z0-9_-]{1,16}"), _CHAT),
    _given("speed", "speed", matching(r"[A-Za-z0-9_-]{1,16}"), _CHAT),
    _given("client_surface", "clientSurface", _TOKEN_SHAPE, _CHAT),
    _given("entrypoint", "entrypoint", _TOKEN_SHAPE, _CHAT),
    _given("prompt_id", "promptId", matching(r"[A-Za-z0-9_-]{1,64}"), _CHAT),
    _given("prompt_length", "promptLength", integer(0, 2147483647), _CHAT),
    _given("query_source", "querySource", matching(r"[A-Za-z0-9._:-]{1,128}"), _CHAT),
    _given("subagent_type", "subagentType", matching(r"[A-Za-z0-9._:-]{1,128}"), _CHAT),
    _given("requested_service_tier", "requestedServiceTier", _TAG),
    _given("actual_service_tier", "actualServiceTier", _TAG),
    _given("priority_tier", "priorityTier", _TAG, _PICTURE),
    _given("pricing_tier", "pricingTier", one_of("STANDARD", "BATCH", upper=True)),
    _given("subscription_tier", "subscriptionTier", _TAG, _CHAT),
    _given("cost_multiplier", "costMultiplier", number(), _CHAT),
    _given("billing_skipped", "billingSkipped", boolean),
    _given("skip_reason", "skipReason", text(64)),  # the allowed words differ by kind: SKIP_REASONS
)

BY_NAME: Mapping[str, Field] = MappingProxyType({field.name: field for field in FIELDS})

NAMES: Mapping[str, FrozenSet[str]] = MappingProxyType({kind: frozenset(field.name for field in FIELDS if kind in field.kinds) for kind in _ALL})
"""The fields that records of a kind may have."""

CREDENTIAL_ALIAS = Field("credential_alias", "credentialAlias", _ALL, _TAG, ("REVENIUM_CREDENTIAL_ALIAS",))
"""Never a field of its own on the wire: it names the credential of a subscriber nobody else named."""

SUBSCRIBER_FIELDS: Mapping[str, Check] = MappingProxyType({"id": _TAG, "email": _TAG})
CREDENTIAL_FIELDS: Mapping[str, Check] = MappingProxyType({"name": _TAG, "value": text(1024)})

FLAT_SUBSCRIBER: Mapping[str, Tuple[str, ...]] = MappingProxyType(
    {
        "subscriber_id": ("id",),
        "subscriberId": ("id",),
        "subscriber_email": ("email",),
        "subscriberEmail": ("email",),
        "subscriber_credential_name": ("credential", "name"),
        "subscriberCredentialName": ("credential", "name"),
        "subscriber_credential": ("credential", "value"),
        "subscriberCredential": ("credential", "value"),
    }
)
"""The flat spellings of the subscriber's parts; a nested ``subscriber`` wins over them."""

SKIP_REASONS: Mapping[str, FrozenSet[str]] = MappingProxyType(
    {
        COMPLETION: frozenset(("FREE_TIER", "RATE_LIMITED", "QUOTA_EXCEEDED", "CONTENT_POLICY_VIOLATION", "CAPACITY_UNAVAILABLE", "SERVICE_UNAVAILABLE")),
        **{kind: frozenset(("FREE_TIER", "RATE_LIMITED", "ERROR_RESPONSE", "INTERNAL_TEST")) for kind in (IMAGE, AUDIO, VIDEO)},
    }
)

ENDPOINTS: Mapping[str, str] = MappingProxyType({COMPLETION: "v2/ai/completions", IMAGE: "v2/ai/images", AUDIO: "v2/ai/audio", VIDEO: "v2/ai/video"})


def _spellings() -> Dict[str, Tuple[str, int]]:
    """Every accepted input key -> (field, rank); the lowest rank wins: snake, camel, deprecated snake, deprecated camel."""
    accepted: Dict[str, Tuple[str, int]] = {}
    for field in FIELDS + (CREDENTIAL_ALIAS,):
        if field.check is None:
            continue
        assert field.wire is not None
        for rank, name in enumerate((field.name, field.wire) + field.deprecated):
            accepted.setdefault(name, (field.name, rank))
    return accepted


SPELLINGS: Mapping[str, Tuple[str, int]] = MappingProxyType(_spellings())

_WIRE_BY_KIND: Mapping[str, Tuple[Tuple[str, str, bool], ...]] = MappingProxyType(
    {kind: tuple((field.name, field.wire, kind in field.required) for field in FIELDS if field.wire and kind in field.kinds) for kind in _ALL}
)


def to_wire(kind: str, values: Mapping[str, Any]) -> Dict[str, Any]:
    """The JSON object for the metering service: absent means omitted, never null; unknown required counts are 0."""
    payload: Dict[str, Any] = {}
    for name, wire, required in _WIRE_BY_KIND[kind]:
        value = values.get(name)
        if value is not None:
            payload[wire] = value
        elif required:
            payload[wire] = _required_default(name)
    return payload


def _required_default(name: str) -> Any:
    if name.endswith(("_count", "_duration", "_seconds")):
        return 0
    return {"is_streamed": False, "stop_reason": "END"}.get(name, "unknown")
