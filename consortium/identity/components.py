"""Which rows could be one human at all: the closure over shared keys, before any judgement.

Two rows are neighbours if they share a contact point or a composite inside one firewall group; a
*component* is all that can be reached over neighbours. A key held by more than `CROWD_ROWS` rows
is left out: no human is on that many lists, and such keys (a placeholder address, 1 January 1970)
would chain everybody to everybody. What a component is follows from the set of active rows alone,
so the order of uploads cannot matter.

`closure` takes all keys as arrays (NumPy: sorting brings equal keys together, minimum labels
travel along the links, halving the distance in each round); 1 µs per key. `reach` finds only the
components that a change touches, by asking an index of keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "CROWD_ROWS",
    "Closure",
    "Components",
    "Key",
    "KeyColumn",
    "KeyIndex",
    "closure",
    "reach",
    "several",
    "smallest",
]

CROWD_ROWS: Final = 100
"""A key on more active rows than this is no evidence and joins no component."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Key = int | bytes
"""A contact point by id, or a composite by its 16 bytes."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """Who holds keys of one kind, one element of each array per row and key.

    Attributes:
        row: Index of the row, from 0.
        key: Any number that is one per key and firewall group.
    """

    row: Ints
    key: npt.NDArray[np.uint64] | Ints


Closure = Callable[[int, Sequence[KeyColumn]], tuple[Ints, list[Flags]]]
"""`closure`, or another engine that gives the same (`identity.spark`)."""


@dataclass(frozen=True, slots=True)
class Components:
    """Rows and the components they belong to.

    Attributes:
        rows: Row ids, ascending.
        label: For each row, the index in `rows` of its component's first row.
        crowded: Keys left out, by firewall group; they are no evidence inside a component either.
    """

    rows: Ints
    label: Ints
    crowded: frozenset[tuple[str, Key]]


def several(label: Ints) -> tuple[Ints, Ints]:
    """The components of more than one row.

    Args:
        label: As `Components` has it.

    Returns:
        Indices of their rows, component after component; and how many rows each has.
    """
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    return order[np.repeat(sizes > 1, sizes)], sizes[sizes > 1]


class KeyIndex(Protocol):
    """Looks up keys by rows and rows by keys, for many at once."""

    def keys(self, rows: Collection[int]) -> Iterable[tuple[int, Key]]:
        """Every (row, key) of these rows."""
        ...

    def holders(self, keys: Collection[Key]) -> Iterable[tuple[Key, int, int]]:
        """Every (key, row, upload) that holds one of these keys, in whatever state."""
        ...


def closure(rows: int, columns: Sequence[KeyColumn]) -> tuple[Ints, list[Flags]]:
    """Components of all rows at once.

    Args:
        rows: How many rows there are.
        columns: Their keys, by kind.

    Returns:
        For each row the index of its component's first row; and for each column, which of its
        elements are of a crowded key.
    """
    left, right, crowded = [], [], []
    for column in columns:
        order = np.argsort(column.key)
        key, row = column.key[order], column.row[order]
        new = np.flatnonzero(np.diff(key, prepend=~key[:1]))
        sizes = np.diff(new, append=len(key))
        crowd = np.repeat(sizes > CROWD_ROWS, sizes)
        in_crowd = np.zeros(len(key), dtype=np.bool_)
        in_crowd[order] = crowd
        crowded.append(in_crowd)
        linked = (key[1:] == key[:-1]) & ~crowd[1:]
        left.append(row[:-1][linked])
        right.append(row[1:][linked])
    none = np.zeros(0, np.int64)
    return smallest(rows, np.concatenate([none, *left]), np.concatenate([none, *right])), crowded


def smallest(rows: int, left: Ints, right: Ints) -> Ints:
    """The smallest index reachable from each, over undirected links `left[i] – right[i]`."""
    label = np.arange(rows, dtype=np.int64)
    while len(left):
        one, two = label[left], label[right]
        apart = one != two
        left, right, one, two = left[apart], right[apart], one[apart], two[apart]
        np.minimum.at(label, np.maximum(one, two), np.minimum(one, two))
        while True:
            shorter = label[label]
            if np.array_equal(shorter, label):
                break
            label = shorter
    return label


@dataclass(slots=True)
class _Held:
    """Rows that hold one key inside one firewall group, before the change and now."""

    before: int
    now: list[int]

    @property
    def open(self) -> bool:
        return len(self.now) <= CROWD_ROWS


def reach(
    index: KeyIndex,
    *,
    changed: Collection[int],
    seeds: Collection[int],
    before: Callable[[int], str | None],
    now: Callable[[int], str | None],
) -> Components:
    """The components, as they are now, of all rows that a change can have touched.

    Args:
        index: The keys.
        changed: Rows that came, or that count no more and can still be looked up.
        seeds: Rows whose components must be among the result in any case.
        before, now: Firewall group in which an upload's rows count; None: they do not.

    Returns:
        Whole components; every row that is outside them is in a component that has not changed.
    """
    walk = _Walk(index, before, now)
    groups = walk.look_up(changed)
    frontier = set(seeds)
    for held in groups:  # also where a key has become crowded, or is so no more
        if held.open or held.before <= CROWD_ROWS:
            frontier.update(held.now)
    visited: set[int] = set()
    while frontier := frontier - visited:
        visited |= frontier
        met = (h.now for h in walk.look_up(frontier) if h.open and not visited.isdisjoint(h.now))
        frontier = {row for rows in met for row in rows}
    ids = np.array(sorted(visited), dtype=np.int64)
    links = [
        pair
        for held in walk.held.values()
        if held.open
        for pair in pairwise(held.now)
        if pair[0] in visited
    ]
    ends = np.searchsorted(ids, np.array(links, dtype=np.int64).reshape(-1, 2))
    return Components(
        rows=ids,
        label=smallest(len(ids), ends[:, 0], ends[:, 1]),
        crowded=frozenset(key for key, held in walk.held.items() if not held.open),
    )


class _Walk:
    """Asks the index for each key once."""

    def __init__(
        self,
        index: KeyIndex,
        before: Callable[[int], str | None],
        now: Callable[[int], str | None],
    ) -> None:
        self.index = index
        self.before = before
        self.now = now
        self.held: dict[tuple[str, Key], _Held] = {}
        self.known: set[Key] = set()

    def look_up(self, rows: Collection[int]) -> list[_Held]:
        """The holders of every key of these rows that was not asked for before."""
        wanted = {key for _, key in self.index.keys(rows)} - self.known
        self.known |= wanted
        found: dict[tuple[str, Key], _Held] = defaultdict(lambda: _Held(0, []))
        for key, row, upload in self.index.holders(wanted):
            was, is_now = self.before(upload), self.now(upload)
            if was is not None:
                found[was, key].before += 1
            if is_now is not None:
                found[is_now, key].now.append(row)
        self.held.update(found)
        return list(found.values())
