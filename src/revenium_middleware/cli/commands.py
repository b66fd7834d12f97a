"""The commands themselves."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import click
from rich.console import Console
from rich.progress import Progress

from .._core.settings import Source
from .._core.version import VERSION
from .._delivery.entries import Busy
from .._delivery.ledger import Ledger
from .._usage.catalogue import MISSING
from .._usage.pricing import catalogue_name
from . import exports, opening, rendering
from .costs import price_missing
from .faults import Fault
from .flushing import Flushed, flushed
from .inventory import coverage_command
from .selection import Selection, conditions, grouped_by, moment
from .totals import SORTS, Report, provide_json, report
from .words import encodable, shown

SHOWN_GROUPS = 50
"""Lines of the table unless --limit says otherwise; JSON and CSV have all."""
_PATIENCE = 0.5
"""Seconds of pricing before a progress bar is worth a look."""

_FILTERS = {
    "model": "Only this model; * stands for any characters.",
    "provider": "Only this provider, such as OPENAI or Azure.",
    "organization": "Only this customer.",
    "product": "Only this product.",
    "agent": "Only this agent.",
    "task": "Only this task type.",
}

_EXAMPLES = """\b
Examples:
  revenium-meter report                              by model, customer and agent
  revenium-meter report --since 7d --by day
  revenium-meter report --by organization,product --sort calls
  revenium-meter report --since 2026-11-01 --until 2026-11-30 --provider azure
  revenium-meter report --model 'gpt-4o*' --where environment=production
  revenium-meter report --where agent= --by trace    calls without an agent
  revenium-meter report --by subscriber --csv > november.csv
  revenium-meter report --json | python -m json.tool
"""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_EXAMPLES)
@click.version_option(VERSION, message="revenium-meter %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """What your AI calls used and cost, from the local usage ledger. Needs no account and no network."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


program.add_command(coverage_command)


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, words in reversed(list(_FILTERS.items())):
        command = click.option("--" + name, multiple=True, metavar="TEXT", help=words)(command)
    return command


@program.command("report", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_EXAMPLES)
@click.option(
    "--by",
    multiple=True,
    metavar="FIELDS",
    help="Group by these, comma-separated or repeated: model, provider, organization, product, agent, task, subscriber, operation, trace, job, "
    "day, hour, month, kind, state, or any field of a record. Default: model,organization,agent.",
)
@click.option("--since", metavar="TIME", help="Only calls from this day (2026-11-20), time (2026-11-20T14:30) or span ago (7d, 24h, 90m) on. Times are UTC.")
@click.option("--until", metavar="TIME", help="Only calls before this time or span ago, or up to the end of this day.")
@_filters
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Only records with this value in any field; != for all others, nothing after = for unset.")
@click.option("--sort", type=click.Choice(SORTS), default="cost", show_default=True, help="Which groups come first.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Show this many groups, 0 for all (default: %d in the table, else all)." % SHOWN_GROUPS)
@click.option("--ledger", metavar="PATH", help="The ledger file, instead of what REVENIUM_LEDGER and .env say.")
@click.option("--json", "output", flag_value="json", help="Everything as JSON; x_unknown is how many calls the sum x lacks.")
@click.option("--csv", "output", flag_value="csv", help="One line per group as CSV; empty is unknown.")
def report_command(
    by: Tuple[str, ...],
    since: Optional[str],
    until: Optional[str],
    where: Tuple[str, ...],
    sort: str,
    limit: Optional[int],
    ledger: Optional[str],
    output: Optional[str],
    **filters: Tuple[str, ...],
) -> None:
    """Calls, tokens, time and cost, added up by whatever you ask for.

    Costs are what the provider reported, else its public list price at the time of the call. What has neither is
    shown as unpriced, and a sum that lacks something says so: ≥ 1,234 tokens, $0.01 + 2 unpriced. A ~ marks sums
    that contain estimates.
    """
    selection = Selection(grouped_by(by), moment(since), moment(until, end=True), conditions(where, filters))
    stdout, stderr = rendering.consoles()
    _read_dotenv(stderr)
    path = opening.ledger_path(ledger, Source().current()[0])
    nothing = opening.is_empty(path)
    if nothing:
        _say(stderr, "No ledger yet at %s: it is written by the first metered call, such as after import revenium_middleware_openai" % path)
        if output is None:
            return
    if limit is None and output is None:
        limit = SHOWN_GROUPS
    made = _empty_report(selection) if nothing else _made(path, selection, sort, limit or None, stderr)
    _print(made, path, output, stdout)


@program.command("flush", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, metavar="SECONDS", help="Longest wait; the rest stays pending.")
@click.option("--ledger", metavar="PATH", help="The ledger file, instead of what REVENIUM_LEDGER and .env say.")
def flush_command(timeout: float, ledger: Optional[str]) -> None:
    """Deliver everything that is pending, also what ended processes have left.

    Needs the key the records were made with. Exit code 0 when nothing is pending any more, else 1.
    """
    stdout, stderr = rendering.consoles()
    _read_dotenv(stderr)
    settings = Source().current()[0]
    path = opening.ledger_path(ledger, settings)
    if settings.local:
        raise Fault("no usable Revenium key to deliver with: set REVENIUM_METERING_API_KEY%s" % "".join("; " + fault for fault in settings.faults))
    with Bar(stderr, "Delivering") as bar:
        result = Flushed() if opening.is_empty(path) else flushed(path, settings, timeout, bar)
    for line in result.lines():
        _say(stdout, line)
    sys.exit(1 if result.pending else 0)


def _print(made: Report, path: Path, output: Optional[str], stdout: Console) -> None:
    notes = _notes(made)
    if output == "json":
        sys.stdout.write(exports.as_json(made, str(path), catalogue_name(), notes))
    elif output == "csv":
        text = exports.as_csv(made).replace("\r\n", "\n")
        sys.stdout.write(encodable(text, getattr(sys.stdout, "encoding", None)))
    else:
        rendering.render(stdout, made, str(path), notes)


def _notes(made: Report) -> List[str]:
    if not made.total["calls"]:
        return []
    catalogue = catalogue_name()
    if not catalogue:
        return ["%s: no new prices, costs are those that providers reported or an earlier report found" % MISSING]
    return ["Costs: public list prices (%s) at the time of each call%s" % (catalogue, _reported(made.total["reported_calls"]))]


def _reported(calls: int) -> str:
    return ", %s as the provider reported it" % format(calls, ",") if calls else ""


def _made(path: Path, selection: Selection, sort: str, limit: Optional[int], stderr: Console) -> Report:
    try:
        try:
            with opening.reading(path) as ledger:
                return _priced_and_summed(ledger, selection, sort, limit, stderr)
        except (OSError, sqlite3.OperationalError, Busy):  # a ledger we may only read, or that stays locked
            with opening.copied(path) as ledger:
                return _priced_and_summed(ledger, selection, sort, limit, stderr)
    except (OSError, sqlite3.Error) as error:
        raise Fault("cannot read %s: %s" % (path, error)) from error


def _empty_report(selection: Selection) -> Report:
    with contextlib.closing(Ledger(":memory:")) as ledger:
        return report(ledger, selection, "cost", None)


def _priced_and_summed(ledger: Ledger, selection: Selection, sort: str, limit: Optional[int], stderr: Console) -> Report:
    provide_json(ledger)
    with Bar(stderr) as bar:
        price_missing(ledger, selection, bar)
    return report(ledger, selection, sort, limit)


class Bar:
    """A progress bar on stderr, once the work has taken a while and somebody is watching."""

    def __init__(self, console: Console, doing: str = "Pricing") -> None:
        self._console = console
        self._doing = doing
        self._started = time.monotonic()
        self._progress: Optional[Progress] = None

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, done: int, todo: int) -> None:
        if self._progress is None:
            if not self._console.is_terminal or time.monotonic() - self._started < _PATIENCE:
                return
            self._progress = Progress(console=self._console, transient=True)
            self._progress.add_task("%s %s records" % (self._doing, format(todo, ",")), total=todo)
            self._progress.start()
        self._progress.update(self._progress.task_ids[0], completed=done)


def _read_dotenv(stderr: Console) -> None:
    """The library never reads .env; a command line that did not would look at another ledger than the application."""
    try:
        path = Path.cwd() / ".env"
        if not path.is_file():
            return
    except OSError:  # a directory that is gone, or that we may not look into
        return
    from dotenv import load_dotenv

    try:
        load_dotenv(str(path))
    except (OSError, ValueError) as error:
        _say(stderr, "Could not read %s (%s)" % (path, type(error).__name__))
        return
    _say(stderr, "Settings read from %s; variables that are already set win" % path)


def _say(stderr: Console, line: str) -> None:
    stderr.file.write(encodable(shown(line), stderr.encoding) + "\n")
