"""The command as people and scripts meet it: help, mistakes, terminals, hostile text, ledgers it may not write."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any, Callable, List

import pytest

from revenium_middleware._usage.pricing import catalogue_name

HOSTILE = [
    "[bold red]loud[/bold red]",
    "[/]",
    "[link=http://example.com]x[/link]",
    ":smile:",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "two\nlines\r\tand a tab",
    "\u202egnp.exe",
    "\x9b31m",
    "nul\x00",
    "\u2028",
    "日本語の顧客",
    "é" * 90,
    "=1+1",
    "",
]


# ------------------------------------------------------------------ help and mistakes


def test_help_teaches_by_example(books: Any) -> None:
    for arguments in (["-m", "revenium_middleware"], ["-m", "revenium_middleware", "--help"], ["-m", "revenium_middleware", "report", "-h"]):
        done = books.run(ledger=False, module=arguments)
        assert (done.code, done.err) == (0, "")
        assert "revenium-meter report --since 7d --by day" in done.out
    assert all(option in done.out for option in ("--by", "--since", "--until", "--where", "--ledger", "--json", "--csv", "--limit", "--sort"))


def test_version(books: Any) -> None:
    from revenium_middleware import __version__

    assert books.run(ledger=False, module=["-m", "revenium_middleware", "--version"]).out == "revenium-meter %s\n" % __version__


def test_every_example_of_the_help_works(books: Any, report: Callable[..., str]) -> None:
    import shlex

    from revenium_middleware.cli.commands import _EXAMPLES

    books.add()
    examples = [line.split("  ")[1].split(">")[0].split("|")[0] for line in _EXAMPLES.splitlines() if "revenium-meter report" in line]
    assert len(examples) == 8
    for example in examples:
        report(*shlex.split(example)[2:])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "modle"], "no field 'modle': did you mean model?"),
        (["--by", "xyzzy"], "no field 'xyzzy': use model, provider"),
        (["--by", "model;DROP TABLE record"], "no field"),
        (["--where", "agent"], "--where takes field=value"),
        (["--where", "xyzzy=1"], "no field 'xyzzy'"),
        (["--since", "soon"], "cannot read the time 'soon': use a day"),
        (["--until", "\x1b[31m"], "cannot read the time"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(books: Any, arguments: List[str], said: str) -> None:
    books.add()
    done = books.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("revenium-meter: " + said) and done.err.count("\n") == 1
    assert "\x1b" not in done.err


@pytest.mark.parametrize("ledger", ["memory", "off", "OFF"])
def test_no_ledger_on_disk(books: Any, ledger: str) -> None:
    done = books.run(ledger=False, env={"REVENIUM_LEDGER": ledger})
    assert done.code == 2
    said = "revenium-meter: REVENIUM_LEDGER is '%s', so no record is on disk: set it to a file, or read another ledger with --ledger PATH\n"
    assert done.err == said % ledger.lower()


def test_no_ledger_yet_is_no_mistake(books: Any) -> None:
    done = books.run()
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("No ledger yet at %s: it is written by the first metered call" % books.path) and done.err.count("\n") == 1
    assert json.loads(books.run("--json").out)["total"]["calls"] == 0
    assert len(books.run("--csv").out.splitlines()) == 1
    assert not books.path.exists()


def test_the_ledger_of_the_settings(books: Any) -> None:
    books.add()
    assert "1 call " in books.run(ledger=False, env={"REVENIUM_LEDGER": str(books.path)}).out
    default = books.path.parent / ".local" / "state" / "revenium" / "ledger.db"
    default.parent.mkdir(parents=True)
    books.path.replace(default)
    assert "1 call " in books.run(ledger=False, env={"XDG_STATE_HOME": "", "REVENIUM_LEDGER": ""}).out


def test_a_dotenv_is_read_and_said(books: Any) -> None:
    books.add()
    (books.path.parent / ".env").write_text("REVENIUM_LEDGER=%s\n" % books.path)
    done = books.run(ledger=False)
    assert "1 call " in done.out
    assert done.err == "Settings read from %s; variables that are already set win\n" % (books.path.parent / ".env")
    assert "REVENIUM_LEDGER is 'off'" in books.run(ledger=False, env={"REVENIUM_LEDGER": "off"}).err


def test_a_dotenv_that_is_no_text(books: Any) -> None:
    books.add()
    (books.path.parent / ".env").write_bytes(b"\xff\xfe\x00REVENIUM_LEDGER=x")
    done = books.run()
    assert done.code == 0 and done.err.startswith("Could not read ")


@pytest.mark.parametrize("content", [b"just some notes\n", b"SQLite format 3\0 but not really" + b"\0" * 600])
def test_somebody_elses_file_is_left_alone(books: Any, content: bytes) -> None:
    books.path.write_bytes(content)
    done = books.run()
    assert done.code == 2 and done.err.count("\n") == 1
    assert books.path.read_bytes() == content
    assert os.listdir(str(books.path.parent)) == ["ledger.db"]


def test_somebody_elses_database_is_left_alone(books: Any) -> None:
    connection = sqlite3.connect(str(books.path))
    connection.execute("CREATE TABLE record (name)")
    connection.commit()
    connection.close()
    before = books.path.read_bytes()
    done = books.run()
    assert (done.code, done.err) == (2, "revenium-meter: %s is not a ledger of this SDK: check --ledger or REVENIUM_LEDGER\n" % books.path)
    assert books.path.read_bytes() == before


def test_a_ledger_of_a_newer_version_is_left_alone(books: Any) -> None:
    books.add()
    connection = sqlite3.connect(str(books.path))
    connection.execute("PRAGMA user_version=99")
    connection.close()
    done = books.run()
    assert done.code == 2 and "was written by a newer version of this SDK: upgrade this one" in done.err


def test_a_directory_is_no_ledger(books: Any) -> None:
    books.path.mkdir()
    assert "is a directory" in books.run().err


def test_without_click_one_line_says_how_to_install(books: Any) -> None:
    code = "import sys; sys.modules['click'] = None; sys.argv = ['x', 'report']; import runpy; runpy.run_module('revenium_middleware', run_name='__main__')"
    done = books.run(ledger=False, module=["-c", code])
    assert (done.code, done.out) == (2, "")
    assert done.err == "revenium-meter needs click and rich, which the extra 'cli' brings: python -m pip install click rich\n"


def test_importing_the_command_loads_nothing() -> None:
    code = "import sys, revenium_middleware.cli; print([name for name in ('click', 'rich', 'sqlite3', 'genai_prices') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], universal_newlines=True).strip() == "[]"


# ------------------------------------------------------------------ terminals


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_it_fits_the_terminal_and_cuts_nothing_off(books: Any, report: Callable[..., str], width: int) -> None:
    books.add(times=3, organization_name="Acme Corporation International", agent="customer-support-agent", input_token_count=1_234_567)
    books.add(model="deployment-of-the-data-science-team-in-paris", organization_name="Globex", agent="x")
    text = report(width=width)
    assert max(len(line) for line in text.splitlines()) <= max(width, len(str(books.path)) + 2)
    assert "3,703,701" in text and "unpriced" in text
    squeezed = "".join(text.split())
    for name in ("gpt-4o-mini-2024-07-18", "Globex", "customer-support-agent"):
        assert name in squeezed


def test_many_millions_fit_too(books: Any, report: Callable[..., str]) -> None:
    books.add(times=40, input_token_count=55_000_000, output_token_count=11_000_000, usage_source="estimated", cache_read_token_count=None)
    books.add(times=12_345, model="unheard-of")
    assert "≥" in report(width=80) and "~2,212.3M" in report(width=80)
    assert max(len(line) for line in report(width=80).splitlines()[2:]) <= 80
    assert "~2,212,345,000" in report(width=200)


def test_a_tiny_terminal_still_has_every_number(books: Any, report: Callable[..., str]) -> None:
    books.add(input_token_count=1_234_567)
    assert "1,234,567" in report(width=20)


def test_a_pipe_gets_plain_text(books: Any) -> None:
    books.add(agent="a")
    done = books.run(env={"TERM": "xterm-256color"})
    assert "\x1b" not in done.out and done.err == ""
    assert all(line == line.rstrip() for line in done.out.splitlines())


def on_a_terminal(books: Any, **env: str) -> str:
    """The report's output where stdout is a pseudo-terminal."""
    pty = pytest.importorskip("pty")
    main, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **env}
    command = [sys.executable, "-m", "revenium_middleware", "report", "--ledger", str(books.path)]
    process = subprocess.Popen(command, stdout=other, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment)
    os.close(other)
    chunks = []
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(main)
    assert process.wait(60) == 0
    return b"".join(chunks).decode("utf-8")


def test_a_terminal_gets_styles_unless_no_color(books: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    books.add(agent="a", model="unheard-of")
    assert "\x1b[" in on_a_terminal(books)
    assert "\x1b" not in on_a_terminal(books, NO_COLOR="1")


def test_an_old_terminal_gets_ascii(books: Any) -> None:
    books.add(agent="日本", usage_source="unknown", input_token_count=5, output_token_count=None)
    command = [sys.executable, "-m", "revenium_middleware", "report", "--ledger", str(books.path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "100"}
    for more in ([], ["--csv"], ["--json"]):
        subprocess.check_output(command + more, env=environment).decode("ascii")


def test_a_closed_pipe_is_no_traceback(books: Any) -> None:
    books.ingest(*(books.record(agent="agent-%d" % number) for number in range(3000)))
    command = "'%s' -m revenium_middleware report --by agent --limit 0 --ledger '%s' | head -n 1" % (sys.executable, books.path)
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.stdout.startswith("3,000 calls") and "Traceback" not in done.stderr


def test_a_progress_bar_only_when_it_takes_long_and_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from revenium_middleware.cli.commands import Bar

    def drawn(watched: bool, patience: float) -> str:
        monkeypatch.setattr("revenium_middleware.cli.commands._PATIENCE", patience)
        stream = io.StringIO()
        with Bar(Console(file=stream, force_terminal=watched, width=80)) as bar:
            for done in (1000, 2000, 3000):
                bar(done, 3000)
        return stream.getvalue()

    assert "Pricing 3,000 records" in drawn(True, 0)
    assert drawn(True, 60) == "" and drawn(False, 0) == ""


# ------------------------------------------------------------------ hostile text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_not_obeyed(books: Any, report: Callable[..., str], text: str) -> None:
    books.add(agent=text, model=text, organization_name=text)
    for width in (80, 200):
        table = report(width=width)
        assert not [c for c in table if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    if text.startswith("["):
        assert text in report(width=200)
    if text.startswith("\x1b"):
        assert "\\x1b" in table
    report("--where", "agent=" + text)
    [row] = csv.DictReader(io.StringIO(report("--by", "agent", "--csv")))
    assert not [c for c in row["agent"] if unicodedata.category(c) in ("Cc", "Cf")]
    assert not row["agent"].startswith("=")
    [group] = json.loads(report("--by", "agent", "--json"))["groups"]
    assert group["agent"] == (text or None)


def test_hostile_text_on_a_terminal(books: Any) -> None:
    books.add(agent="\x1b]0;owned\x07[blink]x[/blink]\x1b[2J", model="unheard-of\x1b[2J")
    shown = on_a_terminal(books)
    assert "\x1b]0;" not in shown and "\x1b[2J" not in shown and "\x1b[5m" not in shown


# ------------------------------------------------------------------ ledgers it may not write


def test_a_ledger_another_process_keeps_locked(books: Any) -> None:
    books.add()
    connection = sqlite3.connect(str(books.path), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        books.journal(books.record()).close()
        done = books.run("--json")
    finally:
        connection.close()
    assert done.code == 0, done.err
    assert json.loads(done.out)["total"]["calls"] == 2
    assert books.rows("cost_status") == [(None,)]  # nothing was kept, and nothing was lost
    assert json.loads(books.run("--json").out)["total"]["calls"] == 2


_AS_NOBODY = """
import os, sys
from revenium_middleware.cli.commands import program
warm, path = sys.argv[1:]
program(["report", "--ledger", warm], standalone_mode=False)
os.setuid(65534)
sys.stdout.write("=====\\n")
program(["report", "--json", "--ledger", path], standalone_mode=False)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root to become somebody who may only read")
def test_a_ledger_it_may_only_read(books: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    warm = tmp_path_factory.mktemp("warm") / "ledger.db"
    type(books)(warm).add()
    with tempfile.TemporaryDirectory() as directory:
        read_only = type(books)(Path(directory) / "ledger.db")
        read_only.add()
        read_only.journal(read_only.record()).close()
        for root, directories, files in os.walk(directory):
            for name in directories + files:
                os.chmod(os.path.join(root, name), 0o555)
        os.chmod(directory, 0o555)
        before = read_only.path.read_bytes()
        done = books.run(ledger=False, module=["-c", _AS_NOBODY, str(warm), str(read_only.path)])
        assert done.code == 0, done.err
        document = json.loads(done.out.split("=====\n")[1])
        assert read_only.path.read_bytes() == before
    assert document["total"]["calls"] == 2
    assert (document["total"]["cost_usd"] is None) == (not catalogue_name())


# ------------------------------------------------------------------ without a price list


def test_without_a_price_list_one_line_says_so(books: Any) -> None:
    books.add(times=2)
    books.add(total_cost=0.5, cost_status="reported")
    code = "import sys; sys.modules['genai_prices'] = None; from revenium_middleware.cli import main; sys.argv[:1] = ['x', 'report']; main()"
    done = books.run(module=["-c", code], env={"COLUMNS": "200"})
    assert done.code == 0, done.err
    assert "$0.5000 + 2 unpriced" in done.out
    assert "genai-prices is not installed (it needs Python 3.9 or later): no new prices" in done.out
    if catalogue_name():  # a Python that has the list prices what the other could not
        assert books.rows("priced_with")[0] == ("none: genai-prices is not installed (it needs Python 3.9 or later)",)
        assert json.loads(books.run("--json").out)["total"]["unpriced_calls"] == 0
