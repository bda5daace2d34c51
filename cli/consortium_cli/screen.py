"""How results look: plain when piped, aligned on a terminal, JSON and CSV on request.

Numbers are grouped (`48,210`). Nothing here is given personal data.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

__all__ = ["confirm", "count", "format_option", "say", "show_rows", "yes_option"]

_F = TypeVar("_F", bound=Callable[..., Any])


def count(number: int) -> str:
    """`48210` as `48,210`."""
    return f"{number:,}"


def say(text: str = "") -> None:
    """One line of the result, on stdout."""
    click.echo(text)


def format_option(function: _F) -> _F:
    """`--format table|json|csv`, on everything that lists."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="How to print the result.",
    )(function)


def yes_option(function: _F) -> _F:
    """`--yes`, on everything that asks."""
    return click.option("--yes", is_flag=True, help="Do not ask.  [default: ask]")(function)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on stderr; anything but yes stops the command with nothing done."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this asks before it acts; add --yes to run it unattended")
    click.confirm(question, abort=True, err=True)


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, form: str) -> None:
    """Print rows under column names, as a table, JSON objects or CSV."""
    if form == "json":
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
        return
    if form == "csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows([columns, *rows])
        click.echo(buffer.getvalue(), nl=False)
        return
    if not rows:
        click.echo("none", err=True)
        return
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(c), *(len(t[i]) for t in texts)) for i, c in enumerate(columns)]
    numeric = [all(isinstance(row[i], int) for row in rows) for i in range(len(columns))]
    click.secho(_line(columns, widths, numeric), bold=True)
    for text in texts:
        click.echo(_line(text, widths, numeric))


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return "" if value is None else str(value)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(padded).rstrip()
