"""Which rows could be one human at all: the closure over shared keys, before any judgement.

Two rows are neighbours if they share a contact point or a composite inside one firewall group; a
*component* is all that can be reached over neighbours. A key held by more than `CROWD_ROWS` rows
is left out: no human is on that many lists, and such keys (a placeholder address, 1 January 1970)
would chain everybody to everybody. What a component is follows from the set of active rows alone,
so the order of uploads cannot matter.

`closure` takes all keys as arrays (NumPy: sorting brings equal keys together, minimum labels
travel along the links, halving the distance in each round); 1 µs per key. The components that a
change touches are found by `identity.reach`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "CROWD_ROWS",
    "Closure",
    "KeyColumn",
    "closure",
    "several",
    "smallest",
]

CROWD_ROWS: Final = 100
"""A key on more active rows than this is no evidence and joins no component."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


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
