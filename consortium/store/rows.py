"""Source rows and the contact points they name.

Rows are written invisible, under a staged upload, a few hundred per transaction, and deleted the
same way; they count while their upload is `active`. A contact point is shared by all rows that
name it, of any owner, so its row in the database is made by whoever comes first and is neither
told of nor timed for the partner whose list it came with.

Staging a row with two contact points costs about 50 µs on SQLite, deleting it about 100, since the
rows beside it have to be marked for the next merge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, exists, func, select

from consortium.errors import NotFound
from consortium.model import UploadState
from consortium.store import memberships
from consortium.store.engine import Tx, chunked
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
    "rows_of_points",
    "stage",
    "tokens_of_points",
]

_upload = metadata.tables["consortium_upload"]
_row = metadata.tables["consortium_source_row"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]
_member = metadata.tables["consortium_membership"]
_message = metadata.tables["consortium_message"]
_ban = metadata.tables["consortium_suppression"]

_FETCH = 10_000
_IN = 500  # values in one IN list

Point = tuple[str, Token]
"""A contact point: its kind (`email`, `phone`) and token."""


class StagedRow(NamedTuple):
    """A row to be written; the fields are columns of the table, `points` go beside it.

    Days are ISO text or None, `zones` IANA names joined by a blank. `points` are distinct, those of
    one kind in the owner's order of preference; `roles` are those of them that name a function and
    no person (`info@`, a toll-free line).
    """

    number: int
    content: bytes
    relationship: str
    country: str
    state: str
    postcode: str
    zones: str
    language: str
    email_basis: str
    email_on: str | None
    sms_basis: str
    sms_on: str | None
    name_birth: bytes | None
    name_address: bytes | None
    match_block: bytes
    details: bytes
    record_id: bytes | None
    points: tuple[Point, ...]
    roles: frozenset[Point] = frozenset()


_COLUMNS = StagedRow._fields[: StagedRow._fields.index("points")]


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


def stage(tx: Tx, rows: Sequence[StagedRow], *, upload_id: int, epoch: int, profile: int) -> None:
    """Write some rows of a staged upload, in ascending order of number.

    Args:
        rows: Not empty; at most about a thousand keep the transaction short.
        upload_id: The upload; must be staged.
        epoch, profile: How the tokens were made.
    """
    wanted = sorted({point for row in rows for point in row.points})
    roles = frozenset[Point]().union(*(row.roles for row in rows if row.roles))
    ids = _intern(tx, wanted, roles=roles, epoch=epoch, profile=profile)
    values = len(_COLUMNS)
    tx.bulk(_row.name, ("upload_id", *_COLUMNS), ((upload_id, *row[:values]) for row in rows))
    statement = select(_row.c.number, _row.c.id).where(
        _row.c.upload_id == upload_id,
        _row.c.number.between(rows[0].number, rows[-1].number),
    )
    row_ids: dict[int, int] = {found.number: found.id for found in tx.execute(statement)}
    tx.bulk(
        _contact.name,
        ("point_id", "row_id", "position"),
        (
            (ids[point], row_ids[row.number], position)
            for row in rows
            for position, point in _positions(row.points)
        ),
    )


def _positions(points: Sequence[Point]) -> Iterator[tuple[int, Point]]:
    seen: dict[str, int] = {}
    for point in points:
        position = seen.get(point[0], 0)
        seen[point[0]] = position + 1
        yield position, point


def _intern(
    tx: Tx, points: Sequence[Point], *, roles: Collection[Point], epoch: int, profile: int
) -> dict[Point, ContactPointId]:
    """Ids of contact points, made where missing.

    In token order, so that two uploads at once cannot wait for each other in a circle. On
    PostgreSQL the rows are share-locked, so that an erasure at the same time cannot delete one
    between here and the row that names it; one that was just deleted is made again.
    """
    found: dict[Point, ContactPointId] = {}
    missing = points
    while missing:
        mark = "?" if tx.sqlite else "%s"
        tx.connection.exec_driver_sql(
            f"INSERT INTO {_point.name} (kind, token, epoch, profile, role, dead)"  # noqa: S608 - our own table
            f" VALUES ({', '.join([mark] * 6)}) ON CONFLICT DO NOTHING",
            [(*point, epoch, profile, point in roles, False) for point in missing],
        )
        for part in chunked(missing, _IN):
            statement = select(_point.c.kind, _point.c.token, _point.c.id).where(
                _point.c.token.in_([token for _, token in part])
            )
            if not tx.sqlite:
                statement = statement.with_for_update(read=True, key_share=True)
            for kind, token, point_id in tx.execute(statement):
                found[kind, Token(bytes(token))] = ContactPointId(point_id)
        missing = [point for point in missing if point not in found]
    return found


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


def rows_of_points(
    tx: Tx, points: Collection[ContactPointId]
) -> list[tuple[ContactPointId, SourceRowId]]:
    """Rows of active uploads that name any of these points, as (point, row), sorted."""
    found: list[tuple[ContactPointId, SourceRowId]] = []
    for part in chunked(sorted(points), _IN):
        statement = (
            select(_contact.c.point_id, _contact.c.row_id)
            .join(_row, _row.c.id == _contact.c.row_id)
            .join(_upload, _upload.c.id == _row.c.upload_id)
            .where(_contact.c.point_id.in_(part), _upload.c.state == UploadState.ACTIVE.value)
            .order_by(_contact.c.point_id, _contact.c.row_id)
        )
        found.extend((point, row) for point, row in tx.execute(statement))
    return found


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


def delete_some(tx: Tx, upload_id: int, *, limit: int) -> int:
    """Delete up to `limit` rows of an upload that does not count, with all that hangs on them.

    Memberships go with the rows (the next merge is told whom to judge anew), and contact points
    that no row, message or suppression needs any more. Returns how many rows were deleted; 0: none
    were left.
    """
    row_ids = list(
        tx.execute(
            select(_row.c.id)
            .join(_upload, _upload.c.id == _row.c.upload_id)
            .where(_row.c.upload_id == upload_id, _upload.c.state != UploadState.ACTIVE.value)
            .order_by(_row.c.id)
            .limit(limit)
        ).scalars()
    )
    for part in chunked(row_ids, _IN):
        points = list(
            tx.execute(
                select(_contact.c.point_id).where(_contact.c.row_id.in_(part)).distinct()
            ).scalars()
        )
        memberships.mark_neighbours(tx, part)
        tx.execute(delete(_contact).where(_contact.c.row_id.in_(part)))
        tx.execute(delete(_member).where(_member.c.row_id.in_(part)))
        tx.execute(delete(_row).where(_row.c.id.in_(part)))
        _drop_unused(tx, points)
    return len(row_ids)


def _drop_unused(tx: Tx, points: Sequence[int]) -> None:
    for part in chunked(sorted(points), _IN):
        if not tx.sqlite:  # wait for uploads that are about to name one; then look again
            tx.execute(
                select(_point.c.id)
                .where(_point.c.id.in_(part))
                .order_by(_point.c.id)
                .with_for_update()
            )
        tx.execute(
            delete(_point).where(
                _point.c.id.in_(part),
                ~exists().where(_contact.c.point_id == _point.c.id),
                ~exists().where(_message.c.point_id == _point.c.id),
                ~exists().where(_ban.c.token == _point.c.token, _ban.c.kind == _point.c.kind),
            )
        )


def _batches(tx: Tx, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    with tx.execute(statement.execution_options(yield_per=_FETCH)) as result:
        yield from result.partitions()
