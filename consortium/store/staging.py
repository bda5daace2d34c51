"""Writing the rows of an upload that does not count yet, each table in the order of its own keys.

Rows come as their owner has them, and go into the database so, under numbers that were reserved for
them. What they name (contact points, composites) is in no order at all: written row by row, every
token would touch another page of every index, and each page goes to the log and to the file again.
So they are collected for some hundred thousand rows (`Run`), sorted, and written through the
indexes from one end to the other. That is what makes the time per row the same for a million rows
as for ten.

A contact point is shared by all rows that name it, of any owner, so its row in the database is made
by whoever comes first and is neither told of nor timed for the partner whose list it came with. It
is written in one transaction with the rows' mention of it: at no time does one stand alone. Whether
it names a function and no person (`role`) follows from its value and nothing else, so that it
matters not whose row was first.

Costs on SQLite per row with two contact points and two composites about 15 µs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import Token

__all__ = [
    "COMPOSITE_BYTES",
    "TOKEN_BYTES",
    "Keys",
    "Mentions",
    "Point",
    "Run",
    "StagedRow",
    "mention",
    "reserve",
    "stage",
    "write_keys",
    "write_points",
    "write_rows",
]

_row = metadata.tables["consortium_source_row"]

Point = tuple[str, Token]
"""A contact point: its kind (`email`, `phone`) and token."""
TOKEN_BYTES: Final = 32
COMPOSITE_BYTES: Final = 16
_KINDS: Final = ("email", "phone")
_MANY = 100  # rows of one INSERT: what a statement costs by itself is shared

Ints = npt.NDArray[np.int64]


class StagedRow(NamedTuple):
    """A row to be written; the fields are columns of the table, `points` go beside it.

    Days are ISO text or None, `zones` IANA names joined by a blank, `tags` joined by line feeds.
    `points` are distinct, those of one kind in the owner's order of preference; `roles` are those
    of them that name a function and no person (`info@`, a toll-free line).
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
    tags: str = ""


_FIELDS = StagedRow._fields[: StagedRow._fields.index("points")]
_COLUMNS = ("id", "upload_id", "tags", *_FIELDS)
_VALUES = len(_FIELDS)


class Mentions(NamedTuple):
    """Which contact points some rows name: arrays of one length, `tokens` of 32 bytes for each.

    Attributes:
        tokens: One after the other.
        phone: Whether it is a telephone number, else an e-mail address.
        role: Whether it names a function and no person.
        row: Whose: row id, or the row's index in its batch.
        position: Its place in the row among those of its kind.
    """

    tokens: bytes
    phone: npt.NDArray[np.bool_]
    role: npt.NDArray[np.bool_]
    row: Ints
    position: npt.NDArray[np.uint8]

    def part(self, start: int, end: int) -> Mentions:
        """Those from `start` to before `end`."""
        return Mentions(
            self.tokens[start * TOKEN_BYTES : end * TOKEN_BYTES],
            self.phone[start:end],
            self.role[start:end],
            self.row[start:end],
            self.position[start:end],
        )

    @staticmethod
    def joined(parts: Sequence[Mentions]) -> Mentions:
        """Several, one after the other; not none."""
        return Mentions(
            b"".join([part.tokens for part in parts]),
            np.concatenate([part.phone for part in parts]),
            np.concatenate([part.role for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.position for part in parts]),
        )


class Keys(NamedTuple):
    """Which rows hold which composites: `values` of 16 bytes for each element of `row`."""

    values: bytes
    row: Ints

    def part(self, start: int, end: int) -> Keys:
        """Those from `start` to before `end`."""
        values = self.values[start * COMPOSITE_BYTES : end * COMPOSITE_BYTES]
        return Keys(values, self.row[start:end])


class Run:
    """What some hundred thousand rows name, until it is written in order.

    About 45 bytes for each contact point and 24 for each composite.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._mentions: list[Mentions] = []
        self._keys: list[Keys] = []

    def add(self, mentions: Mentions, keys: Keys, *, rows: int) -> None:
        """Take what a batch of `rows` rows names; its `row` are row ids."""
        self._mentions.append(mentions)
        self._keys.append(keys)
        self.rows += rows

    def points(self) -> Mentions:
        """Contact points, sorted by token, then by row."""
        if not self._mentions:
            none = np.zeros(0, bool)
            return Mentions(b"", none, none, np.zeros(0, np.int64), np.zeros(0, np.uint8))
        found = Mentions.joined(self._mentions)
        tokens, order = _sorted(found.tokens, TOKEN_BYTES)
        return Mentions(
            tokens, found.phone[order], found.role[order], found.row[order], found.position[order]
        )

    def keys(self) -> Keys:
        """Composites, sorted by value, then by row."""
        if not self._keys:
            return Keys(b"", np.zeros(0, np.int64))
        values, order = _sorted(b"".join(k.values for k in self._keys), COMPOSITE_BYTES)
        return Keys(values, np.concatenate([k.row for k in self._keys])[order])


def _sorted(values: bytes, size: int) -> tuple[bytes, npt.NDArray[np.intp]]:
    """Values in order, and the order; by their first 8 bytes, which is as good for an index."""
    table = np.frombuffer(values, dtype=f"V{size}")
    first = np.frombuffer(values, dtype=">u8").reshape(len(table), size // 8)[:, 0]
    order = np.argsort(first.astype(np.uint64), kind="stable")
    return table[order].tobytes(), order


def mention(rows: Sequence[StagedRow], ids: Sequence[int]) -> tuple[Mentions, Keys]:
    """What rows of these ids name."""
    points = [
        (point, point in row.roles, row_id, position)
        for row, row_id in zip(rows, ids, strict=True)
        for position, point in _positions(row.points)
    ]
    keys = [
        (value, row_id)
        for row, row_id in zip(rows, ids, strict=True)
        for value in (row.name_birth, row.name_address)
        if value is not None
    ]
    return (
        Mentions(
            b"".join(point[1] for point, *_ in points),
            np.array([point[0] == "phone" for point, *_ in points], dtype=bool),
            np.array([role for _, role, _, _ in points], dtype=bool),
            np.array([row for _, _, row, _ in points], dtype=np.int64),
            np.array([position for *_, position in points], dtype=np.uint8),
        ),
        Keys(
            b"".join(value for value, _ in keys), np.array([row for _, row in keys], dtype=np.int64)
        ),
    )


def _positions(points: Sequence[Point]) -> Iterator[tuple[int, Point]]:
    seen: dict[str, int] = {}
    for point in points:
        position = seen.get(point[0], 0)
        seen[point[0]] = position + 1
        yield position, point


def stage(tx: Tx, rows: Sequence[StagedRow], *, upload_id: int, epoch: int, profile: int) -> None:
    """Write some rows of a staged upload, in ascending order of number, in one transaction.

    Args:
        rows: Not empty; at most about a thousand keep the transaction short.
        upload_id: The upload; must be staged.
        epoch, profile: How the tokens were made.
    """
    first = reserve(tx, len(rows))
    write_rows(tx, [(row.tags, *row[:_VALUES]) for row in rows], first=first, upload_id=upload_id)
    run = Run()
    run.add(*mention(rows, range(first, first + len(rows))), rows=len(rows))
    write_points(tx, run.points(), epoch=epoch, profile=profile)
    write_keys(tx, run.keys())


def reserve(tx: Tx, rows: int) -> int:
    """The first of so many row ids in a row that nobody else gets, now or later."""
    if tx.sqlite:
        bump = text("UPDATE sqlite_sequence SET seq = seq + :rows WHERE name = :table")
        values = {"rows": rows, "table": _row.name}
        if tx.execute(bump, values).rowcount == 0:
            tx.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :rows)"), values
            )
        last = text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        return int(tx.execute(last, {"table": _row.name}).scalar_one()) - rows + 1
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('consortium_source_row_id'))"))
    sequence = f"pg_get_serial_sequence('{_row.name}', 'id')"
    first = int(tx.execute(text(f"SELECT nextval({sequence})")).scalar_one())
    if rows > 1:
        tx.execute(text(f"SELECT setval({sequence}, :last)"), {"last": first + rows - 1})
    return first


def write_rows(tx: Tx, rows: Sequence[Sequence[object]], *, first: int, upload_id: int) -> None:
    """Write rows of a staged upload, without what they name.

    Args:
        rows: `tags` and the columns of `StagedRow` up to `points`.
        first: The first one's row id; those of the others follow.
        upload_id: The upload.
    """
    numbered = ((row_id, upload_id, *row) for row_id, row in enumerate(rows, start=first))
    tx.bulk(_row.name, _COLUMNS, numbered)


def write_points(tx: Tx, points: Mentions, *, epoch: int, profile: int) -> None:
    """Write contact points that are missing, and which rows name them.

    Sorted by token: no two uploads at once can wait for each other in a circle. On PostgreSQL
    contact points are share-locked, so that an erasure at the same time cannot delete one between
    here and the row that names it; one that was just deleted is made again.

    Args:
        points: Of rows that are there; sorted.
        epoch, profile: How the tokens were made.
    """
    count = len(points.row)
    if not count:
        return
    tokens = [points.tokens[i : i + TOKEN_BYTES] for i in range(0, len(points.tokens), TOKEN_BYTES)]
    kinds = [_KINDS[phone] for phone in points.phone.tolist()]
    fresh = {
        (token, kind): role
        for token, kind, role in zip(tokens, kinds, points.role.tolist(), strict=True)
    }
    rows, positions = points.row.tolist(), points.position.tolist()
    if tx.sqlite:
        _execute_many(
            tx,
            "INSERT INTO consortium_contact_point (token, kind, role, epoch, profile, dead) VALUES",
            "ON CONFLICT DO NOTHING",
            [(*point, role, epoch, profile, 0) for point, role in fresh.items()],
        )
        tx.driver.executemany(
            "INSERT INTO consortium_row_contact (point_id, row_id, position)"
            " SELECT id, ?, ? FROM consortium_contact_point WHERE token = ? AND kind = ?",
            zip(rows, positions, tokens, kinds, strict=True),
        ).close()
        return
    named = ([t for t, _ in fresh], [k for _, k in fresh], list(fresh.values()))
    with tx.driver.cursor() as cursor:
        done = 0
        while done < count:
            cursor.execute(
                "INSERT INTO consortium_contact_point (token, kind, role, epoch, profile, dead)"
                " SELECT token, kind, role, %s, %s, false"
                " FROM unnest(%b::bytea[], %b::text[], %b::bool[]) AS named (token, kind, role)"
                " ON CONFLICT DO NOTHING",
                (epoch, profile, *named),
            )
            cursor.execute(
                "INSERT INTO consortium_row_contact (point_id, row_id, position)"
                " SELECT p.id, named.row_id, named.position"
                " FROM unnest(%b::bytea[], %b::text[], %b::bigint[], %b::int[])"
                " AS named (token, kind, row_id, position)"
                " JOIN consortium_contact_point p"
                " ON p.token = named.token AND p.kind = named.kind"
                " FOR KEY SHARE OF p ON CONFLICT DO NOTHING",
                (tokens, kinds, rows, positions),
            )
            done += cursor.rowcount


def write_keys(tx: Tx, keys: Keys) -> None:
    """Write which rows hold which composites; sorted by value."""
    size = COMPOSITE_BYTES
    values = (keys.values[i : i + size] for i in range(0, len(keys.values), size))
    tx.bulk("consortium_row_key", ("value", "row_id"), zip(values, keys.row.tolist(), strict=True))


def _execute_many(tx: Tx, head: str, tail: str, rows: Sequence[tuple[object, ...]]) -> None:
    """INSERT many rows by one statement on SQLite."""
    if not rows:
        return
    mark = f"({', '.join('?' * len(rows[0]))})"
    whole, rest = divmod(len(rows), _MANY)
    statement = f"{head} {', '.join(repeat(mark, _MANY))} {tail}"
    tx.driver.executemany(
        statement,
        (tuple(chain.from_iterable(rows[i * _MANY : (i + 1) * _MANY])) for i in range(whole)),
    ).close()
    if rest:
        statement = f"{head} {', '.join(repeat(mark, rest))} {tail}"
        tx.driver.execute(statement, tuple(chain.from_iterable(rows[-rest:]))).close()
