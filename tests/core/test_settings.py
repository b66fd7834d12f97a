"""Every setting: its variable, its default, what it takes and what it refuses."""

from __future__ import annotations

import logging
import os

import pytest

import revenium_middleware
import revenium_middleware.openai
from revenium_middleware._calls.runtime import runtime
from revenium_middleware._core.settings import DEFAULT_BASE_URL, ROWS, Settings, api_key, load, metering_url

KEY = "hak_0123456789abcdef"
SWITCHES = [("true", True), ("TRUE", True), (" 1 ", True), ("yes", True), ("On", True), ("false", False), ("0", False), ("No", False), ("off", False)]
SECONDS = [("0", 0.0), ("2.5", 2.5), (" 86400 ", 86400.0)]
NO_SECONDS = ["-1", "nan", "inf", "soon", "86401"]

# variable, attribute, default, what it takes, what it refuses: the documentation, written down a second time
TABLE = [
    ("REVENIUM_METERING_API_KEY", "api_key", "", [(KEY, KEY), (" rev_mk_1 ", "rev_mk_1")], ["sk-1", "hak", "hak_a b", "hak_\u00e9", "HAK_1"]),
    ("REVENIUM_METERING_BASE_URL", "base_url", DEFAULT_BASE_URL, [("http://h", "http://h/meter/")], ["h", "ftp://h", "http://", "http://h h", "http://[::1"]),
    ("REVENIUM_LEDGER", "ledger", "", [("memory", "memory"), (" /a/b.db ", "/a/b.db")], []),
    ("REVENIUM_LOG_LEVEL", "log_level", "", [("debug", "DEBUG"), (" Warning ", "WARNING"), ("CRITICAL", "CRITICAL")], ["LOUD", "10", "NOTSET"]),
    ("REVENIUM_DEBUG", "debug", False, SWITCHES, ["maybe", "2"]),
    ("REVENIUM_SELECTIVE_METERING", "selective_metering", False, SWITCHES, ["maybe"]),
    ("REVENIUM_CARRY_CONTEXT", "carry_context", True, SWITCHES, ["maybe"]),
    ("REVENIUM_CAPTURE_PROMPTS", "capture_prompts", False, SWITCHES, ["maybe"]),
    ("REVENIUM_CAPTURE_ERROR_MESSAGES", "capture_error_messages", False, SWITCHES, ["maybe"]),
    ("AZURE_OPENAI_DEPLOYMENT", "azure_deployment", "", [(" my-gpt4 ", "my-gpt4")], []),
    ("REVENIUM_BEDROCK_DISABLE", "bedrock_disable", False, SWITCHES, ["maybe"]),
    ("REVENIUM_BEDROCK_TRANSPORT", "bedrock_transport", True, SWITCHES, ["maybe"]),
    ("REVENIUM_METERING_TIMEOUT_SECONDS", "timeout_seconds", 10.0, SECONDS, NO_SECONDS),
    ("REVENIUM_METERING_CONNECT_TIMEOUT_SECONDS", "connect_timeout_seconds", 5.0, SECONDS, NO_SECONDS),
    ("REVENIUM_SHUTDOWN_TIMEOUT_SECONDS", "shutdown_seconds", 5.0, SECONDS, NO_SECONDS),
    ("REVENIUM_INSTALL_SIGNAL_HANDLERS", "install_signal_handlers", False, SWITCHES, ["maybe"]),
    ("REVENIUM_LEDGER_MAX_RECORDS", "ledger_max_records", 1_000_000, [("0", 0), (" 500 ", 500)], ["-1", "1.5", "many"]),
    ("REVENIUM_LEDGER_KEEP_DAYS", "ledger_keep_days", 90, [("0", 0), ("30", 30)], ["-1", "nan"]),
]
GOOD = [(variable, attribute, text, value) for variable, attribute, _, good, _ in TABLE for text, value in good]
BAD = [(variable, attribute, text, default) for variable, attribute, default, _, bad in TABLE for text in bad]


def test_the_table_is_complete():
    assert [(row.variable, row.attribute, row.default) for row in ROWS] == [line[:3] for line in TABLE]
    assert all(row.doc and row.example for row in ROWS)
    for row in ROWS:
        assert load({row.variable: row.example}).faults == (), row.variable


@pytest.mark.parametrize("blank", ["", "  "], ids=repr)
def test_a_blank_variable_is_not_set(blank):
    assert load({row.variable: blank for row in ROWS}) == load({}) == Settings()


@pytest.mark.parametrize(("variable", "attribute", "text", "value"), GOOD)
def test_a_variable_sets_its_setting_and_no_other(variable, attribute, text, value):
    settings = load({variable: text})
    assert getattr(settings, attribute) == value
    assert settings.faults == ()
    untouched = [line[1] for line in TABLE if line[1] not in (attribute, "log_level")]
    assert all(getattr(settings, name) == getattr(Settings(), name) for name in untouched)


@pytest.mark.parametrize(("variable", "attribute", "text", "default"), BAD, ids=ascii)
def test_a_bad_value_is_one_fault_that_names_the_variable_and_the_default_stays(variable, attribute, text, default):
    settings = load({variable: text})
    assert getattr(settings, attribute) == default
    (fault,) = settings.faults
    assert fault.startswith(variable + " is ignored: ")
    assert "must" in fault


def test_debug_beats_the_log_level():
    assert load({"REVENIUM_DEBUG": "1", "REVENIUM_LOG_LEVEL": "ERROR"}).log_level == "DEBUG"
    assert load({"REVENIUM_DEBUG": "0", "REVENIUM_LOG_LEVEL": "ERROR"}).log_level == "ERROR"


# What is given, and where records go
URLS = [
    ("https://api.revenium.ai", "https://api.revenium.ai/meter/"),
    ("https://api.revenium.ai/", "https://api.revenium.ai/meter/"),
    ("https://api.revenium.ai/meter", "https://api.revenium.ai/meter/"),
    ("https://api.revenium.ai/meter/", "https://api.revenium.ai/meter/"),
    ("https://api.revenium.ai/meter/v2", "https://api.revenium.ai/meter/"),
    (" https://api.revenium.ai \n", "https://api.revenium.ai/meter/"),
    ("https://h/x/y", "https://h/x/y/meter/"),
    ("https://h/Meter", "https://h/Meter/"),
    ("https://h/p/meter/meter", "https://h/p/meter/meter/"),
    ("https://h/meters", "https://h/meters/meter/"),
    ("https://h/meter?x=1", "https://h/meter/"),
    ("https://h//meter//", "https://h/meter/"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080/meter/"),
    ("http://[::1]:8080/a", "http://[::1]:8080/a/meter/"),
    ("HTTPS://h", "https://h/meter/"),
]
NO_URLS = ["", "h", "/meter"] + ["h:443", "ftp://h", "http://", "http:///meter", "https://a b", "http://[::1", "http://h:port", "http://h:99999", "http://h:0"]


@pytest.mark.parametrize(("given", "used"), URLS, ids=ascii)
def test_a_base_url_is_completed(given, used):
    assert metering_url(given) == used
    assert metering_url(used) == used


@pytest.mark.parametrize("given", NO_URLS, ids=ascii)
def test_what_is_no_base_url_is_refused_with_its_rule(given):
    with pytest.raises(ValueError, match="must be http:// or https:// with a host"):
        metering_url(given)


@pytest.mark.parametrize("given", ["sk-S3CRET", "S3CRET", "hak_S3CRET x", "hak_\u00e9S3CRET", "", " "], ids=ascii)
def test_what_is_no_key_is_refused_without_being_shown(given):
    with pytest.raises(ValueError, match="must start with 'hak_' or 'rev_'") as error:
        api_key(given)
    assert "S3CRET" not in str(error.value)


# ---------------------------------------------------------------------- in a process


@pytest.mark.parametrize(
    ("variable", "value"),
    [("REVENIUM_METERING_API_KEY", "sk-S3CRET"), ("REVENIUM_METERING_BASE_URL", "ftp://nowhere"), ("REVENIUM_METERING_BASE_URL", "http://[")],
)
def test_a_malformed_key_or_url_is_one_warning_and_local_mode(variable, value, monkeypatch, caplog):
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    for _ in range(3):
        status = revenium_middleware.status()
        monkeypatch.setenv("UNRELATED", str(id(status)))
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 1
    assert warned[0].startswith(variable + " is ignored: ")
    assert "S3CRET" not in caplog.text
    assert status.mode == "local"
    assert status.faults == (warned[0],)
    assert revenium_middleware.openai.is_initialized() is True


def test_without_a_key_one_line_says_where_records_go(monkeypatch, caplog, tmp_path):
    for _ in range(3):
        assert revenium_middleware.status().mode == "local"
        monkeypatch.setenv("UNRELATED", str(len(os.environ)))
        monkeypatch.setenv("UNRELATED2", "x")
        monkeypatch.delenv("UNRELATED2")
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert str(tmp_path / "ledger.db") in lines[0]


@pytest.mark.parametrize(
    "bad", [{"api_key": "nonsense"}, {"api_key": ""}, {"base_url": "nonsense"}, {"api_key": KEY, "base_url": "ftp://h"}, {"base_url": "http://["}]
)
def test_initialize_metering_refuses_what_is_malformed_and_changes_nothing(bad):
    with pytest.raises(ValueError, match="must "):
        revenium_middleware.initialize_metering(**bad)
    assert runtime.settings().local
    assert runtime.settings().base_url == DEFAULT_BASE_URL


def test_initialize_metering_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("REVENIUM_METERING_API_KEY", "hak_environment")
    assert revenium_middleware.initialize_metering(base_url="http://h:1") is True
    assert revenium_middleware.initialize_metering(api_key=" rev_given ") is True
    settings = runtime.settings()
    assert (settings.api_key, settings.base_url) == ("rev_given", "http://h:1/meter/")


def test_initialize_metering_without_a_key_says_that_records_stay():
    assert revenium_middleware.initialize_metering() is False
    assert revenium_middleware.initialize_metering(base_url="http://h:1") is False


def test_every_change_of_the_environment_is_seen(monkeypatch):
    steps = [("REVENIUM_METERING_API_KEY", KEY), ("REVENIUM_METERING_BASE_URL", "http://h:1"), ("REVENIUM_SELECTIVE_METERING", "true")]
    steps += [("REVENIUM_TRACE_NAME", "t")]
    assert runtime.settings().local
    for variable, value in steps:
        monkeypatch.setenv(variable, value)
        runtime.settings()
    settings = runtime.settings()
    assert (settings.api_key, settings.base_url, settings.selective_metering) == (KEY, "http://h:1/meter/", True)
    assert settings.metadata == {"trace_name": "t"}
    for variable, _ in steps:
        monkeypatch.delenv(variable)
    assert runtime.settings() == load({"REVENIUM_LEDGER": os.environ["REVENIUM_LEDGER"]})


def test_no_representation_shows_the_key():
    settings = load({"REVENIUM_METERING_API_KEY": KEY})
    assert KEY not in repr(settings)
    assert KEY not in str(settings)
    assert settings.credential not in KEY
    assert len(settings.credential) == 16
    assert settings.credential == load({"REVENIUM_METERING_API_KEY": KEY}).credential != load({"REVENIUM_METERING_API_KEY": KEY + "1"}).credential
