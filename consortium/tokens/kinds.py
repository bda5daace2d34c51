"""What numbering plans say of a number by its first digits, exactly as the library would.

All patterns of a calling code are read by an automaton (`consortium.tokens.patterns`), and what all
but the last six digits prove about every number that begins so is remembered: 0.15 µs a number.
The automaton of a code is made when its first number comes: 20 ms for +1 and +44, 2 to 5 for most.
At most 100,000 beginnings are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType

from consortium.errors import UsageError
from consortium.tokens import plan
from consortium.tokens.patterns import VARIES, Automaton, Varies
from consortium.tokens.plan import KINDS, Kind

__all__ = ["automaton", "calling_code", "kind_of", "national"]

# The order in which the library asks; what it says of fixed and mobile lines comes last.
_RARE = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)
_ASKED = ("general_desc", *(name for name, _ in _RARE), "fixed_line", "mobile")
_LEADING: Final = "leading_digits"
_WORLD: Final = "001"
_LEFT_OPEN: Final = 6
_KNOWN: Final = 100_000
_LONGEST_CODE: Final = 3
_CODES = frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))

Label = tuple[str, str]
"""Region and name of a pattern."""


class _NoPlan:
    """The type of `_NO_PLAN`, which is remembered where None would say that nothing is."""

    __slots__ = ()


_NO_PLAN: Final = _NoPlan()
_known: dict[str, Kind | _NoPlan | Varies] = {}
"""First digits, all but the last six, of numbers of one length → what is so for all of them."""


def kind_of(digits: str) -> Kind | None:
    """What the plan says of a number; None: no plan has it.

    Args:
        digits: Calling code and significant national number, ASCII, 7 digits or more.
    """
    begins = digits[:-_LEFT_OPEN]
    found = _known.get(begins)
    if found is None:
        found = _decide(digits)
        if len(_known) >= _KNOWN:
            _known.clear()
        _known[begins] = found
    if found is VARIES:
        found = _read(digits)
    return None if found is _NO_PLAN else found  # type: ignore[return-value]  # VARIES was replaced


def national(digits: str) -> str:
    """E.164 digits without their calling code."""
    return digits[len(calling_code(digits)) :]


def calling_code(digits: str) -> str:
    """The calling code that digits begin with, or empty. No code is the beginning of another."""
    for size in range(1, _LONGEST_CODE + 1):
        if digits[:size] in _CODES:
            return digits[:size]
    return ""


def _decide(digits: str) -> Kind | _NoPlan | Varies:
    """What is so for every number of this length that begins with all but the last six digits."""
    code = calling_code(digits[:-_LEFT_OPEN])
    patterns = automaton(code) if code else None
    if patterns is None:
        return VARIES
    state = patterns.read(digits[len(code) : -_LEFT_OPEN])
    judge = _judges(code)
    return patterns.uniform(state, _LEFT_OPEN, judge, len(digits) - len(code))


def _read(digits: str) -> Kind | _NoPlan:
    """What the plan says of one number."""
    code = calling_code(digits)
    patterns = automaton(code) if code else None
    if patterns is None:
        return _ask(digits)
    labels = patterns.labels(patterns.read(digits[len(code) :]))
    return _judges(code)(labels, len(digits) - len(code))


def _ask(digits: str) -> Kind | _NoPlan:
    """What the library says of one number."""
    line = plan.parse(f"+{digits}", _WORLD)
    return Kind(line.mobile, line.service) if isinstance(line, plan.Line) else _NO_PLAN


@cache
def automaton(code: str) -> Automaton[Label] | None:
    """All patterns of a calling code; None: they are written in a way not understood here."""
    made: Automaton[Label] = Automaton()
    try:
        for region, home in _plans(code):
            for name in _ASKED:
                one = getattr(home, name)
                if one is not None and one.national_number_pattern:
                    made.add(one.national_number_pattern, (region, name))
            if home.leading_digits:
                made.add(home.leading_digits, (region, _LEADING), open_end=True)
    except UsageError:
        return None
    return made


@cache
def _judges(code: str) -> Callable[[frozenset[Label], int], Kind | _NoPlan]:
    """From the patterns that a whole number matches to its kind, as the library judges."""
    plans = _plans(code)

    def judge(labels: frozenset[Label], length: int) -> Kind | _NoPlan:
        for region, home in plans:
            if len(plans) > 1 and home.leading_digits:
                if (region, _LEADING) in labels:
                    return _type_in(region, home, labels, length)
            elif len(plans) == 1 or _type_in(region, home, labels, length) is not _NO_PLAN:
                return _type_in(region, home, labels, length)
        return _NO_PLAN

    return judge


def _type_in(
    region: str, home: PhoneMetadata, labels: frozenset[Label], length: int
) -> Kind | _NoPlan:
    """What one region's plan says of a number that matches some of its patterns."""

    def fits(name: str) -> bool:
        lengths = getattr(home, name).possible_length if (region, name) in labels else (-1,)
        return not lengths or length in lengths

    if not fits("general_desc"):
        return _NO_PLAN
    for name, rare in _RARE:
        if fits(name):
            return KINDS[rare]
    if fits("fixed_line"):
        both = home.same_mobile_and_fixed_line_pattern or fits("mobile")
        return KINDS[PhoneNumberType.FIXED_LINE_OR_MOBILE if both else PhoneNumberType.FIXED_LINE]
    mobile = not home.same_mobile_and_fixed_line_pattern and fits("mobile")
    return KINDS[PhoneNumberType.MOBILE] if mobile else _NO_PLAN


@cache
def _plans(code: str) -> tuple[tuple[str, PhoneMetadata], ...]:
    """The regions of a calling code, in the library's order."""
    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    found = (PhoneMetadata.metadata_for_region_or_calling_code(int(code), r) for r in regions)
    return tuple((r, home) for r, home in zip(regions, found, strict=True) if home is not None)
