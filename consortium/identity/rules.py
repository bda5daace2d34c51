"""The rules by which two rows that share a key may be one human; the table is in `evaluate`.

Pure and symmetric in the two rows; nothing here knows of clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from consortium.identity.evidence import (
    Birth,
    First,
    compare_birth,
    compare_first,
    contradict,
    relate,
)
from consortium.identity.hygiene import Key
from consortium.model.match_block import MatchBlock

__all__ = ["Rule", "doubtful", "rule_of"]


class Rule(IntEnum):
    """Why two rows may be one human, strongest first; see the module's table."""

    EQUAL = 0  # the same row twice, kept apart only to hold a never-merge pair
    SEVERAL = 1
    CONTACT = 2
    HOUSEHOLD = 3
    NEW_SURNAME = 4
    SLIP = 5
    NAMELESS = 6
    NAME_BIRTH = 7
    NAME_ADDRESS = 8
    SCORED = 9


def rule_of(a: MatchBlock, b: MatchBlock, keys: Sequence[Key]) -> Rule | None:
    """The strongest rule that joins two rows sharing these keys."""
    if contradict(a, b):
        return None
    agreed = compare_birth(a.birth_date, b.birth_date) is Birth.AGREE or (
        a.suffix != "" and a.suffix == b.suffix
    )
    usable = keys if agreed else [k for k in keys if not k.contested]
    first = relate(a, b)
    if first is First.AGREE and len(usable) > 1:
        return Rule.SEVERAL
    return min((r for r in (_one_key(a, b, first, k) for k in usable) if r), default=None)


def doubtful(rule: Rule | None, keys: Sequence[Key]) -> bool:
    """Whether a pair is for a scorer: no rule joins it, or one that more than a name can hold back.

    Not if two people of one name are known to hold every key that it shares.
    """
    weak = rule is None or rule >= Rule.NAME_BIRTH
    return weak and not all(key.contested for key in keys)


def _near(a: MatchBlock, b: MatchBlock) -> bool:
    """Whether birth date or address agrees: what a number given to a new person would not bring."""
    return compare_birth(a.birth_date, b.birth_date) is Birth.AGREE or (
        a.house_number != "" and (a.house_number, a.postcode) == (b.house_number, b.postcode)
    )


def _one_key(a: MatchBlock, b: MatchBlock, first: First, key: Key) -> Rule | None:
    """The rule by which one key alone joins two rows that do not contradict each other."""
    if not key.contact:
        if compare_birth(a.birth_date, b.birth_date) is Birth.SLIP:
            return None
        return Rule.NAME_BIRTH if key.kind == "birth" else Rule.NAME_ADDRESS
    known = bool(a.surname_code and b.surname_code)
    same = known and a.surname_code == b.surname_code
    holds: dict[First, Rule | None] = {
        First.DIFFER: None,
        First.AGREE: Rule.CONTACT if same else None,
        First.SLIP: Rule.SLIP if same or compare_first(a.first, b.first) is First.DIFFER else None,
        First.UNKNOWN: Rule.NAMELESS if same or not known else None,
    }
    if not key.household:
        if first is First.AGREE and not same and (key.kind == "email" or not known or _near(a, b)):
            return Rule.NEW_SURNAME
        return holds[first]
    clear = a.first not in key.unclear and b.first not in key.unclear
    return Rule.HOUSEHOLD if first is First.AGREE and same and clear else None
