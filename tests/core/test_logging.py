"""Who prints what: each case in a process of its own, as logging is the process's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
EACH = """
import logging
logger = logging.getLogger("revenium_middleware")
for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    logger.log(getattr(logging, level), "said at %s", level)
"""
USE = "import revenium_middleware; revenium_middleware.status()\n"


def run(code, **environment):
    """What the process printed to stderr, and its exit was clean."""
    full = {name: value for name, value in os.environ.items() if not name.startswith("REVENIUM_LOG")}
    full.update({"PYTHONPATH": str(SOURCE), "REVENIUM_LEDGER": "memory"}, **environment)
    done = subprocess.run([sys.executable, "-c", code], env=full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return done.stderr


def said(err):
    return [level for level in LEVELS if "said at " + level in err]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("spelled", [str.upper, str.lower], ids=["upper", "lower"])
def test_setting_the_level_prints_from_that_level_on(level, spelled):
    err = run(USE + EACH, REVENIUM_LOG_LEVEL=spelled(level))
    assert said(err) == LEVELS[LEVELS.index(level) :]
    assert err.count("said at CRITICAL") == 1
    assert ("stay in the local ledger" in err) is (level in ("DEBUG", "INFO", "WARNING"))


def test_debug_has_a_variable_of_its_own():
    assert said(run(USE + EACH, REVENIUM_DEBUG="true", REVENIUM_LOG_LEVEL="ERROR")) == LEVELS


def test_unset_nothing_of_ours_is_attached_and_pythons_last_resort_shows_warnings():
    code = USE + EACH + "assert logger.handlers == [] and logging.getLogger().handlers == [] and logger.level == 0"
    err = run(code)
    assert said(err) == ["WARNING", "ERROR", "CRITICAL"]
    assert err.count("stay in the local ledger") == 1


@pytest.mark.parametrize("value", ["LOUD", "10", "True"])
def test_an_invalid_level_is_one_warning_and_counts_as_unset(value):
    err = run(USE + USE + EACH, REVENIUM_LOG_LEVEL=value)
    assert err.count("REVENIUM_LOG_LEVEL is ignored: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL") == 1
    assert said(err) == ["WARNING", "ERROR", "CRITICAL"]


@pytest.mark.parametrize("level", ["", "INFO"])
def test_a_host_that_configures_before_has_each_line_once_in_its_own_format(level):
    err = run("import logging; logging.basicConfig(format='HOST %(message)s', level=logging.INFO)\n" + USE + EACH, REVENIUM_LOG_LEVEL=level)
    assert said(err) == ["INFO", "WARNING", "ERROR", "CRITICAL"]
    assert all(line.startswith("HOST ") for line in err.splitlines())
    assert err.count("said at ERROR") == 1


@pytest.mark.parametrize("level", ["", "INFO"])
def test_a_host_that_configures_after_has_each_line_once_from_then_on(level):
    after = "logging.basicConfig(format='HOST %(message)s', level=logging.INFO)\nlogger.warning('after')\nlogger.error('later')\n"
    err = run(USE + EACH + after, REVENIUM_LOG_LEVEL=level)
    lines = err.splitlines()
    assert [line for line in lines if "after" in line or "later" in line] == ["HOST after", "HOST later"]
    assert err.count("said at ERROR") == 1


def test_our_handler_is_gone_once_the_host_has_its_own():
    after = "logging.basicConfig()\nlogger.warning('x')\nassert logger.handlers == [], logger.handlers"
    run(USE + EACH + after, REVENIUM_LOG_LEVEL="INFO")


def test_a_host_that_gives_our_logger_a_handler_keeps_it_alone():
    code = "import logging, sys\nhandler = logging.StreamHandler(); handler.setFormatter(logging.Formatter('OWN %(message)s'))\n"
    code += "logging.getLogger('revenium_middleware').addHandler(handler)\n" + USE + EACH + "assert logger.handlers == [handler]"
    err = run(code, REVENIUM_LOG_LEVEL="WARNING")
    assert all(line.startswith("OWN ") for line in err.splitlines())
    assert err.count("said at ERROR") == 1


def test_a_level_that_changes_at_run_time_counts_from_the_next_call():
    code = USE + EACH + "import os\nos.environ['REVENIUM_LOG_LEVEL'] = 'ERROR'\nrevenium_middleware.status()\nlogger.warning('unheard'); logger.error('heard')"
    err = run(code, REVENIUM_LOG_LEVEL="DEBUG")
    assert "unheard" not in err
    assert err.count("heard") == 1


def test_our_handler_is_attached_once_whatever_happens():
    code = USE + "import os\nfor level in ('INFO', 'DEBUG', 'INFO') * 3:\n    os.environ['REVENIUM_LOG_LEVEL'] = level\n    revenium_middleware.status()\n"
    err = run(code + EACH + "assert len(logger.handlers) == 1", REVENIUM_LOG_LEVEL="INFO")
    assert err.count("said at ERROR") == 1


def test_stderr_may_be_replaced():
    code = "import io, sys\n" + USE + "real, sys.stderr = sys.stderr, io.StringIO()\n" + EACH + "caught, sys.stderr = sys.stderr.getvalue(), real\n"
    assert said(run(code + "assert 'said at INFO' in caught", REVENIUM_LOG_LEVEL="INFO")) == []


def test_importing_alone_touches_no_logger():
    code = "import logging\nimport revenium_middleware, revenium_middleware.openai\n"
    code += "assert logging.getLogger().handlers == [] and logging.getLogger('revenium_middleware').handlers == []\n"
    code += "assert logging.getLogger('revenium_middleware').level == 0 and logging.getLogger('revenium_middleware').propagate"
    assert run(code, REVENIUM_LOG_LEVEL="DEBUG") == ""
