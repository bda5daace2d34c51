"""What a merge reads: uploads by what they mean to it, keys as arrays, and who holds a key.

Everything here runs in the one read transaction of a merge. Whole-table reads come back as NumPy
columns, about 60 bytes per row and 16 per contact point; look-ups take any number of ids and ask
for 500 at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, exists, or_, select

from consortium.model import UploadState
from consortium.store.engine import Tx, chunked
from consortium.store.memberships import visible
from consortium.store.rows import MatchRow
from consortium.store.tables import metadata
from consortium.types import PartnerSlug, UploadDigest

__all__ = [
    "MergeUpload",
    "RowKeys",
    "composite_holders",
    "composites_of",
    "match_rows_of",
    "point_holders",
    "points_of",
    "row_keys",
    "rows_of",
    "uploads",
]

_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_row = metadata.tables["consortium_source_row"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]
_member = metadata.tables["consortium_membership"]

_FETCH = 20_000
_IN = 500
_NOTHING = bytes(16)

Ints = npt.NDArray[np.int64]
Composite = Literal["name_birth", "name_address"]


@dataclass(frozen=True, slots=True)
class MergeUpload:
    """An upload as a merge sees it.

    Attributes:
        group: Its owner's firewall group; rows of different groups never meet.
        active: Its rows count now.
        covered: Its rows belong to persons of the generation asked about.
        rows: How many it came with.
    """

    id: int
    digest: UploadDigest
    owner: PartnerSlug
    group: str
    match_salt: bytes
    active: bool
    covered: bool
    rows: int


@dataclass(frozen=True, slots=True)
class RowKeys:
    """All rows of some uploads and the keys they hold.

    Attributes:
        row, upload: Row ids, ascending, and their uploads' ids.
        name_birth, name_address: Composites, dtype `V16`; all zero: none.
        point_row, point: One element per row and contact point: row id, point id.
    """

    row: Ints
    upload: Ints
    name_birth: npt.NDArray[np.void]
    name_address: npt.NDArray[np.void]
    point_row: Ints
    point: Ints


def uploads(tx: Tx, generation: int) -> list[MergeUpload]:
    """Uploads that are active, or whose rows belong to persons of `generation`, by id.

    All rows of an upload come and go with one merge, so its first row speaks for it.
    """
    first = (
        select(_row.c.id)
        .where(_row.c.upload_id == _upload.c.id)
        .order_by(_row.c.number)
        .limit(1)
        .correlate(_upload)
        .scalar_subquery()
    )
    covered = (
        exists().where(_member.c.row_id == first, visible(_member, generation)).correlate(_upload)
    )
    active = _upload.c.state == UploadState.ACTIVE.value
    statement = (
        select(
            _upload.c.id,
            _upload.c.digest,
            _partner.c.slug,
            _partner.c.firewall_group,
            _upload.c.match_salt,
            _upload.c.rows,
            active.label("active"),
            covered.label("covered"),
        )
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .where(_upload.c.state != UploadState.STAGED.value, or_(active, covered))
        .order_by(_upload.c.id)
    )
    return [
        MergeUpload(
            id=row.id,
            digest=UploadDigest(bytes(row.digest)),
            owner=PartnerSlug(row.slug),
            group=row.firewall_group,
            match_salt=bytes(row.match_salt),
            active=bool(row.active),
            covered=bool(row.covered),
            rows=row.rows,
        )
        for row in tx.execute(statement)
    ]


def row_keys(tx: Tx, among: Collection[int]) -> RowKeys:
    """Every row of these uploads (ids) with its keys."""
    rows = select(_row.c.id, _row.c.upload_id, _row.c.name_birth, _row.c.name_address).where(
        _row.c.upload_id.in_(among)
    )
    numbers, births, addresses = [], [], []
    for part in _parts(tx, rows.order_by(_row.c.id)):
        ids, upload, birth, address = zip(*part, strict=True)
        numbers.append(np.array((ids, upload), dtype=np.int64))
        births.append(b"".join(b or _NOTHING for b in birth))
        addresses.append(b"".join(a or _NOTHING for a in address))
    points = (
        select(_contact.c.row_id, _contact.c.point_id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .where(_row.c.upload_id.in_(among))
    )
    pairs = [np.array(part, dtype=np.int64).reshape(-1, 2).T for part in _parts(tx, points)]
    none = np.zeros((2, 0), dtype=np.int64)
    row, upload_of = np.concatenate([none, *numbers], axis=1)
    point_row, point = np.concatenate([none, *pairs], axis=1)
    return RowKeys(
        row=row,
        upload=upload_of,
        name_birth=np.frombuffer(b"".join(births), dtype="V16"),
        name_address=np.frombuffer(b"".join(addresses), dtype="V16"),
        point_row=point_row,
        point=point,
    )


def rows_of(tx: Tx, among: Collection[int]) -> list[int]:
    """Ids of every row of these uploads (ids), ascending."""
    statement = select(_row.c.id).where(_row.c.upload_id.in_(among)).order_by(_row.c.id)
    return list(tx.execute(statement).scalars())


def points_of(tx: Tx, rows: Iterable[int]) -> Iterator[tuple[int, int, str]]:
    """Every (row, contact point, kind) of these rows, by row, kind and the owner's preference."""
    for part in chunked(rows, _IN):
        statement = (
            select(_contact.c.row_id, _contact.c.point_id, _point.c.kind)
            .join(_point, _point.c.id == _contact.c.point_id)
            .where(_contact.c.row_id.in_(part))
            .order_by(_contact.c.row_id, _point.c.kind, _contact.c.position)
        )
        yield from tx.execute(statement).all()


def composites_of(tx: Tx, rows: Iterable[int]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Every (row, name_birth, name_address) of these rows."""
    for part in chunked(rows, _IN):
        statement = select(_row.c.id, _row.c.name_birth, _row.c.name_address).where(
            _row.c.id.in_(part)
        )
        for row, birth, address in tx.execute(statement).all():
            yield row, birth and bytes(birth), address and bytes(address)


def point_holders(tx: Tx, points: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Every (contact point, row, upload) that names one of these points, in whatever state."""
    for part in chunked(points, _IN):
        statement = (
            select(_contact.c.point_id, _contact.c.row_id, _row.c.upload_id)
            .join(_row, _row.c.id == _contact.c.row_id)
            .where(_contact.c.point_id.in_(part))
        )
        yield from tx.execute(statement).all()


def composite_holders(
    tx: Tx, kind: Composite, values: Iterable[bytes]
) -> Iterator[tuple[bytes, int, int]]:
    """Every (composite, row, upload) that holds one of these values, in whatever state."""
    column = _row.c[kind]
    for part in chunked(values, _IN):
        statement = select(column, _row.c.id, _row.c.upload_id).where(column.in_(part))
        for value, row, upload in tx.execute(statement).all():
            yield bytes(value), row, upload


def match_rows_of(tx: Tx, rows: Iterable[int]) -> Iterator[MatchRow]:
    """These rows as merging sees them, their match blocks still sealed."""
    for part in chunked(rows, _IN):
        statement = select(
            _row.c.id,
            _row.c.upload_id,
            _row.c.number,
            _row.c.content,
            _row.c.name_birth,
            _row.c.name_address,
            _row.c.match_block,
        ).where(_row.c.id.in_(part))
        yield from (MatchRow(*row) for row in tx.execute(statement).all())


def _parts(tx: Tx, statement: Select[Any]) -> Iterator[list[Any]]:
    result = tx.execute(statement.execution_options(yield_per=_FETCH))
    yield from ([tuple(row) for row in part] for part in result.partitions())
