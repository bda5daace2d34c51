"""What a person sees of a number in a workbook's cell, as far as a list depends on it.

A whole number comes with all its digits, never as 5.04E+09. A format of zeros and fixed characters
is filled as it is shown: 2139 under `00000` is `02139`, 5035550101 under `(000) 000-0000` is
`(503) 555-0101`. A date is `2026-03-04` whatever its format, because the order of day and month
could not be told from the text any more; a time is `13:05:00`. Separators of thousands, currencies
and percentages are left out: they stand in no column that is read.

Source: ECMA-376 part 1, 18.8.30 and 18.8.31 (number formats), 18.17.4 (dates).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache

__all__ = ["GENERAL", "NumberFormat", "parse_format", "plain_number"]

_DATE_IDS = {*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)}
_TIME_IDS = {18, 19, 20, 21, 22, *range(32, 36), 45, 46, 47}
_ELAPSED_IDS = {46}
_TOKEN = re.compile(
    r'"[^"]*"?|\\.|[_*].|\[[^\]]*\]?|General|[AaPp]/[AaPp]|[AaPp][Mm]/[AaPp][Mm]|.', re.DOTALL
)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)\]")
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_WHOLE = re.compile(r"-?\d+")
_EXPONENT = re.compile(r"[eE]")
_MOST_DIGITS = 30  # of a number written out; a longer one stays as it is
_SIGNIFICANT = 15  # digits that a spreadsheet has
_LAST_SERIAL = 2958466  # 10000-01-01
_FALSE_LEAP_DAY = 60  # 1900-02-29, which never was
_FORMAT_CHARACTERS = 255


class _Kind(Enum):
    GENERAL = "general"
    MASK = "mask"
    WHEN = "when"


@dataclass(frozen=True, slots=True)
class _Section:
    condition: tuple[str, Decimal] | None
    mask: tuple[str, ...]  # "0" and "#" for digits, else text; empty: no mask


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers of a cell are shown.

    Attributes:
        kind: Plain, filled in, or a date or time.
        date, time, elapsed: Which parts are shown of one.
    """

    kind: _Kind = _Kind.GENERAL
    date: bool = False
    time: bool = False
    elapsed: bool = False
    _sections: tuple[_Section, ...] = ()

    def show(self, number: str, *, since_1904: bool) -> str:
        """The text of a number as the workbook's XML has it."""
        if self.kind is _Kind.WHEN:
            return self._show_when(number, since_1904=since_1904)
        text = plain_number(number)
        if self.kind is _Kind.MASK and text.isdecimal() and text.isascii():
            return self._fill(text)
        return text

    def _fill(self, digits: str) -> str:
        value = Decimal(digits)
        for section in self._sections:
            if section.condition is None or _holds(section.condition, value):
                return _filled(section.mask, digits) if section.mask else digits
        return digits

    def _show_when(self, number: str, *, since_1904: bool) -> str:
        try:
            serial = float(number)
        except ValueError:
            return number
        if not 0 <= serial < _LAST_SERIAL:
            return plain_number(number)
        if self.elapsed:
            seconds = round(serial * 86400)
            return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        moment = _moment(serial, since_1904=since_1904)
        if self.date and self.time:
            return moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
        return moment.strftime("%Y-%m-%d" if self.date else "%H:%M:%S")


GENERAL = NumberFormat()


@lru_cache(maxsize=1024)
def parse_format(number: int, code: str | None) -> NumberFormat:
    """The format of a style.

    Args:
        number: The format's id; those below 164 are built in.
        code: Its text, for those that are not.
    """
    if code is None:
        date, time = number in _DATE_IDS, number in _TIME_IDS
        if date or time:
            return NumberFormat(_Kind.WHEN, date, time, number in _ELAPSED_IDS)
        return GENERAL
    if len(code) > _FORMAT_CHARACTERS:
        return GENERAL
    sections = [_TOKEN.findall(part) for part in _sections(code)]
    if when := _when(sections[0]):
        return when
    parsed = tuple(_section(tokens) for tokens in sections[:3])
    if any(section.mask for section in parsed):
        return NumberFormat(_Kind.MASK, _sections=parsed)
    return GENERAL


def _sections(code: str) -> list[str]:
    """The parts between semicolons that are not quoted."""
    parts = [""]
    for piece in _TOKEN.findall(code):
        if piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _when(tokens: list[str]) -> NumberFormat | None:
    """The format as one of dates or times; None if it is of numbers."""
    letters = {token.lower() for token in tokens if len(token) == 1}
    if letters & {"0", "#", "?"} and not letters & {"y", "d", "h"} and "s" not in letters:
        return None
    elapsed = any(_ELAPSED.fullmatch(token) for token in tokens)
    time = elapsed or bool(letters & {"h", "s"})
    date = bool(letters & {"y", "d"}) or ("m" in letters and not time)
    return NumberFormat(_Kind.WHEN, date, time, elapsed) if date or time else None


def _section(pieces: list[str]) -> _Section:
    condition, mask = None, list[str]()
    for piece in pieces:
        if match := _CONDITION.fullmatch(piece):
            condition = match[1], Decimal(match[2])
        elif piece[0] == "[" or piece[0] in "_*":
            continue  # colours, locales, space and filling
        elif piece[0] == '"':
            mask.append(piece.strip('"'))
        elif piece[0] == "\\":
            mask.append(piece[1:])
        elif piece in "0#" or piece in " -+()/:" or not piece.isascii():
            mask.append(piece)
        else:
            return _Section(condition, ())  # decimals, thousands, percentages, exponents
    digits = [part for part in mask if part in {"0", "#"}]
    plain = len(digits) == len(mask) and digits.count("0") <= 1
    return _Section(condition, () if plain or not digits else tuple(mask))


def _holds(condition: tuple[str, Decimal], value: Decimal) -> bool:
    sign, bound = condition
    match sign:
        case "<=":
            return value <= bound
        case ">=":
            return value >= bound
        case "<":
            return value < bound
        case ">":
            return value > bound
        case "=":
            return value == bound
        case _:
            return value != bound


def _filled(mask: tuple[str, ...], digits: str) -> str:
    """The mask from its end; the first place takes all digits that are left."""
    places = sum(part in {"0", "#"} for part in mask)
    over, rest = digits[: max(0, len(digits) - places)], digits[-places:]
    rest = rest.lstrip("0") if digits.strip("0") == "" else rest
    taken = list(rest.rjust(places))
    shown: list[str] = []
    first = True
    for part in mask:
        if part not in {"0", "#"}:
            shown.append(part)
            continue
        digit = taken.pop(0)
        if first:
            shown.append(over)
            first = False
        shown.append(digit if digit != " " else "0" if part == "0" else "")
    return "".join(shown).strip()


def plain_number(number: str) -> str:
    """A number with all its digits and no exponent; what is no number stays as it is."""
    if _WHOLE.fullmatch(number):
        return number
    try:
        value = float(number)
    except ValueError:
        return number
    if (
        math.isnan(value)
        or abs(value) >= 10.0**_MOST_DIGITS
        or 0 < abs(value) < 10.0**-_MOST_DIGITS
    ):
        return number
    exact = Decimal(number) if _EXPONENT.search(number) else None
    if value.is_integer():
        return str(int(exact if exact is not None and exact == exact.to_integral() else value))
    return format(Decimal(f"{value:.{_SIGNIFICANT}g}"), "f")


def _moment(serial: float, *, since_1904: bool) -> datetime:
    if since_1904:
        start = datetime(1904, 1, 1)  # noqa: DTZ001 - a cell has no zone
    elif serial < _FALSE_LEAP_DAY:
        start = datetime(1899, 12, 31)  # noqa: DTZ001 - a cell has no zone
    else:
        start = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no zone
    return start + timedelta(seconds=round(serial * 86400))
