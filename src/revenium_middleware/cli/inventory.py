"""``revenium-meter coverage``: which methods of the installed SDKs are metered, and what is known about the others."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Sequence, Tuple

import click
from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .._calls.coverage import UNMETERABLE
from . import rendering
from .looking import STATES, UNCLASSIFIED, Seen, look, state, totals
from .words import plural, shown

_EXAMPLES = """\b
Examples:
  revenium-meter coverage                  every SDK that is installed here
  revenium-meter coverage openai --all     each method of one of them
  revenium-meter coverage --json
"""


@click.command("coverage", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_EXAMPLES)
@click.argument("providers", nargs=-1, metavar="[PROVIDER]...")
@click.option("--all", "everything", is_flag=True, help="Every method with its class, and how it is metered or why not.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def coverage_command(providers: Tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Public methods of the installed provider SDKs: metered, free, or unmeterable and why.

    Looks at the SDKs themselves, so a method that a newer version added is found: it is unclassified until this SDK
    says what it bills. Reads no ledger, needs no key, and sends nothing.

    Exit code 1 when a method is unclassified or an installed SDK could not be looked at, else 0.
    """
    found = look(providers)
    if as_json:
        sys.stdout.write(json.dumps(_document(found, everything), indent=2) + "\n")
    else:
        rendering.write(rendering.consoles()[0], _page(found, everything))
    sys.exit(0 if all(seen.complete for seen in found) else 1)


# ------------------------------------------------------------------ for programs


def _document(found: Sequence[Seen], everything: bool) -> Dict[str, Any]:
    added = totals(found)
    return {"providers": [_entry(seen, everything) for seen in found], "total": {"methods": sum(added.values()), **added}}


def _entry(seen: Seen, everything: bool) -> Dict[str, Any]:
    entry: Dict[str, Any] = {"provider": seen.provider, "sdk": seen.sdk, "installed": seen.installed, "version": seen.version}
    entry.update(methods=len(seen.methods), **seen.counts)
    rows = [(name, seen.methods[name]) for name in seen.named(UNMETERABLE)]
    entry["unmeterable_methods"] = [{"name": name, "reason": row.reason, "source": row.source} for name, row in rows if row is not None]
    entry["unclassified_methods"] = list(seen.named(UNCLASSIFIED))
    entry.update(not_looked_at=dict(seen.unseen), not_hooked=seen.lacking)
    if everything:
        entry["all_methods"] = [
            {"name": name, "state": state(row), "reason": row.reason if row is not None else None} for name, row in sorted(seen.methods.items())
        ]
    return entry


# ------------------------------------------------------------------ for people


def _page(found: Sequence[Seen], everything: bool) -> List[RenderableType]:
    parts: List[RenderableType] = [_table(found)]
    absent = ["%s (%s)" % (seen.provider, seen.sdk) for seen in found if not seen.installed]
    if absent:
        parts += ["", Text("Not installed here: %s" % ", ".join(absent), style="dim")]
    for seen in found:
        parts.extend(_unmeterable(seen))
        parts.extend(_remarks(seen))
    if everything:
        parts.extend(part for seen in found if seen.methods for part in _methods(seen))
    return parts


def _table(found: Sequence[Seen]) -> Table:
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False, show_edge=False, padding=(0, 1), collapse_padding=True)
    added = totals(found)
    table.add_column("Provider", footer="Total")
    table.add_column("SDK")
    table.add_column("All", footer=format(sum(added.values()), ","), justify="right")
    for each in STATES:
        table.add_column(each.capitalize(), footer=_number(each, added[each]), justify="right")
    for seen in found:
        if seen.installed:
            numbers = (_number(each, seen.counts[each]) for each in STATES)
            table.add_row(seen.provider, Text(shown("%s %s" % (seen.sdk, seen.version or "?"))), format(len(seen.methods), ","), *numbers)
    return table


def _number(each: str, count: int) -> Text:
    return Text(format(count, ","), style="bold red" if each == UNCLASSIFIED and count else "")


def _unmeterable(seen: Seen) -> List[RenderableType]:
    """One paragraph for each reason."""
    reasons: Dict[str, List[str]] = {}
    for name in seen.named(UNMETERABLE):
        row = seen.methods[name]
        reasons.setdefault(row.reason if row is not None else "", []).append(name)
    if not reasons:
        return []
    parts: List[RenderableType] = ["", Text("%s, unmeterable:" % seen.provider, style="bold")]
    for reason, names in reasons.items():
        parts.append(Padding(Text(shown(", ".join(names))), (0, 0, 0, 2)))
        parts.append(Padding(Text(shown(reason), style="dim"), (0, 0, 0, 4)))
    return parts


def _remarks(seen: Seen) -> List[RenderableType]:
    """What stands between the numbers and the truth."""
    parts: List[RenderableType] = []
    new = seen.named(UNCLASSIFIED)
    if new:
        said = "%s, unclassified: nobody has said what %s. A newer version of this SDK may." % (seen.provider, "it bills" if len(new) == 1 else "they bill")
        parts += ["", Text(said, style="bold red"), *(Padding(Text(shown(name)), (0, 0, 0, 2)) for name in new)]
    if seen.unseen:
        parts += ["", Text("%s, could not be looked at:" % seen.provider, style="bold yellow")]
        parts += [Padding(Text(shown("%s (%s)" % pair)), (0, 0, 0, 2)) for pair in seen.unseen.items()]
    if seen.installed and seen.lacking:
        parts += ["", Text(shown("%s is not fully metered here, %s" % (seen.provider, seen.lacking)), style="bold yellow")]
    return parts


def _methods(seen: Seen) -> List[RenderableType]:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, row in sorted(seen.methods.items()):
        table.add_row(Text(shown(name)), _styled(state(row)), Text(shown(row.reason if row is not None else ""), style="dim"))
    return ["", Text("%s, %s:" % (seen.provider, plural(len(seen.methods), "method")), style="bold"), Padding(table, (0, 0, 0, 2))]


def _styled(word: str) -> Text:
    return Text(word, style={UNMETERABLE: "yellow", UNCLASSIFIED: "bold red"}.get(word, ""))
