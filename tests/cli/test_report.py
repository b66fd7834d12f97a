"""What the report says: sums, marks, selection, and its three forms."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
import time
from typing import Any, Callable, Dict, List

import pytest

from revenium_middleware._usage.pricing import catalogue_name

priced = pytest.mark.skipif(not catalogue_name(), reason="genai-prices cannot be installed on this Python")

MINI = 1000 * 0.15e-6 + 100 * 0.6e-6

UNTOLD = dict.fromkeys(("input_token_count", "output_token_count", "total_token_count", "cache_read_token_count", "reasoning_token_count"))


def parsed(text: str) -> Dict[str, Any]:
    return json.loads(text)  # type: ignore[no-any-return]


def groups(text: str, field: str) -> Dict[Any, Dict[str, Any]]:
    return {group[field]: group for group in parsed(text)["groups"]}


# ------------------------------------------------------------------ sums


@priced
def test_the_first_report(books: Any, report: Callable[..., str]) -> None:
    books.add(times=2, organization_name="Acme", agent="support", time_to_first_token=200, is_streamed=True)
    books.add(organization_name="Globex", agent="search", cache_read_token_count=400, reasoning_token_count=60, request_duration=3000)
    lines = report().splitlines()
    assert lines[0].startswith("3 calls · 20")
    assert " ".join(lines[2].split()) == "Model Customer Agent Calls Errors Input Cached Output Reasoning Total Latency 1st token Cost"
    assert " ".join(lines[4].split()) == "gpt-4o-mini-2024-07-18 Acme support 2 0 2,000 0 200 0 2,200 1.0 s 200 ms $0.000420"
    assert " ".join(lines[5].split()) == "gpt-4o-mini-2024-07-18 Globex search 1 0 1,000 400 100 60 1,100 3.0 s – $0.000180"
    assert " ".join(lines[7].split()) == "Total 3 0 3,000 400 300 60 3,300 1.7 s 200 ms $0.000600"
    assert "Records in the ledger: 3 local" in lines
    assert any("public list prices (%s)" % catalogue_name() in line for line in lines)


def test_records_still_in_journals_are_counted_once(books: Any, report: Callable[..., str]) -> None:
    first, second = books.record(agent="ledger"), books.record(agent="journal")
    books.ingest(first)
    journal = books.journal(first, second)
    for _ in range(2):
        assert {name: group["calls"] for name, group in groups(report("--by", "agent", "--json"), "agent").items()} == {"ledger": 1, "journal": 1}
    journal.close()


def test_journals_are_enough_without_a_ledger_file(books: Any, report: Callable[..., str]) -> None:
    books.journal(books.record()).close()
    assert parsed(report("--json"))["total"]["calls"] == 1


def test_delivery_states_of_the_whole_ledger(books: Any, report: Callable[..., str]) -> None:
    books.ingest(books.record(), books.record(credential="k"), books.record(credential="k"))
    assert "Records in the ledger: 2 pending · 1 local" in report()
    assert parsed(report("--json", "--agent", "nobody"))["records"] == {"pending": 2, "delivered": 0, "local": 1, "refused": 0, "expired": 0}


def test_errors_are_counted_and_are_no_latency(books: Any, report: Callable[..., str]) -> None:
    books.add(request_duration=500)
    books.add(request_duration=90_000, stop_reason="ERROR", error_reason="APITimeoutError", usage_source="unknown", **UNTOLD)
    books.add(kind="image", request_duration=70_000, stop_reason=None, error_reason="BadRequestError (HTTP 400)", error_code=400, **UNTOLD)
    total = parsed(report("--json"))["total"]
    assert (total["calls"], total["errors"], total["average_latency_ms"]) == (3, 2, 500.0)


# ------------------------------------------------------------------ marks


def test_an_unknown_count_is_marked_not_added_as_zero(books: Any, report: Callable[..., str]) -> None:
    books.add()
    books.add(usage_source="unknown", **UNTOLD)
    total = parsed(report("--json"))["total"]
    assert (total["input_tokens"], total["input_tokens_unknown"], total["unknown_calls"]) == (1000, 1, 1)
    assert (total["total_tokens"], total["total_tokens_unknown"]) == (1100, 1)
    text = report()
    assert "≥1,000" in text and "≥1,100" in text
    assert "≥ at least: 1 call did not say what was used" in text


def test_a_count_nobody_reported_is_no_zero(books: Any, report: Callable[..., str]) -> None:
    books.add(usage_source="unknown", **UNTOLD)
    total = parsed(report("--json"))["total"]
    assert total["input_tokens"] is None and total["total_tokens"] is None and total["cost_usd"] is None
    assert " ".join(report().splitlines()[4].split()[3:]) == "1 0 – – – – – 1.0 s – 1 unpriced"


def test_a_part_that_some_did_not_report_is_marked(books: Any, report: Callable[..., str]) -> None:
    books.add(cache_read_token_count=300)
    books.add(cache_read_token_count=None)
    text = report()
    assert "≥300" in text and "≥1" not in text
    assert "≥ at least: some calls did not report this count" in text


def test_a_picture_without_tokens_is_not_an_unknown_count(books: Any, report: Callable[..., str]) -> None:
    books.add()
    books.add(kind="image", model="dall-e-3", actual_image_count=1, stop_reason=None, **UNTOLD)
    total = parsed(report("--json"))["total"]
    assert (total["input_tokens"], total["input_tokens_unknown"]) == (1000, 0)


@priced
def test_estimates_are_marked(books: Any, report: Callable[..., str]) -> None:
    books.add()
    books.add(usage_source="estimated", stop_reason="CANCELLED", cache_read_token_count=None, reasoning_token_count=None)
    text = report()
    assert "~2,000" in text and "~$0.000420" in text
    assert "~ with estimates: 1 call ended before the provider reported usage" in text


@priced
def test_unpriced_calls_stand_beside_the_cost_with_their_reasons(books: Any, report: Callable[..., str]) -> None:
    books.add()
    books.add(times=2, model="my-deployment")
    books.add(provider="CUSTOM")
    text = report("--by", "operation")
    assert "$0.000210 + 3 unpriced" in text
    assert "3 calls unpriced:\n  2 × no price for model my-deployment of OPENAI\n  1 × no price list for provider CUSTOM\n" in text
    document = parsed(report("--json"))
    assert document["total"]["cost_usd"] == pytest.approx(MINI)
    assert document["total"]["unpriced_calls"] == 3
    assert document["unpriced"][0] == {"reason": "no price for model my-deployment of OPENAI", "calls": 2}


def test_a_reported_cost_needs_no_price_list(books: Any, report: Callable[..., str]) -> None:
    books.add(provider="PERPLEXITY", model="sonar-pro", total_cost=0.0123, cost_status="reported")
    document = parsed(report("--json"))
    assert document["total"]["cost_usd"] == 0.0123
    assert (document["total"]["reported_calls"], document["total"]["unpriced_calls"]) == (1, 0)
    assert "$0.0123" in report()


# ------------------------------------------------------------------ prices are kept


@priced
def test_prices_are_stored_with_their_list_and_never_changed(books: Any, report: Callable[..., str]) -> None:
    books.add()
    books.add(model="my-deployment")
    report()
    kept = books.rows("total_cost, cost_status, priced_with")
    assert kept == [
        (pytest.approx(MINI), "priced", catalogue_name()),
        (None, "unpriced", catalogue_name() + ": no price for model my-deployment of OPENAI"),
    ]
    ledger_of_yesterday(books, "UPDATE record SET total_cost = 5, priced_with = 'genai-prices 0.0.1' WHERE number = 1")
    ledger_of_yesterday(books, "UPDATE record SET priced_with = 'genai-prices 0.0.1: no idea' WHERE number = 2")
    report()
    assert books.rows("total_cost, priced_with") == [(5, "genai-prices 0.0.1"), (None, kept[1][2])]


def ledger_of_yesterday(books: Any, sql: str) -> None:
    from revenium_middleware._delivery.ledger import Ledger

    ledger = Ledger(str(books.path))
    ledger.query(sql)
    ledger.close()


@priced
def test_only_what_was_asked_for_is_priced_and_in_batches(books: Any, report: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("revenium_middleware.cli.costs.BATCH", 2)
    books.add(times=5, agent="a")
    books.add(times=3, agent="b")
    assert parsed(report("--agent", "a", "--json"))["total"]["cost_usd"] == pytest.approx(5 * MINI)
    assert [row[0] for row in books.rows("cost_status")] == ["priced"] * 5 + [None] * 3


# ------------------------------------------------------------------ selection


def test_by_any_field_and_by_several(books: Any, report: Callable[..., str]) -> None:
    books.add(environment="production", subscriber={"id": "u1", "email": "a@example.com"}, is_streamed=True)
    books.add(environment="staging", subscriber={"email": "b@example.com"})
    assert set(groups(report("--by", "environment", "--json"), "environment")) == {"production", "staging"}
    assert set(groups(report("--by", "subscriber", "--json"), "subscriber")) == {"u1", "b@example.com"}
    document = parsed(report("--by", "kind, Provider", "--by", "provider,operation", "--json"))
    assert document["by"] == ["kind", "provider", "operation_type"]
    assert parsed(report("--by", "customer,product,task,job,trace", "--json"))["by"] == [
        "organization_name",
        "product_name",
        "task_type",
        "agentic_job_id",
        "trace_id",
    ]


@pytest.mark.parametrize("field", ["model", "provider", "organization", "product", "agent", "task", "day", "month", "hour", "subscriber", "trace", "operation"])
def test_every_named_grouping(books: Any, report: Callable[..., str], field: str) -> None:
    books.add(times=2, created=1_795_000_000.0, organization_name="o", product_name="p", agent="a", task_type="t", subscriber={"id": "s"}, trace_id="x")
    [group] = parsed(report("--by", field, "--json"))["groups"]
    assert group["calls"] == 2
    assert next(iter(group.values())) in ("gpt-4o-mini-2024-07-18", "OPENAI", "o", "p", "a", "t", "s", "x", "CHAT", "2026-11-18", "2026-11", "2026-11-18 11:00")


def test_days_are_those_of_utc_and_can_be_in_order(books: Any, report: Callable[..., str]) -> None:
    for day, times in ((1, 1), (2, 3), (3, 2)):
        books.add(times=times, created=1_795_000_000.0 + day * 86_400)
    assert [group["day"] for group in parsed(report("--by", "day", "--sort", "name", "--json"))["groups"]] == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert [group["day"] for group in parsed(report("--by", "day", "--sort", "calls", "--json"))["groups"]] == ["2026-11-20", "2026-11-21", "2026-11-19"]


def test_since_and_until(books: Any, report: Callable[..., str]) -> None:
    noon = 1_795_000_000.0  # 2026-11-18T11:06:40Z
    for day in range(3):
        books.add(created=noon + day * 86_400, agent="day%d" % day)

    def agents(*arguments: str) -> List[str]:
        return sorted(groups(report("--by", "agent", "--json", *arguments), "agent"))

    assert agents("--since", "2026-11-19") == ["day1", "day2"]
    assert agents("--until", "2026-11-19") == ["day0", "day1"]
    assert agents("--since", "2026-11-19", "--until", "2026-11-19") == ["day1"]
    assert agents("--since", "2026-11-18T11:06:40Z", "--until", "2026-11-19T11:06:40+00:00") == ["day0"]
    assert agents("--since", "2026-11-18T13:06:40+02:00") == ["day0", "day1", "day2"]


@pytest.mark.parametrize(("span", "found"), [("90m", 1), ("24h", 2), ("7d", 3), ("4w", 4), ("1m", 0)])
def test_spans(books: Any, report: Callable[..., str], span: str, found: int) -> None:
    for ago in (600, 40_000, 400_000, 2_000_000):
        books.add(created=time.time() - ago)
    assert parsed(report("--since", span, "--json"))["total"]["calls"] == found


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--provider", "azure"], 1),
        (["--provider", "azure", "--provider", "openai"], 0),
        (["--model", "gpt-4o*"], 2),
        (["--model", "gpt%"], 0),
        (["--organization", "ACME"], 2),
        (["--where", "environment=production"], 1),
        (["--where", "environment!=production"], 2),
        (["--where", "environment="], 2),
        (["--where", "customer!="], 2),
        (["--where", "is_streamed=true"], 1),
        (["--where", "is_streamed=false"], 1),
        (["--where", "temperature=0.5"], 1),
        (["--where", "kind=completion", "--agent", "a'; DROP TABLE record; --"], 1),
        (["--where", "organization-name=acme", "--where", "provider=OPENAI"], 1),
        (["--where", "trace=x=y"], 1),
    ],
)
def test_filters(books: Any, report: Callable[..., str], arguments: List[str], found: int) -> None:
    books.add(organization_name="Acme", environment="production", is_streamed=True, temperature=0.5)
    books.add(organization_name="Acme", provider="Azure", is_streamed=False, trace_id="x=y")
    books.add(model="other", agent="a'; DROP TABLE record; --")
    assert parsed(report("--json", *arguments))["total"]["calls"] == found
    assert len(books.rows("id")) == 3


def test_the_limit_leaves_groups_out_of_the_table_not_of_the_total(books: Any, report: Callable[..., str]) -> None:
    books.ingest(*(books.record(agent="agent-%02d" % number) for number in range(60)))
    text = report("--by", "agent")
    assert text.count("agent-") == 50 and "… and 10 more groups, in the total: --limit 0 shows all" in text
    assert report("--by", "agent", "--limit", "0").count("agent-") == 60
    document = parsed(report("--by", "agent", "--limit", "5", "--json"))
    assert (len(document["groups"]), document["groups_left_out"], document["total"]["calls"]) == (5, 55, 60)
    assert len(parsed(report("--by", "agent", "--json"))["groups"]) == 60


def test_nothing_matches(books: Any, report: Callable[..., str]) -> None:
    books.add()
    assert "No record matches" in report("--agent", "nobody")
    document = parsed(report("--agent", "nobody", "--json"))
    assert document["groups"] == [] and document["total"]["calls"] == 0 and document["total"]["input_tokens"] is None


# ------------------------------------------------------------------ JSON and CSV


@priced
def test_csv_has_a_line_per_group_and_says_unknown_by_saying_nothing(books: Any, report: Callable[..., str]) -> None:
    books.add(agent='say "hi", twice')
    books.add(agent="lost", usage_source="unknown", **UNTOLD)
    rows = {row["agent"]: row for row in csv.DictReader(io.StringIO(report("--by", "agent", "--csv")))}
    first, lost = rows['say "hi", twice'], rows["lost"]
    assert (first["input_tokens"], first["unpriced_calls"], float(first["cost_usd"])) == ("1000", "0", pytest.approx(MINI))
    assert (lost["input_tokens"], lost["input_tokens_unknown"], lost["cost_usd"], lost["unpriced_calls"]) == ("", "1", "", "1")


def test_json_and_csv_have_the_same_measures(books: Any, report: Callable[..., str]) -> None:
    books.add(agent="a")
    [group] = parsed(report("--by", "agent", "--json"))["groups"]
    assert next(csv.reader(io.StringIO(report("--by", "agent", "--csv")))) == list(group)


def test_a_ledger_whose_process_ended_before_it_had_tables_is_one(books: Any, report: Callable[..., str]) -> None:
    books.journal(books.record(), books.record()).close()
    with contextlib.closing(sqlite3.connect(str(books.path))) as direct:
        direct.execute("PRAGMA journal_mode=WAL")
    assert report().startswith("2 calls")
