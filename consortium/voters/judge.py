"""Persons and voters in, matches out: which voter a person is, or that nobody can say.

First the voters that could be meant are found by keys: the persons' keys are held as sorted
numbers, the voters stream past them. Then, person by person:

1. The exact cascade, strongest rule first: a rule that exactly one voter fulfils decides; one that
   several fulfil decides nothing.

   | rule | person and voter share |
   |---|---|
   | `name_birth` | first name's class, surname's sound, full birth date |
   | `name_point` | first name's class, surname's sound, a contact point |
   | `name_door` | first name's class, surname's sound, house number and postcode |

2. The score (`compare`): the best voter must be likelier, by the margin, than all other answers
   together: every other voter, and that the person is not in the file.

What vetoes a pair vetoes it in both. An ambiguous person is unmatched. The order of persons, rows
and voters cannot matter. About 12 µs per voter and 15 µs per pair; 100 bytes per person and key.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.model.match_block import MatchBlock
from consortium.tokens import names, nicknames
from consortium.voters.compare import (
    Frequencies,
    PersonEvidence,
    Weights,
    birth_level,
    first_level,
    weights,
)
from consortium.voters.evidence import VoterBlock

__all__ = ["RULES", "Match", "Matcher"]

RULES: Final = ("name_birth", "name_point", "name_door", "score")
"""Why a person was matched, strongest first."""

_CROWD: Final = 400  # persons on one key, above which it finds nobody
_MOST_PAIRS: Final = 200  # voters of one person that are scored; more cannot be told apart
_DAY = len("YYYY-MM-DD")
Ints = npt.NDArray[np.int64]

_classes = lru_cache(1 << 17)(nicknames.classes)
_one_class = lru_cache(1 << 17)(names.first_class)


@dataclass(frozen=True, slots=True)
class Match:
    """A person's voter.

    Attributes:
        voter: As the caller numbered it.
        rule: One of `RULES`.
    """

    voter: int
    rule: str


@dataclass(slots=True)
class _Candidate:
    voter: int
    block: VoterBlock


class Matcher:
    """Finds the voters of some persons.

    Args:
        persons: By any number, in any order.
        of: Frequencies of the file.
        model: The weights; None: those that are shipped.
    """

    def __init__(
        self,
        persons: Sequence[PersonEvidence],
        *,
        of: Frequencies,
        model: Weights | None = None,
    ) -> None:
        self._persons = persons
        self._of = of
        self._model = model or weights()
        self._candidates: defaultdict[int, list[_Candidate]] = defaultdict(list)
        self._keys, self._holders = _index(persons)

    def offer(self, voters: Sequence[tuple[int, VoterBlock]]) -> list[tuple[int, VoterBlock]]:
        """Let some voters stream past; those that could be somebody are kept, and returned."""
        keys: list[int] = []
        owners: list[int] = []
        for i, (_, block) in enumerate(voters):
            found = [*_voter_keys(block)]
            keys += found
            owners += [i] * len(found)
        if not keys or not len(self._keys):
            return []
        wanted = np.array(keys, dtype=np.int64)
        owner = np.array(owners, dtype=np.int64)
        left = np.searchsorted(self._keys, wanted, side="left")
        hits = np.searchsorted(self._keys, wanted, side="right") - left
        hit = np.flatnonzero((hits > 0) & (hits <= _CROWD))
        pairs: set[tuple[int, int]] = set()
        for at in hit.tolist():
            begin = int(left[at])
            who = int(owner[at])
            for person in self._holders[begin : begin + int(hits[at])].tolist():
                pairs.add((person, who))
        for person, i in pairs:
            kept = self._candidates[person]
            if len(kept) <= _MOST_PAIRS:
                kept.append(_Candidate(*voters[i]))
        return [voters[i] for i in sorted({i for _, i in pairs})]

    def matches(self) -> Iterator[tuple[int, Match]]:
        """Every person who is matched, by number, ascending."""
        for person in sorted(self._candidates):
            found = self._judge(self._persons[person], self._candidates[person])
            if found is not None:
                yield person, found

    def _judge(self, person: PersonEvidence, candidates: list[_Candidate]) -> Match | None:
        scored = [
            (score, c)
            for c in candidates
            if (score := self._model.score(person, c.block, self._of)) is not None
        ]
        if not scored or len(candidates) > _MOST_PAIRS:
            return None
        for rule, holds in (("name_birth", _born), ("name_point", _reached), ("name_door", _lives)):
            exact = [c for _, c in scored if holds(person, c.block)]
            if len(exact) == 1 and not _unlikely(scored, exact[0]):
                return Match(exact[0].voter, rule)
        best, choice = max(scored, key=lambda s: (s[0], s[1].voter))
        others = [2.0 ** (s - best) for s, c in scored if c is not choice]
        nobody = 2.0 ** (self._model.nobody(self._of.voters) - best)
        margin = -math.log2(sum(others) + nobody)
        return Match(choice.voter, "score") if margin >= self._model.margin else None


def _unlikely(scored: list[tuple[float, _Candidate]], exact: _Candidate) -> bool:
    """Whether another voter is likelier than the one that a rule names."""
    (mine,) = (s for s, c in scored if c is exact)
    return any(s > mine for s, c in scored if c is not exact)


def _same_name(block: MatchBlock, voter: VoterBlock) -> bool:
    return (
        bool(block.surname_code)
        and block.surname_code == voter.surname_code
        and first_level(block.first, voter.first) in {"agree", "nickname"}
    )


def _born(person: PersonEvidence, voter: VoterBlock) -> bool:
    return len(voter.birth) == _DAY and any(
        b.birth_date == voter.birth and _same_name(b, voter) for b in person.blocks
    )


def _reached(person: PersonEvidence, voter: VoterBlock) -> bool:
    return not person.points.isdisjoint(voter.points) and any(
        _same_name(b, voter) for b in person.blocks
    )


def _lives(person: PersonEvidence, voter: VoterBlock) -> bool:
    return bool(voter.house_number and voter.postcode) and any(
        (b.house_number, b.postcode) == (voter.house_number, voter.postcode)
        and _same_name(b, voter)
        and birth_level(b.birth_date, voter.birth) not in {"differ", "generation"}
        for b in person.blocks
    )


def _index(persons: Sequence[PersonEvidence]) -> tuple[Ints, Ints]:
    """Keys of all persons, ascending, and the person of each."""
    keys: list[int] = []
    holders: list[int] = []
    for number, person in enumerate(persons):
        found = {hash(("p", point)) for point in person.points}
        for block in person.blocks:
            found.update(_row_keys(block))
        keys += found
        holders += [number] * len(found)
    key, holder = np.array(keys, dtype=np.int64), np.array(holders, dtype=np.int64)
    order = np.argsort(key, kind="stable")
    return key[order], holder[order]


def _row_keys(block: MatchBlock) -> Iterator[int]:
    groups = _classes(block.first) if len(block.first) > 1 else ()
    yield from _keys(
        groups,
        code=block.surname_code,
        birth=block.birth_date,
        house=block.house_number,
        postcode=block.postcode,
    )
    if len(block.birth_date) == _DAY and block.surname_code and groups:
        yield hash(("swap", block.surname_code, block.birth_date))


def _voter_keys(block: VoterBlock) -> Iterator[int]:
    yield from _keys(
        _classes(block.first) if len(block.first) > 1 else (),
        code=block.surname_code,
        birth=block.birth,
        house=block.house_number,
        postcode=block.postcode,
    )
    for point in block.points:
        yield hash(("p", point))


def _keys(  # noqa: C901 - a list of keys, one condition each
    groups: Iterable[str], *, code: str, birth: str, house: str, postcode: str
) -> Iterator[int]:
    """What could bring a row and a voter together: never one weak fact alone."""
    day = birth if len(birth) == _DAY else ""
    year = "" if birth.startswith("--") else birth[:4]
    if house and postcode:
        yield hash(("d", house, postcode))
    if day and postcode:
        yield hash(("bz", day, postcode))
    if code:
        if day:
            yield hash(("sb", code, day))
        if postcode and year:
            yield hash(("szy", code, postcode, year))
    for group in groups:
        if day:
            yield hash(("fb", group, day))
        if code:
            if year:
                yield hash(("ny", group, code, year))
            if birth.startswith("--"):
                yield hash(("nmd", group, code, birth[2:]))
            elif day:
                yield hash(("nmd", group, code, day[5:]))
            if postcode:
                yield hash(("nz", group, code, postcode))
