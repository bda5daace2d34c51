"""Time zones of a person, from the evidence there is; the widest caution where there is none.

Zone rules come from the `tzdata` package that is installed with us and never from the machine, so
that a decision can be replayed elsewhere. A name that it does not know counts as no evidence.

Without evidence a message must be allowed everywhere the person could be: in every zone of the
country (for the United States the contiguous ones; tzdata's `zone1970.tab` for others), and if the
country is unknown as well, in every zone of the contiguous United States.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["CONTIGUOUS_US", "evidence", "zone"]

CONTIGUOUS_US: Final = (
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/New_York",
    "America/Phoenix",
)
"""Every clock of the contiguous United States; others there agree with one of these."""

_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_DATA = files("tzdata") / "zoneinfo"


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name; None if it is not one."""
    if not _NAME.fullmatch(name):
        return None
    try:
        with _DATA.joinpath(*name.split("/")).open("rb") as stream:
            return ZoneInfo.from_file(stream, key=name)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=65536)
def evidence(names: tuple[str, ...], country: str) -> tuple[ZoneInfo, ...]:
    """Every zone the person may be in; never empty."""
    known = {name for name in names if zone(name) is not None}
    if not known or len(known) < len(set(names)):
        known.update(_everywhere(country))
    return tuple(found for name in sorted(known) if (found := zone(name)) is not None)


def _everywhere(country: str) -> tuple[str, ...]:
    if country in {"", "US"}:
        return CONTIGUOUS_US
    return _by_country().get(country, CONTIGUOUS_US)


@lru_cache(maxsize=1)
def _by_country() -> dict[str, tuple[str, ...]]:
    zones: dict[str, tuple[str, ...]] = {}
    for line in (_DATA / "zone1970.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            countries, _, name = line.split("\t")[:3]
            for country in countries.split(","):
                zones[country] = (*zones.get(country, ()), name)
    return zones
