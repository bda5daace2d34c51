"""When a membership counts, and when it has to be judged anew.

Below both the rows and the merges of the store: whoever deletes rows says so here first, since the
rows beside a deleted one may have been one human only because of it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, and_, or_, select, update

from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata

__all__ = ["STALE", "mark_neighbours", "visible"]

STALE: Final = 2**31 - 1
"""A `to_generation` that no merge reaches: readers see the membership, the next merge judges it."""

_state = metadata.tables["consortium_state"]
_row = metadata.tables["consortium_source_row"]
_key = metadata.tables["consortium_row_key"]
_contact = metadata.tables["consortium_row_contact"]
_member = metadata.tables["consortium_membership"]

_IN = 500


def visible(table: FromClause, generation: int | ScalarSelect[Any]) -> ColumnElement[bool]:
    """The condition under which a membership counts in a generation."""
    return and_(
        table.c.from_generation <= generation,
        or_(table.c.to_generation.is_(None), table.c.to_generation > generation),
    )


def mark_neighbours(tx: Tx, rows: Collection[int]) -> None:
    """Before rows are deleted: whoever shares a key with one of them is to be judged anew.

    Args:
        rows: Rows about to be deleted with their memberships; at most some hundreds keep the
            transaction short. Rows that a merge has let go already cost nothing.
    """
    generation = select(_state.c.merge_generation).scalar_subquery()
    leaving = _member.alias()
    for part in chunked(rows, _IN):
        of_person = (leaving.c.row_id.in_(part), visible(leaving, generation))
        mine, other = _contact.alias(), _contact.alias()
        beside = [
            select(other.c.row_id)
            .join(mine, and_(mine.c.point_id == other.c.point_id, mine.c.row_id != other.c.row_id))
            .join(leaving, leaving.c.row_id == mine.c.row_id)
            .where(*of_person)
        ]
        beside += [
            select(_key.c.row_id)
            .join(_row, and_(_row.c[key] == _key.c.value, _row.c.id != _key.c.row_id))
            .join(leaving, leaving.c.row_id == _row.c.id)
            .where(*of_person)
            for key in ("name_birth", "name_address")
        ]
        for holders in beside:
            tx.execute(
                update(_member)
                .where(_member.c.row_id.in_(holders), _member.c.to_generation.is_(None))
                .values(to_generation=STALE)
            )
