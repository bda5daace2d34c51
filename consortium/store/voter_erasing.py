"""Deleting what a voter file brought, once it does not count: never begun, or ended.

First what points to its rows, then the rows, so many at a time; a crash between leaves a load to
begin again from. The load itself stays, as evidence, unless it never counted; and so does who has
voted by it (`store.voted`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table, delete, func, select, update

from consortium.store import voted
from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata
from consortium.store.voters import ENDED, STAGED

__all__ = ["delete_some", "forget", "mark_erased"]

_load = metadata.tables["consortium_voter_load"]
_licence = metadata.tables["consortium_voter_licence"]
_row = metadata.tables["consortium_voter_row"]
_history = metadata.tables["consortium_voter_history"]
_set = metadata.tables["consortium_place_set"]
_set_member = metadata.tables["consortium_place_set_member"]
_link = metadata.tables["consortium_voter_link"]

_IN: Final = 500


def delete_some(tx: Tx, load_id: int, *, limit: int) -> int:
    """Delete up to `limit` of what a load that does not count has brought; 0: nothing was left."""
    for delete_from in (_delete_links, _delete_rows, _delete_history, _delete_sets):
        if done := delete_from(tx, load_id, limit):
            return done
    return 0


def _delete_links(tx: Tx, load_id: int, limit: int) -> int:
    statement = select(_link.c.row_id).where(_link.c.load_id == load_id).distinct().limit(limit)
    rows = list(tx.execute(statement).scalars())
    for part in chunked(rows, _IN):
        voted.keep(tx, load_id, part)
        tx.execute(delete(_link).where(_link.c.load_id == load_id, _link.c.row_id.in_(part)))
    return len(rows)


def _delete_rows(tx: Tx, load_id: int, limit: int) -> int:
    return _delete_by_id(tx, _row, load_id, limit)


def _delete_history(tx: Tx, load_id: int, limit: int) -> int:
    return _delete_by_id(tx, _history, load_id, limit)


def _delete_by_id(tx: Tx, table: Table, load_id: int, limit: int) -> int:
    statement = select(table.c.id).where(table.c.load_id == load_id).limit(limit)
    rows = list(tx.execute(statement).scalars())
    for part in chunked(rows, _IN):
        tx.execute(delete(table).where(table.c.id.in_(part)))
    return len(rows)


def _delete_sets(tx: Tx, load_id: int, limit: int) -> int:
    statement = select(_set.c.number).where(_set.c.load_id == load_id).limit(min(limit, _IN))
    numbers = list(tx.execute(statement).scalars())
    for table in (_set_member, _set):
        tx.execute(delete(table).where(table.c.load_id == load_id, table.c.number.in_(numbers)))
    return len(numbers)


def forget(tx: Tx, load_id: int) -> None:
    """Remove a staged load whose rows are gone."""
    if tx.execute(select(_load.c.state).where(_load.c.id == load_id)).scalar() != STAGED:
        return
    tx.execute(delete(_licence).where(_licence.c.load_id == load_id))
    tx.execute(delete(_load).where(_load.c.id == load_id))


def mark_erased(tx: Tx, load_id: int) -> bool:
    """Note that nothing of an ended load is left; False if rows are, or it was noted before."""
    left = tx.execute(
        select(func.count()).select_from(_row).where(_row.c.load_id == load_id)
    ).scalar_one()
    if left:
        return False
    changed = tx.execute(
        update(_load)
        .where(_load.c.id == load_id, _load.c.state == ENDED, _load.c.salt != b"")
        .values(salt=b"", frequencies=None)
    ).rowcount
    return changed == 1
