"""The values that composite tokens are made of (first form)."""

from __future__ import annotations

from consortium.tokens import names

__all__ = ["compose_name_address", "compose_name_birth"]


def compose_name_birth(first: str, last: str, birth_date: str) -> str | None:
    """First-name class, surname and full birth date; None if one is not known."""
    parts = (names.first_class(first), names.fold(last), birth_date)
    return "|".join(parts) if all(parts) and len(birth_date) == len("YYYY-MM-DD") else None


def compose_name_address(first: str, last: str, house_number: str, postcode: str) -> str | None:
    """First-name class, surname, house number and postcode; None if one is not known."""
    parts = (names.first_class(first), names.fold(last), house_number, postcode)
    return "|".join(parts) if all(parts) else None
