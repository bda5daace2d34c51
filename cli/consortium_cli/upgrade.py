"""`consortium upgrade`: after a newer version was installed."""

from __future__ import annotations

import click

from consortium_cli.screen import say

__all__ = ["command"]


@click.command("upgrade")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Bring the database of an older version forward, on the host. Make a backup first.

    It is done in one transaction: all the way or not at all. Nothing else may be running.
    """
    from consortium.app import upgrade  # noqa: PLC0415 - loads everything

    before, after = upgrade(ctx.obj)
    if before == after:
        say(f"The database is of revision {after}, as this version needs it.")
    else:
        say(f"The database is now of revision {after}; it was of {before}.")
