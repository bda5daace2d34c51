"""Countries, and the states of those four whose states decide rules or clocks.

Names are compared by their letters: `N.C.`, `n. carolina` and `NC - North Carolina` are one. What
is not in the tables is unknown and gives an empty string, because a place that is guessed would
let a message go where no policy allows it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from consortium.documents import shown
from consortium.errors import UsageError
from consortium.tokens import tables, text

__all__ = ["check_country", "country", "state"]

_MAX_CHARS = 80
_UNNAMED = frozenset({"US", "CA", "GB"})
_PIECES = re.compile(r"[-–—/,;:()]+")


def country(raw: str) -> str:
    """ISO 3166-1 code of a country's name, in English or its own tongue, or code; else empty."""
    return _country(raw[:_MAX_CHARS])


@lru_cache(maxsize=16_384)
def _country(raw: str) -> str:
    return tables.country_names().get(_letters(raw), "")


def check_country(code: str) -> None:
    """Refuse what is not one of the codes that `country` gives.

    Raises:
        UsageError: It is none; says which may be meant.
    """
    found = country(code)
    if not code or found != code:
        raise UsageError(
            f"{shown(code)} is not the code of a country",
            hint=f"Did you mean {found}?" if found else "Give two letters, such as US, CA or GB",
        )


def state(raw: str, country: str = "") -> str:
    """Code of a US state or territory, a Canadian province, a British nation, an Australian state.

    Args:
        raw: Any string: a code, a name, an abbreviation, or several that agree (`Oregon (OR)`).
        country: ISO code; empty: any of the first three, which share no code. Australia's are known
            only by its name, because it shares WA and NT.

    Returns:
        USPS, Canada Post or ISO 3166-2 letters (`OR`, `ON`, `ENG`, `NSW`); empty if unknown.
    """
    return _state(raw[:_MAX_CHARS], country)


@lru_cache(maxsize=16_384)
def _state(raw: str, country: str) -> str:
    found = _codes(raw, country)
    if not found:
        pieces = [piece for piece in _PIECES.split(raw) if not _is_country(piece)]
        each = [_codes(piece, country) for piece in pieces if piece.strip()]
        found = set.intersection(*each) if each else set()
    return found.pop() if len(found) == 1 else ""


def _codes(raw: str, country: str) -> set[str]:
    named = tables.state_names().get(_letters(raw), ())
    return {code for home, code in named if country == home or (not country and home in _UNNAMED)}


def _is_country(raw: str) -> bool:
    """Whether a piece only names one of the countries, as in `US-OR`."""
    return _letters(raw) in {
        "au",
        "aus",
        "australia",
        "can",
        "canada",
        "gb",
        "uk",
        "unitedstates",
        "us",
        "usa",
    }


def _letters(raw: str) -> str:
    return tables.letters(text.line(raw[:_MAX_CHARS]))
