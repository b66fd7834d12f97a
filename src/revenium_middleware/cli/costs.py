"""Prices the records that have none yet, and keeps what was found."""

from __future__ import annotations

import json
from typing import Any, Callable, List, Optional, Tuple

from .._delivery.ledger import Ledger
from .._usage.pricing import catalogue_name, price
from .._usage.reading import UNPRICED
from .selection import Selection

BATCH = 1000
NO_CATALOGUE = "none"
"""Under this name a reason is kept where no price list is installed; one that is will try again."""

Progress = Callable[[int, int], None]
"""Called with how many records were looked at, and how many there are."""


def price_missing(ledger: Ledger, selection: Selection, progress: Progress) -> None:
    """Price what was never priced, or was not found in another release of the price list."""
    condition, parameters = _unpriced(selection, catalogue_name())
    todo = ledger.query("SELECT count(*) FROM record WHERE " + condition, parameters)[0][0]
    done, last = 0, 0
    while done < todo:
        rows = ledger.query(
            "SELECT number, created, body FROM record WHERE number > ? AND %s ORDER BY number LIMIT %d" % (condition, BATCH), [last, *parameters]
        )
        if not rows:
            return
        ledger.price([_priced(row) for row in rows])
        done, last = done + len(rows), rows[-1]["number"]
        progress(done, todo)


def _unpriced(selection: Selection, catalogue: str) -> Tuple[str, List[Any]]:
    condition, parameters = selection.condition()
    condition += " AND total_cost IS NULL AND (priced_with IS NULL"
    if catalogue:
        condition += " OR substr(priced_with, 1, ?) <> ?"
        parameters = [*parameters, len(catalogue) + 1, catalogue + ":"]
    return condition + ")", parameters


def _priced(row: Any) -> Tuple[int, Optional[float], str, str]:
    found = price(json.loads(row["body"]), row["created"])
    kept = found.catalogue
    if found.status == UNPRICED:
        kept = "%s: %s" % (found.catalogue or NO_CATALOGUE, found.why)
    return row["number"], found.cost, found.status, kept


def reasons(ledger: Ledger, selection: Selection, most: int = 5) -> List[Tuple[str, int]]:
    """Why records are unpriced, the commonest reasons first."""
    condition, parameters = selection.condition()
    sql = "SELECT priced_with, count(*) FROM record WHERE total_cost IS NULL AND %s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %d" % (condition, most)
    return [((row[0] or "").partition(": ")[2] or "not priced yet", row[1]) for row in ledger.query(sql, parameters)]
