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
from typing import NoReturn, TypeVar

from consortium.errors import BadFile
from consortium.model import OLDEST_CONSENT, Consent, PackOptOut, PackRow, Places
from consortium.tokens import Email, Phone, Profile, dates, email, names, phone, places, postcodes

__all__ = ["RowChecker", "email_values", "phone_values"]

_SUFFIXES = frozenset({"", "jr", "sr", "ii", "iii", "iv"})
_HOUSE = re.compile(r"[0-9a-z]{0,64}", re.ASCII)
_LANGUAGE = re.compile(r"([a-z]{2,3})?", re.ASCII)

_KNOWN = 100_000  # values of a kind that are remembered

Item = PackRow | PackOptOut
_T = TypeVar("_T")


def email_values(items: Sequence[Item], *, profile: Profile) -> list[list[Email]]:
    """Each item's e-mail addresses, in its order.

    Raises:
        BadFile: One is not normalised.
    """
    flat = [(item.number, value) for item in items for value in item.emails]
    found: list[Email] = []
    results = email.normalise_column([value for _, value in flat], profile)
    for (number, value), result in zip(flat, results, strict=True):
        if not isinstance(result, Email) or result.deliverable != value:
            _refuse(number, "an e-mail address")
        found.append(result)
    return _regroup(found, [len(item.emails) for item in items])


def phone_values(items: Sequence[Item]) -> list[list[Phone]]:
    """Each item's telephone numbers, in its order.

    Raises:
        BadFile: One is not normalised.
    """
    flat = [(item.number, value) for item in items for value in item.phones]
    found: list[Phone] = []
    results = phone.normalise_column([value for _, value in flat])
    for (number, value), result in zip(flat, results, strict=True):
        if not isinstance(result, Phone) or result.e164 != value:
            _refuse(number, "a telephone number")
        found.append(result)
    return _regroup(found, [len(item.phones) for item in items])


class RowChecker:
    """Sees that everything but contact points is normalised and in range.

    Remembers the places and days it has seen, since lists repeat them.

    Args:
        packed_on: The day of packing, in UTC; a partner's own day may be the next.
    """

    def __init__(self, packed_on: date) -> None:
        self._latest = packed_on + timedelta(days=1)
        self._good_births: set[str] = set()
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
            _remember(self._good_births, row.birth_date)
        return ""

    def _name_fault(self, row: PackRow) -> str:
        if not (names.is_name(row.first_name) and names.is_name(row.last_name)):
            return "a name"
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
            _remember(self._good_places, where)
        return "" if _HOUSE.fullmatch(row.house_number) else "the house number"


def _remember(good: set[_T], value: _T) -> None:
    if len(good) >= _KNOWN:
        good.clear()
    good.add(value)


def _is_sane(consent: Consent, latest: date) -> bool:
    return consent.on is None or OLDEST_CONSENT <= consent.on <= latest


def _regroup(flat: Sequence[_T], sizes: Sequence[int]) -> list[list[_T]]:
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
