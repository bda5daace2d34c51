"""`consortium merge`: persons out of source rows, and what is said against it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consortium_cli.homes import desk, host, read_text, reading, write_new
from consortium_cli.screen import (
    FILE,
    VerbGroup,
    confirm,
    format_option,
    say,
    show_rows,
    yes_option,
)
from consortium_cli.wording import count, counted, people

if TYPE_CHECKING:
    from consortium.identity.decisions import Decided
    from consortium.identity.spark import SparkClosure
    from consortium.identity.taking_back import TakenBack

__all__ = ["command"]

_ROW = re.compile(r"u-[0-9]+:[0-9]+")
_ENTRY = re.compile(r"[0-9]{1,15}")


@click.group("merge", cls=VerbGroup)
def command() -> None:
    """Make persons out of source rows, and keep apart who is not the same.

    A row is called by its upload and its number there: u-0042:17.
    """


@command.command("run")
@click.option(
    "--full", is_flag=True, help="Judge every row anew.  [default: what changed since the last]"
)
@click.option(
    "--scored/--rules-only",
    default=None,
    help="Whether weights add what no rule joins.  [default: as in the last merge, at first not]",
)
@click.option(
    "--spark",
    metavar="MASTER",
    help="Find rows that share something on Apache Spark, such as local[4]; judges every row "
    "anew.  [default: in this process]",
)
@click.option(
    "--spark-folder",
    type=FILE,
    help="A folder that Spark's machines reach under this name.  [default: a temporary one]",
)
@click.pass_context
def run(
    ctx: click.Context,
    *,
    full: bool,
    scored: bool | None,
    spark: str | None,
    spark_folder: Path | None,
) -> None:
    """Bring persons up to date with the lists that count now, on the host."""
    opened = host(ctx)
    result = opened.merges.run(full=full, scored=scored, spark=_spark(spark, spark_folder))
    say(f"{people(result.persons)} people in {counted(result.rows, 'row')} of all lists")
    if result.entry is None:
        say("  nothing has changed since the last merge")
    else:
        judged = counted(result.judged_rows, "row")
        say(f"  {judged} looked at, {count(result.changed_rows)} changed")
        say(f"  generation {result.generation}, ledger entry {result.entry}")
    if behind := opened.voters.behind():
        say(f"  Next: consortium voters match, to look for who is new in {', '.join(behind)}")
    else:
        say("  Next: consortium campaign create FILE, or campaign plan NAME again")


def _spark(master: str | None, folder: Path | None) -> SparkClosure | None:
    if master is None:
        return None
    from consortium.identity.spark import SparkClosure  # noqa: PLC0415 - loads NumPy

    return SparkClosure(master, folder=folder)


@command.command("show")
@click.argument("what", metavar="ROW|MESSAGE")
@format_option
@click.pass_context
def show(ctx: click.Context, *, what: str, form: str) -> None:
    """Show the rows of the person of ROW or MESSAGE (m-1182), on the host. Nobody is named."""
    found = host(ctx).merges.show(what)
    show_rows(
        ("row", "partner", "list"),
        ((f"{r.upload}:{r.source[1]}", r.owner, r.list_name) for r in found),
        form=form,
    )


@command.command("households")
@click.pass_context
def households(ctx: click.Context) -> None:
    """Count the people who share an address or a number, on the host; one of them is written to."""
    found = host(ctx).merges.households()
    if not len(found):
        say("nobody shares an address or a number")
        return
    say(f"{people(len(found.person))} people share an address or a number with somebody")
    say(f"  {people(len(found))} households; a plan writes to one person of each")


@command.command("never")
@click.argument("what", nargs=-1, required=True, metavar="ROW ROW | FILE.signed")
@yes_option
@click.pass_context
def never(ctx: click.Context, *, what: tuple[str, ...], yes: bool) -> None:
    """Record that two rows are two people, on the host; no merge joins them again.

    Either two rows, in the operator's word, or a file in which a partner says so of its own rows.
    It holds until it is taken back with `merge take-back`.
    """
    consortium = host(ctx)
    if len(what) == 1 and not _ROW.fullmatch(what[0]):
        file = Path(what[0])
        with reading(file) as text:
            _say_decided(consortium.merges.record(text, name=file.name))
        return
    if len(what) != 2:  # noqa: PLR2004 - two rows
        raise click.UsageError("name two rows, or one file", ctx)
    confirm(f"{what[0]} and {what[1]} are two people?", yes=yes)
    _say_decided(consortium.merges.never(*what))


@command.command("split")
@click.argument("rows", nargs=-1, required=True, metavar="ROW...")
@yes_option
@click.pass_context
def split(ctx: click.Context, *, rows: tuple[str, ...], yes: bool) -> None:
    """Record that ROW... are not the person of the other rows they are with, on the host."""
    consortium = host(ctx)
    together = {f"{r.upload}:{r.source[1]}" for r in consortium.merges.show(rows[0])}
    if together > set(rows):
        others = counted(len(together - set(rows)), "other")
        say(f"{counted(len(set(rows)), 'row')} to be kept apart from {others}")
    confirm("Are these two people, that no merge joins again?", yes=yes)
    _say_decided(consortium.merges.split(list(rows)))


def _say_decided(decided: Decided) -> None:
    if decided.entry is None:
        say("  recorded before; nothing has changed")
        return
    known = f", {count(decided.known)} recorded before" if decided.known else ""
    say(f"{counted(decided.pairs, 'pair')} never to be merged{known}")
    say(f"  ledger entry {decided.entry}; holds from the next merge on: consortium merge run")


@command.command("take-back")
@click.argument("what", metavar="ENTRY | FILE.taken-back")
@yes_option
@click.pass_context
def take_back(ctx: click.Context, *, what: str, yes: bool) -> None:
    """Take back what `merge never` or `merge split` recorded, on the host.

    Either the operator's word, by its ledger entry (`merge list`), or a file in which a partner
    takes its own word back. The next merge judges these rows as if nothing had been said.
    """
    merges = host(ctx).merges
    if not _ENTRY.fullmatch(what):
        file = Path(what)
        with reading(file) as text:
            _say_taken_back(merges.record_taken_back(text, name=file.name))
        return
    found = [d for d in merges.list() if d.entry == int(what)]
    if found and found[0].partner is None and found[0].follows is None:  # else it is refused
        pairs = counted(found[0].pairs, "pair")
        confirm(f"May the rows of entry {what} ({pairs}) be merged again?", yes=yes)
    _say_taken_back(merges.take_back(int(what)))


def _say_taken_back(found: TakenBack) -> None:
    if found.entry is None:
        say("  taken back before; nothing has changed")
        return
    say(f"{counted(found.pairs, 'pair')} of entry {found.word} may be merged again")
    say(f"  ledger entry {found.entry}; holds from the next merge on: consortium merge run")


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> None:
    """List what was said never to be merged, on the host, by ledger entry."""
    show_rows(
        ("entry", "said by", "pairs", "at", "follows", "taken back in"),
        (
            (int(d.entry), d.partner or d.said_by, d.pairs, d.at, d.follows, d.taken_back)
            for d in host(ctx).merges.list()
        ),
        form=form,
    )


@command.command("pairs")
@click.argument("partner")
@click.option("--out", type=FILE, help="Where to write.  [default: PARTNER.pairs]")
@click.pass_context
def pairs(ctx: click.Context, *, partner: str, out: Path | None) -> None:
    """Ask PARTNER about rows of its own that its own lists join, on the host.

    What others bring plays no part in it, so the file tells PARTNER nothing about them.
    """
    found = host(ctx).merges.pairs(partner)
    if not found.groups:
        say(f"no rows of {partner} are joined by its own lists alone")
        return
    target = out or Path(f"{partner}.pairs")
    write_new(target, found.encode(), mode=0o600)
    say(f"{counted(len(found.groups), 'group')} of rows that {partner}'s own lists join")
    if found.left_out:
        say(f"  and {count(found.left_out)} more, once these are answered")
    say(f"Give {target.name} to {partner}: consortium merge review {target.name}")


@command.command("review")
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.csv]")
@click.pass_context
def review(ctx: click.Context, *, file: Path, out: Path | None) -> None:
    """Make a sheet of the questions in FILE, on the partner's machine."""
    target = out or file.with_name(file.name + ".csv")
    with reading(file) as text:
        found = desk(ctx).own_rows.review(text)
    write_new(target, found.text.reveal(), mode=0o600)
    say(f"{counted(found.rows, 'row')} in {counted(found.groups, 'group')}: {target.name}")
    say("  Rows of a group were taken for one person. Whoever is somebody else gets a 2")
    say('  in the column "person", a third one a 3. Leave the others as they are.')
    say(f"Then: consortium merge answer {target.name}")


@command.command("answer")
@click.argument("file", type=FILE)
@click.option(
    "--take-back",
    "taking_back",
    is_flag=True,
    help="FILE is an answer signed before, and is taken back.  [default: a sheet]",
)
@click.option("--out", type=FILE, help="Where to write.  [default: FILE.signed or FILE.taken-back]")
@yes_option
@click.pass_context
def answer(
    ctx: click.Context, *, file: Path, taking_back: bool, out: Path | None, yes: bool
) -> None:
    """Sign what the sheet FILE says, on the partner's machine; or take an answer back."""
    target = out or file.with_name(file.name + (".taken-back" if taking_back else ".signed"))
    rows = desk(ctx).own_rows
    if taking_back:
        with reading(file) as text:
            signed = rows.take_back(text)
        confirm("The host may merge its rows again. Sign?", yes=yes)
        write_new(target, signed)
        say(f"Signed: {target.name}. Give it to the host:")
        say(f"  consortium merge take-back {target.name}")
        return
    found = rows.read(read_text(file))
    if found:  # signing nothing is refused below
        say(f"{counted(len(found), 'pair')} of rows that are two people")
        confirm("The host will not merge them again. Sign?", yes=yes)
    write_new(target, rows.sign(found))
    say(f"Signed: {target.name}. Give it to the host:")
    say(f"  consortium merge never {target.name}")
