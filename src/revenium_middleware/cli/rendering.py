"""The report for people: one table that fits the terminal, and the lines below it that say what it does not know."""

from __future__ import annotations

import datetime
from typing import List, NamedTuple, Optional, Sequence, Tuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from .selection import heading
from .totals import TOKENS, Report, Sums
from .words import NONE, dollars, duration, encodable, plural, shown, tally

UNKNOWN = "–"
_NARROWEST = 16
"""Columns for names below which the terminal rather than we breaks the lines."""


class Column(NamedTuple):
    """A measure and the one shown beneath it where the terminal is narrow."""

    title: str
    below: str


_COLUMNS = (
    Column("Calls", "Errors"),
    Column("Input", "Cached"),
    Column("Output", "Reasoning"),
    Column("Total", ""),
    Column("Latency", "1st token"),
    Column("Cost", ""),
)


def consoles() -> Tuple[Console, Console]:
    """stdout and stderr; no escape sequence at all when NO_COLOR is set or it is no terminal."""
    return _console(False), _console(True)


def _console(stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if console.no_color:
        return Console(stderr=stderr, highlight=False, markup=False, emoji=False, color_system=None)
    return console


def render(console: Console, report: Report, ledger: str, notes: Sequence[str]) -> None:
    """Print the report; records of others' making are text here, never markup."""
    parts: List[RenderableType] = [_title(report, ledger), ""]
    if report.total["calls"]:
        parts.append(_fitting(console, report))
    else:
        parts.append(Text("No record matches: widen --since/--until or the filters." if any(report.states.values()) else "No records yet."))
    parts.append("")
    parts.extend(Text(line, style="dim") for line in footer(report, notes))
    write(console, parts)


def write(console: Console, parts: Sequence[RenderableType]) -> None:
    """Print one below the other, as the stream can encode it, with no space at the ends of lines."""
    with console.capture() as capture:
        console.print(Group(*parts), crop=False)
    text = "\n".join(line.rstrip() for line in capture.get().split("\n"))
    console.file.write(encodable(text, console.encoding))
    console.file.flush()


def _title(report: Report, ledger: str) -> Text:
    text = Text(plural(report.total["calls"], "call"), style="bold")
    first, last = report.total["first"], report.total["last"]
    if first is not None:
        days = sorted({_day(first), _day(last)})
        text.append(" · %s (UTC)" % " to ".join(days), style="not bold")
    for condition in report.selection.where:
        text.append(" · %s%s%s" % (condition[0], condition[1], shown(condition[2])), style="not bold")
    text.append(" · " + shown(ledger), style="not bold dim")
    return text


def _day(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d")


def _fitting(console: Console, report: Report) -> Table:
    """Every measure beside the other, else the secondary ones beneath, else without totals: nothing is ever cut off."""
    for table in (_table(report, stacked=False), _table(report, stacked=True)):
        if _width(console, table) <= console.width:
            return table
    return _table(report, stacked=True, narrow=True, width=console.width)


def _width(console: Console, table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=10_000), table).maximum


def _table(report: Report, stacked: bool, narrow: bool = False, width: int = 0) -> Table:
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False, show_edge=False, padding=(0, 1), collapse_padding=True)
    total = _measures(report.total, stacked, narrow)
    rows = [_measures(sums, stacked, narrow) for sums in report.groups]
    titles = [heading(field) for field in report.selection.by]
    names = _names(stacked, narrow)
    if stacked:
        numbers = sum(max(_longest(cell) for cell in column) + 2 for column in zip(names, total, *rows))
        label = max(_NARROWEST, width - numbers) if narrow else None
        table.add_column(_two(titles[0], " · ".join(titles[1:])), footer=Text("Total", style="bold"), overflow="fold", width=label)
    else:
        for number, title in enumerate(titles):
            table.add_column(Text(title), footer=Text("" if number else "Total", style="bold"), no_wrap=True)
    for name, cell, *column in zip(names, total, *rows):
        table.add_column(name, footer=cell, justify="right", no_wrap=True, min_width=max(_longest(text) for text in (name, cell, *column)))
    for sums, row in zip(report.groups, rows):
        labels = [_label(label) for label in sums.labels]
        table.add_row(*([_two(labels[0], Text(" · ").join(labels[1:]))] if stacked else labels), *row)
    return table


def _longest(cell: Text) -> int:
    return max(cell_len(line) for line in cell.plain.split("\n"))


def _names(stacked: bool, narrow: bool) -> List[Text]:
    if stacked:
        return [_two(column.title, column.below) for column in _COLUMNS if not (narrow and column.title == "Total")]
    return [Text(name) for column in _COLUMNS for name in (column.title, column.below) if name]


def _label(label: Optional[str]) -> Text:
    return Text(shown(label)) if label else Text(NONE, style="dim")


def _two(first: "Text | str", second: "Text | str") -> Text:
    text = first.copy() if isinstance(first, Text) else Text(first)
    if second:
        text.append("\n")
        text.append(second if isinstance(second, Text) else Text(second, style="dim"))
    return text


def _measures(sums: Sums, stacked: bool, narrow: bool) -> List[Text]:
    errors = Text(format(sums["errors"], ","), style="red" if sums["errors"] else "dim")
    pairs: List[Tuple[Text, Optional[Text]]] = [
        (Text(format(sums["calls"], ",")), errors),
        (_tokens(sums, "input_tokens", narrow), _tokens(sums, "cached_tokens", narrow)),
        (_tokens(sums, "output_tokens", narrow), _tokens(sums, "reasoning_tokens", narrow)),
        *([] if narrow else [(_tokens(sums, "total_tokens", narrow), None)]),
        (_time(sums.latency), _time(sums.first_token)),
        (cost(sums, stacked), None),
    ]
    if stacked:
        return [_two(first, second) if second is not None else first for first, second in pairs]
    return [cell for pair in pairs for cell in pair if cell is not None]


def _tokens(sums: Sums, name: str, narrow: bool) -> Text:
    if sums[name] is None:
        return Text(UNKNOWN, style="dim")
    marks = ("≥" if sums[name + "_unknown"] else "") + ("~" if sums["estimated_calls"] and name != "cached_tokens" else "")
    return Text(marks + tally(sums[name], narrow))


def _time(milliseconds: Optional[float]) -> Text:
    return Text(UNKNOWN, style="dim") if milliseconds is None else Text(duration(milliseconds))


def cost(sums: Sums, stacked: bool) -> Text:
    """What is known, and how many calls are not in it."""
    unpriced = sums["unpriced_calls"]
    if sums["cost"] is None:
        return Text("%s unpriced" % format(unpriced, ","), style="yellow")
    text = Text(("~" if sums["estimated_cost_calls"] else "") + dollars(sums["cost"]))
    if unpriced:
        text.append("%s %s unpriced" % ("\n+" if stacked else " +", format(unpriced, ",")), style="yellow")
    return text


def footer(report: Report, notes: Sequence[str]) -> List[str]:
    """What the table leaves open."""
    total, lines = report.total, []
    if report.left_out:
        lines.append("… and %s, in the total: --limit 0 shows all" % plural(report.left_out, "more group"))
    states = ["%s %s" % (format(number, ","), name) for name, number in report.states.items() if number]
    lines.append("Records in the ledger: %s" % (" · ".join(states) or "none"))
    if total["unknown_calls"]:
        lines.append("≥ at least: %s did not say what was used" % plural(total["unknown_calls"], "call"))
    elif any(total[name + "_unknown"] and total[name] is not None for name in TOKENS):
        lines.append("≥ at least: some calls did not report this count")
    if total["estimated_calls"]:
        lines.append("~ with estimates: %s ended before the provider reported usage" % plural(total["estimated_calls"], "call"))
    if total["unpriced_calls"]:
        lines.append("%s unpriced:" % plural(total["unpriced_calls"], "call"))
        lines.extend("  %s × %s" % (format(calls, ","), reason) for reason, calls in report.unpriced)
    return [shown(line) for line in (*lines, *notes)]
