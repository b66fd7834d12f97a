"""The field table against the service's published schema, which is written down here a second time, by hand."""

from __future__ import annotations

import pytest

from revenium_middleware._core.fields import AUDIO, BY_NAME, COMPLETION, ENDPOINTS, FIELDS, IMAGE, SPELLINGS, VIDEO, to_wire
from revenium_middleware._core.metadata import canonical
from revenium_middleware._core.record import fitting

# wire name, name in Python, records it belongs to (c i a v: completion image audio video; a capital: the schema requires it)
DOCUMENTED = """
completionStartTime completion_start_time C
costType cost_type Ciav
inputTokenCount input_token_count Ca
isStreamed is_streamed C
model model CIAV
outputTokenCount output_token_count Ca
provider provider CIAV
requestDuration request_duration CIAV
requestTime request_time CIAV
responseTime response_time CIAV
stopReason stop_reason C
totalTokenCount total_token_count C
transactionId transaction_id CIAV
actualServiceTier actual_service_tier ciav
agent agent ciav
agentVersion agent_version ciav
agenticJobId agentic_job_id ciav
agenticJobName agentic_job_name ciav
agenticJobType agentic_job_type ciav
agenticJobVersion agentic_job_version ciav
billingSkipped billing_skipped ciav
cacheCreation1hTokenCount cache_creation1h_token_count c
cacheCreation5mTokenCount cache_creation5m_token_count c
cacheCreationTokenCost cache_creation_token_cost c
cacheCreationTokenCount cache_creation_token_count c
cacheReadTokenCost cache_read_token_cost c
cacheReadTokenCount cache_read_token_count c
clientSurface client_surface c
codingAssistantAccountUuid coding_assistant_account_uuid c
costMultiplier cost_multiplier c
credentialAlias credential_alias ciav
effort effort c
entrypoint entrypoint c
environment environment ciav
errorCode error_code ciav
errorReason error_reason ciav
inputMessages input_messages ciav
inputTokenCost input_token_cost c
mediationLatency mediation_latency c
middlewareSource middleware_source ciav
modelHost model_host c
modelSource model_source ciav
operationSubtype operation_subtype ciav
operationType operation_type ciav
organizationId organization_id ciav
organizationName organization_name ciav
outputResponse output_response ciav
outputTokenCost output_token_cost c
parentTransactionId parent_transaction_id ciav
pricingTier pricing_tier ciav
productId product_id ciav
productName product_name ciav
promptId prompt_id c
promptLength prompt_length c
promptsTruncated prompts_truncated ciav
querySource query_source c
reasoningTokenCount reasoning_token_count c
region region ciav
requestedServiceTier requested_service_tier ciav
responseQualityScore response_quality_score c
retryNumber retry_number ciav
skillInvocationTrigger skill_invocation_trigger c
skillKind skill_kind c
skillMarketplaceName skill_marketplace_name c
skillName skill_name c
skillPluginName skill_plugin_name c
skillSource skill_source c
skipReason skip_reason ciav
speed speed ca
squadId squad_id ciav
squadName squad_name ciav
squadRole squad_role ciav
subagentType subagent_type c
subscriber subscriber ciav
subscriberEmailSource subscriber_email_source c
subscriptionId subscription_id ciav
subscriptionTier subscription_tier c
systemFingerprint system_fingerprint c
systemPrompt system_prompt c
taskType task_type ciav
temperature temperature c
ticketId ticket_id ciav
timeToFirstToken time_to_first_token c
totalCost total_cost ciav
traceId trace_id ciav
traceName trace_name ciav
traceType trace_type ciav
transactionName transaction_name ciav
actualImageCount actual_image_count I
requestedImageCount requested_image_count I
aspectRatio aspect_ratio iv
billingUnit billing_unit iav
format format i
priorityTier priority_tier iv
quality quality ia
resolution resolution iv
revisedPromptProvided revised_prompt_provided i
sourceImageProvided source_image_provided i
sourceTransactionId source_transaction_id iv
style style i
subscriberEmail subscriber_email iav
subscriberId subscriber_id iav
audioFormat audio_format a
characterCount character_count a
durationSeconds duration_seconds aV
inputAudioTokenCount input_audio_token_count a
isRealtime is_realtime a
language language a
outputAudioTokenCount output_audio_token_count a
responseFormat response_format a
sampleRate sample_rate a
sourceLanguage source_language a
targetLanguage target_language a
voice voice a
asyncOperation async_operation v
completionStatus completion_status v
creditRate credit_rate v
creditsConsumed credits_consumed v
fps fps v
requestedDurationSeconds requested_duration_seconds v
videoJobId video_job_id v
"""
NEVER_SENT = {
    "organizationId", "productId",  # deprecated: the service no longer accepts them
    "credentialAlias", "subscriberEmail", "subscriberId",  # folded into ``subscriber``
    "inputTokenCost", "outputTokenCost", "cacheCreationTokenCost", "cacheReadTokenCost",  # the service prices
}  # fmt: skip
KINDS = {"c": COMPLETION, "i": IMAGE, "a": AUDIO, "v": VIDEO}
OURS = {  # where our Python name is not the generated client's
    "cacheCreation1hTokenCount": "cache_creation_1h_token_count",
    "cacheCreation5mTokenCount": "cache_creation_5m_token_count",
}


def _rows():
    for line in DOCUMENTED.split("\n"):
        if line:
            wire, name, letters = line.split()
            yield wire, OURS.get(wire, name), {KINDS[letter.lower()]: letter.isupper() for letter in letters}


ROWS = list(_rows())
SENT = [row for row in ROWS if row[0] not in NEVER_SENT]


def _ours(wire, kind):
    """Our row for a wire name of one kind; ``speed`` is two fields, one per kind."""
    found = [field for field in FIELDS if field.wire == wire and kind in field.kinds]
    assert len(found) == 1, (wire, kind, found)
    return found[0]


@pytest.mark.parametrize(("wire", "name", "kinds"), SENT, ids=[row[0] for row in SENT])
def test_each_documented_field_is_sent_under_its_name_on_its_records(wire, name, kinds):
    for kind in KINDS.values():
        if kind in kinds:
            field = _ours(wire, kind)
            assert field.name == name or (wire, kind, field.name) == ("speed", AUDIO, "playback_speed")
            assert to_wire(kind, {field.name: "value"})[wire] == "value"
        else:
            assert wire not in to_wire(kind, {field.name: "value" for field in FIELDS}), "%s is no field of %s" % (wire, kind)


def test_no_field_goes_out_that_is_not_documented():
    documented = {kind: {wire for wire, _, kinds in SENT if kind in kinds} for kind in KINDS.values()}
    sent = {kind: set(to_wire(kind, {field.name: 1 for field in FIELDS})) for kind in KINDS.values()}
    assert sent == documented


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
def test_what_the_schema_requires_is_there_even_when_nothing_is_known(kind):
    required = {wire for wire, _, kinds in SENT if kinds.get(kind)} - {"costType"}  # constant, set by every call
    payload = to_wire(kind, {})
    assert set(payload) == required
    assert None not in payload.values()


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
def test_none_is_never_sent_as_null(kind):
    assert None not in to_wire(kind, {field.name: None for field in FIELDS}).values()


def test_an_unknown_count_is_sent_as_zero_where_one_is_required():
    payload = to_wire(COMPLETION, {})
    assert [payload[name] for name in ("inputTokenCount", "outputTokenCount", "totalTokenCount")] == [0, 0, 0]
    assert to_wire(VIDEO, {})["durationSeconds"] == 0
    assert to_wire(IMAGE, {})["actualImageCount"] == 0
    assert "inputTokenCount" not in to_wire(AUDIO, {})


def test_each_kind_has_its_own_address():
    assert dict(ENDPOINTS) == {COMPLETION: "v2/ai/completions", IMAGE: "v2/ai/images", AUDIO: "v2/ai/audio", VIDEO: "v2/ai/video"}


# What callers may say: wire name, a good value, the value kept (when another)
SAID = {
    "organizationName": "Acme", "productName": "Chat", "subscriptionId": "sub-1", "agent": "support", "agentVersion": "2", "taskType": "qa",
    "traceId": "t-1", "traceType": "batch_run", "traceName": "Nightly", "transactionName": "Answer", "parentTransactionId": "p-1",
    "sourceTransactionId": "s-1", "retryNumber": 3, "ticketId": "T-9", "environment": "prod", "region": "eu", "responseQualityScore": 0.5,
    "agenticJobId": "job.1", "agenticJobName": "Job", "agenticJobType": "etl", "agenticJobVersion": "7", "squadId": "sq", "squadName": "Squad",
    "squadRole": "lead", "skillName": "pdf", "skillSource": "userSettings", "skillKind": "workflow", "skillPluginName": "plug",
    "skillMarketplaceName": "market", "skillInvocationTrigger": "auto", "codingAssistantAccountUuid": "u-1", "subscriberEmailSource": "sso",
    "effort": "high", "speed": "fast", "clientSurface": "cli", "entrypoint": "main.py", "promptId": "p_1", "promptLength": 12,
    "querySource": "repl:main", "subagentType": "explore", "requestedServiceTier": "flex", "actualServiceTier": "default",
    "priorityTier": "high", "pricingTier": "BATCH", "subscriptionTier": "gold", "costMultiplier": 1.5, "billingSkipped": True,
    "skipReason": "FREE_TIER",
}  # fmt: skip


def test_the_list_of_what_callers_may_say_is_complete():
    assert {field.wire for field in FIELDS if field.check is not None} == set(SAID)


@pytest.mark.parametrize("wire", sorted(SAID))
def test_a_callers_field_arrives_from_either_spelling(wire):
    (field,) = [field for field in FIELDS if field.wire == wire and field.check is not None]
    for spelling in (field.name, wire):
        assert SPELLINGS[spelling][0] == field.name
        fields = canonical({spelling: SAID[wire]})
        assert fields == {field.name: SAID[wire]}
        for kind in field.kinds:
            assert to_wire(kind, fitting(kind, fields))[wire] == SAID[wire]


def test_a_field_of_another_kind_of_record_is_left_off():
    said = canonical({"effort": "high", "source_transaction_id": "s-1", "agent": "a"})
    assert fitting(AUDIO, said) == {"agent": "a"}
    assert fitting(COMPLETION, said) == {"effort": "high", "agent": "a"}
    assert fitting(VIDEO, said) == {"source_transaction_id": "s-1", "agent": "a"}


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
def test_skip_reasons_differ_by_kind(kind, caplog):
    only_media, only_chat = "ERROR_RESPONSE", "QUOTA_EXCEEDED"
    kept = [reason for reason in (only_media, only_chat) if fitting(kind, {"skip_reason": reason})]
    assert kept == ([only_chat] if kind == COMPLETION else [only_media])
    assert "skip_reason must be one of" in caplog.text


def test_callers_cannot_set_what_is_measured():
    assert canonical({"provider": "X", "input_token_count": 9, "inputTokenCount": 9, "total_cost": 1, "operation_type": "CHAT"}) == {}
    assert BY_NAME["input_token_count"].check is None
