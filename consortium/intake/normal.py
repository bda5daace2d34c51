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
from consortium.model import OLDEST_CONSENT
from consortium.tokens import Email, Phone, Profile, dates, email, names, phone, places, postcodes
from consortium.vault.pack_rows import Line, RowLine

__all__ = ["RowChecker", "email_values", "phone_values"]

_SUFFIXES = frozenset({"", "jr", "sr", "ii", "iii", "iv"})
_HOUSE = re.compile(r"[0-9a-z]{0,64}", re.ASCII)
_LANGUAGE = re.compile(r"([a-z]{2,3})?", re.ASCII)

_KNOWN = 100_000  # values of a kind that are remembered

_T = TypeVar("_T")


def email_values(lines: Sequence[Line], *, profile: Profile) -> list[Email]:
    """Every line's e-mail addresses, one after the other.

    Raises:
        BadFile: One is not normalised.
    """
    values = [value for line in lines for value in line.emails]
    found: list[Email] = []
    for at, result in enumerate(email.normalise_column(values, profile)):
        if not isinstance(result, Email) or result.deliverable != values[at]:
            _refuse(_number_of([line.emails for line in lines], lines, at), "an e-mail address")
        found.append(result)
    return found


def phone_values(lines: Sequence[Line]) -> list[Phone]:
    """Every line's telephone numbers, one after the other.

    Raises:
        BadFile: One is not normalised.
    """
    values = [value for line in lines for value in line.phones]
    found: list[Phone] = []
    for at, result in enumerate(phone.normalise_column(values)):
        if not isinstance(result, Phone) or result.e164 != values[at]:
            _refuse(_number_of([line.phones for line in lines], lines, at), "a telephone number")
        found.append(result)
    return found


def _number_of(groups: Sequence[Sequence[str]], lines: Sequence[Line], at: int) -> int:
    """The number of the row that holds value `at` of all."""
    owners = [line.number for line, group in zip(lines, groups, strict=True) for _ in group]
    return owners[at]


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
        self._good_houses: set[str] = set()
        self._good_places: set[tuple[str, str, str]] = set()
        self._good_rest: set[tuple[str, str, str, str]] = set()

    def check(self, rows: Sequence[RowLine]) -> None:
        """Check some rows.

        Raises:
            BadFile: A value is not normalised; names row and field.
        """
        births, known, houses = self._good_births, self._good_names, self._good_houses
        for row in rows:
            if (
                row.birth_date in births
                and row.first_name in known
                and row.last_name in known
                and row.house_number in houses
                and (row.country, row.state, row.postcode) in self._good_places
                and (row.suffix, row.language, row.email_on, row.sms_on) in self._good_rest
            ):
                continue
            fault = (
                self._birth_fault(row.birth_date)
                or self._name_fault(row)
                or self._place_fault(row)
                or self._consent_fault(row)
            )
            if fault:
                _refuse(row.number, fault)

    def _birth_fault(self, birth_date: str) -> str:
        if birth_date not in self._good_births:
            if not dates.is_normal(birth_date, today=self._latest):
                return "the birth date"
            _remember(self._good_births, birth_date)
        return ""

    def _name_fault(self, row: RowLine) -> str:
        for name in (row.first_name, row.last_name):
            if name not in self._good_names:
                if not names.is_name(name):
                    return "a name"
                _remember(self._good_names, name)
        if row.suffix not in _SUFFIXES:
            return "the suffix"
        return "" if _LANGUAGE.fullmatch(row.language) else "the language"

    def _place_fault(self, row: RowLine) -> str:
        country, state, postcode = where = row.country, row.state, row.postcode
        if where not in self._good_places:
            if country != places.country(country):
                return "the country"
            if state != places.state(state, country):
                return "the state"
            if postcode != postcodes.normalise(postcode, country, state=state):
                return "the postcode"
            _remember(self._good_places, where)
        if row.house_number not in self._good_houses:
            if not _HOUSE.fullmatch(row.house_number):
                return "the house number"
            _remember(self._good_houses, row.house_number)
        return ""

    def _consent_fault(self, row: RowLine) -> str:
        """The last to be asked: what it remembers has passed all that is left."""
        for day in (row.email_on, row.sms_on):
            if day and not OLDEST_CONSENT <= date.fromisoformat(day) <= self._latest:
                return "the day of consent"
        _remember(self._good_rest, (row.suffix, row.language, row.email_on, row.sms_on))
        return ""


def _remember(good: set[_T], value: _T) -> None:
    if len(good) >= _KNOWN:
        good.clear()
    good.add(value)


def _refuse(number: int, what: str) -> NoReturn:
    raise BadFile(
        f"row {number} of the pack is not as its version prescribes: {what}",
        hint="Ask the partner to pack the list again with a current version.",
    )
