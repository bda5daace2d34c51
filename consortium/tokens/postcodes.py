"""Postcodes (first form)."""

from __future__ import annotations

from consortium.tokens.profile import Rejected

__all__ = ["normalise"]


def normalise(raw: str, country: str = "", *, state: str = "") -> str | Rejected:
    """The postcode in its one spelling; "" for an empty cell."""
    return raw.strip().upper()[:5]
