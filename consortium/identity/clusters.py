"""Rows judged one human so far, and what forbids to join two such clusters.

A check of two small clusters looks at every pair of their rows. Where that would be many pairs it
looks at each suffix, birth date and first name that was said once: rows of one human have few of
these, however many they are, so that a list made to hang together in one long chain takes no more
time for each row than any other. Both ways give the same answer.

A human has two surnames at most, of birth and of marriage, and only a row that names one of them
can say that it is the other's as well; and no more than `MOST_POINTS` addresses. So a row without
surname, or of many addresses, does not make one of all whose addresses it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from consortium.identity.evidence import (
    Birth,
    First,
    births_contradict,
    compare_birth,
    compare_first,
    contradict,
    suffixes_differ,
    swapped,
)
from consortium.identity.rules import Rule
from consortium.model.match_block import MatchBlock

__all__ = ["MOST_POINTS", "Cluster"]

_FEW_PAIRS: Final = 16
_MOST_SURNAMES: Final = 2
MOST_POINTS: Final = 6
"""E-mail addresses, or numbers, that are one human's own. In generated worlds of eight lists not
even a limit of four parts anybody."""


class _Told:
    """What match blocks say that could contradict another's, each thing once.

    Attributes:
        suffixes, births: As blocks have them, an empty one among them.
        names: Of each first name the surname codes that came with it.
    """

    def __init__(self, blocks: Iterable[MatchBlock]) -> None:
        self.suffixes: set[str] = set()
        self.births: set[str] = set()
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        self.add(blocks)

    def add(self, blocks: Iterable[MatchBlock]) -> None:
        for block in blocks:
            self.suffixes.add(block.suffix)
            self.births.add(block.birth_date)
            self.names[block.first].add(block.surname_code)

    def contradicts(self, other: _Told) -> bool:
        """Whether a block of the one contradicts a block of the other."""
        return (
            any(suffixes_differ(a, b) for a in self.suffixes for b in other.suffixes)
            or any(births_contradict(a, b) for a in self.births for b in other.births)
            or any(
                compare_first(a, b) is First.DIFFER
                and not all(swapped((a, x), (b, y)) for x in surnames for y in others)
                for a, surnames in self.names.items()
                for b, others in other.names.items()
            )
        )


@dataclass(slots=True)
class Cluster:
    """Rows judged one human so far.

    Attributes:
        rows: Their positions in the component.
        blocks: What they say, without repetition.
        surnames: Their surnames' codes.
        emails, phones, addresses: What they know of these, shared contact points left aside.
        never: Positions of rows that somebody has said are other people.
    """

    rows: list[int]
    blocks: set[MatchBlock]
    surnames: set[str]
    emails: set[int]
    phones: set[int]
    addresses: set[tuple[str, str]]
    never: set[int] = field(default_factory=set)
    _told: _Told | None = None

    def absorb(self, other: Cluster) -> None:
        """Take in the rows of another, which is not used any more."""
        self.rows += other.rows
        self.never |= other.never
        self.blocks |= other.blocks
        self.surnames |= other.surnames
        self.emails |= other.emails
        self.phones |= other.phones
        self.addresses |= other.addresses
        if self._told is not None:
            self._told.add(other.blocks)

    def vetoes(self, other: Cluster, *, rule: Rule, named: bool) -> bool:
        """Whether what the two say forbids to join them by an edge of this rule.

        Args:
            other: The other cluster.
            rule: The edge's.
            named: Whether both rows of the edge have a surname.
        """
        if rule is not Rule.EQUAL and (
            self._changes_surname(other, named=named) or self._knows_too_much(other)
        ):
            return True
        if rule is Rule.NAME_BIRTH and all(self._conflicts(other)):
            return True
        if (
            rule is Rule.NAME_ADDRESS
            and any(self._conflicts(other)[:2])
            and not self._born_alike(other)
        ):
            return True
        if len(self.blocks) * len(other.blocks) <= _FEW_PAIRS:
            return any(contradict(a, b) for a in self.blocks for b in other.blocks)
        return self._all_told().contradicts(other._all_told())

    def _changes_surname(self, other: Cluster, *, named: bool) -> bool:
        """Whether joining would give a human a surname that nothing speaks for, or one too many."""
        if self.surnames >= other.surnames or self.surnames <= other.surnames:
            return False
        return (not named and self.surnames.isdisjoint(other.surnames)) or (
            len(self.surnames | other.surnames) > _MOST_SURNAMES
        )

    def _knows_too_much(self, other: Cluster) -> bool:
        """Whether a human would have more e-mail addresses or numbers of their own than any has."""
        return (
            len(self.emails | other.emails) > MOST_POINTS
            or len(self.phones | other.phones) > MOST_POINTS
        )

    def _all_told(self) -> _Told:
        if self._told is None:
            self._told = _Told(self.blocks)
        return self._told

    def _conflicts(self, other: Cluster) -> tuple[bool, bool, bool]:
        """For e-mail, phone and address: both sides know some and share none."""
        return (
            bool(self.emails and other.emails) and self.emails.isdisjoint(other.emails),
            bool(self.phones and other.phones) and self.phones.isdisjoint(other.phones),
            bool(self.addresses and other.addresses) and self.addresses.isdisjoint(other.addresses),
        )

    def _born_alike(self, other: Cluster) -> bool:
        births = {block.birth_date for block in self.blocks}
        others = {block.birth_date for block in other.blocks}
        return any(compare_birth(a, b) is Birth.AGREE for a in births for b in others)
