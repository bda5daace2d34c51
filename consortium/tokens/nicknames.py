"""Which first names one person goes by: classes of spellings and short forms.

The table is `data/nicknames.txt`. As a value for matching, a name has exactly one class, so a short
form that several names share (`chris`) goes to the most common of them, and a Christine who signs
as Chris is missed by that value: a missed match costs less than two people made one. Compared with
each other, `chris` fits both Christopher and Christine, who do not fit one another.
"""

from __future__ import annotations

from functools import cache

from consortium.tokens import tables

__all__ = ["classes", "is_known", "one_class", "spellings"]


def one_class(first: str) -> str:
    """The class of a folded first name: a name of the table, or the name itself."""
    found = _table().get(first)
    return found[0] if found else first


def classes(first: str) -> tuple[str, ...]:
    """Every class that a folded first name may stand for, most common first."""
    return _table().get(first, (first,))


def is_known(first: str) -> bool:
    """Whether a folded name is in the table, and so is no misspelling of another."""
    return first in _table()


def spellings(first: str) -> frozenset[str]:
    """Every word of every class that a folded first name may stand for, itself among them."""
    members = _members()
    return frozenset((first,)).union(*(members.get(name, ()) for name in classes(first)))


@cache
def _members() -> dict[str, frozenset[str]]:
    """Class to its words."""
    lines = tables.lines("nicknames.txt")
    return {
        line.split(":")[0].split()[0]: frozenset(line.replace(":", " ").split()) for line in lines
    }


@cache
def _table() -> dict[str, tuple[str, ...]]:
    """Word to classes. A formal name has its own class first, then those it is short for."""
    formal: dict[str, list[str]] = {}
    short: dict[str, list[str]] = {}
    for line in tables.lines("nicknames.txt"):
        names, _, pet_forms = line.partition(":")
        name = names.split()[0]
        for word in names.split():
            formal.setdefault(word, []).append(name)
        for word in pet_forms.split():
            short.setdefault(word, []).append(name)
    words = formal.keys() | short.keys()
    return {
        word: tuple(dict.fromkeys(formal.get(word, []) + short.get(word, []))) for word in words
    }
