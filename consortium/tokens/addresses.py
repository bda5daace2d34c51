"""House numbers and one-line addresses (first form)."""

from __future__ import annotations

from dataclasses import dataclass

from consortium.model import Places

__all__ = ["Address", "house_number", "split"]


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """What matching needs of an address."""

    house_number: str = ""
    places: Places = Places()

    def __repr__(self) -> str:
        return "Address(‹personal›)"


def house_number(street: str) -> str:
    """The house number of a street line, lower-case letters and digits; empty: none."""
    word = street.strip().split(" ")[0].lower()
    return word if word[:1].isdigit() and word.isalnum() and word.isascii() else ""


def split(raw: str, country: str = "") -> Address:
    """House number, state and postcode out of an address in one line."""
    return Address(house_number(raw))
