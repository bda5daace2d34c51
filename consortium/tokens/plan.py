"""Numbering plans: whether a number exists, from the metadata that libphonenumber publishes.

A number is valid if its digits match the plan of its country, as `phonenumbers.is_valid_number`
says. For the two plans that nearly all cells are in, North America (+1) and Britain (+44), the
patterns of the same metadata are put into one expression each: 1 µs instead of 150 for the library.
Only the large groups are there (geographic numbers and mobiles); whatever does not match takes the
library's way, so the short cut can save time and never change an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberType

__all__ = ["Line", "parse", "quick"]

_QUICK_REGIONS: Final = {1: ("US", "CA"), 44: ("GB",)}
_NEVER = "(?!)"
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


def quick(country_code: int, national: str) -> Line | None:
    """The line, if its digits are plainly in a plan with a short cut; None says nothing."""
    found = _patterns(country_code).fullmatch(national) if country_code in _QUICK_REGIONS else None
    if found is None:
        return None
    mobile = None if found["both"] else found["mobile"] is not None
    return Line(country_code, national, "", mobile, service=False)


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


@cache
def _patterns(country_code: int) -> re.Pattern[str]:
    """Groups `both`, `mobile` and `fixed` of a plan; numbers of rarer types match none."""
    groups: dict[str, list[str]] = {"both": [], "mobile": [], "fixed": []}
    rare: list[str] = []
    for region in _QUICK_REGIONS[country_code]:
        plan = PhoneMetadata.metadata_for_region(region)
        assert plan is not None, "libphonenumber knows the regions named above"
        fixed, mobile = _pattern(plan.fixed_line), _pattern(plan.mobile)
        if fixed == mobile:
            groups["both"].append(fixed)
        else:
            groups["fixed"].append(fixed)
            groups["mobile"].append(mobile)
        kinds = [plan.premium_rate, plan.toll_free, plan.shared_cost, plan.voip]
        kinds += [plan.personal_number, plan.pager, plan.uan, plan.voicemail]
        rare += map(_pattern, kinds)
    parts = "|".join(f"(?P<{name}>{'|'.join(p) or _NEVER})" for name, p in groups.items())
    return re.compile(rf"(?!(?:{'|'.join(rare)})\Z)(?:{parts})", re.ASCII)


def _pattern(kind: PhoneNumberDesc | None) -> str:
    return (kind.national_number_pattern if kind else None) or _NEVER
