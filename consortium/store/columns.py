"""Columns of numbers out of the database and into it, without an object per row.

What reads or writes every row there is (a merge) goes past SQLAlchemy: a plain cursor on SQLite;
on PostgreSQL binary COPY, whose records are of one length if no value is NULL, so that NumPy reads
them where they lie. Look-ups by key take any number of keys, some hundred per statement.

Statements here are of our own names and numbers alone; values of others go in as parameters.
Reading costs about 0.3 µs a row and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from consortium.store.engine import Tx, chunked

__all__ = ["Ints", "fetch", "insert", "look_up"]

Ints = npt.NDArray[np.int64]

_IN: Final = 500
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END: Final = b"\xff\xff"


def fetch(tx: Tx, select: str, kinds: str) -> list[Ints]:
    """The whole result of a query, by column.

    Args:
        tx: Any transaction.
        select: Text without parameters, whose result has no NULL.
        kinds: A letter for each column: `i`, an integer (BIGINT on PostgreSQL), or `b`, 8 bytes
            that are to be read as one; on SQLite not both.
    """
    if tx.sqlite:
        values = chain.from_iterable(tx.driver.execute(select))  # no row lives on: no collection
        if "i" in kinds:
            found = np.fromiter(values, dtype=np.int64)
        else:
            found = np.frombuffer(b"".join(values), dtype=">i8").astype(np.int64)
        return [np.ascontiguousarray(column) for column in found.reshape(-1, len(kinds)).T]
    fields = [("fields", ">i2")]
    for i in range(len(kinds)):
        fields += [(f"length{i}", ">i4"), (f"value{i}", ">i8")]
    with tx.driver.cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT BINARY") as copy:
        data = b"".join(copy)
    rows = np.frombuffer(data[len(_COPY_HEADER) : -len(_COPY_END)], dtype=np.dtype(fields))
    return [rows[f"value{i}"].astype(np.int64) for i in range(len(kinds))]


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
    raw = tx.driver
    for part in chunked(among, _IN):
        if tx.sqlite:
            marks = ",".join(repeat("?", len(part)))
            yield raw.execute(f"{select} WHERE {where} IN ({marks}){also}", part).fetchall()
        else:
            kind = "bytea" if isinstance(part[0], bytes) else "bigint"
            with raw.cursor(binary=True) as cursor:
                cursor.execute(f"{select} WHERE {where} = ANY(%s::{kind}[]){also}", [part])
                yield cursor.fetchall()


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
