"""Time zones (first form)."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.model import Places

__all__ = ["zones"]


def zones(places: Places, phones: Sequence[str] = ()) -> tuple[str, ...]:
    """IANA zones of every piece of evidence, sorted; empty: no evidence."""
    return ()
