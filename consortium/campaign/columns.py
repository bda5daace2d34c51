"""Arithmetic on columns: number what repeats, and collect sets, without an object per row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Ints", "dense", "micros", "sets"]

Ints = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dense(*columns: Ints) -> tuple[Ints, Ints]:
    """Number the distinct combinations of some columns.

    Args:
        columns: Each of shape (n,), values from 0.

    Returns:
        Codes, shape (n,), from 0 in the order of the combinations; and, for each code, the index
        of the first element that has it.
    """
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    first = np.zeros(min(1, len(codes)), dtype=np.int64)
    for column in columns:
        width = int(column.max(initial=0)) + 1
        _, first, codes = np.unique(codes * width + column, return_index=True, return_inverse=True)
        codes = codes.astype(np.int64)
    return codes, first.astype(np.int64)


def sets(keys: Ints, values: Ints, *, count: int) -> tuple[Ints, Sequence[tuple[int, ...]]]:
    """Collect the set of values of each key, and number the distinct sets.

    Args:
        keys: Shape (n,), from 0 to `count` - 1.
        values: Shape (n,), from 0; repeats are dropped.
        count: How many keys.

    Returns:
        Codes, shape (count,), and the sets by code, each sorted; code 0 is the empty set.
    """
    width = int(values.max(initial=0)) + 1
    pairs = np.unique(keys * width + values)
    owner, value = pairs // width, pairs % width
    sizes = np.bincount(owner, minlength=count)
    found: dict[tuple[int, ...], int] = {(): 0}
    codes = np.zeros(count, dtype=np.int64)
    alone = sizes[owner] == 1
    singles, which = np.unique(value[alone], return_inverse=True)
    numbers = [found.setdefault((v,), len(found)) for v in singles.tolist()]
    codes[owner[alone]] = np.array(numbers, dtype=np.int64)[which]
    owner, value = owner[~alone], value[~alone]
    if len(owner):
        edges = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist(), len(owner)]
        members = value.tolist()
        codes[owner[edges[:-1]]] = [
            found.setdefault(tuple(members[a:b]), len(found)) for a, b in pairwise(edges)
        ]
    return codes, list(found)


def micros(instant: datetime) -> int:
    """An aware instant in whole microseconds since 1970 UTC, as columns keep it."""
    return (instant - _EPOCH) // timedelta(microseconds=1)
