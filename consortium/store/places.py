"""Places of voter files and registers, and which voters and persons are in them.

A place is known by its kind and path (`precinct`, `NC/WAKE/01-01`) and is the same one in every
load that names it; its path is its place in the tree. Voters of a load who share all their places
share a *place set*; a set has all its places as members, the county of a precinct as well as the
precinct, so that asking for a county needs no walk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, and_, func, insert, or_, select

from consortium.model import PlaceKind
from consortium.store.engine import Tx, chunked
from consortium.store.memberships import visible as member_visible
from consortium.store.tables import metadata

__all__ = [
    "LinkColumns",
    "NewPlace",
    "PlaceCount",
    "add_sets",
    "counts",
    "links",
    "paths",
    "sets_of",
    "visible",
]

_place = metadata.tables["consortium_place"]
_set = metadata.tables["consortium_place_set"]
_set_member = metadata.tables["consortium_place_set_member"]
_load = metadata.tables["consortium_voter_load"]
_link = metadata.tables["consortium_voter_link"]
_member = metadata.tables["consortium_membership"]
_state = metadata.tables["consortium_state"]

_FETCH = 20_000
_IN = 400
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place as a load names it."""

    kind: PlaceKind
    path: str
    name: str


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """A place with how many voters and matched persons are in it, exactly: not for a screen."""

    kind: PlaceKind
    path: str
    name: str
    voters: int
    persons: int


@dataclass(frozen=True, slots=True)
class LinkColumns:
    """Source rows that were found in loads; one element of each array per row and load.

    Attributes:
        row: Source row id.
        load: Load id.
        place_set: Number of the set in that load.
    """

    row: Ints
    load: Ints
    place_set: Ints


def visible(run: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's clause types are a thicket
    """The condition under which a link counts in a match run."""
    return and_(_link.c.from_run <= run, or_(_link.c.to_run.is_(None), _link.c.to_run > run))


def add_sets(tx: Tx, load_id: int, sets: Sequence[tuple[int, int, Sequence[NewPlace]]]) -> None:
    """Write some place sets of a staged load: (number, voters, places).

    Places that are not known yet are made; whoever names one first gives it its name.
    """
    ids = _interned(tx, {(p.kind.value, p.path): p for _, _, places in sets for p in places})
    tx.execute(
        insert(_set),
        [{"load_id": load_id, "number": number, "voters": voters} for number, voters, _ in sets],
    )
    members = [
        {"load_id": load_id, "place_id": place_id, "number": number}
        for number, _, places in sets
        for place_id in sorted({ids[p.kind.value, p.path] for p in places})
    ]
    if members:
        tx.execute(insert(_set_member), members)


def _interned(tx: Tx, places: Mapping[tuple[str, str], NewPlace]) -> dict[tuple[str, str], int]:
    if not places:
        return {}
    mark = "?" if tx.sqlite else "%s"
    tx.connection.exec_driver_sql(
        f"INSERT INTO {_place.name} (kind, path, name)"  # noqa: S608 - our own table
        f" VALUES ({mark}, {mark}, {mark}) ON CONFLICT DO NOTHING",
        [(*place, places[place].name) for place in sorted(places)],
    )
    found: dict[tuple[str, str], int] = {}
    for part in chunked(sorted({path for _, path in places}), _IN):
        statement = select(_place.c.kind, _place.c.path, _place.c.id).where(_place.c.path.in_(part))
        for kind, path, place_id in tx.execute(statement):
            if (kind, path) in places:
                found[kind, path] = place_id
    return found


def paths(tx: Tx, kind: PlaceKind, *, loads: Collection[int]) -> list[str]:
    """Paths of all places of a kind that some voter of these loads is in, sorted."""
    statement = (
        select(_place.c.path)
        .join(_set_member, _set_member.c.place_id == _place.c.id)
        .where(_place.c.kind == kind.value, _set_member.c.load_id.in_(loads))
        .distinct()
        .order_by(_place.c.path)
    )
    return list(tx.execute(statement).scalars())


def sets_of(
    tx: Tx, places: Iterable[tuple[PlaceKind, str]], *, loads: Collection[int]
) -> set[tuple[int, int]]:
    """(load, number) of every place set that has one of these places."""
    found: set[tuple[int, int]] = set()
    for kind, path in places:
        statement = (
            select(_set_member.c.load_id, _set_member.c.number)
            .join(_place, _place.c.id == _set_member.c.place_id)
            .where(
                _place.c.kind == kind.value,
                _place.c.path == path,
                _set_member.c.load_id.in_(loads),
            )
        )
        found.update((load, number) for load, number in tx.execute(statement))
    return found


def links(tx: Tx, *, loads: Collection[int]) -> LinkColumns:
    """Every source row that the match in use found in these loads."""
    statement = (
        select(_link.c.row_id, _link.c.load_id, _link.c.place_set)
        .join(_load, _load.c.id == _link.c.load_id)
        .where(_link.c.load_id.in_(loads), visible(_load.c.match_run))
    )
    parts = [
        np.array([tuple(row) for row in part], dtype=np.int64)
        for part in tx.execute(statement.execution_options(yield_per=_FETCH)).partitions()
    ]
    none = np.zeros((0, 3), dtype=np.int64)
    row, load, place_set = np.concatenate([none, *parts]).T
    return LinkColumns(row=row, load=load, place_set=place_set)


def counts(
    tx: Tx, *, loads: Collection[int], kind: PlaceKind | None = None, under: str = ""
) -> list[PlaceCount]:
    """Places of these loads with their voters and matched persons, by kind and path.

    Args:
        loads: Load ids; of several that name a place, the greatest count is given.
        kind: Only places of this kind.
        under: Only places whose path begins with this one's.
    """

    def chosen(statement: Select[Any]) -> Select[Any]:
        statement = statement.where(_set_member.c.load_id.in_(loads))
        if kind is not None:
            statement = statement.where(_place.c.kind == kind.value)
        if under:
            statement = statement.where(
                or_(_place.c.path == under, _place.c.path.startswith(f"{under}/", autoescape=True))
            )
        return statement

    columns = (_place.c.kind, _place.c.path, _place.c.name)
    voters: dict[tuple[str, str], int] = {}
    names: dict[tuple[str, str], str] = {}
    statement = chosen(
        select(*columns, func.sum(_set.c.voters))
        .join(_set_member, _set_member.c.place_id == _place.c.id)
        .join(
            _set,
            and_(_set.c.load_id == _set_member.c.load_id, _set.c.number == _set_member.c.number),
        )
        .group_by(*columns, _set_member.c.load_id)
    )
    for place_kind, path, name, number in tx.execute(statement):
        key = (place_kind, path)
        voters[key] = max(voters.get(key, 0), int(number))
        names[key] = name
    generation = tx.execute(select(_state.c.merge_generation)).scalar_one_or_none() or 0
    persons: dict[tuple[str, str], int] = {}
    statement = chosen(
        select(_place.c.kind, _place.c.path, func.count(_member.c.person_id.distinct()))
        .select_from(_link)
        .join(_load, _load.c.id == _link.c.load_id)
        .join(
            _set_member,
            and_(
                _set_member.c.load_id == _link.c.load_id,
                _set_member.c.number == _link.c.place_set,
            ),
        )
        .join(_place, _place.c.id == _set_member.c.place_id)
        .join(_member, _member.c.row_id == _link.c.row_id)
        .where(visible(_load.c.match_run), member_visible(_member, generation))
        .group_by(_place.c.kind, _place.c.path)
    )
    for place_kind, path, number in tx.execute(statement):
        persons[place_kind, path] = int(number)
    return [
        PlaceCount(PlaceKind(k), path, names[k, path], number, persons.get((k, path), 0))
        for (k, path), number in sorted(voters.items())
    ]
