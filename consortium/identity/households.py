"""Persons who share a contact point: one message reaches them all, so a plan writes to one of them.

A *household* is all persons that can be reached over shared e-mail addresses and telephone numbers,
inside one firewall group. A contact point that names a function, or that more than `MOST_PERSONS`
persons use, makes none: an office is not a family, and would chain everybody who works there. That
a message goes to an address once holds for these too: sending looks at the address, not at this.

It follows from the generation in use and the rows that count now, and is worked out when asked for;
about 3 µs for each row there is. Planning makes the same choice from its own columns
(docs/adr/0004-one-person-of-a-household.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from consortium.identity.components import Ints, KeyColumn, closure, several
from consortium.identity.reading import key_columns
from consortium.store import merge_keys, merges
from consortium.store.engine import Tx

__all__ = ["MOST_PERSONS", "Households", "households"]

MOST_PERSONS: Final = 10
"""A contact point of more persons than this is no household's."""


@dataclass(frozen=True, slots=True)
class Households:
    """The households of a generation.

    Attributes:
        person: Ids of all persons who live in one, household after household.
        size: How many of them each household has; two or more.
    """

    person: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.size)

    @property
    def largest(self) -> int:
        """How many persons the largest has; 0 if there is none."""
        return int(self.size.max(initial=0))


def households(tx: Tx, generation: int) -> Households:
    """Every household of a generation; persons of one contact point to themselves are in none."""
    uploads = [u for u in merge_keys.uploads(tx, generation) if u.active]
    keys = merge_keys.row_keys(tx, [upload.id for upload in uploads])
    row, person = merges.open_memberships(tx, generation)
    place = np.minimum(np.searchsorted(row, keys.row), max(0, len(row) - 1))
    merged = row[place] == keys.row if len(row) else np.zeros(len(keys.row), dtype=np.bool_)
    points = key_columns(keys, uploads)[0]
    counts = merged[points.row]
    persons, index = np.unique(person[place[points.row[counts]]], return_inverse=True)
    label, _ = closure(len(persons), [_shared(KeyColumn(index, points.key[counts]))])
    order, size = several(label)
    return Households(persons[order], size)


def _shared(held: KeyColumn) -> KeyColumn:
    """Each person once for each contact point that two to `MOST_PERSONS` persons hold."""
    order = np.lexsort((held.row, held.key))
    person, point = held.row[order], held.key[order]
    first = np.ones(len(point), dtype=np.bool_)
    first[1:] = (point[1:] != point[:-1]) | (person[1:] != person[:-1])
    person, point = person[first], point[first]
    _, at, holders = np.unique(point, return_inverse=True, return_counts=True)
    kept = holders[at] <= MOST_PERSONS
    return KeyColumn(person[kept], point[kept])
