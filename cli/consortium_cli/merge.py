"""`consortium merge`: persons out of source rows."""

from __future__ import annotations

import click

from consortium_cli.homes import host
from consortium_cli.screen import say
from consortium_cli.wording import count, counted, people

__all__ = ["command"]


@click.group("merge")
def command() -> None:
    """Make persons out of source rows."""


@command.command("run")
@click.option(
    "--full", is_flag=True, help="Judge every row anew.  [default: what changed since the last]"
)
@click.pass_context
def run(ctx: click.Context, *, full: bool) -> None:
    """Bring persons up to date with the lists that count now, on the host."""
    result = host(ctx).uploads.merge(full=full)
    say(f"{people(result.persons)} people in {counted(result.rows, 'row')} of all lists")
    if result.entry is None:
        say("  nothing has changed since the last merge")
    else:
        judged = counted(result.judged_rows, "row")
        say(f"  {judged} looked at, {count(result.changed_rows)} changed")
        say(f"  generation {result.generation}, ledger entry {result.entry}")
