"""The audience: whom a campaign is meant for, by where they live.

A person is in the audience if any of their source rows lies in an included place and none lies in
an excluded one. A row that does not say where is inside no place but `anywhere`. Places are those
of send policies: `state:OR`, `postcode:97214`, `postcode:972*`, `country:US`, `anywhere`.

Kinds that need a map or a voter file (county, precinct, ward, distance …) are refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.documents import shown
from consortium.errors import DocumentError
from consortium.model import Places
from consortium.policy.places import STATES, Place, read_place

__all__ = ["SMALLEST", "Audience", "place", "rounded"]

SMALLEST: Final = 50
"""A smaller audience is not planned or counted: it could single people out."""

_LATER: Final = frozenset({"branch", "city", "county", "district", "precinct", "ward", "workplace"})


@dataclass(frozen=True, slots=True)
class Audience:
    """Included and excluded places; see the module's docstring."""

    include: tuple[Place, ...]
    exclude: tuple[Place, ...] = ()

    def members(
        self,
        places: Sequence[Places],
        *,
        place_of_row: npt.NDArray[np.int64],
        person_of_row: npt.NDArray[np.int64],
        persons: int,
    ) -> npt.NDArray[np.bool_]:
        """Who is in the audience.

        Args:
            places: Distinct places; each is asked once.
            place_of_row: Shape (rows,): index into `places`.
            person_of_row: Shape (rows,): person, 0 to `persons` - 1.
            persons: How many persons.

        Returns:
            Shape (persons,): true for members.
        """
        inside = np.array([any(p.holds(x) for p in self.include) for x in places], dtype=bool)
        outside = np.array([any(p.holds(x) for p in self.exclude) for x in places], dtype=bool)
        members = np.zeros(persons, dtype=bool)
        if len(places):
            members[person_of_row[inside[place_of_row]]] = True
            members[person_of_row[outside[place_of_row]]] = False
        return members


def place(text: str) -> Place:
    """Read one place.

    Raises:
        DocumentError: It names no place, or one of a kind this version does not know.
    """
    if (found := read_place(text)) is not None:
        return found
    kind, _, value = text.partition(":")
    if kind in _LATER:
        raise DocumentError(
            f"places of kind {kind} are not in this version", hint="Use states and postcodes."
        )
    if kind == "state" and value.upper() in {c for codes in STATES.values() for c in codes}:
        raise DocumentError("a state is written in capitals", hint=f"Write state:{value.upper()}")
    raise DocumentError(
        f"{shown(text)} is no place that is known here",
        hint='Like "state:OR", "postcode:97214", "postcode:972*", "country:US" or "anywhere".',
    )


def rounded(persons: int) -> int:
    """An audience's size as a coordinator may see it: to 10 below 1,000, to 100 above.

    Below `SMALLEST` there is no answer at all; see `consortium.campaign.view`.
    """
    step = 10 if persons < 1000 else 100  # noqa: PLR2004 - the figures of the docstring
    return (persons + step // 2) // step * step
