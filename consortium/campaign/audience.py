"""The audience: whom a campaign is meant for, by where they live.

A person is in the audience if any of their source rows lies in an included place and none lies in
an excluded one. A row that does not say where is inside no place but `anywhere`. Places are those
of send policies: `state:OR`, `postcode:97214`, `postcode:972*`, `country:US`, `anywhere`; and those
of voter files and registers, which a person reaches by being matched: `county:NC/WAKE`,
`precinct:NC/WAKE/01-01`, `workplace:NORTHMOOR HOSPITALS TRUST/SITE 3`.

Kinds that need a map (distance …) are refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.documents import shown
from consortium.errors import DocumentError
from consortium.model import PlaceKind, Places
from consortium.policy.places import STATES, Place, read_place

__all__ = ["SMALLEST", "Audience", "VoterPlace", "place", "rounded"]

SMALLEST: Final = 50
"""A smaller audience is not planned or counted: it could single people out."""

_LATER: Final = frozenset({"city"})
_KINDS: Final = frozenset(kind.value for kind in PlaceKind)
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class VoterPlace:
    """A place of a voter file, by kind and path, or the end of its path; in capitals."""

    kind: str
    path: str

    def holds(self, places: Places) -> bool:  # noqa: ARG002 - a place's signature
        """No list says so; only a match does."""
        return False

    def judges(self, places: Places) -> bool:  # noqa: ARG002 - the same
        """No list says enough."""
        return False

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


@dataclass(frozen=True, slots=True)
class Audience:
    """Included and excluded places; see the module's docstring."""

    include: tuple[Place | VoterPlace, ...]
    exclude: tuple[Place | VoterPlace, ...] = ()

    def inside(
        self,
        places: Sequence[Places],
        *,
        place_of_row: npt.NDArray[np.int64],
        person_of_row: npt.NDArray[np.int64],
        persons: int,
    ) -> npt.NDArray[np.bool_]:
        """Who lies in an included place by what lists say; arguments as for `members`."""
        return _in_any(self.include, places, place_of_row, person_of_row, persons)

    def members(
        self,
        places: Sequence[Places],
        *,
        place_of_row: npt.NDArray[np.int64],
        person_of_row: npt.NDArray[np.int64],
        persons: int,
        also: npt.NDArray[np.bool_] | None = None,
        never: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Who is in the audience.

        Args:
            places: Distinct places; each is asked once.
            place_of_row: Shape (rows,): index into `places`.
            person_of_row: Shape (rows,): person, 0 to `persons` - 1.
            persons: How many persons.
            also, never: Shape (persons,): who is in an included or an excluded place by a match.

        Returns:
            Shape (persons,): true for members.
        """
        members = _in_any(self.include, places, place_of_row, person_of_row, persons)
        outside = _in_any(self.exclude, places, place_of_row, person_of_row, persons)
        if also is not None:
            members = members | also
        return members & ~outside if never is None else members & ~outside & ~never


def _in_any(
    wanted: Sequence[Place | VoterPlace],
    places: Sequence[Places],
    place_of_row: npt.NDArray[np.int64],
    person_of_row: npt.NDArray[np.int64],
    persons: int,
) -> npt.NDArray[np.bool_]:
    """Shape (persons,): who has a row in one of some places."""
    found = np.zeros(persons, dtype=bool)
    if len(places):
        holding = np.array([any(p.holds(x) for p in wanted) for x in places], dtype=bool)
        found[person_of_row[holding[place_of_row]]] = True
    return found


def place(text: str) -> Place | VoterPlace:
    """Read one place.

    Raises:
        DocumentError: It names no place, or one of a kind this version does not know.
    """
    if (found := read_place(text)) is not None:
        return found
    kind, _, value = text.partition(":")
    path = "/".join(" ".join(step.upper().split()) for step in value.split("/"))
    if kind in _KINDS and path.strip("/") == path != "" and len(path) <= _LONGEST:
        return VoterPlace(kind, path)
    if kind in _LATER:
        raise DocumentError(
            f"places of kind {kind} are not in this version", hint="Use states and postcodes."
        )
    if kind == "state" and value.upper() in {c for codes in STATES.values() for c in codes}:
        raise DocumentError("a state is written in capitals", hint=f"Write state:{value.upper()}")
    raise DocumentError(
        f"{shown(text)} is no place that is known here",
        hint='Like "state:OR", "postcode:972*", "county:NC/WAKE" or "anywhere".',
    )


def rounded(persons: int) -> int:
    """An audience's size as a coordinator may see it: to 10 below 1,000, to 100 above.

    Below `SMALLEST` there is no answer at all; see `consortium.campaign.view`.
    """
    step = 10 if persons < 1000 else 100  # noqa: PLR2004 - the figures of the docstring
    return (persons + step // 2) // step * step
