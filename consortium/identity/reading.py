"""From the store to components: which rows can be one human at all, with the keys they hold.

Either of every row, by columns (`all_components`), or of the rows that a change can have touched,
by looking keys up (`touched_components`). What comes out has the same shape and, for the components
in it, the same content.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.identity.components import Closure, Flags, Ints, KeyColumn, closure
from consortium.identity.reach import Holders, among, distinct, reach
from consortium.store import merge_keys
from consortium.store.engine import Tx
from consortium.store.merge_keys import IS_ROLE, MergeUpload, RowKeys

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
    """The index of keys that a database is; remembers what it was asked for.

    A contact point is its id, a composite a number below zero that stands for its 16 bytes here.
    """

    def __init__(self, tx: Tx) -> None:
        none = np.zeros(0, dtype=np.int64)
        self._tx = tx
        self._rows = [none, none, none, none]  # id, ascending; upload; numbers of composites
        self._points = [[none, none, none]]
        self._number: dict[bytes, int] = {}  # from 1; a composite that a row lacks has 0

    def keys(self, rows: Ints) -> Ints:
        """The keys of these rows."""
        self._read(rows)
        held = merge_keys.points_of(self._tx, rows)
        self._points.append(held)
        _, point, code = held
        _, _, birth, address = self._of(rows)
        composites = np.concatenate([birth, address])
        return np.concatenate([point[(code & IS_ROLE) == 0], -composites[composites > 0]])

    def holders(self, keys: Ints) -> Holders:
        """The rows that hold one of these keys, in whatever state."""
        of_points, at_points = merge_keys.point_holders(self._tx, keys[keys > 0])
        values = list(self._number)
        wanted = sorted(values[-key - 1] for key in keys[keys < 0].tolist())
        composites = list(merge_keys.composite_holders(self._tx, wanted))
        numbers = np.array([self._number[value] for value, _ in composites], dtype=np.int64)
        key = np.concatenate([of_points, -numbers])
        row = np.concatenate([at_points, np.array([row for _, row in composites], np.int64)])
        self._read(distinct(row))
        there = among(row, self._rows[0])
        key, row = key[there], row[there]
        return Holders(key, row, self._of(row)[1])

    def _of(self, rows: Ints) -> list[Ints]:
        place = np.searchsorted(self._rows[0], rows)
        return [column[place] for column in self._rows]

    def _read(self, rows: Ints) -> None:
        """Get to know rows (distinct)."""
        new = rows[~among(rows, self._rows[0])]
        found = list(merge_keys.rows_of_ids(self._tx, new))
        if not found:
            return
        ids, uploads, births, addresses = zip(*found, strict=True)
        more = (ids, uploads, *map(self._numbers, (births, addresses)))
        both = [
            np.concatenate([column, np.array(values, dtype=np.int64)])
            for column, values in zip(self._rows, more, strict=True)
        ]
        order = np.argsort(both[0])
        self._rows = [column[order] for column in both]

    def _numbers(self, values: Iterable[bytes | None]) -> list[int]:
        known = self._number
        return [known.setdefault(v, len(known) + 1) if v is not None else 0 for v in values]

    def halves(self, numbers: Ints) -> Ints:
        """The first half of the composite that each number stands for; 0 for 0."""
        known = b"".join([bytes(8), *(value[:8] for value in self._number)])
        return np.frombuffer(known, dtype=">i8").astype(np.int64)[numbers]

    def row_keys(self, rows: Ints) -> RowKeys:
        """The same of rows whose keys were asked for, as a merge of everything has it."""
        ids, uploads, births, addresses = self._of(rows)
        points = (np.concatenate(columns) for columns in zip(*self._points, strict=True))
        halves = (self.halves(births), self.halves(addresses))
        return merge_keys.row_keys_of([ids, uploads, *halves], *points)


def touched_components(tx: Tx, uploads: Sequence[MergeUpload], *, stale: Collection[int]) -> Found:
    """The components that rows of new and ended uploads, and stale rows, can have touched.

    Costs about 20 µs for each row in them; `all_components` about 3 µs for each row there is.
    """
    new = merge_keys.rows_of(tx, [u.id for u in uploads if u.active and not u.covered])
    gone = merge_keys.rows_of(tx, [u.id for u in uploads if u.covered and not u.active])
    index = StoredKeys(tx)
    found = reach(
        index,
        changed=np.concatenate([new, gone]),
        seeds=np.setdiff1d(np.union1d(new, np.array(sorted(stale), dtype=np.int64)), gone),
        before=_groups_of(uploads, _covered),
        now=_groups_of(uploads, _active),
    )
    keys = index.row_keys(found.rows)
    columns = key_columns(keys, uploads)
    point = found.crowded > 0
    crowd_points = _point_key(found.crowded[point], found.group[point])
    crowd_halves = _half_key(index.halves(-found.crowded[~point]), found.group[~point])
    crowds = (crowd_points, crowd_halves, crowd_halves)
    crowded = [np.isin(c.key, crowd) for c, crowd in zip(columns, crowds, strict=True)]
    return Found(_without_crowds(keys, columns, crowded), found.label)


def all_components(tx: Tx, uploads: Sequence[MergeUpload], *, closure: Closure = closure) -> Found:
    """The components of every row of the active uploads; `closure` finds which share a key."""
    keys = merge_keys.row_keys(tx, [u.id for u in uploads if u.active])
    columns = key_columns(keys, uploads)
    label, crowded = closure(len(keys.row), columns)
    return Found(_without_crowds(keys, columns, crowded), label)


def _groups_of(uploads: Sequence[MergeUpload], counts: Callable[[MergeUpload], bool]) -> Ints:
    """By upload id the number of its firewall group; -1 where its rows do not count."""
    numbers = {name: number for number, name in enumerate(sorted({u.group for u in uploads}))}
    found = np.full(max((u.id for u in uploads), default=0) + 2, -1, dtype=np.int64)
    for upload in uploads:
        if counts(upload):
            found[upload.id] = numbers[upload.group]
    return found


def _active(upload: MergeUpload) -> bool:
    return upload.active


def _covered(upload: MergeUpload) -> bool:
    return upload.covered


def key_columns(keys: RowKeys, uploads: Sequence[MergeUpload]) -> list[KeyColumn]:
    """Contact points, names with birth dates and names with addresses.

    Args:
        keys: Some rows.
        uploads: The uploads that they are of, and whatever others.

    Returns:
        For each kind a number that is one per key and firewall group.
    """
    group = _groups_of(uploads, _active)[keys.upload]
    row = np.repeat(np.arange(len(keys.row), dtype=np.int64), np.diff(keys.start))
    columns = [KeyColumn(row, _point_key(keys.point, group[row]))]
    for halves in (keys.name_birth, keys.name_address):
        held = np.flatnonzero(halves)
        columns.append(KeyColumn(held, _half_key(halves[held], group[held])))
    return columns


def _point_key(point: Ints, group: Ints) -> npt.NDArray[np.uint64]:
    return np.asarray(point.astype(np.uint64) | (group.astype(np.uint64) << _GROUP_BITS))


def _half_key(half: Ints, group: Ints) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):  # a product modulo 2**64
        spread = group.astype(np.uint64) * _SPREAD
    return np.asarray(half.astype(np.uint64) ^ spread)


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
