"""Sees that what a pack holds is normalised, before any of it becomes a token.

A partner's program normalises and the host makes tokens, so a partner could try to have another
spelling tokenised: an address with dots and tags to appear as many persons, a value hashed before,
a separator inside a house number to collide with somebody else's composite. The normalisers of
`consortium.tokens` are idempotent; a value that they change, or refuse, refuses the whole pack.
The message names the row's number and the field, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NoReturn

from consortium.errors import BadFile
from consortium.model import OLDEST_CONSENT, Consent, PackOptOut, PackRow, Places
from consortium.tokens import Email, Phone, Profile, dates, email, names, phone, places, postcodes

__all__ = ["RowChecker", "email_values", "phone_values"]

_SUFFIXES = frozenset({"", "jr", "sr", "ii", "iii", "iv"})
_HOUSE = re.compile(r"[0-9a-z]{0,64}", re.ASCII)
_LANGUAGE = re.compile(r"([a-z]{2,3})?", re.ASCII)

Item = PackRow | PackOptOut


def email_values(items: Sequence[Item], *, profile: Profile) -> list[list[str]]:
    """Canonical forms of each item's e-mail addresses, in its order.

    Raises:
        BadFile: One is not normalised.
    """
    flat = [(item.number, value) for item in items for value in item.emails]
    found: list[str] = []
    results = email.normalise_column([value for _, value in flat], profile)
    for (number, value), result in zip(flat, results, strict=True):
        if not isinstance(result, Email) or result.deliverable != value:
            _refuse(number, "an e-mail address")
        found.append(result.canonical)
    return _regroup(found, [len(item.emails) for item in items])


def phone_values(items: Sequence[Item]) -> list[list[str]]:
    """Each item's telephone numbers, in its order.

    Raises:
        BadFile: One is not normalised.
    """
    flat = [(item.number, value) for item in items for value in item.phones]
    results = phone.normalise_column([value for _, value in flat])
    for (number, value), result in zip(flat, results, strict=True):
        if not isinstance(result, Phone) or result.e164 != value:
            _refuse(number, "a telephone number")
    return [list(item.phones) for item in items]


class RowChecker:
    """Sees that everything but contact points is normalised and in range.

    Remembers the names, places and days it has seen, since lists repeat them.

    Args:
        packed_on: The day of packing, in UTC; a partner's own day may be the next.
    """

    def __init__(self, packed_on: date) -> None:
        self._latest = packed_on + timedelta(days=1)
        self._good_births: set[str] = set()
        self._good_names: set[str] = set()
        self._good_places: set[Places] = set()

    def check(self, rows: Sequence[PackRow]) -> None:
        """Check some rows.

        Raises:
            BadFile: A value is not normalised; names row and field.
        """
        for row in rows:
            if fault := self._birth_fault(row) or self._name_fault(row) or self._place_fault(row):
                _refuse(row.number, fault)
            if not all(_is_sane(c, self._latest) for c in (row.email_consent, row.sms_consent)):
                _refuse(row.number, "the day of consent")

    def _birth_fault(self, row: PackRow) -> str:
        if row.birth_date not in self._good_births:
            if not dates.is_normal(row.birth_date, today=self._latest):
                return "the birth date"
            self._good_births.add(row.birth_date)
        return ""

    def _name_fault(self, row: PackRow) -> str:
        for name in (row.first_name, row.last_name):
            if name not in self._good_names:
                if not names.is_name(name):
                    return "a name"
                self._good_names.add(name)
        if row.suffix not in _SUFFIXES:
            return "the suffix"
        return "" if _LANGUAGE.fullmatch(row.language) else "the language"

    def _place_fault(self, row: PackRow) -> str:
        where = row.places
        if where not in self._good_places:
            if where.country != places.country(where.country):
                return "the country"
            if where.state != places.state(where.state, where.country):
                return "the state"
            code = postcodes.normalise(where.postcode, where.country, state=where.state)
            if where.postcode != code:
                return "the postcode"
            self._good_places.add(where)
        return "" if _HOUSE.fullmatch(row.house_number) else "the house number"


def _is_sane(consent: Consent, latest: date) -> bool:
    return consent.on is None or OLDEST_CONSENT <= consent.on <= latest


def _regroup(flat: Sequence[str], sizes: Sequence[int]) -> list[list[str]]:
    groups, start = [], 0
    for size in sizes:
        groups.append(list(flat[start : start + size]))
        start += size
    return groups


def _refuse(number: int, what: str) -> NoReturn:
    raise BadFile(
        f"row {number} of the pack is not as its version prescribes: {what}",
        hint="Ask the partner to pack the list again with a current version.",
    )
