"""What a plan looks at, as columns: one array per fact, one element per row.

Repeating values (places, zones, grounds, days) are numbered once and kept as small integers, so
that a million rows cost about 100 bytes each.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from consortium.model import Channel, ConsentBasis, Places, Relationship

__all__ = [
    "BanColumns",
    "Numbered",
    "PointColumns",
    "PriorColumns",
    "RowColumns",
    "as_columns",
]

_T = TypeVar("_T", bound=Hashable)
_Ints = npt.NDArray[np.int64]
_CHUNK = 20_000


class Numbered(Generic[_T]):
    """Values in the order first met, each with its number from 0."""

    def __init__(self) -> None:
        self._numbers: dict[_T, int] = {}

    def __call__(self, value: _T) -> int:
        """The value's number."""
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[_T]:
        """All values, by number."""
        return list(self._numbers)


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Visible source rows of some uploads, by row id; one element of each array per row.

    Attributes:
        row, person, number: Row id, person id (of the generation asked for), number in its upload.
        upload: Index into the uploads asked for.
        place, zones, relationship, consent: Index into the list of that name below.
        live: Whether its owner has consent on any channel.
        places, zone_names, relationships: Distinct values; zones as IANA names joined by a blank.
        consents: Distinct (basis, day) of the channel asked for.
    """

    row: _Ints
    person: _Ints
    number: _Ints
    upload: _Ints
    place: _Ints
    zones: _Ints
    relationship: _Ints
    consent: _Ints
    live: npt.NDArray[np.bool_]
    places: list[Places]
    zone_names: list[str]
    relationships: list[Relationship]
    consents: list[tuple[ConsentBasis, date | None]]

    def take(self, index: _Ints) -> RowColumns:
        """These rows only; `index` is ascending."""
        return replace(
            self,
            row=self.row[index],
            person=self.person[index],
            number=self.number[index],
            upload=self.upload[index],
            place=self.place[index],
            zones=self.zones[index],
            relationship=self.relationship[index],
            consent=self.consent[index],
            live=self.live[index],
        )


@dataclass(frozen=True, slots=True)
class PointColumns:
    """Contact points that rows name: row id, point id, the owner's order of preference, dead."""

    row: _Ints
    point: _Ints
    position: _Ints
    dead: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BanColumns:
    """Suppressions on contact points: point id, channel, and the author of a partner-scope one."""

    point: _Ints
    ban: _Ints
    bans: list[tuple[Channel, int | None]]


@dataclass(frozen=True, slots=True)
class PriorColumns:
    """Messages handed over, or perhaps handed over, to a point that a row names.

    Attributes:
        row, message: One pair per row id and message: index into `messages`.
        messages: When and on which channel; two messages are two even if they agree in both.
    """

    row: _Ints
    message: _Ints
    messages: list[tuple[datetime, Channel]]


def as_columns(source: Iterable[Any], *, width: int) -> list[_Ints]:
    """Rows of `width` integers as so many arrays; some 20,000 rows are objects at once."""
    parts: list[_Ints] = []
    chunk: list[Any] = []
    for item in source:
        chunk.append(tuple(item))
        if len(chunk) == _CHUNK:
            parts.append(np.array(chunk, dtype=np.int64))
            chunk = []
    parts.append(np.array(chunk, dtype=np.int64).reshape(len(chunk), width))
    return list(np.concatenate(parts).T)
