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

__all__ = ["STALE", "any_visible", "mark", "visible"]

STALE: Final = 2**31 - 1
"""A `to_generation` that no merge reaches: readers see the membership, the next merge judges it."""

_state = metadata.tables["consortium_state"]
_member = metadata.tables["consortium_membership"]

_IN = 500


def visible(table: FromClause, generation: int | ScalarSelect[Any]) -> ColumnElement[bool]:
    """The condition under which a membership counts in a generation."""
    return and_(
        table.c.from_generation <= generation,
        or_(table.c.to_generation.is_(None), table.c.to_generation > generation),
    )


def any_visible(tx: Tx, first: int, last: int) -> bool:
    """Whether a row from `first` to `last` belongs to a person of the generation in use."""
    generation = select(_state.c.merge_generation).scalar_subquery()
    statement = select(_member.c.row_id).where(
        _member.c.row_id.between(first, last), visible(_member, generation)
    )
    return tx.execute(statement.limit(1)).first() is not None


def mark(tx: Tx, rows: Collection[int]) -> None:
    """These rows, where they belong to a person, are to be judged anew.

    Said of the rows beside those that are about to be deleted; at most some thousands keep the
    transaction short.
    """
    for part in chunked(rows, _IN):
        tx.execute(
            update(_member)
            .where(_member.c.row_id.in_(part), _member.c.to_generation.is_(None))
            .values(to_generation=STALE)
        )
