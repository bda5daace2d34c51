"""Places as a coordinator may see them: counts in round figures, small places not at all.

A place with fewer than `SMALLEST` voters is not shown; fewer matched people than that are not
counted, nor those of a place where all but a few voters are matched, because then whoever is on the
public file there is on somebody's list. How many voters a place has is what that file says; how
many of them the partners know is rounded as an audience's size is, to ten below a thousand and to a
hundred above, because the difference of two exact counts could single somebody out. What the
difference of a place and its parts tells all the same: docs/threat-model.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consortium.model import PlaceKind
from consortium.store import places, voters
from consortium.store.engine import Database

__all__ = ["SMALLEST", "PlaceView", "PlacesShown", "people_shown", "shown"]

SMALLEST: Final = 50
_OTHERS: Final = 10  # voters of a place who must be unmatched, for the matched to be counted


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A place for a screen.

    Attributes:
        kind, path, name: Which.
        voters: Rounded.
        people: How many of them are matched to a person, rounded; None: too few are, or too few
            are not.
    """

    kind: PlaceKind
    path: str
    name: str
    voters: int
    people: int | None

    @property
    def rate(self) -> int | None:
        """Matched people per hundred voters."""
        return None if self.people is None else round(100 * self.people / self.voters)


@dataclass(frozen=True, slots=True)
class PlacesShown:
    """Places that are large enough; by kind, how many are not."""

    places: tuple[PlaceView, ...]
    small: Mapping[PlaceKind, int]


def shown(
    database: Database, *, at: datetime, kind: PlaceKind | None = None, under: str = ""
) -> PlacesShown:
    """Places of the voter files that count at an instant.

    Args:
        database: The store.
        at: Now.
        kind: Only of this kind.
        under: Only below this path.
    """
    with database.read() as tx:
        loads = [load.id for load in voters.usable(tx, at=at)]
        found = places.counts(tx, loads=loads, kind=kind, under=under) if loads else []
    large = [place for place in found if place.voters >= SMALLEST]
    return PlacesShown(
        places=tuple(
            PlaceView(
                kind=place.kind,
                path=place.path,
                name=place.name,
                voters=_rounded(place.voters),
                people=people_shown(place.voters, matched=place.persons),
            )
            for place in large
        ),
        small=Counter(place.kind for place in found if place.voters < SMALLEST),
    )


def people_shown(voters: int, *, matched: int) -> int | None:
    """Matched people of a place as they may be told: rounded, or not at all."""
    told = matched >= SMALLEST and voters - matched >= _OTHERS
    return _rounded(matched) if told else None


def _rounded(number: int) -> int:
    step = 10 if number < 1000 else 100  # noqa: PLR2004 - the figures of the docstring
    return (number + step // 2) // step * step
