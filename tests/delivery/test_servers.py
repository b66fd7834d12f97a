"""Metered code inside gunicorn, uvicorn, Celery and gevent: every answer their clients got has one record at the service, and they end as they should."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import SOURCE

CALLS = """
import openai, os
import revenium_middleware.openai

client = openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k")

def ask(agent="server", by=client):
    said = [{"role": "user", "content": "x"}]
    return by.chat.completions.create(model="gpt-4o", messages=said, usage_metadata={"agent": agent}).id
"""

WSGI = (
    CALLS
    + """
if os.environ.get("FIRST"):  # with --preload: in the master, before it forks; by a client whose connection no worker inherits
    with openai.OpenAI(base_url=os.environ["PROVIDER"], api_key="k") as own:
        ask("master", own)

def app(environ, start_response):
    answer = ask().encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
"""
)

ASGI = """
import openai, os
import revenium_middleware.openai

client = openai.AsyncOpenAI(base_url=os.environ["PROVIDER"], api_key="k")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind.endswith("shutdown"):
                return
    said = [{"role": "user", "content": "x"}]
    answer = await client.chat.completions.create(model="gpt-4o", messages=said, usage_metadata={"agent": "server"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer.id.encode()})
"""


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


UVICORN_WORKER = "uvicorn_worker.UvicornWorker" if has("uvicorn_worker") else "uvicorn.workers.UvicornWorker"
gunicorn = pytest.mark.skipif(not has("gunicorn"), reason="gunicorn is not installed")
uvicorn = pytest.mark.skipif(not has("uvicorn"), reason="uvicorn is not installed")
uvicorn_in_gunicorn = pytest.mark.skipif(not has("gunicorn", "uvicorn_worker"), reason="gunicorn or uvicorn-worker is not installed")
celery = pytest.mark.skipif(not has("celery"), reason="celery is not installed")
gevent = pytest.mark.skipif(not has("gevent"), reason="gevent is not installed")


class Program:
    """A server in a process group of its own, what it prints, and its address once it says so."""

    def __init__(self, directory, source, words, **environment):
        (directory / "served.py").write_text(source)
        full = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(directory)]), "PYTHONWARNINGS": "ignore", **environment}
        self.process = subprocess.Popen(
            [sys.executable, *words],
            env=full,
            cwd=str(directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            start_new_session=True,
        )
        self.printed = []
        self._printed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._printed:
                self.printed.append(line)
                self._printed.notify_all()
        with self._printed:
            self.printed.append("")
            self._printed.notify_all()

    def said(self, pattern):
        """Wait until a line matches."""
        with self._printed:
            found = []
            assert self._printed.wait_for(lambda: found.extend(re.findall(pattern, "".join(self.printed))) or found or "" in self.printed, 60), self.printed
            assert found, "".join(self.printed)
            return found[0]

    def ended(self, number):
        """Send it a signal, and wait for its end."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code, "".join(self.printed)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(30)
        self._reader.join(10)
        self.process.stdout.close()


def asked(address, count):
    """``count`` requests, six at a time: the ids their clients got."""

    def request(_):
        for _ in range(10):
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    return answer.read().decode()
            except OSError:  # a worker that was being replaced had accepted it: so do servers, with or without us
                time.sleep(0.2)
        raise AssertionError("no answer")

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(request, range(count)))


def each_has_one_record(metering, child, answers):
    """At the service, after a next process delivered what these left."""
    child("keep(1, agent='next'); assert revenium_middleware.flush(30) == 0, revenium_middleware.status()")
    arrived = [payload["transactionId"] for payload in metering.payloads() if payload.get("agent") == "server"]
    assert len(arrived) == len(set(arrived)), "one record, one key"
    assert set(answers) <= set(arrived)


WORKERS = [
    pytest.param(WSGI, ["-k", "sync"], {}, marks=gunicorn, id="sync"),
    pytest.param(WSGI, ["-k", "sync", "--preload"], {"FIRST": "1"}, marks=gunicorn, id="sync, preloaded, master has recorded"),
    pytest.param(
        WSGI, ["-k", "gthread", "--threads", "3"], {"REVENIUM_INSTALL_SIGNAL_HANDLERS": "true"}, marks=gunicorn, id="threads, signal handler asked for"
    ),
    pytest.param(ASGI, ["-k", UVICORN_WORKER], {}, marks=uvicorn_in_gunicorn, id="uvicorn"),
    pytest.param(WSGI, ["-k", "gevent"], {}, marks=[gunicorn, gevent], id="gevent"),
]


@pytest.mark.parametrize("source, words, environment", WORKERS)
def test_gunicorn_with_workers_that_are_replaced(metering, provider, child, tmp_path, source, words, environment):
    options = ["-w", "2", "--max-requests", "9", "-b", "127.0.0.1:0", "--graceful-timeout", "20", *words, "served:app"]
    with Program(tmp_path, source, ["-m", "gunicorn", *options], PROVIDER=provider.openai_url, **environment) as server:
        answers = asked(server.said(r"Listening at: (http://\S+)"), 48)
        assert len(answers) == len(set(answers)) == 48
        code, printed = server.ended(signal.SIGTERM)
    assert code == 0, printed
    assert "Traceback" not in printed and "WORKER TIMEOUT" not in printed, printed
    if words[1] in ("sync", "gthread"):  # the others serve on what they have accepted, so one may have had it all
        assert len(set(re.findall(r"Booting worker with pid: (\d+)", printed))) > 2, "some were replaced"
    each_has_one_record(metering, child, answers)
    masters = [payload for payload in metering.payloads() if payload.get("agent") == "master"]
    assert len(masters) == len(environment.get("FIRST", ""))


@uvicorn
@pytest.mark.parametrize("workers", ["1", "2"])
def test_uvicorn_ends_gracefully_with_everything_delivered(metering, provider, child, tmp_path, workers):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:%d" % free.getsockname()[1]
    words = ["-m", "uvicorn", "--port", address.partition(":")[2], "--workers", workers, "served:app"]
    with Program(tmp_path, ASGI, words, PROVIDER=provider.openai_url, REVENIUM_INSTALL_SIGNAL_HANDLERS="true") as server:
        server.said(r"startup (complete)")
        answers = asked("http://" + address, 30)
        _, printed = server.ended(signal.SIGTERM)
    assert "Traceback" not in printed, printed
    each_has_one_record(metering, child, answers)


TASKS = (
    CALLS
    + """
import celery

app = celery.Celery("served", broker="filesystem://", backend="file://" + os.path.abspath("results"))
folders = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
app.conf.update(broker_transport_options=folders, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)

@app.task
def work():
    return ask()
"""
)


@celery
def test_celery_with_worker_processes_that_are_replaced(metering, provider, child, tmp_path):
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()
    words = ["-m", "celery", "-A", "served", "worker", "-P", "prefork", "-c", "2", "--max-tasks-per-child", "5", "--without-gossip", "--without-mingle"]
    with Program(tmp_path, TASKS, [*words, "-l", "INFO"], PROVIDER=provider.openai_url) as server:
        server.said(r"celery@\S+ (ready)")
        code = "import served; print(*[done.get(timeout=60) for done in [served.work.delay() for _ in range(16)]])"
        asking = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(tmp_path)]), "PROVIDER": provider.openai_url}
        answers = subprocess.check_output([sys.executable, "-c", code], env=asking, cwd=str(tmp_path), universal_newlines=True, timeout=120).split()
        assert len(set(answers)) == 16
        code, printed = server.ended(signal.SIGTERM)
    assert code == 0, printed
    each_has_one_record(metering, child, answers)


GREENLETS = (
    "from gevent import monkey; monkey.patch_all()\n"
    + CALLS
    + """
import gevent, revenium_middleware, signal, sys, time

ticks = []
def ticking():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)
gevent.spawn(ticking)

def asking():
    return [ask() for _ in range(4)]

made = [gevent.spawn(asking) for _ in range(12)]
gevent.joinall(made, raise_error=True)
answers = [answer for each in made for answer in each.value]
"""
)
ENDS = {
    "flush": "assert revenium_middleware.flush(30) == 0, revenium_middleware.status()\nprint(*answers, flush=True)\nos._exit(0)",
    "exit": "print(*answers, flush=True)",
    "fork": """
pid = os.fork()
if pid == 0:
    made = [gevent.spawn(asking) for _ in range(3)]
    gevent.joinall(made, raise_error=True)
    os.write(1, "".join(answer + " " for each in made for answer in each.value).encode())
    assert revenium_middleware.flush(30) >= 0
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print(*answers, flush=True)
""",
    "kill": "print(*answers, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)",
}


@gevent
@pytest.mark.parametrize("end", sorted(ENDS))
def test_gevent_with_everything_patched(metering, provider, child, tmp_path, end):
    alive = "assert len(ticks) > 1, 'the other greenlets did not run'\n"
    with Program(tmp_path, GREENLETS + alive + ENDS[end], ["served.py"], PROVIDER=provider.openai_url) as program:
        assert program.process.wait(60) == (-9 if end == "kill" else 0), program.printed
        program._reader.join(10)
    printed = "".join(program.printed)
    answers = printed.split()
    assert len(answers) == len(set(answers)) == (60 if end == "fork" else 48), printed
    if end in ("flush", "exit"):
        assert len(metering.accepted) == 48, "delivered by itself"
    each_has_one_record(metering, child, answers)


@gevent
def test_under_gevent_a_hung_service_stops_no_greenlet(metering, provider, tmp_path):
    from revenium_middleware.testing import Fault

    metering.script(*[Fault.silence()] * 200)
    code = """
before = len(ticks)
gevent.sleep(0.5)
assert len(ticks) - before > 5, len(ticks) - before
assert revenium_middleware.flush(0.5) == 48
assert len(ticks) - before > 10
"""
    with Program(tmp_path, GREENLETS + code, ["served.py"], PROVIDER=provider.openai_url, REVENIUM_SHUTDOWN_TIMEOUT_SECONDS="1") as program:
        assert program.process.wait(60) == 0, program.printed
