"""Phone numbers (first form)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers

from consortium.tokens.profile import Rejected

__all__ = ["Phone", "normalise", "normalise_all", "normalise_column"]


@dataclass(frozen=True, slots=True, repr=False)
class Phone:
    """One number in E.164; `mobile` is None where the plan does not tell."""

    e164: str
    mobile: bool | None
    service: bool = False
    extension: str = ""

    def __repr__(self) -> str:
        return "Phone(‹personal›)"


def normalise(raw: str, region: str = "US") -> Phone | Rejected:
    """One number out of a cell."""
    if not raw.strip():
        return Rejected("empty")
    try:
        number = phonenumbers.parse(raw[:250], region)
    except phonenumbers.NumberParseException:
        return Rejected("not_a_number")
    if not phonenumbers.is_valid_number(number):
        return Rejected("not_in_plan")
    return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None)


def normalise_all(raw: str, region: str = "US") -> list[Phone | Rejected]:
    """Every number in a cell."""
    return [normalise(raw, region)]


def normalise_column(values: Sequence[str], region: str = "US") -> list[Phone | Rejected]:
    """One result per cell."""
    return [normalise(value, region) for value in values]
