"""Phone numbers: from a cell of an export to E.164.

Labels (`cell:`), extensions and spreadsheet quoting are taken off, a leading `00` is read as `+`
where the region has no such numbers, and what is left must be a valid number of a numbering plan
(`plan`). Possible is not enough: a wrong number reaches a stranger. So Ofcom's numbers for drama
(07700 900xxx), which the plan does not allocate, are refused, and the North American 555-01xx,
which it does, are accepted. Refused as fillers: one digit repeated, directory enquiries (555-1212),
the two numbers that Britons make up. A number that a spreadsheet turned into 5.03E+09 has lost
digits and is refused even where they look whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from consortium.tokens import dialling, kinds, plan, text
from consortium.tokens.profile import Rejected

__all__ = ["Phone", "normalise", "normalise_all", "normalise_column", "read"]

_NORTH_AMERICA: Final = "1"
_MAX_NUMBER_CHARS: Final = 100
_MIN_NUMBER_DIGITS: Final = 7
_LOCAL_DIGITS: Final = 7
_FULL_DIGITS: Final = 10
_PUNCTUATION = dict.fromkeys(map(ord, " ().-\u00a0\u2010\u2011\u2012\u2013\u2014"))
_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]?\d{1,3}", re.IGNORECASE)
_WHOLE_FLOAT = re.compile(r"(\+?\d{7,15})[.,]0+")
_EXPORT_QUOTING = "='\"` "
_LABEL = re.compile(
    r"(?:\b(?:(?:tele)?phone|tel[ée]fono|t[ée]l|cell(?:ular|phone)?|mob(?:ile)?|m[óo]vil|home"
    r"|work|office|ph|primary|preferred|main|direct|landline|sms|text|voice)\b"
    r"|\([chmopw]\)|^[chmoptw](?=[:.]))[\s:.#]*(?:\(\))?",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\n|:::|;|\||,|/| or | and | & ", re.IGNORECASE)
_KEEPS_TOGETHER = re.compile(r"phone-context|;ext=|;isub=", re.IGNORECASE)
_MADE_UP = frozenset({"+441234567890", "+447123456789"})
_EXTENDED = re.compile(r"([+\d ().-]+?) ?(?:x|ext\.?) ?(\d{1,5})", re.ASCII | re.IGNORECASE)
_AMERICAN = frozenset(COUNTRY_CODE_TO_REGION_CODE[1])
_EMPTY = Rejected("empty")
_PLACEHOLDER = Rejected("placeholder")
_NOT_IN_PLAN = Rejected("not_in_plan")
_RUNS = ("01234567890123456789", "98765432109876543210")
_MADE_UP_STARTS = frozenset(
    {run[at : at + 3] for run in _RUNS for at in range(10)} | {digit * 3 for digit in "0123456789"}
)


class Phone(NamedTuple):
    """One number.

    Attributes:
        e164: `+` and at most 15 digits; the value that a token is made of.
        mobile: Whether texts reach it; None: the plan does not tell (all of North America).
        service: Free, premium or company number: nobody's own, never a sole reason to merge.
        extension: Digits behind a switchboard's number, or empty; not part of `e164`.
    """

    e164: str
    mobile: bool | None
    service: bool = False
    extension: str = ""

    def __repr__(self) -> str:
        return "Phone(‹personal›)"


def normalise(raw: str, region: str = "US") -> Phone | Rejected:
    """The first usable number of a cell, or why there is none.

    Costs 1.5 to 2 µs for a well-formed number of any country, whether a plan has it or not; what
    needs the library costs 100 to 300 µs and is remembered (16,384 short cells).

    Args:
        raw: Any string.
        region: ISO country in whose plan a number without `+` is read.

    Returns:
        The number, or the first thing that was wrong: `empty`, `placeholder`, `already_hashed`,
        `spreadsheet_number`, `too_long`, `control_character`, `no_area_code`, `not_a_number` or
        `not_in_plan`.
    """
    if not raw:
        return _EMPTY
    if len(raw) > _MAX_NUMBER_CHARS:
        return read(raw, region)
    return _quick(raw, region) or _remembered(raw, region)


def read(raw: str, region: str = "US") -> Phone | Rejected:
    """`normalise` by the rules alone, without short cut or memory: the definition of both."""
    return _first(_all(raw, region, short_cut=False))


def normalise_all(raw: str, region: str = "US") -> list[Phone | Rejected]:
    """Every number of a cell, in order, at least one result.

    A cell is cut only where each piece has seven digits or more, so `503/555-0123` stays one.
    """
    return _all(raw, region, short_cut=True)


def _all(raw: str, region: str, *, short_cut: bool) -> list[Phone | Rejected]:
    cell = text.bare(raw)
    if not cell:
        return [Rejected("empty")]
    if len(cell) > text.MAX_CHARS:
        return [Rejected("too_long")]
    if "\0" in cell or any("\ud800" <= char <= "\udfff" for char in cell):
        return [Rejected("control_character")]
    if text.is_digest(cell):
        return [Rejected("already_hashed")]
    return [_number(text.line(piece), region, short_cut=short_cut) for piece in _pieces(cell)]


def _first(found: list[Phone | Rejected]) -> Phone | Rejected:
    return next((one for one in found if isinstance(one, Phone)), found[0])


def normalise_column(values: Sequence[str], region: str = "US") -> list[Phone | Rejected]:
    """`normalise` for each cell of a column, in order."""
    known: dict[str, Phone | Rejected] = {}
    found = []
    for value in values:
        one = known.get(value)
        if one is None:
            one = known[value] = normalise(value, region)
        found.append(one)
    return found


def _pieces(cell: str) -> list[str]:
    if _KEEPS_TOGETHER.search(cell):
        return [cell]
    pieces = [piece for piece in _SPLIT.split(cell.replace("\r", "\n")) if piece.strip()]
    if len(pieces) > 1 and min(map(_digits, pieces)) >= _MIN_NUMBER_DIGITS:
        return pieces
    words = cell.split()
    return words if len(words) > 1 and min(map(_digits, words)) >= _FULL_DIGITS else [cell]


def _digits(piece: str) -> int:
    return sum(map(str.isdigit, piece))


def _quick(raw: str, region: str) -> Phone | Rejected | None:
    """What the rules say of a cell of digits and punctuation, perhaps with an extension.

    None: not plain enough; read it the long way.
    """
    digits, international, extension = raw, False, ""
    if raw[:1] == "+" and raw[1:].isdigit() and raw.isascii():
        international, digits = True, raw[1:]
    elif not (raw.isdigit() and raw.isascii()):
        if ("x" in raw or "X" in raw) and (found := _EXTENDED.fullmatch(raw)):
            digits, extension = found.groups()
        digits = _closed_up(digits)
        if digits[:1] == "+":
            international, digits = True, digits[1:]
        if not (digits.isdigit() and digits.isascii()) or _may_be_decimals(raw, digits):
            return None
    # Nearly all cells: ten digits, or 1 and ten, that can be nothing but North American.
    whole = ""
    if len(digits) == 10 and digits[0] > "1" and not international:  # noqa: PLR2004 - area code, number
        whole = f"1{digits}" if region in _AMERICAN else ""
    elif len(digits) == 11 and digits[0] == "1" < digits[1]:  # noqa: PLR2004 - 1 and ten digits
        whole = digits if international or region in _AMERICAN else ""
    found_kind = (
        (whole, kinds.kind_of(whole))
        if whole
        else _dialled(digits, region, international=international)
    )
    if found_kind is None:
        return None
    whole, kind = found_kind
    if kind is None:
        return _why_not(f"{'+' * international}{digits}{extension}", region, None)
    return _judge(whole, kind, extension)


def _dialled(
    digits: str, region: str, *, international: bool
) -> tuple[str, plan.Kind | None] | None:
    """The number of another country; None for `00`, which may be read in two ways."""
    if digits[:2] == "00" and not international:
        return None
    return dialling.quick(digits, region, international=international)


def _closed_up(raw: str) -> str:
    """A cell without the punctuation of numbers."""
    if raw.isascii():
        bare = raw.replace("-", "").replace(" ", "").replace("(", "").replace(")", "")
        return bare.replace(".", "")
    return raw.translate(_PUNCTUATION)


def _may_be_decimals(raw: str, digits: str) -> bool:
    """Whether all behind the last point are zeros, as in `5035550123.0`."""
    if digits[-1] != "0" or "." not in raw:
        return False
    return not raw.rpartition(".")[2].translate(_PUNCTUATION).strip("0")


@lru_cache(maxsize=16_384)
def _remembered(raw: str, region: str) -> Phone | Rejected:
    """A cell of at most 100 characters that is more than digits and punctuation."""
    return _first(_all(raw, region, short_cut=True))


def _number(piece: str, region: str, *, short_cut: bool) -> Phone | Rejected:
    number = piece.strip(_EXPORT_QUOTING)
    if refusal := _refusal(number):
        return refusal
    if whole := _WHOLE_FLOAT.fullmatch(number):
        number = whole[1]
    ascii_digits = text.ascii_digits(number)
    unlabelled = ascii_digits
    if not _KEEPS_TOGETHER.search(ascii_digits):
        unlabelled = _LABEL.sub("", ascii_digits).strip() or ascii_digits
    if short_cut and (found := _quick(unlabelled, region)):
        return found
    line = plan.parse(unlabelled, region)
    if not isinstance(line, plan.Line) and (abroad := _with_plus(unlabelled)):
        line = plan.parse(abroad, region)
    if isinstance(line, plan.Line):
        kind = plan.Kind(line.mobile, line.service)
        return _judge(f"{line.country_code}{line.national}", kind, line.extension)
    return _why_not(unlabelled, region, line)


def _refusal(number: str) -> Rejected | None:
    """What can be said before a number is looked for."""
    if len(number) > _MAX_NUMBER_CHARS:
        return Rejected("too_long")
    if text.is_filler(number):
        return Rejected("placeholder")
    if _SCIENTIFIC.fullmatch(number.replace(" ", "")):
        return Rejected("spreadsheet_number")
    if "@" in number:
        return Rejected("not_a_number")
    return None


def _with_plus(number: str) -> str | None:
    """A number with the `00` of most of the world, which no plan of a `1` country has."""
    digits = number.translate(_PUNCTUATION)
    abroad = digits.startswith("00") and len(digits) >= len("00") + _FULL_DIGITS
    return "+" + digits[2:] if abroad else None


def _judge(digits: str, kind: plan.Kind, extension: str) -> Phone | Rejected:
    """A valid number, unless it is one that is made up."""
    if digits[-1] == digits[-2] and len(set(kinds.national(digits))) == 1:
        return _PLACEHOLDER
    e164 = f"+{digits}"
    if (digits[-7:] == "5551212" and digits[0] == _NORTH_AMERICA) or e164 in _MADE_UP:
        return _PLACEHOLDER
    return tuple.__new__(Phone, (e164, *kind, extension))  # half the time of Phone(…)


def _why_not(number: str, region: str, reason: str | None) -> Rejected:
    digits = number if number.isdigit() else "".join(filter(str.isdigit, number))
    if digits and (_is_made_up(digits) or _is_made_up(digits[1:]) or not digits.strip("0")):
        return _PLACEHOLDER
    if len(digits) == _LOCAL_DIGITS and region in {"US", "CA"} and "+" not in number:
        return Rejected("no_area_code")
    return Rejected(reason) if reason else _NOT_IN_PLAN


def _is_made_up(digits: str) -> bool:
    """Whether digits that are no number are one digit repeated, or a run of them."""
    if len(digits) < _MIN_NUMBER_DIGITS or digits[:3] not in _MADE_UP_STARTS:
        return False
    return len(set(digits)) == 1 or any(digits in run for run in _RUNS)
