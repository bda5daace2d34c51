"""How digits are dialled in a country: the calling code, the trunk digit, and what is left of them.

`quick` reads numbers that are digits and nothing else, in every country, 0.5 to 0.7 µs each.
Whatever it does not understand to the last detail (a foreign dialling prefix, a carrier code, a
national prefix that is rewritten) it leaves to `plan.parse`, so that it can save time and never
change an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from consortium.tokens.kinds import automaton, calling_code, kind_of
from consortium.tokens.plan import Kind

__all__ = ["quick"]

_FEWEST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15  # E.164


@dataclass(frozen=True, slots=True)
class _Home:
    """What decides how digits are read that are dialled in a region.

    Attributes:
        code: Calling code.
        trunk: The one digit dialled before national numbers, if that is all there is to it.
        prefix: What may stand before a national number, in the library's words.
        abroad: What is dialled before a foreign number.
        general: What every national number looks like.
    """

    code: str
    trunk: str
    prefix: re.Pattern[str] | None
    abroad: re.Pattern[str]
    general: re.Pattern[str]

    def strips(self, digits: str, at: int) -> bool:
        """Whether the library may take something off the national number that begins there."""
        return self.prefix is not None and self.prefix.match(digits, at) is not None


def quick(digits: str, region: str, *, international: bool) -> tuple[str, Kind | None] | None:
    """A number without its spelling: its E.164 digits and what the plan says of it.

    Args:
        digits: ASCII digits as dialled.
        region: ISO country in whose plan a number is read that is not international.
        international: The digits stood behind a `+`.

    Returns:
        E.164 digits without `+`, with None if no plan has the number; or None altogether: ask
        `plan.parse`.
    """
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return None
    whole = _from_abroad(digits) if international else _at_home(digits, region)
    return (whole, kind_of(whole)) if whole and len(whole) <= _MOST_DIGITS else None


def _from_abroad(digits: str) -> str:
    code = calling_code(digits)
    home = _home(code) if code else None
    return "" if home is None or home.strips(digits, len(code)) else digits


def _at_home(digits: str, region: str) -> str:
    home = _home_of(region)
    if home is None or home.abroad.match(digits):
        return ""
    if home.trunk and digits[0] == home.trunk:
        return "" if home.strips(digits, 1) else home.code + digits[1:]
    if not digits.startswith(home.code):
        return "" if home.strips(digits, 0) else home.code + digits
    # The calling code without its plus, if the digits are no national number but the rest is one.
    size = len(home.code)
    if home.general.fullmatch(digits) or not home.general.fullmatch(digits, size):
        return ""
    return "" if home.strips(digits, size) else _from_abroad(digits)


@cache
def _home(code: str) -> _Home | None:
    """How the national part of an international number is read."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    return _make_home(PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0]))


@lru_cache(maxsize=512)
def _home_of(region: str) -> _Home | None:
    """How a number without `+` is read in a region; None: not by the short cut."""
    return _make_home(PhoneMetadata.metadata_for_region(region, None))


def _make_home(plan: PhoneMetadata | None) -> _Home | None:
    if plan is None or plan.general_desc is None or plan.country_code is None:
        return None
    code = str(plan.country_code)
    general = re.compile(plan.general_desc.national_number_pattern or "(?!)", re.ASCII)
    prefix = plan.national_prefix_for_parsing
    patterns = automaton(code)
    if patterns is None:
        return None
    # A trunk digit that no national number begins with comes off whatever follows.
    plain = prefix is not None and len(prefix) == 1 and not plan.national_prefix_transform_rule
    never_first = plain and patterns.is_dead(patterns.read(prefix or ""))
    return _Home(
        code,
        (prefix or "") if never_first else "",
        re.compile(prefix, re.ASCII) if prefix else None,
        re.compile(plan.international_prefix or "(?!)", re.ASCII),
        general,
    )
