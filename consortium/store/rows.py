"""Source rows and the contact points they name, as others read them.

Rows are written invisible, under a staged upload (`staging`), and deleted when it has ended
(`erasing`); they count while their upload is `active`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from consortium.errors import NotFound
from consortium.model import UploadState
from consortium.store.engine import Tx, chunked
from consortium.store.erasing import delete_some
from consortium.store.staging import Point, StagedRow, stage
from consortium.store.tables import metadata
from consortium.types import ContactPointId, SourceRowId, Token, UploadDigest

__all__ = [
    "MatchRow",
    "Point",
    "RowPoint",
    "SealedRow",
    "StagedRow",
    "count",
    "delete_some",
    "details",
    "match_rows",
    "points_of_rows",
    "role_points",
    "stage",
    "tokens_of_points",
]

_upload = metadata.tables["consortium_upload"]
_row = metadata.tables["consortium_source_row"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]

_FETCH = 10_000
_IN = 500  # values in one IN list


class MatchRow(NamedTuple):
    """What merging reads of a row; `match_block` is sealed (number and upload open it)."""

    row_id: SourceRowId
    upload_id: int
    number: int
    content: bytes
    name_birth: bytes | None
    name_address: bytes | None
    match_block: bytes


class RowPoint(NamedTuple):
    """A contact point of a row; `position` counts within the kind, 0 is preferred.

    It is also the index into `Details.emails` or `Details.phones`.
    """

    row_id: SourceRowId
    point_id: ContactPointId
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One row's sealed details, with what opening them takes."""

    row_id: SourceRowId
    upload_id: int
    upload: UploadDigest
    number: int
    data_salt: bytes
    details: bytes


def count(tx: Tx, upload_id: int) -> int:
    """How many rows of an upload are there."""
    return int(tx.execute(select(func.count()).where(_row.c.upload_id == upload_id)).scalar_one())


def match_rows(tx: Tx, *, uploads: Collection[int] | None = None) -> Iterator[list[MatchRow]]:
    """Rows of active uploads as merging sees them, by row id, in batches.

    Args:
        uploads: Ids of the uploads to read; None: every active one.
    """
    statement = (
        select(
            _row.c.id,
            _row.c.upload_id,
            _row.c.number,
            _row.c.content,
            _row.c.name_birth,
            _row.c.name_address,
            _row.c.match_block,
        )
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(_upload.c.state == UploadState.ACTIVE.value)
        .order_by(_row.c.id)
    )
    if uploads is not None:
        statement = statement.where(_row.c.upload_id.in_(uploads))
    for part in _batches(tx, statement):
        yield [MatchRow(*row) for row in part]


def points_of_rows(tx: Tx, *, uploads: Collection[int] | None = None) -> Iterator[list[RowPoint]]:
    """Which contact points the rows of active uploads name, by row id, in batches.

    Args:
        uploads: As for `match_rows`.
    """
    statement = (
        select(_contact.c.row_id, _contact.c.point_id, _point.c.kind, _contact.c.position)
        .join(_point, _point.c.id == _contact.c.point_id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(_upload.c.state == UploadState.ACTIVE.value)
        .order_by(_contact.c.row_id, _point.c.kind, _contact.c.position)
    )
    if uploads is not None:
        statement = statement.where(_row.c.upload_id.in_(uploads))
    for part in _batches(tx, statement):
        yield [RowPoint(*row) for row in part]


def role_points(tx: Tx) -> set[ContactPointId]:
    """Contact points that name a function, of any upload: never a reason to take two for one."""
    found = tx.execute(select(_point.c.id).where(_point.c.role)).scalars()
    return {ContactPointId(point) for point in found}


def tokens_of_points(tx: Tx, points: Collection[ContactPointId]) -> dict[ContactPointId, Point]:
    """Kind and token of contact points; unknown ones are left out."""
    found: dict[ContactPointId, Point] = {}
    for part in chunked(points, _IN):
        statement = select(_point.c.id, _point.c.kind, _point.c.token).where(_point.c.id.in_(part))
        for point_id, kind, token in tx.execute(statement):
            found[point_id] = (kind, Token(bytes(token)))
    return found


def details(tx: Tx, row_id: SourceRowId) -> SealedRow:
    """The sealed details of a row of an active upload.

    Raises:
        NotFound: There is no such row, or its upload is not active.
    """
    statement = (
        select(
            _row.c.upload_id, _upload.c.digest, _row.c.number, _upload.c.data_salt, _row.c.details
        )
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(_row.c.id == row_id, _upload.c.state == UploadState.ACTIVE.value)
    )
    found = tx.execute(statement).first()
    if found is None:
        raise NotFound("a source row is not there any more", hint="Its upload has ended.")
    upload_id, digest, number, salt, sealed = found
    return SealedRow(
        row_id, upload_id, UploadDigest(bytes(digest)), number, bytes(salt), bytes(sealed)
    )


def _batches(tx: Tx, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    with tx.execute(statement.execution_options(yield_per=_FETCH)) as result:
        yield from result.partitions()
