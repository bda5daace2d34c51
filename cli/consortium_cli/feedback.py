"""`consortium feedback`: the mail that comes back."""

from __future__ import annotations

from pathlib import Path

import click

from consortium_cli.homes import host
from consortium_cli.screen import FILE, VerbGroup, say
from consortium_cli.wording import count

__all__ = ["command"]

_LINES = (
    ("opted_out", "opted out: nothing goes to them any more"),
    ("already", "had opted out before"),
    ("automatic", "written by a machine: changes nothing"),
    ("unknown_code", "to an address that no message of ours gave: changes nothing"),
    ("not_for_us", "about something else: left for you to read"),
    ("unreadable", "cannot be opened"),
    ("repeated", "were read before"),
)


@click.group("feedback", cls=VerbGroup)
def command() -> None:
    """Read the mail that comes back."""


@command.command("read")
@click.argument("maildir", type=FILE)
@click.pass_context
def read(ctx: click.Context, *, maildir: Path) -> None:
    """Read the mails in the folder MAILDIR, on the host; unsubscribe mails become opt-outs.

    Mails are never changed, moved or deleted. Reading again changes nothing.
    """
    result = host(ctx).optouts.read_mail(maildir)
    say(f"  {count(result.mails):>8} mails in {maildir.name}")
    for field, words in _LINES:
        if number := getattr(result, field):
            say(f"  {count(number):>8} {words}")
