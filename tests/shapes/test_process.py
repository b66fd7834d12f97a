"""Whole processes: import orders, silence, exit codes, and nothing started before it is needed."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from revenium_middleware.testing import Fault

from .processes import CLIENT, run_script
from .wire import Wire

CALL = 'print(client.chat.completions.create(**ask, usage_metadata={"agent": "a"}).choices[0].message.content)\n'
BARE = "print(client.chat.completions.create(**ask).choices[0].message.content)\n"
SAID = "This is a loopback answer,\n"
LINE = "no usable Revenium key: records stay in the local ledger"

ORDERS = {
    "ours_first": "import revenium_middleware_openai\n" + CLIENT + CALL,
    "ours_after_the_client": CLIENT + "import revenium_middleware_openai\n" + CALL,
    "ours_after_resources": CLIENT + "create = client.chat.completions\nimport revenium_middleware_openai\n" + CALL,
    "both_names": "import revenium_middleware_openai\nimport revenium_middleware.openai\nimport revenium_middleware_openai\n" + CLIENT + CALL,
    "twice_by_reload": "import importlib, revenium_middleware.openai as ours\n" + CLIENT + "importlib.reload(ours)\nimportlib.reload(ours)\n" + CALL,
    "from_a_thread": """
import threading
worker = threading.Thread(target=__import__, args=("revenium_middleware_openai",))
worker.start(); worker.join()
"""
    + CLIENT
    + CALL,
    "openai_imported_by_a_thread": """
import threading, revenium_middleware_openai
worker = threading.Thread(target=__import__, args=("openai",))
worker.start(); worker.join()
"""
    + CLIENT
    + CALL,
    "uninstalled_before_openai_and_back": """
import importlib, revenium_middleware.openai as ours
from revenium_middleware import uninstall
uninstall()
importlib.reload(ours)
"""
    + CLIENT
    + CALL,
    "with_perplexity": "import revenium_middleware_openai, revenium_middleware_perplexity\n" + CLIENT + CALL,
    "wrapped_by_others_before": """
import openai, wrapt
from openai.resources.chat.completions import Completions
def other(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)
wrapt.wrap_function_wrapper("openai.resources.chat.completions", "Completions.create", other)
import revenium_middleware_openai
"""
    + CLIENT
    + CALL,
}


@pytest.mark.parametrize("order", list(ORDERS))
def test_import_order_does_not_matter(order: str, wire: Wire, tmp_path: Path) -> None:
    ended = run_script(ORDERS[order], wire.openai_url, tmp_path, "-W", "error::DeprecationWarning:revenium_middleware")
    assert (ended.code, ended.out) == (0, SAID), ended.err
    assert [(record["agent"], record["usage_source"]) for record in ended.records] == [("a", "provider")]


@pytest.mark.parametrize("option", ["error", "default"])
def test_no_warning_of_ours(option: str, wire: Wire, tmp_path: Path) -> None:
    """Filters that change what the SDK alone does are compared with that."""
    alone = run_script(CLIENT + BARE, wire.openai_url, tmp_path, "-W", option)
    ended = run_script("import revenium_middleware_openai\n" + CLIENT + CALL, wire.openai_url, tmp_path, "-W", option)
    assert (ended.code, ended.out) == (alone.code, alone.out), ended.err
    if not alone.code:
        assert len(ended.records) == 1
        assert len(ended.err.splitlines()) == len(alone.err.splitlines()) + 1


def test_a_plain_run_says_one_line(wire: Wire, tmp_path: Path) -> None:
    script = "import revenium_middleware_openai\n" + CLIENT + CALL + CALL + "print(len(list(client.chat.completions.create(**ask, stream=True))))\n"
    ended = run_script(script, wire.openai_url, tmp_path)
    assert (ended.code, ended.out) == (0, SAID * 2 + "8\n")
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith(LINE)
    assert len(ended.records) == 3


def test_importing_alone_says_and_starts_nothing(wire: Wire, tmp_path: Path) -> None:
    script = """
        import os, sys, threading
        def world():
            return threading.active_count(), sorted(os.listdir("/proc/self/fd")), sorted(os.listdir(os.environ["HOME"]))
        before = world()
        import revenium_middleware, revenium_middleware_openai
        assert world() == before, (before, world())
        print(sorted(name for name in ("httpx", "httpx2", "aiohttp", "requests", "urllib3", "openai", "genai_prices") if name in sys.modules))
        import openai
        client = openai.OpenAI(api_key="sk-test", base_url=os.environ["WIRE"])
        client.models.list()
        assert threading.active_count() == before[0]
        assert world()[2] == before[2], (before, world())
    """
    ended = run_script(script, wire.openai_url, tmp_path)
    assert (ended.code, ended.err) == (0, ""), ended.err
    assert ended.out == "[]\n"
    assert ended.records == []


EXITS = {
    "end": ("", 0, ""),
    "sys_exit": ("import sys; sys.exit(3)", 3, ""),
    "exception": ("raise LookupError('gone')", 1, "LookupError: gone"),
    "signal": ("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -2, "KeyboardInterrupt"),
    "term": ("import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -15, ""),
    "hard_exit": ("import os; os._exit(7)", 7, ""),
}


@pytest.mark.parametrize("way", list(EXITS))
def test_a_process_ends_as_it_would_without_us(way: str, wire: Wire, tmp_path: Path) -> None:
    """In the middle of a stream that is still referenced; the call before it is in the ledger whatever happens."""
    ending, code, last = EXITS[way]
    script = CLIENT + BARE + "stream = client.chat.completions.create(**ask, stream=True); next(stream)\n" + ending
    ended = run_script("import revenium_middleware_openai\n" + script, wire.openai_url, tmp_path)
    (tmp_path / "bare").mkdir()
    bare = run_script(script, wire.openai_url, tmp_path / "bare")
    assert ended.code == bare.code in (code, -11)  # CPython 3.13.0 itself crashes where a stream of the SDK is left open
    shown = [line for line in ended.err.splitlines() if not line.startswith(LINE)]
    assert (shown or [""])[-1] == (last if bare.code == code else (bare.err.splitlines() or [""])[-1])
    found = [(record["stop_reason"], record["usage_source"]) for record in ended.records]
    assert found == [("END", "provider")] + ([] if way in ("term", "hard_exit") else [("CANCELLED", "estimated")])


def test_interrupted_while_waiting_for_the_next_chunk(wire: Wire, tmp_path: Path) -> None:
    script = """
        import os, signal, threading
        stream = client.chat.completions.create(**ask, stream=True)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            for chunk in stream:
                pass
        except KeyboardInterrupt as error:
            print(type(error).__name__, error.__context__)
    """
    wire.script(Fault(chunk_delay=30.0))
    ended = run_script("import revenium_middleware_openai\n" + CLIENT + textwrap.dedent(script), wire.openai_url, tmp_path)
    assert (ended.code, ended.out) == (0, "KeyboardInterrupt None\n")
    assert [(record["stop_reason"], record["usage_source"]) for record in ended.records] == [("CANCELLED", "estimated")]


def test_uninstall_gives_every_attribute_back(wire: Wire, tmp_path: Path) -> None:
    script = (
        CLIENT
        + """
import sys
client.chat.completions, client.beta, client.embeddings, getattr(client, "responses", None), openai.AsyncOpenAI, openai.AzureOpenAI
def world():
    found = {}
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            for key, value in list(vars(module).items()):
                found[name, key] = id(value)
                if type in type(value).__mro__ and value.__module__.partition(".")[0] in ("openai", "httpx", "httpx2"):
                    for attribute, member in list(vars(value).items()):
                        if attribute not in ("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl", "__annotations__", "__doc__"):
                            found[name, key, attribute] = id(member)
    return found
world()
before = world()
import revenium_middleware_openai
from revenium_middleware import uninstall
during = {key: value for key, value in world().items() if before.get(key) != value}
assert len(during) > 50, len(during)
uninstall()
after = world()
print(sorted(key for key in set(before) | set(after) if before.get(key) != after.get(key)))
"""
    )
    ended = run_script(script, wire.openai_url, tmp_path)
    assert (ended.code, ended.out, ended.err) == (0, "[]\n", "")
