"""What two match blocks say about being one human: nothing here knows of rows or keys.

A *contradiction* is what no amount of shared addresses outweighs: two different first names, two
different birth dates, two different suffixes. It is judged on what both sides know; an unknown
contradicts nothing. Two kinds of difference are mistakes and not contradictions:

* a first name that is no name itself and one keystroke away from the other ("Jhon", "Micheal"; but
  Gary is not Mary and Erica is not Eric), or first name and surname in each other's column;
* a birth date that differs in one of day, month and year, or with day and month swapped, unless
  the years lie a generation apart (father and son may share a birthday).

Every function is pure and symmetric, so that no order of rows can matter.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final

from consortium.model.match_block import MatchBlock
from consortium.tokens import names, nicknames

__all__ = [
    "GENERATION_YEARS",
    "Birth",
    "First",
    "births_contradict",
    "compare_birth",
    "compare_first",
    "contradict",
    "relate",
    "suffixes_differ",
    "swapped",
]

GENERATION_YEARS: Final = 15
"""Birth years this far apart belong to parent and child, whatever else agrees."""

_CACHE = 1 << 17


class First(Enum):
    """How two first names stand to each other."""

    UNKNOWN = "unknown"  # one is missing, or only an initial that fits
    AGREE = "agree"  # the same, or one is short for the other
    SLIP = "slip"  # a keystroke or a swap of columns apart
    DIFFER = "differ"


class Birth(Enum):
    """How two birth dates stand to each other, on what both know."""

    UNKNOWN = "unknown"
    AGREE = "agree"
    SLIP = "slip"  # one of day, month, year differs, or day and month are swapped
    DIFFER = "differ"
    GENERATION = "generation"  # differ, and by so much that two people share the rest


@lru_cache(_CACHE)
def compare_first(a: str, b: str) -> First:
    """Compare two folded first names (`MatchBlock.first`)."""
    if not a or not b:
        return First.UNKNOWN
    if a == b:
        return First.AGREE
    if not names.compatible_first(a, b):
        return First.DIFFER
    if len(a) == 1 or len(b) == 1:
        return First.UNKNOWN
    together = set(nicknames.classes(a)).intersection(nicknames.classes(b))
    return First.AGREE if together else First.SLIP


_surname_code = lru_cache(_CACHE)(names.surname_code)


def swapped(a: tuple[str, str], b: tuple[str, str]) -> bool:
    """Whether one of two names has first name and surname in each other's column.

    Args:
        a, b: Folded first name and surname code of each.
    """
    (first, code), (other, other_code) = a, b
    return (
        bool(code and other_code)
        and _surname_code(first) == other_code
        and _surname_code(other) == code
    )


def relate(a: MatchBlock, b: MatchBlock) -> First:
    """How the first names of two rows stand to each other, a swap of columns being a slip."""
    first = compare_first(a.first, b.first)
    if first is First.DIFFER and swapped((a.first, a.surname_code), (b.first, b.surname_code)):
        return First.SLIP
    return first


def _date_parts(date: str) -> tuple[str, str, str]:
    """Year, month and day of a whole or partial ISO date; empty where not known."""
    if date.startswith("--"):
        return "", date[2:4], date[5:7]
    return date[:4], date[5:7], date[8:10]


@lru_cache(_CACHE)
def compare_birth(a: str, b: str) -> Birth:
    """Compare two birth dates (`YYYY-MM-DD`, `YYYY`, `--MM-DD` or empty)."""
    if not a or not b:
        return Birth.UNKNOWN
    if a == b:
        return Birth.AGREE
    (year, month, day), (other_year, other_month, other_day) = _date_parts(a), _date_parts(b)
    known = [
        (x, y) for x, y in ((year, other_year), (month, other_month), (day, other_day)) if x and y
    ]
    differing = sum(x != y for x, y in known)
    if not known:
        return Birth.UNKNOWN
    if not differing:
        return Birth.AGREE
    if year and other_year and abs(int(year) - int(other_year)) >= GENERATION_YEARS:
        return Birth.GENERATION
    whole = len(known) == len(("year", "month", "day"))
    turned = (year, month, day) == (other_year, other_day, other_month)
    return Birth.SLIP if whole and (differing == 1 or turned) else Birth.DIFFER


def births_contradict(a: str, b: str) -> bool:
    """Whether two birth dates are of two people."""
    return compare_birth(a, b) in {Birth.DIFFER, Birth.GENERATION}


def suffixes_differ(a: str, b: str) -> bool:
    """Whether two suffixes name two people; `jr` and `ii` are both a son's, and may be one."""
    return bool(a and b) and a != b and {a, b} != {"jr", "ii"}


def contradict(a: MatchBlock, b: MatchBlock) -> bool:
    """Whether two rows cannot be one human, whatever address they share."""
    if a == b:
        return False
    if suffixes_differ(a.suffix, b.suffix):
        return True
    if births_contradict(a.birth_date, b.birth_date):
        return True
    return relate(a, b) is First.DIFFER
