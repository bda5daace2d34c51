"""Where the sun may stand for a person: every IANA zone that the evidence allows.

Evidence is the state, province or country of the address and the area or country of each phone
number. Nothing wins over anything else: a phone may have moved with its bearer, an address may be
old, so the union is given, and whoever keeps quiet hours keeps them in every zone of it. A state
with two clocks gives both. The country alone tells nothing where it has several clocks and its
states are known (the United States, Canada); nor do toll-free numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from consortium.model import Places
from consortium.tokens import tables

__all__ = ["zones"]

_NORTH_AMERICA: Final = "+1"
_LONGEST_COUNTRY_CODE: Final = 3
_TELLING: Final = 5  # characters of an E.164 number that tell: +1 and an area code


def zones(places: Places, phones: Sequence[str] = ()) -> tuple[str, ...]:
    """IANA zones of every piece of evidence.

    Args:
        places: Normalised country and state of one row.
        phones: E.164 numbers of the same row.

    Returns:
        Zone names, sorted, each once; empty if nothing tells.
    """
    begins = [phone[:_TELLING] for phone in phones]
    return _zones(
        places.country, places.state, tuple(sorted(begins)) if begins[1:] else tuple(begins)
    )


@lru_cache(maxsize=16_384)
def _zones(country: str, state: str, phones: tuple[str, ...]) -> tuple[str, ...]:
    found = set(_of_place(country, state))
    for phone in phones:
        found.update(_of_phone(phone))
    return tuple(sorted(found))


def _of_place(country: str, state: str) -> tuple[str, ...]:
    if state:
        homes = [country] if country else ["US", "CA", "GB"]
        for home in homes:
            if (home, state) in tables.states():
                return tables.states()[home, state]
    return tables.countries().get(country, ())


def _of_phone(e164: str) -> tuple[str, ...]:
    if e164.startswith(_NORTH_AMERICA):
        return tables.area_codes().get(e164[2:5], ())
    digits = e164.removeprefix("+")
    for size in range(1, _LONGEST_COUNTRY_CODE + 1):
        if digits[:size].isascii() and digits[:size].isdigit():
            regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:size]), ())
            if regions:
                known = (tables.countries().get(region, ()) for region in regions)
                return tuple(zone for zone_names in known for zone in zone_names)
    return ()
