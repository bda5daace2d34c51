"""How a person and a voter compare, field by field, and what each outcome is worth.

A small Fellegi–Sunter model over what both sides keep: first name, surname's sound, birth date,
address, contact points. A person is compared with all evidence of all rows, the best agreement of
each field counting, because what one list lacks another has. What households share is one field
each (address, contact points), so that four people behind one door do not look like one.

Vetoed whatever else agrees: contradicting suffixes, first names that are two names, birth years a
generation apart. The weights are data (`data/weights.toml`), trained on generated worlds and
shipped; nothing is learnt from a consortium's own people.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

from consortium.model.match_block import MatchBlock
from consortium.tokens import names, nicknames
from consortium.voters.evidence import VoterBlock

__all__ = ["Frequencies", "PersonEvidence", "Weights", "birth_level", "first_level", "weights"]

_CACHE: Final = 1 << 18
_GENERATION_YEARS: Final = 15
_DOORS_OF_A_POSTCODE: Final = 1000
_HOUSEHOLD: Final = 3
_DAY = len("YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class PersonEvidence:
    """What a person's rows say, of all owners of one firewall group.

    Attributes:
        blocks: Distinct match blocks.
        points: Contact points, as `evidence.short` writes them.
    """

    blocks: tuple[MatchBlock, ...]
    points: frozenset[str]

    def __repr__(self) -> str:
        return "PersonEvidence(‹personal›)"


@dataclass(slots=True)
class Frequencies:
    """How often names and postcodes stand in a file."""

    voters: int = 0
    firsts: Counter[str] = field(default_factory=Counter)
    surnames: Counter[str] = field(default_factory=Counter)
    postcodes: Counter[str] = field(default_factory=Counter)

    def add(self, blocks: Iterable[VoterBlock]) -> None:
        """Count some voters."""
        for block in blocks:
            self.voters += 1
            self.firsts[block.first] += 1
            self.surnames[block.surname_code] += 1
            self.postcodes[block.postcode] += 1

    def share(self, counts: Counter[str], value: str) -> float:
        """The share of voters with a value; never less than one voter."""
        return max(counts[value], 1) / max(self.voters, 1)

    def __repr__(self) -> str:
        return f"Frequencies({self.voters} voters)"


@dataclass(frozen=True, slots=True)
class Weights:
    """The model.

    Attributes:
        name: What a match run records: `weights-1`.
        margin: log2 of how much likelier the best voter must be than all other answers together.
        in_file: Share of people expected in the file.
        fields: Field → outcome → log2 weight, or the share of true pairs where frequencies divide.
    """

    name: str
    margin: float
    in_file: float
    fields: Mapping[str, Mapping[str, float]]

    def score(self, person: PersonEvidence, voter: VoterBlock, of: Frequencies) -> float | None:
        """log2 of how much likelier this agreement is for one human than for two; None: vetoed.

        The greater, the likelier; says nothing of other voters. Costs about 10 µs.
        """
        blocks = person.blocks
        if any(_suffixes_differ(b.suffix, voter.suffix) for b in blocks):
            return None
        first = self._first(blocks, voter, of)
        birth = self._birth(blocks, voter)
        if first is None or birth is None:
            return None
        return (
            first
            + self._surname(blocks, voter, of)
            + birth
            + self._address(blocks, voter, of)
            + self._points(person.points, voter.points, of)
        )

    def _first(
        self, blocks: tuple[MatchBlock, ...], voter: VoterBlock, of: Frequencies
    ) -> float | None:
        levels = {first_level(b.first, voter.first) for b in blocks}
        weights = self.fields["first"]
        if "agree" in levels or any(_is_swap(b, voter) for b in blocks):
            return math.log2(weights["agree"] / of.share(of.firsts, voter.first))
        if "nickname" in levels:
            return math.log2(weights["nickname"] / of.share(of.firsts, voter.first))
        if "slip" in levels:
            return weights["slip"]
        if "initial" in levels:
            return 1.0
        return weights["unknown"] if "unknown" in levels else None

    def _surname(self, blocks: tuple[MatchBlock, ...], voter: VoterBlock, of: Frequencies) -> float:
        weights = self.fields["surname"]
        codes = {b.surname_code for b in blocks} - {""}
        if not codes or not voter.surname_code:
            return weights["unknown"]
        if voter.surname_code in codes or any(_is_swap(b, voter) for b in blocks):
            return math.log2(weights["agree"] / of.share(of.surnames, voter.surname_code))
        return weights["differ"]

    def _birth(self, blocks: tuple[MatchBlock, ...], voter: VoterBlock) -> float | None:
        levels = {birth_level(b.birth_date, voter.birth) for b in blocks}
        for level in ("day", "month_and_day", "year", "slip", "near_year"):
            if level in levels:
                return self.fields["birth"][level]
        if "generation" in levels:
            return None
        return self.fields["birth"]["differ" if "differ" in levels else "unknown"]

    def _address(self, blocks: tuple[MatchBlock, ...], voter: VoterBlock, of: Frequencies) -> float:
        weights = self.fields["address"]
        codes = {b.postcode for b in blocks} - {""}
        if not codes or not voter.postcode:
            return weights["unknown"]
        if voter.postcode not in codes:
            return weights["differ"]
        share = of.share(of.postcodes, voter.postcode)
        doors = {b.house_number for b in blocks if b.postcode == voter.postcode}
        if voter.house_number and voter.house_number in doors:
            return math.log2(weights["door"] / share * _DOORS_OF_A_POSTCODE)
        return math.log2(weights["postcode"] / share)

    def _points(self, mine: frozenset[str], theirs: tuple[str, ...], of: Frequencies) -> float:
        weights = self.fields["points"]
        if not mine.isdisjoint(theirs):
            return math.log2(weights["shared"] * max(of.voters, _HOUSEHOLD) / _HOUSEHOLD)
        return weights["apart"] if mine and theirs else weights["unknown"]

    def nobody(self, voters: int) -> float:
        """The score at which a voter is as likely as that the person is not in the file."""
        return math.log2(max(voters, 1) * (1 - self.in_file) / self.in_file)


@cache
def weights() -> Weights:
    """The weights that are shipped."""
    text = resources.files("consortium.voters").joinpath("data/weights.toml").read_text("utf-8")
    document: dict[str, Any] = tomllib.loads(text)
    return Weights(
        name=f"weights-{document['weights']}",
        margin=document["margin"],
        in_file=document["in_file"],
        fields={k: v for k, v in document.items() if isinstance(v, dict)},
    )


@lru_cache(_CACHE)
def first_level(a: str, b: str) -> str:
    """`agree`, `nickname`, `slip`, `initial`, `unknown` or `differ`; folded first names."""
    if not a or not b:
        return "unknown"
    if a == b:
        return "agree"
    if not names.compatible_first(a, b):
        return "differ"
    if len(a) == 1 or len(b) == 1:
        return "initial"
    return "slip" if set(nicknames.classes(a)).isdisjoint(nicknames.classes(b)) else "nickname"


@lru_cache(_CACHE)
def birth_level(mine: str, theirs: str) -> str:  # noqa: PLR0911 - a list of cases
    """How a row's birth date stands to a voter's date or year.

    Args:
        mine: `YYYY-MM-DD`, `YYYY`, `--MM-DD` or empty.
        theirs: `YYYY-MM-DD`, `YYYY` or empty.
    """
    if not mine or not theirs:
        return "unknown"
    if mine.startswith("--"):
        if len(theirs) < _DAY:
            return "unknown"
        return "month_and_day" if mine[2:] == theirs[5:] else "differ"
    years = abs(int(mine[:4]) - int(theirs[:4]))
    if len(mine) == _DAY == len(theirs):
        if mine == theirs:
            return "day"
        differing = sum(x != y for x, y in zip(mine.split("-"), theirs.split("-"), strict=True))
        swapped = (mine[:4], mine[5:7], mine[8:]) == (theirs[:4], theirs[8:], theirs[5:7])
        if years < _GENERATION_YEARS and (differing == 1 or swapped):
            return "slip"
    elif years <= 1:
        return "near_year" if years else "year"
    return "generation" if years >= _GENERATION_YEARS else "differ"


_surname_code = lru_cache(_CACHE)(names.surname_code)


def _is_swap(row: MatchBlock, voter: VoterBlock) -> bool:
    """Whether the row has first name and surname in each other's column."""
    return bool(
        row.surname_code
        and voter.surname_code
        and row.first
        and row.first != voter.first
        and _surname_code(row.first) == voter.surname_code
        and _surname_code(voter.first) == row.surname_code
    )


def _suffixes_differ(a: str, b: str) -> bool:
    """Whether two suffixes name two people; `jr` and `ii` are both a son's, and may be one."""
    return bool(a and b) and a != b and {a, b} != {"jr", "ii"}
