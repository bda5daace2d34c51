"""`consortium optout`: what recipients asked for.

An address is never an argument, which `ps` and the history of a shell would show.
"""

from __future__ import annotations

import sys

import click

from consortium.errors import UsageError
from consortium.model import Channel, Scope
from consortium.types import Pii
from consortium_cli.homes import host
from consortium_cli.screen import format_option, say, show_rows
from consortium_cli.wording import counted

__all__ = ["command"]


@click.group("optout")
def command() -> None:
    """Record and check what recipients asked for. The address is asked for, or one line of stdin.

    An opt-out holds for every message that is not begun yet, and no list, merge or plan lifts it.
    """


_channel_option = click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    default=Channel.EMAIL.value,
    show_default=True,
    help="What they want no more of; sms takes a telephone number.",
)


def _address(channel: Channel) -> Pii:
    """The address, from a prompt or from standard input, which holds one line and no more."""
    what = "E-mail address" if channel is Channel.EMAIL else "Telephone number"
    line = click.prompt(what, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not line.strip():
        raise UsageError(
            "no address was given", hint="Type it when asked, or give it as one line of stdin."
        )
    if not sys.stdin.isatty() and sys.stdin.read().strip():
        raise UsageError(
            "more than one address was given, and none was recorded", hint="Give one at a time."
        )
    return Pii(line.strip())


@command.command("add")
@_channel_option
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.CONSORTIUM.value,
    show_default=True,
    help="Nothing from anybody, or nothing in one partner's name.",
)
@click.option("--partner", help="Whose messages, with --scope partner.  [default: everybody's]")
@click.pass_context
def add(ctx: click.Context, *, channel: str, scope: str, partner: str | None) -> None:
    """Record that somebody wants no more messages, on the host. Lasts for ever."""
    if (partner is None) is (scope == Scope.PARTNER.value):
        raise click.UsageError("--scope partner and --partner NAME go together")
    optouts = host(ctx).optouts
    kind = Channel(channel)
    added = optouts.add(_address(kind), channel=kind, scope=Scope(scope), partner=partner)
    whose = "from anybody" if partner is None else f"in the name of {partner}"
    if added.new:
        points = counted(added.contact_points, "contact point")
        say(f"Recorded. From now on nothing goes {whose} to {points}.")
    else:
        say(f"That was recorded before: nothing goes {whose} to it.")


@command.command("check")
@_channel_option
@format_option
@click.pass_context
def check(ctx: click.Context, *, channel: str, form: str) -> None:
    """Say which opt-outs an address stands under, on the host. Not whether anybody knows it."""
    optouts = host(ctx).optouts
    kind = Channel(channel)
    rows = [
        (
            ban.channel.value,
            "from anybody" if ban.partner is None else f"in the name of {ban.partner}",
            ban.cause.replace("_", " "),
            ban.author,
            ban.at,
            ban.entry,
        )
        for ban in optouts.check(_address(kind), channel=kind).bans
    ]
    if form == "table" and not rows:
        say("No opt-out stands against it.")
        return
    show_rows(("channel", "nothing goes", "cause", "word of", "since", "entry"), rows, form=form)
