"""Every way in which a process ends: it ends as it would without us, and its records are delivered or kept."""

from __future__ import annotations

import re
import signal
import time

import pytest

import revenium_middleware
from revenium_middleware._calls.runtime import runtime
from revenium_middleware.testing import Fault

from .conftest import popen

NOWHERE = "http://127.0.0.1:9"
ASKED = {"REVENIUM_INSTALL_SIGNAL_HANDLERS": "true"}
WAIT = "\nprint('ready', flush=True)\nwhile True: time.sleep(0.05)\n"


def sent(code, number, **environment):
    """Run ``code``, send it a signal once it says that it is ready, and wait for its end: (return code, what it printed, its errors)."""
    process = popen(code + WAIT, **environment)
    said = [process.stdout.readline()]
    while said[-1] not in ("ready\n", ""):
        said.append(process.stdout.readline())
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, "".join(said[:-1]) + out, err


def left_and_delivered(child, metering, count):
    """Nothing was lost: a next process delivers what this one did not."""
    child("keep(1, agent='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    assert len([payload for payload in metering.payloads() if payload.get("agent") != "next"]) == count
    assert len({each.key for each in metering.records}) == len({each.key for each in metering.accepted})


# ---------------------------------------------------------------------- nothing asked for


def test_sigterm_ends_the_process_at_once_and_nothing_is_lost(metering, child):
    metering.script(*[Fault.silence()] * 50)
    assert sent("keep(10)", signal.SIGTERM)[0] == -signal.SIGTERM
    metering.reset()
    left_and_delivered(child, metering, 10)


def test_ctrl_c_is_the_apps_own(metering, child):
    code, _, err = sent("keep(10)", signal.SIGINT)
    assert code in (-signal.SIGINT, 1)
    assert "KeyboardInterrupt" in err and "revenium" not in err
    left_and_delivered(child, metering, 10)


def test_ctrl_c_while_we_wait_at_exit_ends_the_wait_without_a_word(metering, child):
    metering.script(*[Fault.silence()] * 50)
    done = child(
        """
        import threading
        def in_our_wait():
            frame = sys._current_frames()[threading.main_thread().ident]
            while frame is not None and frame.f_code.co_name != "flush":
                frame = frame.f_back
            return frame is not None
        def interrupt():
            while not in_our_wait():
                time.sleep(0.02)
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGINT)
        keep(3)
        threading.Thread(target=interrupt, daemon=True).start()
        sys.exit(4)
        """,
        code_of_return=4,
        REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="600",  # the child is given a minute
    )
    assert done.stderr == ""
    metering.reset()
    left_and_delivered(child, metering, 3)


@pytest.mark.parametrize(
    "end, expected",
    [("sys.exit(3)", 3), ("raise ValueError('of the app')", 1), ("sys.exit('words')", 1), ("pass", 0)],
    ids=["sys.exit", "exception", "exit with words", "normal"],
)
def test_a_normal_end_delivers_and_keeps_its_exit_code(metering, child, end, expected):
    done = child("keep(10)\n" + end, code_of_return=expected)
    assert len(metering.accepted) == 10
    assert "revenium" not in done.stderr


def test_daemon_threads_that_are_still_recording_lose_nothing(metering, child):
    done = child(
        """
        import threading
        enough = threading.Event()
        def work():
            n = 0
            while True:
                keep(1, transaction_id=str(n))
                os.write(1, b"%d\\n" % n)
                n += 1
                if n == 50:
                    enough.set()
                time.sleep(0.002)
        threading.Thread(target=work, daemon=True).start()
        enough.wait(60)
        """
    )
    noted = set(done.stdout.split())
    child("keep(1, transaction_id='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    arrived = [payload["transactionId"] for payload in metering.payloads()]
    assert noted and noted <= set(arrived)
    assert len(arrived) == len(set(arrived))


def test_what_finalisers_and_exit_functions_record_is_delivered_too(metering, child, provider):
    """They were registered after our import, whether before or after the first record; ours runs after them all."""
    child(
        """
        import atexit, weakref, openai
        class Thing: pass
        things = [Thing(), Thing()]
        weakref.finalize(things[0], lambda: keep(1, agent="finaliser, early"))
        atexit.register(lambda: keep(1, agent="exit function"))
        client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k")
        said = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "stream": True}
        opened = client.chat.completions.create(**said, usage_metadata={"agent": "open stream"})
        closed = client.chat.completions.create(**said, usage_metadata={"agent": "stream closed by a finaliser"})
        next(iter(opened)); next(iter(closed))
        weakref.finalize(things[1], closed.close)
        """,
        PROVIDER=provider.openai_url,
    )
    reasons = {payload["agent"]: payload.get("stopReason") for payload in metering.payloads()}
    assert sorted(reasons) == ["exit function", "finaliser, early", "open stream", "stream closed by a finaliser"]
    assert reasons["open stream"] == reasons["stream closed by a finaliser"] == "CANCELLED"
    assert len(metering.records) == 4


# ---------------------------------------------------------------------- asked for


def test_a_signal_handler_is_installed_only_where_it_is_asked_for(child):
    handler = "assert (signal.getsignal(signal.SIGTERM) == signal.SIG_DFL) is %s\nkeep(1)\n"
    child(handler % True + handler % True)
    child(handler % False + handler % False, **ASKED)
    child(handler % False + "revenium_middleware.uninstall()\n" + "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL", **ASKED)
    late = "import threading\nos.environ['REVENIUM_INSTALL_SIGNAL_HANDLERS'] = 'on'\n%s\nassert (signal.getsignal(signal.SIGTERM) == signal.SIG_DFL) is %s"
    child(late % ("keep(1)", False))
    child(late % ("thread = threading.Thread(target=keep); thread.start(); thread.join()", True))


def test_asked_for_sigterm_delivers_and_the_exit_status_stays(metering):
    code, _, err = sent("keep(20)", signal.SIGTERM, **ASKED)
    assert (code, err) == (-signal.SIGTERM, "")
    assert len(metering.accepted) == 20


def test_asked_for_sigterm_settles_open_streams(metering, provider):
    code = """
import openai
client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k")
stream = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}], stream=True)
next(iter(stream))
"""
    assert sent(code, signal.SIGTERM, PROVIDER=provider.openai_url, **ASKED)[0] == -signal.SIGTERM
    assert [payload["stopReason"] for payload in metering.payloads()] == ["CANCELLED"]


def test_asked_for_and_the_service_hangs_the_end_comes_with_the_budget(metering, child):
    metering.script(*[Fault.silence()] * 50)
    # without a budget of its own the process would try for a day; it is given a minute
    assert sent("keep(5)", signal.SIGTERM, REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="1", **ASKED)[0] == -signal.SIGTERM
    metering.reset()
    left_and_delivered(child, metering, 5)


def test_asked_for_a_second_sigterm_does_not_wait(metering):
    metering.script(*[Fault.silence()] * 50)
    process = popen("keep(5)" + WAIT, REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="50", **ASKED)
    process.stdout.readline()
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    process.communicate()
    assert process.returncode == -signal.SIGTERM


BEFORE = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda number, frame: (print('of the app', number, flush=True), sys.exit(7)))\n"


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_apps_own_handler_runs_whether_it_came_before_or_after_ours(metering, child, when):
    import_again = "revenium_middleware.uninstall(); import importlib; %s; importlib.reload(revenium_middleware.openai)\n"
    code = import_again % "signal.signal(signal.SIGTERM, signal.SIG_DFL)"
    code = BEFORE + code.replace("signal.signal(signal.SIGTERM, signal.SIG_DFL)", "pass") if when == "before" else code + BEFORE
    code, out, err = sent(code + "keep(5)", signal.SIGTERM, **ASKED)
    assert (code, err) == (7, "")
    assert out.count("of the app 15") == 1
    assert len(metering.accepted) == 5


def test_a_signal_that_is_ignored_stays_ignored(child):
    child(
        """
        revenium_middleware.uninstall()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        import importlib; importlib.reload(revenium_middleware.openai)
        keep(1)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGTERM)
        """,
        **ASKED,
    )


def test_an_apps_handler_is_not_taken_away_by_uninstall(child):
    child(
        """
        mine = lambda number, frame: None
        signal.signal(signal.SIGTERM, mine)
        keep(1)
        revenium_middleware.uninstall()
        assert signal.getsignal(signal.SIGTERM) is mine
        """,
        **ASKED,
    )


def test_asyncio_apps_keep_their_handler(metering, child):
    code = """
import asyncio
async def main():
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    keep(5)
    print("ready", flush=True)
    await ended.wait()
    print("ended", flush=True)
asyncio.run(main())
sys.exit(5)
"""
    status, out, err = sent(code, signal.SIGTERM, **ASKED)
    assert (status, out, err) == (5, "ended\n", "")
    assert len(metering.accepted) == 5


def test_a_sigterm_at_any_moment_of_recording_neither_hangs_nor_loses(metering, child):
    """The handler meets the main thread wherever it is: inside the journal, starting the sender, in a flush."""
    noted = set()
    for number in range(5):
        process = popen(
            """
            n = 0
            while True:
                keep(1, transaction_id="%d-%%d" %% n)
                os.write(1, b"%d-%%d\\n" %% n)
                n += 1
                if n %% 50 == 0:
                    revenium_middleware.flush(0.1)
            """
            % (number, number),
            REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="2",
            **ASKED,
        )
        lines = [process.stdout.readline() for _ in range(1 + 37 * number)]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (-signal.SIGTERM, "")
        noted |= set(("".join(lines) + out).split())
    child("keep(1, transaction_id='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    arrived = [payload["transactionId"] for payload in metering.payloads()]
    assert noted <= set(arrived)
    assert len(arrived) == len(set(arrived))
    assert all(re.fullmatch(r"\d-\d+|next", each) for each in arrived)


def test_in_this_process_the_handler_goes_with_the_reset(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("REVENIUM_INSTALL_SIGNAL_HANDLERS", "true")
    revenium_middleware.status()
    assert signal.getsignal(signal.SIGTERM) is not before
    runtime.reset()
    assert signal.getsignal(signal.SIGTERM) is before
