"""Birth dates (first form)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from consortium.tokens.profile import Rejected

__all__ = ["normalise"]


def normalise(
    values: Sequence[str], *, today: date, default_order: str = "MDY"
) -> list[str | Rejected]:
    """One result per cell: `YYYY-MM-DD`, `YYYY`, `--MM-DD`, "" for an empty cell, or why not."""
    out: list[str | Rejected] = []
    for value in values:
        text = value.strip()
        try:
            out.append("" if not text else date.fromisoformat(text).isoformat())
        except ValueError:
            out.append(Rejected("bad_date"))
    return out
