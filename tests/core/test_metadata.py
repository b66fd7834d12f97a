"""What callers may say: spellings, precedence, subscribers, fallbacks, deprecations."""

from __future__ import annotations

import collections
import copy
import json
import logging
import types
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import revenium_middleware
from revenium_middleware._core.diagnostics import diagnostics
from revenium_middleware._core.fields import COMPLETION, FIELDS, FLAT_SUBSCRIBER, SPELLINGS, to_wire
from revenium_middleware._core.metadata import _LIMITS, _plain, _sorted_out, as_text, canonical, finished, from_environment, overlay
from revenium_middleware._core.scope import current

NESTED = {"id": "u-1", "email": "u@acme.test", "credential": {"name": "key-a", "value": "v-1"}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
@pytest.mark.parametrize(("field", "wire", "old", "old_camel"), [("organization_name", "organizationName", "organization_id", "organizationId"), ("product_name", "productName", "product_id", "productId")])  # fmt: skip  # noqa: E501
def test_snake_wins_over_camel_over_deprecated_snake_over_deprecated_camel(field, wire, old, old_camel, order):
    ranked = [(field, "1"), (wire, "2"), (old, "3"), (old_camel, "4")]
    while ranked:
        assert canonical(dict(ranked[::order])) == {field: ranked[0][1]}
        ranked.pop(0)


@pytest.mark.parametrize("nothing", [None, "", "  ", "\t\n"], ids=repr)
def test_nothing_said_never_erases(nothing):
    said = canonical({"trace_id": nothing, "traceId": "t-1", "agent": nothing, "subscriber": {"id": nothing, "email": "e@x"}})
    assert said == {"trace_id": "t-1", "subscriber": {"email": "e@x"}}
    with revenium_middleware.metadata(agent="outer"), revenium_middleware.metadata(agent=nothing, task_type="inner"):
        assert current().metadata == {"agent": "outer", "task_type": "inner"}


def test_empty_bytes_are_nothing_too():
    assert canonical({"agent": b"", "subscriber": {"id": b" ", "email": "e@x"}}) == {"subscriber": {"email": "e@x"}}


@pytest.mark.parametrize("empty", [None, {}, types.MappingProxyType({}), collections.OrderedDict()], ids=repr)
def test_an_empty_mapping_and_none_say_nothing_in_silence(empty, caplog):
    assert canonical(empty) == {}
    assert not caplog.records


@pytest.mark.parametrize("wrong", ["text", 7, ["agent"], ("agent", "x"), object(), b"{}", True], ids=lambda value: type(value).__name__)
def test_what_is_no_mapping_is_ignored_with_one_warning(wrong, caplog):
    assert canonical(wrong) == {} == canonical(wrong)
    assert [record.getMessage() for record in caplog.records] == [
        "usage_metadata must be a mapping of field names to values, not %s: ignored" % type(wrong).__name__
    ]


@pytest.mark.parametrize("kind", [types.MappingProxyType, collections.OrderedDict, collections.UserDict, collections.ChainMap])
def test_any_mapping_will_do(kind):
    assert canonical(kind({"agent": "a", "subscriber": kind({"id": "u", "credential": kind({"name": "n"})})})) == {
        "agent": "a",
        "subscriber": {"id": "u", "credential": {"name": "n"}},
    }


def test_unknown_keys_and_detected_ones_cost_one_debug_line_each(caplog):
    caplog.set_level(logging.DEBUG, "revenium_middleware")
    for _ in range(2):
        assert canonical({"no_such_field": 1, "operation_type": "CHAT", "operationSubtype": "x", 7: 1, ("a",): 2, None: 3}) == {}
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert "usage_metadata key 'operation_type' is detected from the call and cannot be set: ignored" in lines
    assert "usage_metadata key 'no_such_field' is not a known field: ignored" in lines


def test_a_bad_field_is_dropped_with_one_warning_that_names_it_and_not_its_value(caplog):
    for _ in range(3):
        assert canonical({"trace_type": "b@d S3CRET", "agent": "fine", "retry_number": "many", "pricing_tier": ["S3CRET"]}) == {"agent": "fine"}
    text = caplog.text
    assert len(caplog.records) == 3
    assert "S3CRET" not in text
    for name in ("trace_type", "retry_number", "pricing_tier"):
        assert text.count("usage_metadata field %s must " % name) == 1


def test_an_over_long_field_is_cut_with_one_warning_that_names_it(caplog):
    long = {"agent": "a" * 300, "product_name": "p" * 300, "trace_name": "t" * 300, "agent_version": "v" * 300, "subscriber": {"id": "s" * 300}}
    for _ in range(2):
        kept = canonical(long)
    lengths = {name: len(value) for name, value in kept.items() if name != "subscriber"}
    assert lengths == {"agent": 255, "product_name": 224, "trace_name": 256, "agent_version": 64}
    assert len(kept["subscriber"]["id"]) == 255
    assert [record.getMessage().split(" is ")[0].split()[-1] for record in caplog.records] == [
        "agent", "product_name", "trace_name", "agent_version", "subscriber.id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("score", "kept"),
    [(0, 0), (0.0, 0.0), (1, 1), (0.75, 0.75), ("0.5", 0.5), (1.01, None), (-0.1, None), (float("nan"), None), (True, None)],
)
def test_a_quality_score_of_zero_is_sent_and_one_outside_the_range_is_not(score, kept, caplog):
    payload = to_wire(COMPLETION, canonical({"response_quality_score": score}))
    assert payload.get("responseQualityScore") == kept
    assert len(caplog.records) == (kept is None)


# ---------------------------------------------------------------------- the subscriber


FLAT = {"subscriber_id": "u-1", "subscriber_email": "u@acme.test", "subscriber_credential_name": "key-a", "subscriber_credential": "v-1"}
FLAT_CAMEL = {"subscriberId": "u-1", "subscriberEmail": "u@acme.test", "subscriberCredentialName": "key-a", "subscriberCredential": "v-1"}


@pytest.mark.parametrize("said", [{"subscriber": NESTED}, FLAT, FLAT_CAMEL], ids=["nested", "flat", "flat camel"])
def test_a_subscriber_may_be_nested_or_flat(said):
    assert canonical(said) == {"subscriber": NESTED}


def test_the_flat_parts_count_only_where_the_nested_ones_say_nothing():
    assert canonical({"subscriber": {"email": "n@x"}, **FLAT}) == {"subscriber": {"email": "n@x"}}
    assert canonical({"subscriber": {"id": None, "email": ""}, "subscriber_id": "u-1"}) == {"subscriber": {"id": "u-1"}}
    assert canonical({"subscriber_credential": "only-a-value"}) == {"subscriber": {"credential": {"value": "only-a-value"}}}


@pytest.mark.parametrize("wrong", ["a string", 7, ["id"], b"id"], ids=repr)
def test_a_subscriber_that_is_no_mapping_is_dropped_with_one_warning(wrong, caplog):
    assert canonical({"subscriber": wrong, "agent": "a"}) == {"agent": "a"}
    assert canonical({"subscriber": {"id": "u", "credential": wrong}}) == {"subscriber": {"id": "u"}}
    assert [" ".join(record.getMessage().split()[:3]) for record in caplog.records] == [
        "usage_metadata field subscriber", "usage_metadata field subscriber.credential",
    ]  # fmt: skip


def test_subscribers_of_different_scopes_are_merged_part_by_part():
    below = canonical({"subscriber": {"id": "u-1", "credential": {"name": "n", "value": "v"}}})
    above = canonical({"subscriber": {"email": "e@x", "credential": {"name": "m"}}})
    before = json.dumps([below, above])
    assert overlay(below, above) == {"subscriber": {"id": "u-1", "email": "e@x", "credential": {"name": "m", "value": "v"}}}
    assert json.dumps([below, above]) == before, "overlaying changed what it was given"


@pytest.mark.parametrize("spelling", ["credential_alias", "credentialAlias"])
def test_a_credential_alias_names_the_credential_of_an_anonymous_subscriber_only(spelling):
    anonymous = finished(canonical({spelling: "team-key"}))
    assert anonymous["subscriber"] == {"credential": {"name": "team-key"}}
    known = finished(canonical({spelling: "team-key", "subscriber": {"id": "u-1"}}))
    assert known["subscriber"] == {"id": "u-1"}
    named = finished(canonical({spelling: "team-key", "subscriber_credential": "v"}))
    assert named["subscriber"] == {"credential": {"value": "v"}}
    for ready in (anonymous, known, named):
        assert "credentialAlias" not in to_wire(COMPLETION, ready)
        assert "credential_alias" not in ready


# ---------------------------------------------------------------------- fallbacks and the environment


def test_the_transaction_name_falls_back_to_the_task_type_and_retries_to_zero():
    assert finished({"task_type": "qa"}) == {"task_type": "qa", "transaction_name": "qa", "retry_number": 0}
    assert finished({"task_type": "qa", "transaction_name": "own", "retry_number": 2}) == {"task_type": "qa", "transaction_name": "own", "retry_number": 2}


VARIABLES = [(field.name, variable) for field in FIELDS for variable in field.environment]


@pytest.mark.parametrize(("name", "variable"), VARIABLES, ids=[variable for _, variable in VARIABLES])
def test_a_variable_supplies_a_default(name, variable):
    good = {"retry_number": "3", "skill_source": "plugin", "skill_kind": "workflow"}.get(name, "value")
    assert from_environment({variable: " %s " % good}) == {name: 3 if name == "retry_number" else good}
    assert from_environment({variable: "  "}) == {}


def test_the_first_variable_that_says_something_wins():
    regions = ["REVENIUM_REGION", "AWS_REGION", "AWS_DEFAULT_REGION", "AZURE_REGION", "GCP_REGION", "GOOGLE_CLOUD_REGION"]
    environments = ["REVENIUM_ENVIRONMENT", "ENVIRONMENT", "DEPLOYMENT_ENV"]
    for name, variables in (("region", regions), ("environment", environments)):
        for start in range(len(variables)):
            said = {variable: variable for variable in variables[start:]}
            said.update({variable: " " for variable in variables[:start]})
            assert from_environment(said) == {name: variables[start]}


def test_the_environment_lists_nothing_that_is_not_documented():
    known = {variable for _, variable in VARIABLES}
    named = (
        "ENVIRONMENT REGION TRACE_TYPE TRACE_NAME PARENT_TRANSACTION_ID TRANSACTION_NAME RETRY_NUMBER TICKET_ID AGENTIC_JOB_ID AGENTIC_JOB_NAME "
        "AGENTIC_JOB_TYPE AGENTIC_JOB_VERSION SKILL_NAME SKILL_SOURCE SKILL_KIND SKILL_PLUGIN_NAME SKILL_MARKETPLACE_NAME SKILL_INVOCATION_TRIGGER"
    )
    documented = {"REVENIUM_" + name for name in named.split()}
    others = {"ENVIRONMENT", "DEPLOYMENT_ENV", "AWS_REGION", "AWS_DEFAULT_REGION", "AZURE_REGION", "GCP_REGION", "GOOGLE_CLOUD_REGION"}
    assert known == documented | others
    assert finished(from_environment({"REVENIUM_CREDENTIAL_ALIAS": "k"}))["subscriber"] == {"credential": {"name": "k"}}


# ---------------------------------------------------------------------- deprecated names


def _line_of(marker):
    with open(__file__, encoding="utf-8") as source:
        return next(number for number, line in enumerate(source, 1) if line.rstrip().endswith("# " + marker))


def test_a_deprecated_name_warns_once_at_the_users_own_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            canonical({"organization_id": "Acme"})  # direct
        with revenium_middleware.metadata(product_id="Chat"):  # block
            pass
    assert [(each.category, each.filename, each.lineno) for each in caught] == [
        (DeprecationWarning, __file__, _line_of("direct")),
        (DeprecationWarning, __file__, _line_of("block")),
    ]
    assert "'organization_id' is deprecated: use 'organization_name'" in str(caught[0].message)


def test_each_deprecated_spelling_warns_for_itself():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for spelling in ("organization_id", "organizationId", "product_id", "productId") * 2:
            canonical({spelling: "x"})
    assert [str(each.message).split("'")[1] for each in caught] == ["organization_id", "organizationId", "product_id", "productId"]


def test_warnings_as_errors_cost_neither_the_field_nor_the_call():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert canonical({"organization_id": "Acme", "productId": "Chat"}) == {"organization_name": "Acme", "product_name": "Chat"}
    assert not diagnostics.failures


def test_the_text_form_is_ascii_and_comes_back():
    said = canonical({"agent": "é\U0001f600", "subscriber": NESTED, "retry_number": 3})
    text = as_text(said)
    assert text.isascii()
    assert canonical(json.loads(text)) == said


class Text(str):
    """No plain text."""


AT_THE_LIMITS = [character * length for character in "x " for limit in (64, 224, 255, 256, 1024) for length in (limit, limit + 1)]
ODD = st.one_of(st.sampled_from(["", " ", "\t", "\x1c", " a ", "\u00a0", "\u00e9", "\ud800", Text("a"), None, 7, True, b"a", ["a"], *AT_THE_LIMITS]))
SAID = st.one_of(st.sampled_from(["a", "bundled", "x" * 64]), ODD)
CREDENTIAL = st.dictionaries(st.sampled_from(["name", "value", "id", "NAME"]), SAID, max_size=3)
SUBSCRIBER = st.fixed_dictionaries({}, optional={"id": SAID, "email": SAID, "credential": st.one_of(CREDENTIAL, SAID), "subscriber": SAID})
NAMES = st.sampled_from([*_LIMITS, *SPELLINGS, *FLAT_SUBSCRIBER, "operation_type", "credential", Text("agent"), 7])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=1500, deadline=None)
@given(st.dictionaries(NAMES, st.one_of(SAID, SUBSCRIBER), max_size=3), st.one_of(SUBSCRIBER, SAID), st.booleans())
def test_the_short_way_says_what_the_long_one_does_or_nothing(said, subscriber, nested):
    said = {**said, "subscriber": subscriber} if nested else said
    before = copy.deepcopy(said)
    short = _plain(said, _LIMITS)
    assert short is None or short == _sorted_out(said)
    assert said == before


def test_the_short_way_is_taken_where_everything_is_usual():
    usual = {"agent": "a", "task_type": "t", "subscriber": NESTED}
    short = _plain(usual, _LIMITS)
    assert short == usual
    assert short["subscriber"] is not NESTED  # which its owner may change
