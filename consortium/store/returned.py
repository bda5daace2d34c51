"""Lists of who has voted, as the county or the union gives them out day by day.

A list is written invisibly, in short transactions, and counts from the one that makes it active; a
list that a dead process left is swept. What one list says, no later one takes back: a daily list is
added to those before it. All lists of a register end at once, when the election is over; a list
that has ended stays, as evidence, without a voter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, exists, insert, or_, select, update

from consortium.store import voted
from consortium.store.engine import Database, Tx, chunked, give_way, in_chunks
from consortium.store.tables import metadata
from consortium.types import EntryIndex

__all__ = [
    "ReturnedRecord",
    "activate",
    "add",
    "already",
    "end_all",
    "erase",
    "known_digest",
    "latest",
    "stage",
    "unerased",
]

_list = metadata.tables["consortium_returned_list"]
_voter = metadata.tables["consortium_returned_voter"]
_kept = metadata.tables["consortium_voted_point"]

STAGED: Final = "staged"
ACTIVE: Final = "active"
ENDED: Final = "ended"
_IN = 500
_DELETE = 1_000


@dataclass(frozen=True, slots=True)
class ReturnedRecord:
    """A list of who has voted.

    Attributes:
        register: Whose ids it has.
        as_of: When it was true, as the operator said or the file's own time.
        read_at: When it was read.
        ids, unknown, new: Exact counts: on it, not in the voter file, on no list before.
    """

    id: int
    register: str
    as_of: datetime
    read_at: datetime
    ids: int
    unknown: int
    new: int


def stage(tx: Tx, *, register: str, digest: bytes, as_of: datetime, at: datetime) -> int:
    """Begin a list that does not count yet; returns its number."""
    statement = insert(_list).values(
        register_name=register,
        digest=digest,
        state=STAGED,
        as_of=as_of,
        read_at=at,
        ids=0,
        unknown=0,
        new=0,
    )
    (number,) = tx.execute(statement.returning(_list.c.id)).one()
    return int(number)


def already(tx: Tx, voters: Sequence[bytes], *, also: int) -> set[bytes]:
    """Which of these voters are on an active list, or on the list `also`."""
    found: set[bytes] = set()
    for part in chunked(voters, _IN):
        statement = (
            select(_voter.c.voter)
            .join(_list, _list.c.id == _voter.c.list_id)
            .where(_voter.c.voter.in_(part), (_list.c.state == ACTIVE) | (_list.c.id == also))
        )
        found.update(bytes(voter) for voter in tx.execute(statement).scalars())
    return found


def add(database: Database, list_id: int, voters: Iterable[bytes]) -> int:
    """Write voters of a staged list, in short transactions; returns how many."""
    return in_chunks(
        database, _voter.name, ("voter", "list_id"), ((voter, list_id) for voter in voters)
    )


def activate(tx: Tx, list_id: int, *, ids: int, unknown: int, new: int, entry: EntryIndex) -> None:
    """The moment from which a list counts."""
    tx.execute(
        update(_list)
        .where(_list.c.id == list_id, _list.c.state == STAGED)
        .values(state=ACTIVE, ids=ids, unknown=unknown, new=new, entry=entry)
    )


def known_digest(tx: Tx, register: str, digest: bytes) -> ReturnedRecord | None:
    """The active list of the same file, if it was read before."""
    statement = select(_list).where(
        _list.c.digest == digest, _list.c.register_name == register, _list.c.state == ACTIVE
    )
    row = tx.execute(statement).first()
    return None if row is None else _record(row)


def latest(tx: Tx, *, registers: Collection[str] | None = None) -> list[ReturnedRecord]:
    """The list that is true of the latest day, for each of these registers, or of all."""
    statement = select(_list).where(_list.c.state == ACTIVE).order_by(_list.c.as_of, _list.c.id)
    if registers is not None:
        statement = statement.where(_list.c.register_name.in_(registers))
    found = {row.register_name: _record(row) for row in tx.execute(statement)}
    return [found[register] for register in sorted(found)]


def end_all(tx: Tx, register: str) -> int:
    """From now on no list of a register counts; returns how many did."""
    return tx.execute(
        update(_list)
        .where(_list.c.register_name == register, _list.c.state == ACTIVE)
        .values(state=ENDED)
    ).rowcount


def unerased(tx: Tx) -> list[int]:
    """Lists that do not count and of which something is left: being read, or orphans, or ended."""
    left = or_(
        exists().where(_voter.c.list_id == _list.c.id),
        exists().where(_kept.c.list_id == _list.c.id),
    )
    statement = select(_list.c.id).where(
        or_(_list.c.state == STAGED, (_list.c.state == ENDED) & left)
    )
    return list(tx.execute(statement).scalars())


def erase(database: Database, list_id: int) -> None:
    """Remove the voters of a list that does not count, and the list itself if it never did."""
    while True:
        with database.write(durable=False) as tx:
            state = tx.execute(select(_list.c.state).where(_list.c.id == list_id)).scalar()
            if state in {None, ACTIVE}:
                return
            if not (_delete_voters(tx, list_id) or voted.delete_some(tx, list_id, limit=_DELETE)):
                tx.execute(delete(_list).where(_list.c.id == list_id, _list.c.state == STAGED))
                return
        give_way()


def _delete_voters(tx: Tx, list_id: int) -> int:
    statement = select(_voter.c.voter).where(_voter.c.list_id == list_id).limit(_DELETE)
    voters = list(tx.execute(statement).scalars())
    for part in chunked(voters, _IN):
        tx.execute(delete(_voter).where(_voter.c.list_id == list_id, _voter.c.voter.in_(part)))
    return len(voters)


def _record(row: object) -> ReturnedRecord:
    return ReturnedRecord(
        id=row.id,  # type: ignore[attr-defined] # a row of the table
        register=row.register_name,  # type: ignore[attr-defined] # the same
        as_of=row.as_of,  # type: ignore[attr-defined] # the same
        read_at=row.read_at,  # type: ignore[attr-defined] # the same
        ids=row.ids,  # type: ignore[attr-defined] # the same
        unknown=row.unknown,  # type: ignore[attr-defined] # the same
        new=row.new,  # type: ignore[attr-defined] # the same
    )
