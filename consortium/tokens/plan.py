"""Numbering plans: whether a number exists, from the metadata that libphonenumber publishes.

A number is valid if its digits match the plan of its country, as `phonenumbers.is_valid_number`
says. `parse` asks the library, 100 to 300 µs a number, and is the definition; `quick` in
`consortium.tokens.dialling` is the short cut that must agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberType

__all__ = ["KINDS", "Kind", "Line", "parse"]

_SERVICES = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)
_MOBILE = {
    PhoneNumberType.FIXED_LINE: False,
    PhoneNumberType.MOBILE: True,
    PhoneNumberType.PAGER: False,
    **dict.fromkeys(_SERVICES, False),
}


class Kind(NamedTuple):
    """What a plan says of a number.

    Attributes:
        mobile: Whether texts reach it; None: the plan does not tell (all of North America).
        service: Free, shared-cost, premium, company or voicemail number: nobody's own.
    """

    mobile: bool | None
    service: bool


KINDS = {kind: Kind(_MOBILE.get(kind), kind in _SERVICES) for kind in PhoneNumberType.values()}
"""What each type of the library says."""


@dataclass(frozen=True, slots=True)
class Line:
    """A number of a plan.

    Attributes:
        country_code: Calling code.
        national: Significant national number, with leading zeros where they belong to it.
        extension: Digits of an extension, or empty.
        mobile: Whether texts reach it; None: the plan does not tell (all of North America).
        service: Free, shared-cost, premium, company or voicemail number: nobody's own.
    """

    country_code: int
    national: str
    extension: str
    mobile: bool | None
    service: bool


def parse(text: str, region: str) -> Line | str | None:
    """The library's reading: a line, None if no plan has it, or a code if it is no number.

    Args:
        text: At most 250 characters.
        region: ISO country in whose plan a number without `+` is read.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        kind = phonenumbers.NumberParseException
        short = {kind.TOO_LONG, kind.TOO_SHORT_NSN, kind.TOO_SHORT_AFTER_IDD}
        return None if error.error_type in short else "not_a_number"
    if not phonenumbers.is_valid_number(number):
        return None
    line_type = phonenumbers.number_type(number)
    return Line(
        number.country_code or 0,
        phonenumbers.national_significant_number(number),
        number.extension or "",
        _MOBILE.get(line_type),
        line_type in _SERVICES,
    )
