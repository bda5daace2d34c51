"""From the store to components: which rows can be one human at all, with the keys they hold.

Either of every row, by columns (`all_components`), or of the rows that a change can have touched,
by looking keys up (`touched_components`). What comes out has the same shape and, for the components
in it, the same content.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.identity.components import Closure, Flags, Ints, Key, KeyColumn, closure, reach
from consortium.store import merge_keys
from consortium.store.engine import Tx
from consortium.store.merge_keys import IS_ROLE, HeldPoint, KeyRow, MergeUpload, RowKeys

__all__ = ["Found", "all_components", "key_columns", "touched_components"]

_GROUP_BITS: Final = np.uint64(48)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Found:
    """Whole components.

    Attributes:
        keys: Their rows, and the keys that may join somebody: what a crowd holds is left out.
        label: For each row, the index of its component's first row.
    """

    keys: RowKeys
    label: Ints

    @property
    def rows(self) -> Ints:
        """Row ids, ascending."""
        return self.keys.row


class StoredKeys:
    """The index of keys that a database is; asks for each row once and remembers it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._rows: dict[int, KeyRow] = {}
        self._points: dict[int, list[HeldPoint]] = {}

    def keys(self, rows: Collection[int]) -> Iterator[tuple[int, Key]]:
        """Every (row, key) of these rows."""
        self._read(rows)
        new = sorted(row for row in rows if row not in self._points)
        self._points.update((row, []) for row in new)
        for held in merge_keys.points_of(self._tx, new):
            self._points[held[0]].append(held)
        for row in rows:
            _, _, birth, address = self._rows[row]
            yield from ((row, key) for key in (birth, address) if key is not None)
            yield from ((row, point) for _, point, code in self._points[row] if not code & IS_ROLE)

    def holders(self, keys: Collection[Key]) -> Iterator[tuple[Key, int, int]]:
        """Every (key, row, upload) that holds one of these keys, in whatever state."""
        points = sorted(key for key in keys if isinstance(key, int))
        composites = sorted(key for key in keys if isinstance(key, bytes))
        found: list[tuple[Key, int]] = [
            *merge_keys.point_holders(self._tx, points),
            *merge_keys.composite_holders(self._tx, composites),
        ]
        self._read({row for _, row in found})
        for key, row in found:
            if row in self._rows:
                yield key, row, self._rows[row][1]

    def _read(self, rows: Collection[int]) -> None:
        new = sorted(row for row in rows if row not in self._rows)
        self._rows.update((row[0], row) for row in merge_keys.rows_of_ids(self._tx, new))

    def row_keys(self, rows: Iterable[int]) -> RowKeys:
        """The same of rows whose keys were asked for, as columns."""
        ids = list(rows)
        return merge_keys.row_keys_of(
            (self._rows[row] for row in ids), (held for row in ids for held in self._points[row])
        )


def touched_components(tx: Tx, uploads: Sequence[MergeUpload], *, stale: Collection[int]) -> Found:
    """The components that rows of new and ended uploads, and stale rows, can have touched.

    Costs about 30 µs for each row in them; `all_components` about 3 µs for each row there is.
    """
    new = merge_keys.rows_of(tx, [u.id for u in uploads if u.active and not u.covered])
    gone = merge_keys.rows_of(tx, [u.id for u in uploads if u.covered and not u.active])
    before = {u.id: u.group for u in uploads if u.covered}
    now = {u.id: u.group for u in uploads if u.active}
    index = StoredKeys(tx)
    found = reach(
        index,
        changed=[*new, *gone],
        seeds={*new, *stale}.difference(gone),
        before=before.get,
        now=now.get,
    )
    keys = index.row_keys(found.rows.tolist())
    numbers = _group_numbers(uploads)
    points, births, addresses = key_columns(keys, uploads)
    at = [(numbers[group], key) for group, key in found.crowded if group in numbers]
    crowd_points = [_point_key(np.int64(key), np.int64(g)) for g, key in at if isinstance(key, int)]
    halves = [_half_key(_half(key), np.int64(g)) for g, key in at if isinstance(key, bytes)]
    crowded = [
        np.isin(column.key, np.array(crowd, dtype=np.uint64))
        for column, crowd in ((points, crowd_points), (births, halves), (addresses, halves))
    ]
    return Found(_without_crowds(keys, [points, births, addresses], crowded), found.label)


def all_components(tx: Tx, uploads: Sequence[MergeUpload], *, closure: Closure = closure) -> Found:
    """The components of every row of the active uploads; `closure` finds which share a key."""
    keys = merge_keys.row_keys(tx, [u.id for u in uploads if u.active])
    columns = key_columns(keys, uploads)
    label, crowded = closure(len(keys.row), columns)
    return Found(_without_crowds(keys, columns, crowded), label)


def _group_numbers(uploads: Sequence[MergeUpload]) -> dict[str, int]:
    names = sorted({u.group for u in uploads if u.active})
    return {name: number for number, name in enumerate(names)}


def _group_of_rows(keys: RowKeys, uploads: Sequence[MergeUpload], numbers: dict[str, int]) -> Ints:
    """The number of each row's firewall group."""
    of_upload = np.zeros(int(keys.upload.max(initial=0)) + 1, dtype=np.int64)
    for upload in uploads:
        if upload.active and upload.id < len(of_upload):
            of_upload[upload.id] = numbers[upload.group]
    return of_upload[keys.upload]


def key_columns(keys: RowKeys, uploads: Sequence[MergeUpload]) -> list[KeyColumn]:
    """Contact points, names with birth dates and names with addresses.

    Args:
        keys: Some rows.
        uploads: The uploads that they are of, and whatever others.

    Returns:
        For each kind a number that is one per key and firewall group.
    """
    group = _group_of_rows(keys, uploads, _group_numbers(uploads))
    row = np.repeat(np.arange(len(keys.row), dtype=np.int64), np.diff(keys.start))
    columns = [KeyColumn(row, _point_key(keys.point, group[row]))]
    for halves in (keys.name_birth, keys.name_address):
        held = np.flatnonzero(halves)
        columns.append(KeyColumn(held, _half_key(halves[held], group[held])))
    return columns


def _point_key(point: Ints | np.int64, group: Ints | np.int64) -> npt.NDArray[np.uint64]:
    return np.asarray(point.astype(np.uint64) | (group.astype(np.uint64) << _GROUP_BITS))


def _half_key(half: Ints | np.int64, group: Ints | np.int64) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # a product modulo 2**64
        spread = group.astype(np.uint64) * _SPREAD
    return np.asarray(half.astype(np.uint64) ^ spread)


def _half(composite: bytes) -> np.int64:
    return np.int64(int.from_bytes(composite[:8], "big", signed=True))


def _without_crowds(
    keys: RowKeys, columns: Sequence[KeyColumn], crowded: Sequence[Flags]
) -> RowKeys:
    kept = ~crowded[0]
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept)])
    births, addresses = keys.name_birth.copy(), keys.name_address.copy()
    births[columns[1].row[crowded[1]]] = 0
    addresses[columns[2].row[crowded[2]]] = 0
    return replace(
        keys,
        name_birth=births,
        name_address=addresses,
        point=keys.point[kept],
        start=before[keys.start],
        phones=before[keys.phones],
    )
