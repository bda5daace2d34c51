"""What a merge reads: uploads by what they mean to it, keys as arrays, and who holds a key.

Everything here runs in the one read transaction of a merge. Keys come as NumPy columns, about 50
bytes per row and 8 per contact point, whether of all rows or of some; look-ups take any number of
ids. A contact point that names a function (info@) is no key and not among a row's keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import exists, or_, select

from consortium.model import UploadState
from consortium.store import columns
from consortium.store.columns import Ints
from consortium.store.engine import Tx
from consortium.store.memberships import visible
from consortium.store.tables import metadata
from consortium.types import PartnerSlug, UploadDigest

__all__ = [
    "IS_ROLE",
    "KeyRow",
    "MatchRow",
    "MergeUpload",
    "RowKeys",
    "composite_holders",
    "match_rows_of",
    "point_holders",
    "points_of",
    "row_keys",
    "row_keys_of",
    "rows_of",
    "rows_of_ids",
    "uploads",
]

_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_row = metadata.tables["consortium_source_row"]
_member = metadata.tables["consortium_membership"]

_POINT_BITS = 36  # 68 billion contact points, 67 million rows
_SPARSE = 8  # a table of places is worth it if one number in so many is there
_PHONE = np.int64(1 << _POINT_BITS)


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


class MatchRow(NamedTuple):
    """What judging reads of a row; `match_block` is sealed (number and upload open it)."""

    row_id: int
    upload_id: int
    number: int
    content: bytes
    name_birth: bytes | None
    name_address: bytes | None
    match_block: bytes


@dataclass(frozen=True, slots=True)
class RowKeys:
    """Rows and the keys they hold.

    Attributes:
        row, upload: Row ids, ascending, and their uploads' ids.
        name_birth, name_address: The first half of each composite as a number; 0: none.
        point: Contact points of all rows, by row, e-mail before phone, then by id.
        start, phones: Row i holds `point[start[i] : start[i + 1]]`, phones from `phones[i]` on.
    """

    row: Ints
    upload: Ints
    name_birth: Ints
    name_address: Ints
    point: Ints
    start: Ints
    phones: Ints


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
    """Every row of these uploads (ids) with its keys; 3 µs a row."""
    rows = _rows(tx)
    counted = np.zeros(int(rows[1].max(initial=0)) + 1, dtype=np.bool_)
    counted[[upload for upload in among if upload < len(counted)]] = True
    rows = [column[counted[rows[1]]] for column in rows]
    points, coded = columns.fetch(tx, _POINTS, "ii")
    at, point = columns.fetch(tx, "SELECT row_id, point_id FROM consortium_row_contact", "ii")
    order = np.argsort(points)
    code = coded[order[_places(points[order], point)]]
    return row_keys_of(rows, at, point, code)


def _rows(tx: Tx) -> list[Ints]:
    """Id, upload, and half of each composite, of every row."""
    none = "X'0000000000000000'" if tx.sqlite else "'\\x0000000000000000'::bytea"
    halves = (
        f"coalesce(substr(name_birth, 1, 8), {none}), coalesce(substr(name_address, 1, 8), {none})"
    )
    if not tx.sqlite:
        return columns.fetch(tx, f"SELECT id, upload_id, {halves} FROM {_row.name}", "iibb")  # noqa: S608 - our own names
    ids = columns.fetch(tx, f"SELECT id, upload_id FROM {_row.name}", "ii")  # noqa: S608 - our own name
    order = np.argsort(ids[0])
    by_id = f"SELECT {halves} FROM {_row.name} ORDER BY id"  # noqa: S608 - our own names
    return [*(column[order] for column in ids), *columns.fetch(tx, by_id, "bb")]


def _places(among: Ints, wanted: Ints) -> Ints:
    """Where each wanted number is in an ascending array; anywhere if it is not in it."""
    if not len(among):
        return np.zeros_like(wanted)
    end = int(among[-1]) + 1
    if end > _SPARSE * len(among):
        return np.minimum(np.searchsorted(among, wanted), len(among) - 1)
    place = np.zeros(end, dtype=np.int64)
    place[among] = np.arange(len(among))
    return place[np.minimum(wanted, end - 1)]


KeyRow = tuple[int, int, bytes | None, bytes | None]
"""Row id, upload id, name_birth, name_address."""

_CODE = (
    "CAST(CASE kind WHEN 'phone' THEN 1 ELSE 0 END + CASE WHEN role THEN 2 ELSE 0 END AS BIGINT)"
)
_POINTS = f"SELECT id, {_CODE} FROM consortium_contact_point"  # noqa: S608 - our own names
_HELD = (
    f"SELECT row_id, point_id, {_CODE} FROM consortium_row_contact"  # noqa: S608 - our own names
    " JOIN consortium_contact_point ON id = point_id"
)
_IS_PHONE: Final = 1
IS_ROLE: Final = 2
"""In the code of a contact point: it names a function and is no key."""


def row_keys_of(rows: Sequence[Ints], at: Ints, point: Ints, code: Ints) -> RowKeys:
    """Rows with their keys, out of columns in any order.

    Args:
        rows: Row id, upload id, and the first half of each composite as a number.
        at, point, code: As `points_of` has them, of these rows and whatever others.
    """
    order = np.argsort(rows[0])
    row, upload, birth, address = (column[order] for column in rows)
    index = _places(row, at)
    kept = (code & IS_ROLE) == 0
    kept &= row[index] == at if len(row) else False
    index = index[kept]
    held = (index << (_POINT_BITS + 1)) + (code[kept] & _IS_PHONE) * _PHONE + point[kept]
    held.sort()
    ends = np.arange(len(row) + 1, dtype=np.int64) << (_POINT_BITS + 1)
    return RowKeys(
        row=row,
        upload=upload,
        name_birth=birth,
        name_address=address,
        point=held & (_PHONE - 1),
        start=np.searchsorted(held, ends),
        phones=np.searchsorted(held, ends[:-1] + _PHONE),
    )


def rows_of(tx: Tx, among: Collection[int]) -> Ints:
    """Ids of every row of these uploads (ids), ascending."""
    statement = f"SELECT id FROM {_row.name}"  # noqa: S608 - our own name
    (rows,) = columns.look_up_numbers(tx, statement, 1, where="upload_id", among=sorted(among))
    return np.sort(rows)


def rows_of_ids(tx: Tx, ids: Ints) -> Iterator[KeyRow]:
    """Upload and composites of each of these rows."""
    statement = f"SELECT id, upload_id, name_birth, name_address FROM {_row.name}"  # noqa: S608 - our own name
    for part in columns.look_up(tx, statement, where="id", among=ids.tolist()):
        yield from part


def points_of(tx: Tx, rows: Ints) -> list[Ints]:
    """Every contact point of these rows: row id, contact point id, and its code.

    The code is 1 for a telephone number, plus `IS_ROLE`.
    """
    return columns.look_up_numbers(tx, _HELD, 3, where="row_id", among=rows.tolist())


def point_holders(tx: Tx, points: Ints) -> list[Ints]:
    """Contact points and rows, for every row that names one of these points, in whatever state."""
    statement = "SELECT point_id, row_id FROM consortium_row_contact"
    return columns.look_up_numbers(tx, statement, 2, where="point_id", among=points.tolist())


def composite_holders(tx: Tx, values: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Every (composite, row) that holds one of these values, in whatever state."""
    statement = "SELECT value, row_id FROM consortium_row_key"
    for part in columns.look_up(tx, statement, where="value", among=values):
        yield from part


def match_rows_of(tx: Tx, rows: Iterable[int]) -> list[tuple[Any, ...]]:
    """These rows as judging sees them, by id, as plain tuples in the order of `MatchRow`."""
    statement = f"SELECT {_MATCH_COLUMNS} FROM {_row.name}"  # noqa: S608 - our own names
    parts = columns.look_up(tx, statement, where="id", among=rows)
    return sorted(row for part in parts for row in part)


_MATCH_COLUMNS = "id, upload_id, number, content, name_birth, name_address, match_block"
