"""What the scored layer compares of two rows: attributes, comparisons and their levels.

An *attribute* is a part of a row that is only ever tested for being equal: a first name, its
nickname class, its sound, its first letters; the parts of a birth date; an address with its
postcode. So they can be compared as keyed hashes, which is how Splink gets them (`hashed`), and
string distances play no part (they add little beyond sound and first letters).

What a household shares is compared once: address with postcode is one comparison, e-mail with
telephone is one comparison. Taken one by one they would count the same fact several times, and put
a family into one person. A level is the first in its list whose condition holds; where one of two
rows does not say, there is none, and the comparison weighs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from consortium.identity.evaluate import MergeRow
from consortium.tokens import names

__all__ = ["LEVELS", "Attributes", "attributes", "compare", "digest", "hashed"]

LEVELS: Final = {
    "first": ("same", "short form", "alike", "swapped", "other"),
    "surname": ("alike", "other"),
    "birth": ("same", "slip", "other"),
    "address": ("same", "postcode", "district", "other"),
    "contact": (
        "both",
        "e-mail",
        "telephone",
        "neither",
        "other e-mail",
        "other telephone",
    ),
}
"""Comparison → its levels, the first that holds counting."""

_START: Final = 3  # first letters of a name, and of a postcode


class Attributes(NamedTuple):
    """A row's attributes; empty where it does not say."""

    first: str
    first_class: str
    first_sound: str
    first_start: str
    surname: str
    birth: str
    birth_year: str
    birth_month: str
    birth_day: str
    address: str
    postcode: str
    district: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]


_sound = lru_cache(1 << 17)(names.surname_code)  # of names, not of rows


def attributes(row: MergeRow) -> Attributes:
    """The attributes of a row."""
    block = row.block
    born = block.birth_date
    year, month, day = ("", born[2:4], born[5:7]) if born[:2] == "--" else _parts(born)
    whole = block.house_number and block.postcode
    return Attributes(
        first=block.first,
        first_class=block.first_class,
        first_sound=_sound(block.first),
        first_start=block.first[:_START],
        surname=block.surname_code,
        birth=born,
        birth_year=year,
        birth_month=month,
        birth_day=day,
        address=f"{block.house_number}|{block.postcode}" if whole else "",
        postcode=block.postcode,
        district=block.postcode[:_START],
        emails=tuple(map(str, row.emails)),
        phones=tuple(map(str, row.phones)),
    )


def _parts(born: str) -> tuple[str, str, str]:
    return born[:4], born[5:7], born[8:10]


def compare(a: Attributes, b: Attributes) -> tuple[str | None, ...]:
    """The level of each comparison, in the order of `LEVELS`; None where one does not say."""
    return _first(a, b), _surname(a, b), _birth(a, b), _address(a, b), _contact(a, b)


def _first(a: Attributes, b: Attributes) -> str | None:
    if not a.first or not b.first:
        return None
    if a.first == b.first:
        return "same"
    if a.first_class and a.first_class == b.first_class:
        return "short form"
    if (a.first_sound and a.first_sound == b.first_sound) or a.first_start == b.first_start:
        return "alike"
    swapped = a.first_sound == b.surname and a.surname == b.first_sound
    return "swapped" if a.surname and b.surname and swapped else "other"


def _surname(a: Attributes, b: Attributes) -> str | None:
    if not a.surname or not b.surname:
        return None
    return "alike" if a.surname == b.surname else "other"


def _birth(a: Attributes, b: Attributes) -> str | None:
    if not a.birth or not b.birth:
        return None
    if a.birth == b.birth:
        return "same"
    year = bool(a.birth_year) and a.birth_year == b.birth_year
    month = bool(a.birth_month) and a.birth_month == b.birth_month
    day = bool(a.birth_day) and a.birth_day == b.birth_day
    turned = (
        bool(a.birth_day and a.birth_month)
        and a.birth_day == b.birth_month
        and a.birth_month == b.birth_day
    )
    slip = (year and (month or day or turned)) or (month and day)
    return "slip" if slip else "other"


def _address(a: Attributes, b: Attributes) -> str | None:
    if not a.postcode or not b.postcode:
        return None
    if a.address and a.address == b.address:
        return "same"
    if a.postcode == b.postcode:
        return "postcode"
    return "district" if a.district == b.district else "other"


def _contact(a: Attributes, b: Attributes) -> str | None:
    email = not set(a.emails).isdisjoint(b.emails)
    phone = not set(a.phones).isdisjoint(b.phones)
    if email or phone:
        return "both" if email and phone else "e-mail" if email else "telephone"
    emails, phones = bool(a.emails and b.emails), bool(a.phones and b.phones)
    if emails and phones:
        return "neither"
    if emails:
        return "other e-mail"
    return "other telephone" if phones else None


def digest(value: str, *, key: bytes) -> str:
    """One value as a keyed hash, 12 bytes in hex (BLAKE2b)."""
    return hashlib.blake2b(value.encode(), key=key, digest_size=12).hexdigest()


def hashed(found: Attributes, *, key: bytes) -> dict[str, str | list[str] | None]:
    """The attributes as keyed hashes under a key that is thrown away after the run; None: not said.

    Equal attributes of two kinds (a first name and a surname of one sound, a day and a month) are
    equal, because a comparison may look for a swap.

    Args:
        found: The attributes.
        key: 16 to 64 random bytes.
    """

    def one(value: str) -> str | None:
        return digest(value, key=key) if value else None

    def several(values: Iterable[str]) -> list[str] | None:
        return [digest(value, key=key) for value in values] or None

    table: dict[str, str | list[str] | None] = {}
    for name, value in found._asdict().items():
        make: Callable[..., str | list[str] | None] = one if isinstance(value, str) else several
        table[name] = make(value)
    return table
