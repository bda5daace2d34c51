"""`consortium voters`: voter files and registers on the host, their places, and who has voted."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from consortium_cli.homes import host
from consortium_cli.screen import (
    DAY,
    FILE,
    VerbGroup,
    confirm,
    format_option,
    note,
    say,
    say_all,
    show_rows,
    yes_option,
)
from consortium_cli.wording import count, counted, joined, lasting, people, wrapped

if TYPE_CHECKING:
    from consortium.store.returned import ReturnedRecord
    from consortium.voters import LoadResult, PlacesShown

__all__ = ["age_of", "command"]

_REJECTED_ROWS = 5
_PURPOSES = ("gotv", "ballot_notice", "campaign", "fundraising", "service", "survey")
_PLURALS = {
    "county": "counties",
    "municipality": "municipalities",
    "ward": "wards",
    "precinct": "precincts",
    "polling_district": "polling districts",
    "district": "districts",
    "employer": "employers",
    "workplace": "workplaces",
    "branch": "branches",
    "grade": "grades",
}


class _Moment(click.ParamType):  # type: ignore[type-arg] # generic from click 8.5 on only
    """A day or an instant as ISO 8601 writes it; without a zone: this machine's."""

    name = "YYYY-MM-DD[THH:MM]"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """The instant that `value` names."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value).astimezone()
        except ValueError:
            self.fail("there is no such time; write it like 2026-11-03T09:00", param, ctx)


@click.group("voters", cls=VerbGroup)
def command() -> None:
    """Voter files and registers: load, match, places, who has voted."""


@command.command("load")
@click.argument("file", type=FILE)
@click.option(
    "--licensed-to",
    "licensed",
    multiple=True,
    required=True,
    metavar="PARTNER",
    help="Whose messages may rest on it; may be repeated.",
)
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    required=True,
    type=click.Choice(_PURPOSES),
    help="What these messages may be for; may be repeated.",
)
@click.option("--until", type=DAY, required=True, help="The last day of its use.")
@click.option("--layout", help="Its layout.  [default: recognised by its headers]")
@click.option("--register", help="Whose ids it has, one word.  [default: the layout's name]")
@click.option("--history", type=FILE, help="A file of who voted when, beside it.  [default: none]")
@click.pass_context
def load(
    ctx: click.Context,
    *,
    file: Path,
    licensed: tuple[str, ...],
    purposes: tuple[str, ...],
    until: date,
    layout: str | None,
    register: str | None,
    history: Path | None,
) -> None:
    """Load the voter file or register FILE under a licence, on the host: all of it or nothing."""
    from consortium.model import Purpose  # noqa: PLC0415 - loads the library

    opened = host(ctx).voters
    result = opened.load(
        file,
        licensed=[slug for one in licensed for slug in one.split(",") if slug],
        purposes=[Purpose(word) for word in purposes],
        until=until,
        layout=layout,
        register=register,
        history=history,
    )
    _show_load(result)
    for newest in opened.newest_lists():
        if newest.register == result.record.register:
            note(f"  the {age_of(newest)}, counts for it; is that election over?")
            note(f"  Then: consortium voters forget {newest.register}")
    if result.rejected:
        ctx.exit(_REJECTED_ROWS)


def _show_load(result: LoadResult) -> None:
    from consortium.voters import REJECTIONS  # noqa: PLC0415 - loads the room

    record, counts = result.record, result.record.counts
    say(f"{record.name}: {result.title}, {counted(counts.rows, 'voter')}")
    say_all(
        joined(
            [
                f"licensed to {', '.join(record.licensed)}",
                f"for {', '.join(purpose.value for purpose in record.purposes)}",
                f"until {record.until.isoformat()}",
                f"register {record.register}",
            ]
        )
    )
    kinds = [
        counted(number, kind) if number == 1 else f"{count(number)} {_PLURALS[kind]}"
        for kind, number in result.place_kinds.items()
    ]
    say_all(wrapped(f"places: {', '.join(kinds) or 'none'}"))
    if counts.history_rows:
        say(f"  turnout: {counted(counts.history_rows, 'row')}, kept sealed")
    if counts.left_out:
        say(f"  {count(counts.left_out)} left out: on the register no more")
    if counts.repeated:
        say(f"  {count(counts.repeated)} left out: their id stands there before")
    for code, number in sorted(result.rejected.items()):
        lines = ", ".join(count(line) for line, one in result.shown if one == code)
        note(f"  {count(number)} not read: {REJECTIONS[code]} (lines {lines}, …)")
    say(f"  ledger entry {record.entry}. Next: consortium voters match")


@command.command("list")
@format_option
@click.pass_context
def list_(ctx: click.Context, *, form: str) -> None:
    """List the voter files with their licences, on the host."""
    opened = host(ctx)
    rows = [
        (
            r.name,
            r.layout,
            r.register,
            r.state,
            r.counts.rows,
            " ".join(r.licensed),
            " ".join(purpose.value for purpose in r.purposes),
            r.until,
            r.loaded_at,
        )
        for r in opened.voters.list()
    ]
    columns = ("name", "layout", "register", "state", "voters", "licensed to", "for", "until")
    shown = ("name", "layout", "state", "voters", "licensed to", "for", "until")
    show_rows((*columns, "loaded"), rows, form=form, table=shown)
    for newest in opened.voters.newest_lists():
        note(f"{newest.register}: {age_of(newest)}")


def age_of(newest: ReturnedRecord, *, now: datetime | None = None) -> str:
    """`returned list of 3 Nov 2026, 6 h old`."""
    from consortium.clock import SystemClock  # noqa: PLC0415 - loads the library

    old = (now or SystemClock().now()) - newest.as_of
    day = f"{newest.as_of.astimezone():%-d %b %Y}"
    return f"returned list of {day}, {lasting(max(old, timedelta(0)))} old"


@command.command("match")
@click.option("--full", is_flag=True, help="Look for everybody anew.  [default: who is new]")
@click.pass_context
def match(ctx: click.Context, *, full: bool) -> None:
    """Look for people in every voter file that counts, on the host; merge first."""
    for found in host(ctx).voters.match(full=full):
        say(f"{found.load.name}: {people(found.matched)} of {people(found.persons)} people found")
        if found.entry is None:
            say("  nobody is new since the last match")
        else:
            say(f"  {people(found.judged)} looked for, ledger entry {found.entry}")
    say("Next: consortium voters places")


@command.command("places")
@click.option(
    "--kind",
    type=click.Choice(list(_PLURALS)),
    metavar="KIND",
    help="Those of one kind, e.g. precinct.  [default: how many of each]",
)
@click.option("--under", default="", help="Below a place, e.g. NC/WAKE.  [default: all]")
@format_option
@click.pass_context
def places(ctx: click.Context, *, kind: str | None, under: str, form: str) -> None:
    """List places that campaigns can name; small ones are not shown."""
    from consortium.model import PlaceKind  # noqa: PLC0415 - loads the library

    found = host(ctx).voters.places(kind=PlaceKind(kind) if kind else None, under=under)
    if kind is None:
        _show_kinds(found, form=form)
        return
    rows = [(f"{p.kind.value}:{p.path}", p.name, p.voters, p.people, p.rate) for p in found.places]
    show_rows(("place", "name", "voters", "matched", "percent"), rows, form=form)
    if any(p.people is None for p in found.places):
        note("nothing under matched: fewer than 50 people, or nearly all")
    if small := sum(found.small.values()):
        note(f"{counted(small, 'place')} with fewer than 50 voters not shown")


def _show_kinds(found: PlacesShown, *, form: str) -> None:
    """How many places there are of each kind, and what one is called."""
    first = {p.kind: p for p in reversed(found.places)}
    number = Counter(p.kind for p in found.places)
    rows = [
        (
            kind.value,
            number[kind],
            found.small.get(kind, 0),
            f"{kind.value}:{first[kind].path}" if kind in first else "",
        )
        for kind in sorted({*number, *found.small})
    ]
    show_rows(("kind", "places", "too small to show", "the first"), rows, form=form)
    if first:
        note(f"One kind with its counts: consortium voters places --kind {min(first).value}")


@command.command("rate")
@click.argument("partner")
@click.pass_context
def rate(ctx: click.Context, *, partner: str) -> None:
    """Say how many of PARTNER's rows its own evidence finds, to be told to that partner alone."""
    found = host(ctx).voters.rate_of(partner)
    for one in found:
        if one.rows is None or one.matched is None:
            say(f"{one.load.name}: {partner} has too few rows to say")
        else:
            share = round(100 * one.matched / one.rows)
            say(
                f"{one.load.name}: {people(one.matched)} of {people(one.rows)} rows of {partner} "
                f"found by their own evidence ({share} %)"
            )
    if not found:
        note(f"no voter file that counts is licensed to {partner}")


@command.command("returned")
@click.argument("file", type=FILE)
@click.option(
    "--as-of", type=_Moment(), help="When it was true.  [default: when the file was written]"
)
@click.option("--register", help="Whose ids it has.  [default: the one that is loaded]")
@click.option("--column", help="Where the ids stand.  [default: called as in the voter file]")
@click.pass_context
def returned(
    ctx: click.Context,
    *,
    file: Path,
    as_of: datetime | None,
    register: str | None,
    column: str | None,
) -> None:
    """Read the list FILE of who has voted; from now on they get no message that asks them to."""
    opened = host(ctx).voters
    result = opened.returned(file, as_of=as_of, register=register, column=column)
    record = result.record
    if result.again:
        say(f"{file.name} was read before; nothing was changed")
    say(f"{record.register}: {counted(record.ids, 'id')}, {count(record.new)} on no list before")
    if record.unknown:
        say(f"  {count(record.unknown)} in no voter file that is loaded")
    say(f"  {age_of(record)}")
    for newest in opened.newest_lists():
        if newest.register == record.register and newest.as_of > record.as_of:
            say(f"  older than the {age_of(newest)}, to which it adds")
    for load in opened.behind():
        note(f"not everybody was looked for in {load} yet: consortium voters match")
    known = record.ids - record.unknown
    for one in opened.list():
        if one.register == record.register and one.state == "active" and one.counts.rows <= known:
            note(
                f"that is as many as {one.name} has voters: if it is the register itself, take it "
                f"back with: consortium voters forget {record.register}"
            )
    if 2 * record.unknown > record.ids:
        note("more than half of its ids are unknown: is it of the right county and column?")


@command.command("end")
@click.argument("name", required=False)
@click.option("--due", is_flag=True, help="Those whose last day is over.  [default: NAME]")
@yes_option
@click.pass_context
def end(ctx: click.Context, *, name: str | None, due: bool, yes: bool) -> None:
    """Make the voter file NAME count no more and delete it, but for who has voted by it."""
    if bool(name) == due:
        raise click.UsageError("name a voter file, or say --due")
    opened = host(ctx).voters
    found = opened.due() if name is None else [opened.show(name)]
    if not found:
        say("no licence is over")
        return
    names = ", ".join(record.name for record in found if record.state != "ended")
    if names:
        for campaign in opened.sparing():
            note(f"{campaign} still leaves out who has voted so far; later lists need another file")
        confirm(f"End {names}? Campaigns planned by it must be planned again.", yes=yes)
    for record in opened.expire() if name is None else [opened.end(name)]:
        say(f"{record.name} has ended and is deleted")


@command.command("forget")
@click.argument("register")
@yes_option
@click.pass_context
def forget(ctx: click.Context, *, register: str, yes: bool) -> None:
    """Forget who has voted by the lists of REGISTER, once the election is over."""
    opened = host(ctx).voters
    confirm(f"Forget who has voted by the lists of {register}? They are asked again.", yes=yes)
    lists = opened.forget(register)
    say(f"{register}: {counted(lists, 'list')} of who has voted forgotten")
