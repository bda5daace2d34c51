"""Columns of numbers out of the database and into it, without an object per row.

What reads or writes every row there is (a merge) goes past SQLAlchemy: a plain cursor on SQLite; on
PostgreSQL the server strings the numbers together, since taking a row out of a result one by one
costs more than all the rest, and gets them by binary COPY. Look-ups by key take any number of keys,
some hundred per statement.

Statements here are of our own names and numbers alone; values of others go in as parameters.
Reading costs about 0.3 µs a row and column on SQLite, 0.1 on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from consortium.store.engine import Tx, chunked

__all__ = ["Ints", "fetch", "insert", "look_up", "look_up_numbers"]

Ints = npt.NDArray[np.int64]

_IN: Final = 500
_PIECE_BITS: Final = 20  # a value of PostgreSQL holds at most 1 GB: a million rows in each
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"


def fetch(tx: Tx, select: str, kinds: str) -> list[Ints]:
    """The whole result of a query, by column.

    Args:
        tx: Any transaction.
        select: Text without parameters, whose result has no NULL.
        kinds: A letter for each column: `i`, an integer (BIGINT on PostgreSQL), or `b`, 8 bytes
            that are to be read as one. On SQLite not both; on PostgreSQL an integer first.
    """
    if tx.sqlite:
        values = chain.from_iterable(tx.driver.execute(select))  # no row lives on: no collection
        if "i" in kinds:
            found = np.fromiter(values, dtype=np.int64)
        else:
            found = np.frombuffer(b"".join(values), dtype=">i8").astype(np.int64)
        return [np.ascontiguousarray(column) for column in found.reshape(-1, len(kinds)).T]
    names = [f"c{i}" for i in range(len(kinds))]
    packed = " || ".join(
        f"int8send({name})" if kind == "i" else name
        for name, kind in zip(names, kinds, strict=True)
    )
    with tx.driver.cursor(binary=True) as cursor:  # some megabytes a row, made by the server
        cursor.execute(
            f"SELECT string_agg({packed}, ''::bytea) FROM ({select}) AS found ({', '.join(names)})"  # noqa: S608 - our own names
            f" GROUP BY {names[0]} >> {_PIECE_BITS}"
        )
        data = b"".join(piece for (piece,) in cursor.fetchall())
    rows = np.frombuffer(data, dtype=">i8").reshape(-1, len(kinds))
    return [rows[:, i].astype(np.int64) for i in range(len(kinds))]


def look_up(
    tx: Tx, select: str, *, where: str, among: Iterable[int] | Iterable[bytes], also: str = ""
) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Rows whose column `where` has one of these values, in parts of no certain order.

    Args:
        tx: Any transaction.
        select: `SELECT … FROM …`, without a condition.
        where: The column; BIGINT or BYTEA on PostgreSQL.
        among: Any number of values, all of one type.
        also: What follows: ` AND …`, ` GROUP BY …`.
    """
    if tx.sqlite:
        for part in chunked(among, _IN):
            marks = ",".join(repeat("?", len(part)))
            yield tx.driver.execute(f"{select} WHERE {where} IN ({marks}){also}", part).fetchall()
        return
    with tx.driver.cursor(binary=True) as cursor:
        cursor.execute(_BY_INDEX.format(on="off"))
        try:
            for part in chunked(among, _IN):
                kind = "bytea" if isinstance(part[0], bytes) else "bigint"
                cursor.execute(f"{select} WHERE {where} = ANY(%s::{kind}[]){also}", [part])
                yield cursor.fetchall()
        finally:
            if not tx.driver.broken and tx.driver.info.transaction_status != _FAILED:
                cursor.execute(_BY_INDEX.format(on="on"))


def look_up_numbers(
    tx: Tx, select: str, width: int, *, where: str, among: Iterable[int], also: str = ""
) -> list[Ints]:
    """As `look_up`, where all that is selected are integers, not NULL: by column.

    Args:
        tx: Any transaction.
        select: `SELECT … FROM …`, without a condition, of `width` columns.
        width: How many columns that are.
        where, among, also: As in `look_up`.
    """
    parts = look_up(tx, select, where=where, among=among, also=also)
    values = chain.from_iterable(chain.from_iterable(parts))
    found = np.fromiter(values, dtype=np.int64).reshape(-1, width)
    return [np.ascontiguousarray(column) for column in found.T]


_FAILED: Final = 3  # PQTRANS_INERROR: nothing can be set any more, and need not be
_BY_INDEX: Final = (
    "SELECT set_config('enable_seqscan', '{on}', true),"
    " set_config('enable_hashjoin', '{on}', true), set_config('enable_mergejoin', '{on}', true)"
)
"""A list that has just come in is not analysed yet, and the server would read whole tables."""


def insert(
    tx: Tx, table: str, columns: Sequence[tuple[str, int]], values: Sequence[Ints | int | None]
) -> None:
    """Insert rows of integers.

    Args:
        tx: A writing transaction.
        table: Full table name.
        columns: Column names and how many bytes each has on PostgreSQL: 4 or 8.
        values: For each column an array, or one value for all rows; the first is an array.
    """
    names = ", ".join(name for name, _ in columns)
    if tx.sqlite:
        fixed = ["?" if isinstance(v, np.ndarray) else "NULL" if v is None else v for v in values]
        rows = zip(*(v.tolist() for v in values if isinstance(v, np.ndarray)), strict=True)
        tx.driver.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(str, fixed))})",  # noqa: S608 - our own names and numbers
            rows,
        )
        return
    fields, filled = [("fields", ">i2")], dict[str, Any](fields=len(columns))
    for (name, size), value in zip(columns, values, strict=True):
        fields.append((f"{name} bytes", ">i4"))
        filled[f"{name} bytes"] = -1 if value is None else size
        if value is not None:
            fields.append((name, f">i{size}"))
            filled[name] = value
    first = values[0]
    assert isinstance(first, np.ndarray)
    records = np.zeros(len(first), dtype=np.dtype(fields))
    for field, value in filled.items():
        records[field] = value
    with (
        tx.driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN BINARY") as copy,
    ):
        copy.write(_COPY_HEADER + records.tobytes() + _COPY_END)
