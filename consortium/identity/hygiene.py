"""What a key is worth as evidence, judged by all the rows that hold it.

An address that one person uses names that person. One that a family shares does not, and one that
a clerk typed for everybody without an address of their own, or that belongs to an office, names
nobody. The host sees only tokens, so it tells these apart by the names that come with them.

Pure; depends on the set of rows alone and not on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

from consortium.identity.evidence import Birth, First, compare_birth, relate, suffixes_differ
from consortium.model.match_block import MatchBlock

__all__ = ["CROWD_NAMES", "Key", "Kind", "judge"]

CROWD_NAMES: Final = 4
"""A contact point of this many unrelated first names is a role, a clerk's own or junk."""

Kind = Literal["email", "phone", "birth", "address"]
"""Contact points, and the composites of full name with birth date and with address."""


@dataclass(frozen=True, slots=True)
class Key:
    """A contact point or composite, and what the rows that hold it make of it.

    Attributes:
        kind: `email`, `phone`, `birth` or `address`.
        crowd: A contact point of so many unrelated names that it joins nobody.
        household: A contact point on which two first names differ.
        contested: Two people of one name hold it: father and son, most often.
        unclear: First names that fit two people of the household.
    """

    kind: Kind
    crowd: bool = False
    household: bool = False
    contested: bool = False
    unclear: frozenset[str] = frozenset()

    @property
    def contact(self) -> bool:
        """Whether it is a contact point, which several people may use."""
        return self.kind in {"email", "phone"}


def judge(kind: Kind, blocks: Sequence[MatchBlock]) -> Key:
    """What the rows that hold a key make of it.

    Args:
        kind: What kind of key it is.
        blocks: The match blocks of all rows of the component that hold it.
    """
    if kind in {"birth", "address"}:
        return Key(kind, contested=_contested(blocks))
    named = list({(b.first, b.surname_code): b for b in blocks if len(b.first) > 1}.values())
    if _unrelated(named) >= CROWD_NAMES:
        return Key(kind, crowd=True, household=True)
    contested = _contested(blocks)
    differ = [(a, b) for a, b in combinations(named, 2) if relate(a, b) is First.DIFFER]
    unclear = frozenset(
        c.first
        for c in named
        if any(
            relate(a, c) is not First.DIFFER and relate(b, c) is not First.DIFFER for a, b in differ
        )
    )
    return Key(kind, household=bool(differ), contested=contested, unclear=unclear)


def _contested(blocks: Sequence[MatchBlock]) -> bool:
    """Whether suffixes differ, or birth dates by a generation, between rows of one name."""
    if len({b.suffix for b in blocks}) == 1 and len({b.birth_date for b in blocks}) == 1:
        return False
    return any(
        (
            suffixes_differ(a.suffix, b.suffix)
            or compare_birth(a.birth_date, b.birth_date) is Birth.GENERATION
        )
        and relate(a, b) in {First.AGREE, First.SLIP}
        for a, b in combinations(set(blocks), 2)
    )


def _unrelated(blocks: list[MatchBlock]) -> int:
    """How many groups of related first names there are."""
    groups = 0
    left = blocks
    while left:
        groups += 1
        group, left = [left[0]], left[1:]
        for member in group:
            group += [b for b in left if relate(member, b) is not First.DIFFER]
            left = [b for b in left if relate(member, b) is First.DIFFER]
    return groups
