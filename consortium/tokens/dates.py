"""Dates: a whole column at a time, because only the column says which number is the month.

`25/12/1980` can be read in one way; `04/08/1980` only once its neighbours have shown the order. So
the unambiguous values of a column vote, and where both orders have serious support an ambiguous
value is refused: a wrong birth date makes two people of one, or one of two.

Of birth dates (`normalise`) what is known in part is kept in part: a year, a day without a year.
Refused are days on which no living person was born, the dates that systems fill in (1900-01-01, or
any one date in every hundredth cell), and the serial numbers of spreadsheets, which count from 1900
or 1904 without saying which. Where too many are born on 1 January, the system knew the year alone,
and the year alone is kept. Other days, such as that of a consent, are read whole (`day`), in the
order that their column shows (`order_of`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from consortium.tokens import text
from consortium.tokens.profile import Rejected

__all__ = ["Order", "day", "is_normal", "normalise", "order_of"]

Order = Literal["MDY", "DMY"]
"""Which of two small numbers is the month."""

_OLDEST_YEARS: Final = 125
_YOUNGEST_YEARS: Final = 14
_MIXED_SHARE: Final = 0.05
_FILLED_IN_SHARE: Final = 0.01
_NEW_YEARS_SHARE: Final = 0.02  # seven times what chance gives
_FILLED_IN_CELLS: Final = 20
_MONTHS: Final = 12
_LEAP_YEAR: Final = 2000
_MAX_CHARS: Final = 40
_SYSTEM_DATES = frozenset(
    {"1900-01-01", "1899-12-30", "1899-12-31", "1901-01-01", "1904-01-01", "1800-01-01"}
)
_SYSTEM_YEARS = frozenset({0, 1800, 1899, 1900, 9999})
_TIME = re.compile(r"(?<=\d)[T ]\s*\d{1,2}:\d\d.*", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}[.,]*\s+")
_MONTH_AND_YEAR = re.compile(r"([a-zé]{3,10})[\s,.-]+(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?")
_TWO_SMALL = re.compile(r"(\d{1,2})\s*([-/.])\s*(\d{1,2})(?:\s*\2\s*(\d{4}|\d\d))?\.?")
_YEAR_ONLY = re.compile(r"(\d{4})(?:[-/.](\d{1,2}|0000))?")
_DAY_ONLY = re.compile(r"--(\d\d)-?(\d\d)")
_EIGHT = re.compile(r"\d{8}")
_SERIAL = re.compile(r"[1-9]\d{3,4}[.,]\d+|[1-9]\d{4}")
_DAY_NAMED = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[\s.-]*(?:of\s+|de\s+)?([a-zé]{3,10})\.?(?:[\s,.-]*(?:de\s+)?'?(\d{4}|\d\d))?"
)
_MONTH_NAMED = re.compile(
    r"([a-zé]{3,10})[\s.-]*(\d{1,2})(?:st|nd|rd|th)?(?:[\s,.-]+'?(\d{4}|\d\d))?"
)
_MONTH_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "jan january ene enero",
            "feb february febrero",
            "mar march marzo",
            "apr april abr abril",
            "may mayo",
            "jun june junio",
            "jul july julio",
            "aug august ago agosto",
            "sep sept september septiembre setiembre",
            "oct october octubre",
            "nov november noviembre",
            "dec december dic diciembre",
        ),
        start=1,
    )
    for name in names.split()
}


class _Parts(NamedTuple):
    """A date as written: `small` is (first, second) where the order decides, else (month, day)."""

    year: str
    small: tuple[int, int] | None
    ordered: bool
    dotted: bool = False


def normalise(
    values: Sequence[str],
    *,
    today: date,
    default_order: Order = "MDY",
    stated_order: Order | None = None,
) -> list[str | Rejected]:
    """One result per cell of a birth date column.

    Args:
        values: Any strings: the whole column, since its cells explain each other.
        today: Nobody was born after this day. A two-digit year is the latest one that makes its
            bearer at least 14 years old in the year of `today`.
        default_order: The order if no value tells; MDY in the United States, else DMY. Dates with
            dots (`04.08.1980`) are always day first if no value tells.
        stated_order: What somebody who knows says; decides where values contradict each other.

    Returns:
        `YYYY-MM-DD`, `YYYY` or `--MM-DD`; empty for an empty cell or a filler; else why not:
        `bad_date`, `ambiguous_date`, `impossible_date`, `placeholder`, `spreadsheet_number` or
        `too_long`.
    """
    distinct = {value: _read(value) for value in dict.fromkeys(values)}
    parsed = [one for value in values if isinstance(one := distinct[value], _Parts)]
    order, mixed = _vote(parsed, default_order)
    if mixed and stated_order is not None:
        order, mixed = stated_order, False
    done = {
        value: _dated(one, order, today, mixed=mixed) if isinstance(one, _Parts) else one
        for value, one in distinct.items()
    }
    results = [done[value] for value in values]
    filled_in, years_only = _filled_in(results)
    if not filled_in and not years_only:
        return results
    return [_unfilled(one, filled_in, years_only=years_only) for one in results]


def is_normal(value: str, *, today: date) -> bool:
    """Whether one value is in normal form, whatever else its column holds; empty is.

    For whoever checks a part of a column that was normalised as a whole: a part can be full of one
    date by chance of its order.
    """
    one = _read(value)
    if not isinstance(one, _Parts):
        return value == one
    return _dated(one, "MDY", today, mixed=False) == value


def order_of(
    values: Iterable[str], *, default_order: Order, stated_order: Order | None = None
) -> Order | None:
    """The order that the cells of a column show; None: both have serious support.

    Args:
        values: Any strings; a cell that stands there more often may be given as often.
        default_order, stated_order: As in `normalise`.
    """
    parsed = [one for value in values if isinstance(one := _read(value), _Parts)]
    order, mixed = _vote(parsed, default_order)
    return stated_order if mixed else order


def day(value: str, *, order: Order | None, latest: date) -> date | Rejected | None:
    """A day that is nobody's birth, such as that of a consent; None for an empty cell or a filler.

    Args:
        value: Any string; a time of day behind it is left out.
        order: What `order_of` says of its column.
        latest: Two digits of a year are the latest such year that is not after it.

    Returns:
        The day, or why not: `bad_date`, `ambiguous_date`, `spreadsheet_number` or `too_long`.
    """
    one = _read(value)
    if not isinstance(one, _Parts):
        return one or None  # type: ignore[return-value]  # the only text is the empty one
    if one.small == (0, 0):
        return None  # 0000-00-00, a database's word for none
    if one.small is None or not one.year:
        return Rejected("bad_date")
    month, number = one.small
    if not one.ordered:
        if order is None and max(month, number) <= _MONTHS and month != number:
            return Rejected("ambiguous_date")
        if month > _MONTHS or (number <= _MONTHS and order == "DMY"):
            month, number = number, month
    year = int(one.year)
    if len(one.year) < 4:  # noqa: PLR2004 - digits of a full year
        year = latest.year - (latest.year - year) % 100
    try:
        return date(year, month, number)
    except ValueError:
        return Rejected("bad_date")


def _read(value: str) -> _Parts | Rejected | str:
    """The parts of one cell, before the column has a say; empty for an empty one."""
    if iso := _ISO.fullmatch(value):
        return _Parts(iso[1], (int(iso[2]), int(iso[3])), ordered=True)
    return _remembered(value) if len(value) <= _MAX_CHARS else _read_cell(value)


@lru_cache(maxsize=32_768)
def _remembered(value: str) -> _Parts | Rejected | str:
    return _read_cell(value)


def _read_cell(value: str) -> _Parts | Rejected | str:
    cell = text.bare(value)
    if not cell or text.is_filler(cell):
        return ""
    if len(cell) > _MAX_CHARS:
        return Rejected("too_long")
    cell = _TIME.sub("", text.ascii_digits(text.line(cell).lower()))
    if named := _WEEKDAY.match(cell):
        cell = cell[named.end() :]
    for reader in (_read_numbers, _read_eight, _read_names):
        if (found := reader(cell)) is not None:
            return found
    return Rejected("spreadsheet_number" if _SERIAL.fullmatch(cell) else "bad_date")


def _read_numbers(cell: str) -> _Parts | None:
    if found := _YEAR_FIRST.fullmatch(cell):
        return _Parts(found[1], (int(found[2]), int(found[3])), ordered=True)
    if found := _TWO_SMALL.fullmatch(cell):
        dotted = found[2] == "."
        return _Parts(found[4] or "", (int(found[1]), int(found[3])), ordered=False, dotted=dotted)
    if found := _YEAR_ONLY.fullmatch(cell):
        return _Parts(found[1], None, ordered=True)
    if found := _DAY_ONLY.fullmatch(cell):
        return _Parts("", (int(found[1]), int(found[2])), ordered=True)
    return None


def _read_eight(cell: str) -> _Parts | None:
    """`19750314`, or `03141975` where the first four digits are no year of this age."""
    if not _EIGHT.fullmatch(cell):
        return None
    if cell[:2] in {"18", "19", "20"} and cell[4:6] <= "12":
        return _Parts(cell[:4], (int(cell[4:6]), int(cell[6:])), ordered=True)
    return _Parts(cell[4:], (int(cell[:2]), int(cell[2:4])), ordered=False)


def _read_names(cell: str) -> _Parts | None:
    if (found := _MONTH_AND_YEAR.fullmatch(cell)) and found[1] in _MONTH_NAMES:
        return _Parts(found[2], None, ordered=True)
    if found := _DAY_NAMED.fullmatch(cell):
        day, name, year = found.groups()
    elif found := _MONTH_NAMED.fullmatch(cell):
        name, day, year = found.groups()
    else:
        return None
    month = _MONTH_NAMES.get(name)
    return _Parts(year or "", (month, int(day)), ordered=True) if month else None


def _vote(parsed: Sequence[_Parts], default: Order) -> tuple[Order, bool]:
    """The order of a column, and whether the other one has too much support to trust it."""
    month_first = day_first = 0
    for one in parsed:
        if one.small and not one.ordered:
            first, second = one.small
            month_first += first <= _MONTHS < second
            day_first += second <= _MONTHS < first
    if month_first == day_first:
        dotted = any(one.dotted for one in parsed)
        return "DMY" if dotted and not month_first else default, month_first > 0
    winner: Order = "MDY" if month_first > day_first else "DMY"
    share = min(month_first, day_first) / (month_first + day_first)
    return winner, share > _MIXED_SHARE


def _dated(one: _Parts, order: Order, today: date, *, mixed: bool) -> str | Rejected:
    year = _full_year(one.year, today)
    if year is not None and not today.year - _OLDEST_YEARS <= year <= today.year:
        return Rejected("placeholder" if year in _SYSTEM_YEARS else "impossible_date")
    if one.small == (0, 0) and one.year == "00":
        return Rejected("placeholder")  # Outlook's 0/0/00 for no date
    if one.small is None or one.small == (0, 0):
        return Rejected("impossible_date") if year is None else f"{year:04d}"
    month, day = one.small
    if not one.ordered:
        if mixed and max(month, day) <= _MONTHS and month != day:
            return Rejected("ambiguous_date")
        if month > _MONTHS or (day <= _MONTHS and order == "DMY"):
            month, day = day, month
    return _checked(year, month, day, today)


def _checked(year: int | None, month: int, day: int, today: date) -> str | Rejected:
    try:
        born = date(_LEAP_YEAR if year is None else year, month, day)
    except ValueError:
        return Rejected("impossible_date")
    if year is None:
        return f"--{month:02d}-{day:02d}"
    if born > today:
        return Rejected("impossible_date")
    iso = born.isoformat()
    return Rejected("placeholder") if iso in _SYSTEM_DATES else iso


def _full_year(written: str, today: date) -> int | None:
    if not written:
        return None
    if len(written) == 4:  # noqa: PLR2004 - digits of a full year
        return int(written)
    latest = today.year - _YOUNGEST_YEARS
    return latest - (latest - int(written)) % 100


def _filled_in(results: Sequence[str | Rejected]) -> tuple[frozenset[str], bool]:
    """What a system put where it knew no date, and whether it put 1 January where it knew the year.

    One date is a default if it stands in a hundredth of the filled cells, and in at least 20; so is
    the day if a fiftieth of all dates, and at least 20, are the first of a year.
    """
    dates = Counter(
        one for one in results if isinstance(one, str) and len(one) == len("1970-01-01")
    )
    filled = sum(dates.values())
    least = max(_FILLED_IN_CELLS, _FILLED_IN_SHARE * filled)
    defaults = frozenset(iso for iso, cells in dates.items() if cells >= least)
    new_years = sum(
        cells for iso, cells in dates.items() if iso.endswith("-01-01") and iso not in defaults
    )
    return defaults, new_years >= max(_FILLED_IN_CELLS, _NEW_YEARS_SHARE * filled)


def _unfilled(
    one: str | Rejected, filled_in: frozenset[str], *, years_only: bool
) -> str | Rejected:
    """A result without what a system made of it."""
    if isinstance(one, Rejected):
        return one
    if one in filled_in:
        return Rejected("placeholder")
    return one[:4] if years_only and one.endswith("-01-01") and one[0] != "-" else one
