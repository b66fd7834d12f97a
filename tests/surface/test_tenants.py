"""Whose account, and under which key: blocks, threads, tasks, streams, outages, and what is on disk."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

import revenium_middleware
from revenium_middleware import client, get_idempotency_key, idempotency_key, metering_key, set_idempotency_key
from revenium_middleware._calls.runtime import runtime
from revenium_middleware.testing import Fault, MeteringServer

ASK = [{"role": "user", "content": "Hello"}]


def keys_by_agent(server):
    return sorted((payload.payload["agent"], payload.headers["x-api-key"]) for payload in server.accepted)


def tenant(number):
    return "hak_tenant_%02d_secret" % number


def test_twenty_threads_keep_their_tenants_apart(metering):
    barrier = threading.Barrier(20)

    def work(number):
        with metering_key(tenant(number)):
            barrier.wait(30)
            for _ in range(5):
                client.record_usage("m", 1, 1, agent="%02d" % number)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    client.record_usage("m", 1, 1, agent="own")
    assert revenium_middleware.flush(60) == 0
    wanted = [("%02d" % number, tenant(number)) for number in range(20) for _ in range(5)]
    assert keys_by_agent(metering) == sorted([*wanted, ("own", "hak_loopback_0123456789")])


def test_twenty_tasks_keep_their_tenants_apart_with_real_calls(metering, provider):
    async def work(number, own):
        with metering_key(tenant(number)):
            await asyncio.sleep(0)
            await own.chat.completions.create(model="gpt-4o", messages=ASK, usage_metadata={"agent": "%02d" % number})
            await own.embeddings.create(model="text-embedding-3-small", input="x", usage_metadata={"agent": "%02d" % number})

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=provider.openai_url, api_key="k") as own:
            await asyncio.gather(*(work(number, own) for number in range(20)))

    asyncio.run(all_of_them())
    assert revenium_middleware.flush(60) == 0
    assert keys_by_agent(metering) == sorted(("%02d" % number, tenant(number)) for number in range(20) for _ in range(2))


def test_a_stream_belongs_to_the_block_it_began_in_however_late_it_ends(metering, provider):
    with openai.OpenAI(base_url=provider.openai_url, api_key="k") as own:
        with metering_key(tenant(1)), idempotency_key("k"):
            stream = own.chat.completions.create(model="gpt-4o", messages=ASK, stream=True)
        with metering_key(tenant(2)):
            assert list(stream)
    assert revenium_middleware.flush(30) == 0
    assert [(each.headers["x-api-key"], each.key) for each in metering.accepted] == [(tenant(1), "k")]


def test_blocks_nest_and_each_has_its_own_address(metering):
    with MeteringServer() as other:
        with metering_key(tenant(1)):
            with metering_key(tenant(2), other.url):
                client.record_usage("m", 1, 1, agent="inner")
            client.record_usage("m", 1, 1, agent="outer")
        assert revenium_middleware.flush(30) == 0
        assert keys_by_agent(other) == [("inner", tenant(2))]
    assert keys_by_agent(metering) == [("outer", tenant(1))]


@pytest.mark.parametrize("ledger", ["", "off", "memory"])
def test_a_tenants_key_is_enough_where_no_other_is_set(monkeypatch, ledger):
    if ledger:
        monkeypatch.setenv("REVENIUM_LEDGER", ledger)
    with MeteringServer() as server:
        with metering_key(tenant(1), server.url):
            client.record_usage("m", 1, 1, agent="tenant")
        assert revenium_middleware.flush(30) == 0
        assert keys_by_agent(server) == [("tenant", tenant(1))]


def test_no_key_is_written_anywhere(metering, tmp_path):
    metering.script(Fault(status=503))
    with metering_key(tenant(1)):
        client.record_usage("m", 1, 1)
    assert revenium_middleware.flush(30) == 0
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"input_token_count" in written
    assert tenant(1).encode() not in written
    assert tenant(1) not in repr(revenium_middleware.status())


def test_a_tenant_that_is_refused_or_down_holds_up_no_other(metering):
    with MeteringServer(usual=Fault(status=403)) as refusing:
        for number in range(6):
            with metering_key(tenant(1), refusing.url):
                client.record_usage("m", 1, 1, agent="refused")
            with metering_key(tenant(2), "http://127.0.0.1:9"):
                client.record_usage("m", 1, 1, agent="unreachable")
            with metering_key(tenant(3)):
                client.record_usage("m", 1, 1, agent="%02d" % number)
        assert len(metering.wait_for(6, 30)) == 6
    assert {key for _, key in keys_by_agent(metering)} == {tenant(3)}


@pytest.mark.parametrize("key", ["sk-1", "", "hak 1", "hak_\u00e9"])
def test_a_malformed_key_is_a_value_error_that_names_the_rule_and_not_the_key(key):
    with pytest.raises(ValueError, match="hak_") as caught, metering_key(key):
        pass
    assert not key or key not in str(caught.value)
    with pytest.raises(ValueError, match="http"), metering_key(tenant(1), "ftp://x"):
        pass


# ---------------------------------------------------------------------- idempotency


def keys(server):
    return [each.key for each in server.accepted]


def test_the_records_of_a_block_are_numbered_and_blocks_nest(metering):
    with idempotency_key("k"):
        assert get_idempotency_key() == "k"
        client.record_usage("m", 1, 1, agent="1")
        client.record_usage("m", 1, 1, agent="2")
        with idempotency_key("inner"):
            client.record_usage("m", 1, 1, agent="inner")
        client.record_usage("m", 1, 1, agent="3")
    assert get_idempotency_key() is None
    assert revenium_middleware.flush(30) == 0
    assert {each.payload["agent"]: each.key for each in metering.accepted} == {"1": "k", "2": "k:2", "3": "k:3", "inner": "inner"}


def test_the_numbers_are_right_across_threads_and_tasks(metering):
    async def tasks():
        await asyncio.gather(*(client.async_record_usage("m", 1, 1) for _ in range(20)))

    with idempotency_key("k"):
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: client.record_usage("m", 1, 1), range(60)))
        asyncio.run(tasks())
    assert revenium_middleware.flush(60) == 0
    assert sorted(keys(metering)) == sorted(["k", *("k:%d" % number for number in range(2, 81))])


def test_a_key_that_would_be_too_long_is_hashed(metering):
    long, fits = "x" * 300, "y" * 254
    for key in (long, fits):
        with idempotency_key(key):
            client.record_usage("m", 1, 1)
            client.record_usage("m", 1, 1)
    assert revenium_middleware.flush(30) == 0
    digest = {key: hashlib.sha256(key.encode()).hexdigest() for key in (long, fits)}
    assert sorted(keys(metering)) == sorted([digest[long] + ":1", digest[long] + ":2", fits, digest[fits] + ":2"])


def test_a_failed_call_takes_no_number_so_its_repetition_is_recorded(metering, provider):
    provider.script(Fault.server_error())
    with openai.OpenAI(base_url=provider.openai_url, api_key="k", max_retries=0) as own:
        for _ in range(2):
            with idempotency_key("k"):
                try:
                    own.chat.completions.create(model="gpt-4o", messages=ASK)
                except openai.InternalServerError:
                    pass
    assert revenium_middleware.flush(30) == 0
    failed, answered = sorted(metering.accepted, key=lambda each: each.payload["stopReason"] != "ERROR")
    assert failed.key.startswith("k:err:")
    assert (answered.key, answered.payload["stopReason"]) == ("k", "END")


def test_the_same_key_again_is_the_same_record_and_other_tenants_have_their_own(metering, records):
    for number in (1, 1, 2):
        with metering_key(tenant(number)), idempotency_key("k"):
            client.record_usage("m", 1, 1, agent="%d" % number)
    assert revenium_middleware.flush(30) == 0
    assert sorted((each.headers["x-api-key"], each.key) for each in metering.records) == [(tenant(1), "k"), (tenant(2), "k")]
    assert len(records()) == 2


def test_a_key_may_be_set_without_a_block(records):
    set_idempotency_key("set")
    client.record_usage("m", 1, 1)
    assert get_idempotency_key() == "set"
    set_idempotency_key(None)
    assert get_idempotency_key() is None
    client.record_usage("m", 1, 1)
    first, second = records()
    assert first.id == "set" != second.id


@pytest.mark.parametrize("key", ["", " k", "k\n", "caf\u00e9", None, 5])
def test_a_key_that_cannot_be_sent_is_a_value_error(key):
    with pytest.raises(ValueError, match="ASCII"), idempotency_key(key):
        pass


def test_a_record_keeps_its_key_through_an_outage(metering):
    metering.script(Fault(status=503), Fault.disconnect())
    with idempotency_key("kept"):
        client.record_usage("m", 1, 1)
    assert revenium_middleware.flush(30) == 0
    assert [each.key for each in metering.records] == ["kept"] * 3
    assert runtime.status().delivered == 1
