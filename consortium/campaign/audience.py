"""The audience: whom a campaign is meant for, by where they live.

A person is in the audience if any of their source rows lies in an included place and none lies in
an excluded one. A row without the place in question lies nowhere. Places are written `kind:value`:

- `state:OR`, or `state:US-WA` where two countries use a code (Washington, Western Australia);
- `postcode:97214`, or `postcode:972*` for all that begin so; blanks and case do not count.

Kinds that need a map or a voter file (county, precinct, ward, distance …) are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from consortium.errors import DocumentError
from consortium.model import Places

__all__ = ["SMALLEST", "Audience", "Place", "place", "rounded"]

SMALLEST: Final = 50
"""A smaller audience is not planned or counted: it could single people out."""

_LATER: Final = frozenset(
    {"branch", "city", "country", "county", "district", "precinct", "ward", "workplace"}
)
_STATE = re.compile(r"(?:([A-Z]{2})-)?([A-Z]{2,3})", re.ASCII)
_POSTCODE = re.compile(r"([A-Z0-9]{2,10})(\*?)", re.ASCII)
_BLANKS = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One `kind:value`.

    Attributes:
        kind: `state` or `postcode`.
        value: Upper case, without blanks.
        country: ISO country of a state, or empty for any.
        prefix: Whether `value` is only the beginning.
    """

    kind: Literal["state", "postcode"]
    value: str
    country: str = ""
    prefix: bool = False

    def holds(self, places: Places) -> bool:
        """Whether a row that says `places` lies here."""
        if self.kind == "state":
            return places.state.upper() == self.value and (
                not self.country or places.country.upper() == self.country
            )
        code = _BLANKS.sub("", places.postcode).upper()
        return code.startswith(self.value) if self.prefix else code == self.value

    def __str__(self) -> str:
        country = f"{self.country}-" if self.country else ""
        return f"{self.kind}:{country}{self.value}{'*' if self.prefix else ''}"


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
        DocumentError: Not of the form `kind:value`, or of a kind this version does not know.
    """
    kind, colon, value = text.partition(":")
    value = value.strip().upper()
    if not colon:
        raise DocumentError(
            "a place needs its kind", hint="Write state:OR, postcode:97214 or postcode:972*"
        )
    if kind == "state":
        if found := _STATE.fullmatch(value):
            return Place(kind="state", value=found[2], country=found[1] or "")
        raise DocumentError("a state is written state:OR or state:US-WA")
    if kind == "postcode":
        if found := _POSTCODE.fullmatch(_BLANKS.sub("", value)):
            return Place(kind="postcode", value=found[1], prefix=bool(found[2]))
        raise DocumentError("a postcode is written postcode:97214 or postcode:972*")
    if kind in _LATER:
        raise DocumentError(
            f"places of kind {kind} are not in this version", hint="Use states and postcodes."
        )
    raise DocumentError("unknown kind of place", hint="Known here: state, postcode.")


def rounded(persons: int) -> int:
    """An audience's size as a coordinator may see it: to 100 below 100,000, to 1,000 above.

    Below `SMALLEST` there is no answer at all; see `consortium.campaign.plan`.
    """
    step = 100 if persons < 100_000 else 1000  # noqa: PLR2004 - two figures of the docstring
    return max(step, (persons + step // 2) // step * step)
