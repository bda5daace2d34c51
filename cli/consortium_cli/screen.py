"""What every command shares on screen: lines, questions, and lists in three forms.

A result goes to stdout, questions and notes go to stderr. Nothing here is given personal data.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from consortium.cells import inert
from consortium_cli.wording import WIDTH, count, shown

__all__ = [
    "DAY",
    "FILE",
    "VerbGroup",
    "confirm",
    "dry_run_option",
    "format_option",
    "heading",
    "note",
    "pack_beside",
    "say",
    "say_all",
    "show_rows",
    "yes_option",
]

_SENTENCE = 200  # characters
_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)
"""An argument that names a file; the library says what is wrong with it."""


class VerbGroup(click.Group):
    """A noun, whose help says of each verb its first sentence whole."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, verb.get_short_help_str(limit=_SENTENCE)) for name, verb in found if verb]
            )


class _Day(click.ParamType):  # type: ignore[type-arg] # generic from click 8.5 on only
    """A calendar day as ISO 8601 writes it."""

    name = "YYYY-MM-DD"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date:
        """The day that `value` names."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("there is no such day; write it like 2026-11-03", param, ctx)


DAY = _Day()
"""An option that takes a day."""


def pack_beside(file: Path) -> Path:
    """Where the pack of a list goes: `members.csv` gives `members.pack` beside it."""
    return file.with_suffix(".pack") if file.name else file / "list.pack"


def say(text: str = "") -> None:
    """One line of the result, on stdout."""
    click.echo(shown(text))


def say_all(lines: Iterable[str]) -> None:
    """Lines of the result."""
    for line in lines:
        say(line)


def heading(text: str) -> None:
    """A heading inside a screen: `  WORTH FIXING`."""
    click.secho(f"  {text}", bold=True)


def note(text: str) -> None:
    """One line beside the result, on stderr."""
    click.echo(shown(text), err=True)


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


def dry_run_option(function: _F) -> _F:
    """`--dry-run`, on everything that sends or destroys."""
    return click.option(
        "--dry-run", is_flag=True, help="Show what would happen and do nothing.  [default: do it]"
    )(function)


def confirm(question: str, *, yes: bool) -> None:
    """Ask on stderr; anything but yes stops the command with nothing done."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this asks before it acts; add --yes to run it unattended")
    if not click.confirm(question, err=True):
        note("Nothing was done.")
        raise click.exceptions.Exit(1)


def show_rows(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    form: str,
    table: Sequence[str] | None = None,
) -> None:
    """Print rows under column names, as a table, JSON objects or CSV.

    Args:
        columns: Names, one for each cell of a row.
        rows: Cells: text, whole numbers, truth values, days, instants or None.
        form: `table`, `json` or `csv`.
        table: The columns that a table shows, if not all of them fit into 80.
    """
    listing = [list(row) for row in rows]
    match form:
        case "json":
            plain = [dict(zip(columns, map(_plain, row), strict=True)) for row in listing]
            click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        case "csv":
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_safe(_plain(cell)) for cell in row] for row in listing)
            click.echo(buffer.getvalue(), nl=False)
        case _ if not listing:
            note("none")
        case _:
            chosen = [columns.index(name) for name in table or columns]
            _table([columns[i] for i in chosen], [[row[i] for i in chosen] for row in listing])


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(c), *(len(t[i]) for t in texts)) for i, c in enumerate(columns)]
    if sys.stdout.isatty():
        _shrink(widths)
    numeric = [
        all(row[i] is None or type(row[i]) is int for row in rows) for i in range(len(columns))
    ]
    click.secho(_line(columns, widths, numeric), bold=True)
    for text in texts:
        say(_line(text, widths, numeric))


def _shrink(widths: list[int]) -> None:
    """Narrow the widest columns until a line fits."""
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > 8:  # noqa: PLR2004 - what is still read
        widths[widths.index(max(widths))] -= 1


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = (
        _cut(cell, width).rjust(width) if right else _cut(cell, width).ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return count(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M %Z}"
        case _:
            return str(value)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _safe(value: object) -> object:
    return inert(value) if isinstance(value, str) else value
