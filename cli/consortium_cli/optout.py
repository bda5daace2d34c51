"""`consortium optout`: what recipients asked for.

An address is never an argument, which `ps` and the history of a shell would show.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from consortium.errors import UsageError
from consortium.model import Channel, Scope
from consortium.types import Pii
from consortium_cli.homes import desk, host, read_text, write_new
from consortium_cli.screen import (
    DAY,
    FILE,
    VerbGroup,
    format_option,
    pack_beside,
    say,
    say_all,
    show_rows,
)
from consortium_cli.wording import count, counted, joined

__all__ = ["command"]

_REJECTED_ROWS = 5


@click.group("optout", cls=VerbGroup)
def command() -> None:
    """Record, check and exchange what recipients asked for.

    An address is asked for, or given as one line of standard input; never as an argument. An
    opt-out holds for every message that is not begun yet, and no list, merge or plan lifts it.
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
    """Record that somebody wants no more messages, on the host. Lasts for ever.

    The address or number is asked for, or is one line of standard input; never an argument.
    """
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
    """Say which opt-outs an address stands under, on the host. Not whether anybody knows it.

    It is asked for, or is one line of standard input; never an argument.
    """
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


@command.command("pack")
@click.argument("file", type=FILE)
@click.option("--obtained", type=DAY, required=True, help="The day of the export.")
@click.option(
    "--list", "list_name", default="opt-outs", show_default=True, help="Your name for it."
)
@click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    help="Of what they want no more; the other's columns are not read.  [default: anything]",
)
@click.option("--map", "mapping", type=FILE, help="Which column is which.  [default: recognised]")
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.pack beside it]")
@click.option("--replace", is_flag=True, help="Write over an earlier pack.  [default: refuse]")
@click.pass_context
def pack(
    ctx: click.Context,
    *,
    file: Path,
    obtained: date,
    list_name: str,
    channel: str | None,
    mapping: Path | None,
    out: Path | None,
    replace: bool,
) -> None:
    """Sign and encrypt FILE, a list of people who have opted out, at the partner's.

    Everybody in it has, whatever its columns say. Only addresses and numbers are sent.
    """
    from consortium.app import ListOptions  # noqa: PLC0415 - loads the whole library
    from consortium.pack import default_path  # noqa: PLC0415 - the same

    made = desk(ctx).pack_opt_outs(
        file,
        list_name=list_name,
        obtained_on=obtained,
        out=out or pack_beside(file),
        channels=tuple(Channel) if channel is None else (Channel(channel),),
        replace=replace,
        options=ListOptions(mapping=mapping, problems_to=default_path(file)),
    )
    words = [f"{made.path.name}: {counted(made.counts.opt_outs, 'opt-out')}"]
    words += [f"{count(made.counts.rejected)} unusable", f"{count(made.counts.repeated)} repeated"]
    say_all(joined(words))
    if made.report.rejected and made.report.problems_file is not None:
        say(f"  nobody in an unusable line is blocked: see {made.report.problems_file.name}")
    say(f"  Next: hand {made.path.name} to the host:")
    say(f"    consortium optout import {made.path.name}")
    if made.report.rejected:
        ctx.exit(_REJECTED_ROWS)


@command.command("import")
@click.argument("file", type=FILE)
@click.pass_context
def import_(ctx: click.Context, *, file: Path) -> None:
    """Take in FILE, a pack of opt-outs, on the host: all of it or nothing.

    From then on nothing goes in that partner's name to anybody in it. Delete the pack afterwards:
    whoever holds the intake key can open it.
    """
    upload = host(ctx).optouts.import_pack(file)
    say(
        f"{upload.name}: {counted(upload.opt_outs, 'opt-out')} of {upload.partner}, "
        f"ledger entry {upload.entry}."
    )
    say(f"From now on nothing goes to them in the name of {upload.partner}.")


@command.command("export")
@click.argument("partner")
@click.option("--since", type=DAY, help="Only those of this day (UTC) and later.  [default: all]")
@click.option("--out", type=FILE, help="Where to write.  [default: PARTNER.opt-outs]")
@click.pass_context
def export(ctx: click.Context, *, partner: str, since: date | None, out: Path | None) -> None:
    """Write the file that tells PARTNER which of its records have opted out, on the host.

    Everything in it is sealed to the partner. It holds answers to the partner's own messages and
    requests made by address; not answers to other partners' messages.
    """
    text, number = host(ctx).optouts.export(partner, since=since)
    target = out or Path(f"{partner}.opt-outs")
    write_new(target, text, mode=0o600)
    say(f"Written: {target.name}, {counted(number, 'opt-out')}.")
    say(f"Give it to {partner}, who opens it with:")
    say(f"  consortium optout open {target.name}")


@command.command("open")
@click.argument("file", type=FILE)
@click.option(
    "--shape",
    default="plain",
    show_default=True,
    help="For which system: plain, action-network, everyaction, civicrm, nationbuilder …",
)
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.csv]")
@click.pass_context
def open_(ctx: click.Context, *, file: Path, shape: str, out: Path | None) -> None:
    """Open the FILE of opt-outs and write what your system takes in, at the partner's."""
    table = desk(ctx).write_opt_outs(read_text(file), shape=shape)
    target = out or file.with_name(file.name + ".csv")
    write_new(target, table.csv, mode=0o600)
    say(f"Written: {target.name}, {counted(table.written, 'opt-out')} for {table.title}.")
    if table.left_out:
        say(f"Left out: {table.left_out:,} that {table.title} has no column for.")
