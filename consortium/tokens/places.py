"""States and countries (first form)."""

from __future__ import annotations

__all__ = ["country", "state"]


def country(raw: str) -> str:
    """ISO 3166-1 alpha-2 code of a country's name or code; empty: unknown."""
    text = raw.strip().upper()
    return text if len(text) == 2 else ""  # noqa: PLR2004 - alpha-2


def state(raw: str, country: str = "") -> str:
    """Code of a US state, Canadian province or UK nation; empty: unknown."""
    text = raw.strip().upper()
    return text if len(text) == 2 else ""  # noqa: PLR2004 - USPS code
