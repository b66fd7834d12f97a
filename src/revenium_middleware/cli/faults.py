"""How a mistake is told: one line, with the way out, and exit code 2."""

from __future__ import annotations

from typing import IO, Any, Optional

import click

from .words import shown


class Fault(click.ClickException):
    """Something the user can put right."""

    exit_code = 2

    def show(self, file: Optional[IO[Any]] = None) -> None:
        click.echo("revenium-meter: %s" % shown(self.message), err=True, file=file)
