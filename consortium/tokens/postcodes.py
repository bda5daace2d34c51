"""Postcodes in one spelling: five digits in the United States, a space in Britain and Canada.

ZIP+4 is cut to the ZIP, because the last four digits change and half of all lists have none. A ZIP
that a spreadsheet has robbed of its leading zero gets it back, unless the row's state has no ZIPs
that begin with one; so do codes of other countries that have such. Ireland and the Netherlands have
letters, some thirty countries a number of digits (`data/postcodes.tsv`); of all others letters and
digits are kept as they come.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from consortium.tokens import tables, text
from consortium.tokens.profile import Rejected

__all__ = ["normalise", "read"]

_MAX_CHARS: Final = 40
_ZIP_DIGITS: Final = 5
_LONGEST: Final = 10
_FIRST_ZIP: Final = "00501"
_LAST_ZIP: Final = "99950"
_ZIP = re.compile(r"(\d{5})(?:[-\s]\d{1,4}|\d{4})?")
_PLAIN_ZIP = re.compile(r"\d{5}(?:-?\d{4})?")
_SHORT_ZIP = re.compile(r"(\d{3,4})(?:-\d{4})?|(\d{4})\d{4}")
_WHOLE_FLOAT = re.compile(r"(\d{3,9})[.,]0+")
_BRITISH = re.compile(r"(GIR|[A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})")
_CANADIAN = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[A-Z])(\d[A-Z]\d)")
_IRISH = re.compile(r"([AC-FHKNPRTV-Y]\d[\dW])([\dAC-FHKNPRTV-Y]{4})?")
_DUTCH = re.compile(r"([1-9]\d{3})([A-Z]{2})?")
_COUNTRY_FIRST = re.compile(r"[A-Z]{1,3}(?:[\s-]+|(?=\d))")
_CEDEX = re.compile(r"\s*CEDEX\b.*")
_OTHER = re.compile(r"(?=[A-Z ]*\d)[A-Z\d]+(?: [A-Z\d]+){0,3}")
_SEPARATOR = re.compile(r"[\s._-]+")
_MANGLED = re.compile(r"\d[.,]\d+E[+-]?\d+")
_ZIP_COUNTRIES = frozenset({"AS", "GU", "MP", "PR", "US", "VI"})
_BRITISH_COUNTRIES = frozenset({"GB", "GG", "IM", "JE"})
_LETTERED = (
    (_BRITISH_COUNTRIES, _BRITISH),
    (frozenset({"CA"}), _CANADIAN),
    (frozenset({"IE"}), _IRISH),
    (frozenset({"NL"}), _DUTCH),
)
_TOLD_BY_SHAPE = (_BRITISH, _CANADIAN)
_ZERO_STATES = frozenset({"AE", "CT", "MA", "ME", "NH", "NJ", "PR", "RI", "VI", "VT"})
_DOUBLE_ZERO_STATES = frozenset({"NY", "PR", "VI"})
_NOBODYS = frozenset({"00000", "11111", "99999"})


def normalise(raw: str, country: str = "", *, state: str = "") -> str | Rejected:
    """The postcode in its one spelling; empty for an empty cell or a filler.

    Args:
        raw: Any string.
        country: ISO code of the row, or of the list; empty: told from the shape.
        state: The row's state, if known; decides whether a ZIP can have lost a leading zero.

    Returns:
        `97214`, `SW1A 1AA`, `K1A 0B1`, or letters and digits in capitals; or `bad_postcode`,
        `placeholder` (00000, 99999), `spreadsheet_number` or `too_long`.
    """
    if len(raw) == _ZIP_DIGITS and raw.isdigit() and raw.isascii():
        plain = _FIRST_ZIP <= raw <= _LAST_ZIP and raw not in _NOBODYS
        if plain and (not country or country in _ZIP_COUNTRIES):
            return raw
    if len(raw) > _MAX_CHARS:
        return read(raw, country, state=state)
    return _remembered(raw, country, state)


@lru_cache(maxsize=16_384)
def _remembered(raw: str, country: str, state: str) -> str | Rejected:
    return read(raw, country, state=state)


def read(raw: str, country: str = "", *, state: str = "") -> str | Rejected:
    """`normalise` by the rules alone, without short cut or memory: the definition of both."""
    cell = text.bare(raw)
    if not cell or text.is_filler(cell):
        return ""
    if len(cell) > _MAX_CHARS:
        return Rejected("too_long")
    code = text.ascii_digits(text.line(cell).upper()).strip("='\"` ")
    if country in _ZIP_COUNTRIES or (not country and _looks_american(code, state)):
        return _zip(code, state)
    found = _spaced(code, country)
    return "" if isinstance(found, str) and text.is_filler(found) else found  # such as "0." is


def _looks_american(code: str, state: str) -> bool:
    """Whether a code of an unnamed country is a ZIP: by its five digits, or by the row's state."""
    return _PLAIN_ZIP.fullmatch(code) is not None or (
        code[:1].isdigit() and ("US", state) in tables.states()
    )


def _spaced(code: str, country: str) -> str | Rejected:
    """A code of any country but the United States."""
    close = _SEPARATOR.sub("", code)
    for countries, shape in _LETTERED:
        if country in countries or (not country and shape in _TOLD_BY_SHAPE):
            if found := shape.fullmatch(close):
                return f"{found[1]} {found[2] or ''}".rstrip()
            if country:
                return Rejected("bad_postcode")
    if country in tables.postcodes():
        return _counted(code, tables.postcodes()[country])
    spaced = _SEPARATOR.sub(" ", code).strip()
    if len(close) > _LONGEST or not _OTHER.fullmatch(spaced):
        return Rejected("bad_postcode")
    return spaced


def _counted(code: str, rule: tables.PostcodeRule) -> str | Rejected:
    """A code that has a number of digits."""
    code = _CEDEX.sub("", _COUNTRY_FIRST.sub("", code, count=1))
    if whole := _WHOLE_FLOAT.fullmatch(code):
        code = whole[1]
    close = _SEPARATOR.sub("", code)
    lost = rule.digits - len(close)
    if not (close.isascii() and close.isdigit() and 0 <= lost <= rule.zeros):
        return Rejected("spreadsheet_number" if _MANGLED.fullmatch(code) else "bad_postcode")
    digits = iter("0" * lost + close)
    found = "".join(next(digits) if mark == "9" else mark for mark in rule.written)
    return found if found.strip("0- ") else Rejected("placeholder")


def _zip(code: str, state: str) -> str | Rejected:
    if whole := _WHOLE_FLOAT.fullmatch(code):
        code = whole[1]
    five = ""
    if found := _ZIP.fullmatch(code):
        five = found[1]
    elif found := _SHORT_ZIP.fullmatch(code):
        five = _with_zeros(found[1] or found[2], state)
    if five in _NOBODYS:
        return Rejected("placeholder")
    if _FIRST_ZIP <= five <= _LAST_ZIP:
        return five
    return Rejected("spreadsheet_number" if _MANGLED.fullmatch(code) else "bad_postcode")


def _with_zeros(digits: str, state: str) -> str:
    """A ZIP without its leading zeros; empty where the state has no such ZIP."""
    lost_two = len(digits) == 3  # noqa: PLR2004 - five less two zeros
    if lost_two:
        return f"00{digits}" if state in _DOUBLE_ZERO_STATES else ""
    return f"0{digits}" if not state or state in _ZERO_STATES else ""
