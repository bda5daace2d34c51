"""`consortium upload`: lists checked and packed at the partner's, taken in on the host."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from consortium.clock import SystemClock
from consortium.errors import BadFile
from consortium_cli.check_screen import show_attested, show_check
from consortium_cli.homes import desk, desk_if_any, desk_of, host
from consortium_cli.list_options import Said, list_options, pack_options
from consortium_cli.screen import (
    FILE,
    VerbGroup,
    confirm,
    dry_run_option,
    format_option,
    note,
    pack_beside,
    say,
    say_all,
    show_rows,
    yes_option,
)
from consortium_cli.upload_screen import (
    consequences,
    facts,
    only_blocks,
    show_added,
    show_diff,
    show_pack,
)
from consortium_cli.wording import counted

__all__ = ["command"]

_REJECTED_ROWS = 5


@click.group("upload", cls=VerbGroup)
def command() -> None:
    """Lists: check and pack them, take packs in, withdraw them."""


@command.command("check")
@click.argument("file", type=FILE)
@list_options
@click.option(
    "--write-map",
    type=FILE,
    help="Write what is recognised as a mapping, to correct and give back with --map.  "
    "[default: none]",
)
@click.pass_context
def check(ctx: click.Context, *, file: Path, said: Said, write_map: Path | None) -> None:
    """Say what is in the list FILE and what packing it would attest. Nothing leaves the machine.

    Needs no home; in a partner's home it reads the list as that partner's consortium would.
    """
    from consortium.app import check_without_home, write_mapping  # noqa: PLC0415 - the same

    partner = desk_if_any(ctx)
    if write_map is not None:
        write = write_mapping if partner is None else partner.write_mapping
        write(file, to=write_map, options=said.options(file))
        note(f"  {write_map} is written: look it over, then give it with --map {write_map}")
    try:
        if partner is None:
            today = SystemClock().now().date()
            report = check_without_home(file, options=said.options(file), today=today)
        else:
            report = partner.check(file, options=said.options(file))
    except BadFile as error:
        if write_map is None:
            raise
        hint = f"Correct {write_map}, then: consortium upload check {file} --map {write_map}"
        raise BadFile(error.message, hint=hint) from error
    show_check(report, file=file, said=said.words())
    if report.rejected:
        ctx.exit(_REJECTED_ROWS)


@command.command("pack")
@click.argument("file", type=FILE)
@pack_options(required=True)
@list_options
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.pack beside it]")
@click.option("--replace", is_flag=True, help="Write over an earlier pack.  [default: refuse]")
@click.pass_context
def pack(
    ctx: click.Context,
    *,
    file: Path,
    list_name: str,
    obtained: date,
    expires: date | None,
    standing: bool,
    said: Said,
    out: Path | None,
    replace: bool,
) -> None:
    """Check, sign and encrypt the list FILE for the consortium this partner has joined."""
    made = desk(ctx).pack(
        file,
        list_name=list_name,
        obtained_on=obtained,
        out=out or pack_beside(file),
        expires_on=expires,
        standing=standing,
        replace=replace,
        options=said.options(file),
    )
    show_attested(made.report, title="WHAT YOU ATTEST")
    show_pack(made)
    say(f"  Next: hand {made.path.name} to the host, who alone can open it:")
    say(f"    consortium upload add {made.path.name}")
    if made.report.rejected:
        ctx.exit(_REJECTED_ROWS)


@command.command("add")
@click.argument("file", type=FILE)
@click.option(
    "--as",
    "partner_home",
    type=FILE,
    metavar="PARTNER_HOME",
    help="Pack the list FILE first, as the partner whose home is on this machine too; takes that "
    "partner's passphrase (CONSORTIUM_PARTNER_PASSPHRASE) beside the operator's.  "
    "[default: FILE is a pack]",
)
@click.option(
    "--replaces",
    metavar="UPLOAD",
    help="Withdraw this earlier upload of the same list in the same moment.  [default: none]",
)
@pack_options(required=False)
@list_options
@click.pass_context
def add(
    ctx: click.Context,
    *,
    file: Path,
    partner_home: Path | None,
    replaces: str | None,
    list_name: str | None,
    obtained: date | None,
    expires: date | None,
    standing: bool,
    said: Said,
) -> None:
    """Take the pack FILE in, on the host: all of it or nothing.

    Delete the pack afterwards: whoever holds the intake key can open it. Where an earlier upload is
    replaced, no moment passes in which both count, or neither; its opt-outs stay.
    """
    if partner_home is None:
        if any((list_name, obtained, expires, standing, said)):
            raise click.UsageError("a pack says all this itself; with a list, name --as HOME")
        here = host(ctx)
        show_added(here, here.uploads.add(file, replaces=replaces), replaced=replaces)
        return
    if list_name is None or obtained is None:
        raise click.UsageError("with --as, name --list and --obtained as well")
    here = host(ctx)
    made, upload = here.uploads.add_list(
        file,
        desk=desk_of(partner_home),
        list_name=list_name,
        obtained_on=obtained,
        expires_on=expires,
        standing=standing,
        options=said.options(file),
        replaces=replaces,
    )
    show_attested(made.report, title="WHAT THE PARTNER ATTESTS")
    show_added(here, upload, replaced=replaces)
    if made.report.rejected:
        ctx.exit(_REJECTED_ROWS)


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> None:
    """List the uploads, on the host; a list of opt-outs alone has no rows and blocks."""
    found = host(ctx).uploads.list()
    rows = [
        (
            u.name,
            u.partner,
            u.list_name,
            u.state.value,
            None if form == "table" and only_blocks(u) else u.rows,
            u.opt_outs,
            u.rejected,
            u.repeated,
            u.obtained_on,
            u.expires_on,
            u.added_at,
            u.digest.hex(),
            "opt-outs" if only_blocks(u) else "people",
        )
        for u in found
    ]
    columns = ("upload", "partner", "list", "state", "rows", "opt-outs", "rejected", "repeated")
    show_rows(
        (*columns, "obtained", "expires", "added", "digest", "holds"),
        rows,
        form=form,
        table=("upload", "partner", "list", "state", "rows", "opt-outs", "obtained", "expires"),
    )
    if form == "table" and any(map(only_blocks, found)):
        say("Without rows: lists of opt-outs alone. They block; nobody is written to by them.")


@command.command("show")
@click.argument("name", metavar="UPLOAD")
@click.pass_context
def show(ctx: click.Context, *, name: str) -> None:
    """Show one upload, e.g. u-0042, on the host."""
    upload = host(ctx).uploads.show(name)
    say_all(facts(upload))
    say(f"    pack {upload.digest.hex()}")


@command.command("withdraw")
@click.argument("name", metavar="UPLOAD")
@dry_run_option
@yes_option
@click.pass_context
def withdraw(ctx: click.Context, *, name: str, dry_run: bool, yes: bool) -> None:
    """Make an upload's rows count no more, at once, and delete them, on the host."""
    uploads = host(ctx).uploads
    upload = uploads.show(name)
    say_all(facts(upload))
    if upload.state.value != "active" and upload.erased:
        say(f"  {upload.name} has ended already; nothing is left of it")
        return
    say_all(consequences(upload.rows))
    if dry_run:
        say("  Nothing was done.")
        return
    confirm(f"Withdraw {upload.name} for good?", yes=yes)
    uploads.withdraw(upload.name)
    say(f"  {upload.name} is withdrawn. Next: consortium merge run")


@command.command("expire")
@dry_run_option
@yes_option
@click.pass_context
def expire(ctx: click.Context, *, dry_run: bool, yes: bool) -> None:
    """Do the same for every upload whose last day has passed, on the host."""
    uploads = host(ctx).uploads
    due = uploads.due()
    if not due:
        say("  no upload is past its last day")
        return
    for upload in due:
        say_all(facts(upload))
    say_all(consequences(sum(upload.rows for upload in due)))
    if dry_run:
        say("  Nothing was done.")
        return
    confirm(f"End {counted(len(due), 'upload')} for good?", yes=yes)
    ended = uploads.expire()
    say(f"  {', '.join(u.name for u in ended)} ended. Next: consortium merge run")


@command.command("diff")
@click.argument("older", type=FILE)
@click.argument("newer", type=FILE)
@click.pass_context
def diff(ctx: click.Context, *, older: Path, newer: Path) -> None:
    """Say what has changed between two packs of yours, at the partner's. Nothing leaves it.

    Look before you have a list replaced: an export that was cut short or filtered shows here.
    """
    show_diff(desk(ctx).diff(older, newer))
