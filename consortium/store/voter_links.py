"""Matches: which source row's person was found in which voter file, from when until when.

A match run writes links invisibly, a few hundred per transaction: with `from_run` ahead of the run
in use, and `to_run` on those they replace. One short transaction then moves the load's `match_run`
on. A run that dies before leaves links that no reader sees and `sweep` takes back. Links hang on
source rows, so that they outlive a merge; rows that a later merge puts into one person bring all
their links with them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Select, and_, delete, func, insert, select, update

from consortium.model import UploadState
from consortium.store.engine import Database, Tx, chunked, give_way
from consortium.store.memberships import visible as member_visible
from consortium.store.places import visible
from consortium.store.tables import metadata
from consortium.types import EntryIndex

__all__ = [
    "Link",
    "MatchRun",
    "add",
    "any_changed_since",
    "begin",
    "changed_since",
    "close",
    "count_persons",
    "current",
    "finish",
    "latest",
    "lists_ended",
    "matched_persons",
    "rows_of_owner",
    "show",
    "still_there",
    "sweep",
    "unfinished",
]

_load = metadata.tables["consortium_voter_load"]
_match = metadata.tables["consortium_voter_match"]
_link = metadata.tables["consortium_voter_link"]
_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_member = metadata.tables["consortium_membership"]
_state = metadata.tables["consortium_state"]

_T = TypeVar("_T")
_IN = 500
_FETCH = 20_000
_STEP_SECONDS = 0.03


class Link(NamedTuple):
    """A source row's voter: the digest of its id, its place set in the load, and why."""

    voter: bytes
    place_set: int
    rule: str


@dataclass(frozen=True, slots=True)
class MatchRun:
    """A finished match of persons with a load; `lists_ended` counts uploads that had by then."""

    id: int
    generation: int
    weights: str
    lists_ended: int
    persons: int
    matched: int
    finished_at: datetime


def latest(tx: Tx, load_id: int) -> MatchRun | None:
    """The run in use; None before the first."""
    statement = (
        select(_match)
        .join(_load, and_(_load.c.id == _match.c.load_id, _load.c.match_run == _match.c.id))
        .where(_match.c.load_id == load_id)
    )
    row = tx.execute(statement).first()
    if row is None:
        return None
    return MatchRun(
        row.id,
        row.generation,
        row.weights,
        row.lists_ended,
        row.persons,
        row.matched,
        row.finished_at,
    )


def lists_ended(tx: Tx) -> int:
    """How many uploads counted once and do no more; it never falls."""
    others = (UploadState.STAGED.value, UploadState.ACTIVE.value)
    statement = select(func.count()).select_from(_upload).where(_upload.c.state.not_in(others))
    return int(tx.execute(statement).scalar_one())


def changed_since(tx: Tx, generation: int, *, now: int) -> Iterator[tuple[int, int]]:
    """(person, row) of persons that later merges made, ordered by both; rows that count only.

    Args:
        generation: Persons of this generation and before are left out; 0: everybody.
        now: The generation in use.
    """
    statement = _changed(generation, now).order_by(_member.c.person_id, _member.c.row_id)
    for person, row in tx.execute(statement.execution_options(yield_per=_FETCH)):
        yield int(person), int(row)


def any_changed_since(tx: Tx, generation: int, *, now: int) -> bool:
    """Whether `changed_since` gives anybody."""
    return tx.execute(_changed(generation, now).limit(1)).first() is not None


def _changed(generation: int, now: int) -> Select[tuple[int, int]]:
    return (
        select(_member.c.person_id, _member.c.row_id)
        .join(_row, _row.c.id == _member.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(
            member_visible(_member, now),
            _member.c.from_generation > generation,
            _upload.c.state == UploadState.ACTIVE.value,
        )
    )


def rows_of_owner(tx: Tx, partner_id: int) -> list[int]:
    """Ids of the rows of a partner's active uploads, ascending."""
    statement = (
        select(_row.c.id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(_upload.c.partner_id == partner_id, _upload.c.state == UploadState.ACTIVE.value)
        .order_by(_row.c.id)
    )
    return list(tx.execute(statement).scalars())


def current(tx: Tx, load_id: int, run: int) -> dict[int, Link]:
    """Row id → its link, of a run."""
    statement = select(_link.c.row_id, _link.c.voter, _link.c.place_set, _link.c.rule).where(
        _link.c.load_id == load_id, visible(run)
    )
    found = tx.execute(statement.execution_options(yield_per=_FETCH))
    return {row: Link(bytes(voter), places, rule) for row, voter, places, rule in found}


def begin(
    tx: Tx, load_id: int, *, generation: int, weights: str, lists_ended: int, at: datetime
) -> int:
    """Begin a run; returns its number, above every earlier one."""
    statement = insert(_match).values(
        load_id=load_id,
        generation=generation,
        weights=weights,
        lists_ended=lists_ended,
        persons=0,
        matched=0,
        changed_rows=0,
        started_at=at,
    )
    (run,) = tx.execute(statement.returning(_match.c.id)).one()
    return int(run)


def close(database: Database, load_id: int, rows: Iterable[int], *, run: int) -> None:
    """From `run` on these rows have no link, or another."""

    def some(tx: Tx, part: list[int]) -> None:
        tx.execute(
            update(_link)
            .where(_link.c.load_id == load_id, _link.c.row_id.in_(part), _link.c.to_run.is_(None))
            .values(to_run=run)
        )

    _in_steps(database, rows, some)


def add(database: Database, load_id: int, links: Iterable[tuple[int, Link]], *, run: int) -> None:
    """Write links from `run` on; a row that was deleted meanwhile gets none."""
    columns = ("row_id", "load_id", "from_run", "to_run", "voter", "place_set", "rule")

    def some(tx: Tx, part: list[tuple[int, Link]]) -> None:
        there = select(_row.c.id).where(_row.c.id.in_([row for row, _ in part]))
        if not tx.sqlite:
            there = there.with_for_update(read=True, key_share=True)
        kept = set(tx.execute(there).scalars())
        tx.bulk(
            _link.name,
            columns,
            ((row, load_id, run, None, *link) for row, link in part if row in kept),
        )

    _in_steps(database, links, some)


def show(tx: Tx, load_id: int, *, run: int, instead_of: int) -> bool:
    """Make a run the one in use; False if the load has ended or another run was faster."""
    changed = tx.execute(
        update(_load)
        .where(_load.c.id == load_id, _load.c.match_run == instead_of, _load.c.state == "active")
        .values(match_run=run)
    ).rowcount
    return changed == 1


def finish(
    tx: Tx,
    run: int,
    *,
    persons: int,
    matched: int,
    changed_rows: int,
    at: datetime,
    entry: EntryIndex,
) -> None:
    """Note what a run came to."""
    tx.execute(
        update(_match)
        .where(_match.c.id == run)
        .values(
            persons=persons,
            matched=matched,
            changed_rows=changed_rows,
            finished_at=at,
            entry=entry,
        )
    )


def matched_persons(tx: Tx, load_id: int, *, run: int, generation: int) -> int:
    """How many persons of a generation a run has found in a load, of rows that count."""
    statement = (
        select(func.count(_member.c.person_id.distinct()))
        .join(_link, _link.c.row_id == _member.c.row_id)
        .join(_row, _row.c.id == _member.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(
            _link.c.load_id == load_id,
            visible(run),
            member_visible(_member, generation),
            _upload.c.state == UploadState.ACTIVE.value,
        )
    )
    return int(tx.execute(statement).scalar_one())


def count_persons(tx: Tx, generation: int) -> int:
    """How many persons a generation has, of rows that count."""
    statement = (
        select(func.count(_member.c.person_id.distinct()))
        .join(_row, _row.c.id == _member.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(member_visible(_member, generation), _upload.c.state == UploadState.ACTIVE.value)
    )
    return int(tx.execute(statement).scalar_one())


def still_there(tx: Tx, rows: Collection[int], *, generation: int) -> set[int]:
    """Which of these rows belong to a person of a generation and count."""
    found: set[int] = set()
    for part in chunked(sorted(rows), _IN):
        statement = (
            select(_member.c.row_id)
            .join(_row, _row.c.id == _member.c.row_id)
            .join(_upload, _upload.c.id == _row.c.upload_id)
            .where(
                _member.c.row_id.in_(part),
                member_visible(_member, generation),
                _upload.c.state == UploadState.ACTIVE.value,
            )
        )
        found.update(tx.execute(statement).scalars())
    return found


def unfinished(tx: Tx) -> list[tuple[int, int]]:
    """(run, load) of runs that are going on, or that a dead process left."""
    statement = select(_match.c.id, _match.c.load_id).where(_match.c.finished_at.is_(None))
    return [(int(run), int(load)) for run, load in tx.execute(statement)]


def sweep(database: Database) -> bool:
    """Take back what runs that died had written; returns whether there was anything.

    The caller holds the lock under which matches run.
    """
    with database.read() as tx:
        dead = unfinished(tx)
    for run, load in dead:
        _take_back(database, load, run)
        with database.write() as tx:
            tx.execute(delete(_match).where(_match.c.id == run))
    return bool(dead)


def _take_back(database: Database, load: int, run: int) -> None:
    with database.read() as tx:
        rows = list(
            tx.execute(
                select(_link.c.row_id)
                .where(_link.c.load_id == load)
                .where((_link.c.from_run == run) | (_link.c.to_run == run))
                .distinct()
            ).scalars()
        )

    def some(tx: Tx, part: list[int]) -> None:
        mine = (_link.c.load_id == load, _link.c.row_id.in_(part))
        tx.execute(delete(_link).where(*mine, _link.c.from_run == run))
        tx.execute(update(_link).where(*mine, _link.c.to_run == run).values(to_run=None))

    _in_steps(database, rows, some)


def _in_steps(database: Database, items: Iterable[_T], work: Callable[[Tx, list[_T]], Any]) -> None:
    """Work through items in transactions that other writers hardly notice."""
    source = iter(items)
    size = _IN
    while part := list(islice(source, size)):
        began = time.perf_counter()
        with database.write(durable=False) as tx:
            work(tx, part)
        spent = max(time.perf_counter() - began, 1e-4)
        size = max(50, min(_IN * 4, int(size * min(2.0, _STEP_SECONDS / spent))))
        give_way()
