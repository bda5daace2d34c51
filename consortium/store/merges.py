"""Merge generations: which source row belongs to which person, from when until when.

A merge writes the next generation invisibly, a few hundred rows per transaction: memberships with
`from_generation` ahead of the one in use, and `to_generation` on those they replace. One short
transaction then moves `State.merge_generation` on. A merge that dies before leaves rows that no
reader sees and `sweep` takes back. Readers give persons of active uploads only: rows of an ended
one are gone from the moment it ends, whether merged again or not.

A membership whose person may be wrong, because a row beside it was deleted since
(`memberships.mark`) or a merge died over it, has `to_generation` at `STALE`, above every
generation: readers see it as before, and the next merge judges it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Select, delete, distinct, func, insert, or_, select, text, tuple_, update

from consortium.errors import NotFound
from consortium.model import UploadState
from consortium.store import columns
from consortium.store.chunks import ChunkSize, chunked
from consortium.store.columns import Ints
from consortium.store.engine import Database, Tx
from consortium.store.memberships import STALE, visible
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PersonId, SourceRowId, UploadDigest

__all__ = [
    "MergeRecord",
    "active_uploads",
    "add",
    "begin",
    "close",
    "counts",
    "finish",
    "latest",
    "memberships",
    "next_person",
    "open_memberships",
    "person_of_row",
    "person_sizes",
    "persons",
    "rows_of_person",
    "settle",
    "stale_rows",
    "sweep",
]

_state = metadata.tables["consortium_state"]
_upload = metadata.tables["consortium_upload"]
_row = metadata.tables["consortium_source_row"]
_member = metadata.tables["consortium_membership"]
_fellow = metadata.tables["consortium_person_row"]
_run = metadata.tables["consortium_merge_run"]

_FETCH = 20_000
_IN = 500


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """A merge that was finished.

    Attributes:
        generation: What it made.
        rows, persons: How many there were in it.
        changed_rows: How many rows got another person, or left one.
        entry: The ledger entry that records it.
    """

    generation: int
    started_at: datetime
    finished_at: datetime
    rows: int
    persons: int
    changed_rows: int
    entry: EntryIndex


# What readers ask


def persons(tx: Tx, generation: int) -> Iterator[tuple[PersonId, SourceRowId]]:
    """Every (person, row) of a generation, rows of active uploads only, ordered by both."""
    statement = (
        _members(generation)
        .with_only_columns(_member.c.person_id, _member.c.row_id)
        .order_by(_member.c.person_id, _member.c.row_id)
    )
    yield from tx.execute(statement.execution_options(yield_per=_FETCH))


def person_of_row(tx: Tx, row: SourceRowId, *, generation: int) -> PersonId:
    """The person whom a row belongs to.

    Raises:
        NotFound: The row is not there, its upload is not active, or it is not merged yet.
    """
    statement = _members(generation).where(_member.c.row_id == row)
    person = tx.execute(statement.with_only_columns(_member.c.person_id)).scalar_one_or_none()
    if person is None:
        raise NotFound(
            "a source row belongs to no person", hint="Merge first: consortium merge run"
        )
    return PersonId(person)


def rows_of_person(tx: Tx, person: PersonId, *, generation: int) -> list[SourceRowId]:
    """The rows of a person, ascending; none if nobody has that id in the generation."""
    statement = (
        _members(generation)
        .join(_fellow, _fellow.c.row_id == _member.c.row_id)
        .where(_fellow.c.person_id == person, _member.c.person_id == person)
    )
    return sorted(tx.execute(statement.with_only_columns(_member.c.row_id)).scalars())


def latest(tx: Tx) -> MergeRecord | None:
    """The merge whose generation is in use; None before the first."""
    statement = select(_run).join(_state, _state.c.merge_generation == _run.c.generation)
    row = tx.execute(statement.where(_run.c.finished_at.is_not(None))).first()
    if row is None:
        return None
    return MergeRecord(
        generation=row.generation,
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows=row.rows,
        persons=row.persons,
        changed_rows=row.changed_rows,
        entry=EntryIndex(row.entry),
    )


def _members(generation: int) -> Select[Any]:
    return (
        select(_member)
        .join(_row, _row.c.id == _member.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(visible(_member, generation), _upload.c.state == UploadState.ACTIVE.value)
    )


# What a merge reads


def active_uploads(tx: Tx) -> list[UploadDigest]:
    """Digests of the active uploads; on PostgreSQL none begins or ends until the commit."""
    if not tx.sqlite and tx.writable:
        tx.execute(text("LOCK TABLE consortium_upload IN SHARE MODE"))
    statement = select(_upload.c.digest).where(_upload.c.state == UploadState.ACTIVE.value)
    return sorted(UploadDigest(bytes(digest)) for digest in tx.execute(statement).scalars())


def memberships(tx: Tx, generation: int, rows: Ints) -> tuple[Ints, Ints]:
    """Those of these rows that have a person, active or not, ascending, and their persons."""
    select_ = f"SELECT row_id, person_id FROM {_member.name}"  # noqa: S608 - our own name
    among, also = rows.tolist(), f" AND {_visible(generation)}"
    row, person = columns.look_up_numbers(tx, select_, 2, where="row_id", among=among, also=also)
    order = np.argsort(row)
    return row[order], person[order]


def open_memberships(tx: Tx, generation: int) -> tuple[Ints, Ints]:
    """Every row of a generation, active or not, ascending, and its person."""
    row, person = columns.fetch(
        tx,
        f"SELECT row_id, person_id FROM {_member.name} WHERE {_visible(generation)}",  # noqa: S608 - our own names and numbers
        "ii",
    )
    order = np.argsort(row, kind="stable")
    return row[order], person[order]


def person_sizes(tx: Tx, generation: int, ids: Ints) -> Ints:
    """How many rows each of these persons (distinct, ascending) has, active or not."""
    select_ = f"SELECT row_id FROM {_fellow.name}"  # noqa: S608 - our own name
    (ever,) = columns.look_up_numbers(tx, select_, 1, where="person_id", among=ids.tolist())
    _, person = memberships(tx, generation, np.unique(ever))
    place = np.minimum(np.searchsorted(ids, person), max(0, len(ids) - 1))
    return np.bincount(place[ids[place] == person], minlength=len(ids))


def _visible(generation: int) -> str:
    """`memberships.visible` as text."""
    return (
        f"from_generation <= {generation:d}"
        f" AND (to_generation IS NULL OR to_generation > {generation:d})"
    )


def counts(tx: Tx, generation: int) -> tuple[int, int]:
    """How many rows and persons a generation has, as far as they are not deleted.

    From the note of its merge if no upload has ended since, otherwise by counting.
    """
    note = tx.execute(
        select(_run.c.rows, _run.c.persons, _run.c.started_at).where(
            _run.c.generation == generation, _run.c.finished_at.is_not(None)
        )
    ).first()
    if note is not None:
        ended = select(_upload.c.id).where(_upload.c.ended_at >= note.started_at).limit(1)
        if tx.execute(ended).first() is None:
            return note.rows, note.persons
    statement = select(func.count(), func.count(distinct(_member.c.person_id))).where(
        visible(_member, generation)
    )
    rows, people = tx.execute(statement).one()
    return int(rows), int(people)


def stale_rows(tx: Tx) -> list[int]:
    """Rows whose person the next merge has to judge anew, ascending."""
    statement = select(_member.c.row_id).where(_member.c.to_generation == STALE)
    return sorted(tx.execute(statement).scalars())


def next_person(tx: Tx) -> int:
    """The lowest person id above every one in use."""
    return int(tx.execute(select(func.max(_fellow.c.person_id))).scalar_one() or 0) + 1


# What changes


def begin(tx: Tx, generation: int, *, at: datetime) -> None:
    """Note that a generation is being written, so that `sweep` finds it after a crash."""
    values = {"generation": generation, "started_at": at, "finished_at": None, "entry": None}
    tx.execute(insert(_run), {**values, "rows": 0, "persons": 0, "changed_rows": 0})


def close(database: Database, rows: Ints, *, generation: int) -> None:
    """Let the present memberships of these rows end with `generation`, in short transactions."""

    def some(tx: Tx, part: slice) -> bool:
        for ids in chunked(rows[part].tolist(), _IN):
            tx.execute(
                update(_member)
                .where(
                    _member.c.row_id.in_(ids),
                    _member.c.from_generation < generation,
                    or_(_member.c.to_generation.is_(None), _member.c.to_generation == STALE),
                )
                .values(to_generation=generation)
            )
        return True

    _in_steps(database, len(rows), some)


def add(
    database: Database,
    rows: Ints,
    persons: Ints,
    *,
    generation: int,
    still_active: Collection[UploadDigest],
) -> bool:
    """Write memberships from `generation` on, in short transactions.

    Args:
        database: The store.
        rows, persons: One element each for every membership; written best by ascending row.
        generation: From when on they count.
        still_active: The uploads that the rows are of.

    Returns:
        False, and writes no more, if one of the uploads has ended: its rows may be deleted.
    """

    def some(tx: Tx, part: slice) -> bool:
        if not set(still_active) <= set(active_uploads(tx)):
            return False
        values = (rows[part], generation, None, persons[part])
        columns.insert(tx, _member.name, _MEMBER_COLUMNS, values)
        return True

    by_person = np.lexsort((rows, persons))

    def some_persons(tx: Tx, part: slice) -> bool:
        if not set(still_active) <= set(active_uploads(tx)):
            return False
        these = by_person[part]
        columns.insert(tx, _fellow.name, _FELLOW_COLUMNS, (persons[these], rows[these]))
        return True

    return _in_steps(database, len(rows), some) and _in_steps(database, len(rows), some_persons)


_MEMBER_COLUMNS = (("row_id", 8), ("from_generation", 4), ("to_generation", 4), ("person_id", 8))
_FELLOW_COLUMNS = (("person_id", 8), ("row_id", 8))


def settle(
    database: Database, rows: Iterable[int], *, still_active: Collection[UploadDigest]
) -> bool:
    """These stale rows were judged anew and keep their person.

    Returns:
        False, and settles no more, if one of the uploads that they were judged with has ended:
        their marks may be newer than the judgement.
    """
    stale = list(rows)

    def some(tx: Tx, part: slice) -> bool:
        if not set(still_active) <= set(active_uploads(tx)):
            return False
        for ids in chunked(stale[part], _IN):
            tx.execute(
                update(_member)
                .where(_member.c.row_id.in_(ids), _member.c.to_generation == STALE)
                .values(to_generation=None)
            )
        return True

    return _in_steps(database, len(stale), some)


def finish(
    tx: Tx,
    generation: int,
    *,
    rows: int,
    persons: int,
    changed_rows: int,
    at: datetime,
    entry: EntryIndex,
) -> None:
    """Note what a merge made, and drop the notes of tries that it replaced."""
    tx.execute(delete(_run).where(_run.c.finished_at.is_(None), _run.c.generation < generation))
    tx.execute(
        update(_run)
        .where(_run.c.generation == generation)
        .values(rows=rows, persons=persons, changed_rows=changed_rows, finished_at=at, entry=entry)
    )


def sweep(database: Database) -> bool:
    """Take back what a merge that died had written; returns whether there was anything.

    The caller holds the lock under which merges run.
    """
    with database.read() as tx:
        current = tx.execute(select(_state.c.merge_generation)).scalar_one_or_none() or 0
        left = tx.execute(select(func.count()).where(_run.c.generation > current)).scalar_one()
        end = tx.execute(select(func.max(_member.c.row_id))).scalar_one() or 0
    if not left:
        return False

    def some(tx: Tx, part: slice) -> bool:
        here = _member.c.row_id.between(part.start + 1, part.stop)
        written = (here, _member.c.from_generation > current)
        pairs = select(_member.c.person_id, _member.c.row_id).where(*written)
        tx.execute(delete(_fellow).where(tuple_(_fellow.c.person_id, _fellow.c.row_id).in_(pairs)))
        tx.execute(delete(_member).where(*written))
        tx.execute(
            update(_member)
            .where(here, _member.c.to_generation > current)
            .values(to_generation=STALE)  # its mark, if it had one, is lost: judge it again
        )
        return True

    _in_steps(database, end, some)
    with database.write() as tx:
        tx.execute(delete(_run).where(_run.c.generation > current))
    return True


def _in_steps(database: Database, items: int, work: Callable[[Tx, slice], bool]) -> bool:
    """Work through so many items in transactions that other writers hardly notice.

    Until one says stop. None of it has to be durable before the transaction that shows it.
    """
    size, done = ChunkSize(), 0
    while done < items:
        part = slice(done, min(items, done + size.rows))
        with size.write(database) as tx:
            if not work(tx, part):
                return False
        done = part.stop
    return True
