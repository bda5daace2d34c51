"""Who has voted: rows whose own match says so, and what is kept of that when a voter file ends.

While a file is stored, a row's link names its voter, and a list of who has voted names the voter as
well. Links go with their file; who has voted must not, or somebody would be asked to vote once
more. So whoever deletes links first notes the contact points of the rows of those who have voted,
in the same transaction. A point, because rows come and go with every night's list; and nothing but
the point, because a file that has ended may leave nothing that tells who a voter is. Whoever shares
such a point counts as having voted too: one human too few is asked, and none too many.

Both hold until their list counts no more (`store.returned`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, delete, exists, insert, select

from consortium.model import Purpose
from consortium.store.engine import Tx, chunked
from consortium.store.places import visible
from consortium.store.tables import metadata

__all__ = ["delete_some", "keep", "rows"]

_load = metadata.tables["consortium_voter_load"]
_link = metadata.tables["consortium_voter_link"]
_list = metadata.tables["consortium_returned_list"]
_returned = metadata.tables["consortium_returned_voter"]
_kept = metadata.tables["consortium_voted_point"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]

_IN = 500


def rows(tx: Tx, *, purpose: Purpose, among: Collection[int] | None = None) -> set[int]:
    """Source rows that say of their human that they have voted.

    That a file has ended takes nothing away: who has voted by it has voted.

    Args:
        tx: A transaction.
        purpose: Of the campaign; only files licensed for it are asked.
        among: Only these rows; None: all there are.
    """
    serving = [
        load
        for load, purposes in tx.execute(select(_load.c.id, _load.c.purposes))
        if purpose.value in purposes.split()
    ]
    if not serving:
        return set()
    matched = (
        select(_link.c.row_id)
        .join(_load, _load.c.id == _link.c.load_id)
        .where(
            _link.c.load_id.in_(serving),
            visible(_load.c.match_run),
            _on_a_list().where(_returned.c.voter == _link.c.voter).correlate(_link).exists(),
        )
    )
    holding = (
        select(_contact.c.row_id)
        .join(_kept, _kept.c.point_id == _contact.c.point_id)
        .join(_list, _list.c.id == _kept.c.list_id)
        .where(_kept.c.load_id.in_(serving), _list.c.state == "active")
    )
    found: set[int] = set()
    for statement, row in ((matched, _link.c.row_id), (holding, _contact.c.row_id)):
        if among is None:
            found.update(tx.execute(statement).scalars())
            continue
        for part in chunked(among, _IN):
            found.update(tx.execute(statement.where(row.in_(part))).scalars())
    return found


def _on_a_list() -> Select[tuple[int]]:
    return (
        select(_returned.c.list_id)
        .join(_list, _list.c.id == _returned.c.list_id)
        .where(_list.c.state == "active")
    )


def keep(tx: Tx, load_id: int, part: Collection[int]) -> None:
    """Note who has voted among some rows, whose links to a load are about to be deleted."""
    voted = (
        select(_contact.c.point_id, _returned.c.list_id, _link.c.load_id)
        .select_from(_link)
        .join(_load, _load.c.id == _link.c.load_id)
        .join(_returned, _returned.c.voter == _link.c.voter)
        .join(_list, _list.c.id == _returned.c.list_id)
        .join(_contact, _contact.c.row_id == _link.c.row_id)
        .join(_point, _point.c.id == _contact.c.point_id)
        .where(
            _link.c.load_id == load_id,
            _link.c.row_id.in_(part),
            visible(_load.c.match_run),
            _list.c.state == "active",
            ~_point.c.role,
            ~exists().where(
                _kept.c.point_id == _contact.c.point_id,
                _kept.c.list_id == _returned.c.list_id,
                _kept.c.load_id == _link.c.load_id,
            ),
        )
        .distinct()
    )
    tx.execute(insert(_kept).from_select(["point_id", "list_id", "load_id"], voted))


def delete_some(tx: Tx, list_id: int, *, limit: int) -> int:
    """Delete up to `limit` points that were kept by a list; returns how many."""
    statement = select(_kept.c.point_id).where(_kept.c.list_id == list_id).distinct().limit(limit)
    points = list(tx.execute(statement).scalars())
    for part in chunked(points, _IN):
        tx.execute(delete(_kept).where(_kept.c.list_id == list_id, _kept.c.point_id.in_(part)))
    return len(points)
