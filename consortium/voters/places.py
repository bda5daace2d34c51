"""Places as a coordinator may see them: voters and matched people in tens, small places not at all.

A place with fewer than `SMALLEST` voters is not shown; fewer matched people than that are not
counted. How many voters a place has is what the public file says; how many of them the partners
know is rounded, because the difference of two exact counts could single somebody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from consortium.model import PlaceKind
from consortium.store import places, voters
from consortium.store.engine import Database

__all__ = ["SMALLEST", "PlaceView", "PlacesShown", "shown"]

SMALLEST: Final = 50
_ROUND: Final = 10


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A place for a screen.

    Attributes:
        kind, path, name: Which.
        voters: In tens.
        people: How many of them are matched to a person, in tens; None: too few to say.
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
    """Places that are large enough, and how many are not."""

    places: tuple[PlaceView, ...]
    small: int


def shown(
    database: Database, *, day: date, kind: PlaceKind | None = None, under: str = ""
) -> PlacesShown:
    """Places of the voter files that count on a day.

    Args:
        database: The store.
        day: Today.
        kind: Only of this kind.
        under: Only below this path.
    """
    with database.read() as tx:
        loads = [load.id for load in voters.usable(tx, day=day)]
        found = places.counts(tx, loads=loads, kind=kind, under=under) if loads else []
    large = [place for place in found if place.voters >= SMALLEST]
    return PlacesShown(
        places=tuple(
            PlaceView(
                kind=place.kind,
                path=place.path,
                name=place.name,
                voters=_tens(place.voters),
                people=_tens(place.persons) if place.persons >= SMALLEST else None,
            )
            for place in large
        ),
        small=len(found) - len(large),
    )


def _tens(number: int) -> int:
    return (number + _ROUND // 2) // _ROUND * _ROUND
