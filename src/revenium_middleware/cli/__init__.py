"""``revenium-meter``: the ledger on the command line. click and rich are imported when it runs, not before."""

from __future__ import annotations

import sys

_NEEDS = "revenium-meter needs click and rich, which the extra 'cli' brings: python -m pip install click rich"


def main() -> None:
    """Run the command line; the console script and ``python -m revenium_middleware`` both end here."""
    try:
        import click  # noqa: F401
        import rich  # noqa: F401
    except ImportError:
        sys.stderr.write(_NEEDS + "\n")
        raise SystemExit(2) from None
    from .commands import program

    program()
