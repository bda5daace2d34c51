"""When a licence is over: once its last day has ended wherever the file's voters live.

A licence names a day and no hour. North Carolina's file holds to midnight there; a file of several
states to the last of their midnights; one that says no state to the last midnight of its country.
Worked out once, when the file is loaded, and kept with it as an instant.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from consortium.model import Places
from consortium.policy.zones import zone
from consortium.tokens import tables, zones

__all__ = ["end_of"]

_LATEST: Final = "Etc/GMT+12"  # where every day ends last
_LAST: Final = date(9998, 12, 31)  # what comes after it, datetime cannot say


def end_of(until: date, *, country: str, states: Collection[str]) -> datetime:
    """The instant from which a file counts no more.

    Args:
        until: The last day of its use.
        country: Of the file, as its layout says.
        states: Where its voters live, as far as it says so.
    """
    midnight = datetime.combine(min(until, _LAST) + timedelta(days=1), time())
    named = {name for state in states for name in zones.zones(Places(country, state))}
    found = (zone(name) for name in named or _everywhere(country) or {_LATEST})
    return max(midnight.replace(tzinfo=one).astimezone(UTC) for one in found if one is not None)


def _everywhere(country: str) -> set[str]:
    of_states = (names for (home, _), names in tables.states().items() if home == country)
    return {*tables.countries().get(country, ()), *(name for names in of_states for name in names)}
