"""Who lives in one household, in both databases."""

from __future__ import annotations

import pytest

from consortium.identity import Households, households
from consortium.identity.households import MOST_PERSONS
from consortium.store import state
from consortium.store.engine import Database
from tests.unit.identity.world import World, row

FIRSTS = (
    "anna",
    "boris",
    "carla",
    "dmitri",
    "edith",
    "farid",
    "gwen",
    "hugo",
    "ines",
    "jonas",
    "karla",
)  # fmt: skip - a list of names


@pytest.fixture
def world(database: Database) -> World:
    return World.begin(database)


def found(world: World) -> Households:
    with world.database.read() as tx:
        return households(tx, state.merge_generation(tx))


def homes(world: World) -> set[frozenset[int]]:
    """Households as sets of row numbers; every upload here is the first."""
    of_row = {number: person for (_, number), person in world.ids().items()}
    result = found(world)
    ends = result.size.cumsum().tolist()
    persons = [
        set(result.person[end - size : end].tolist())
        for end, size in zip(ends, result.size.tolist(), strict=True)
    ]
    return {frozenset(n for n, p in of_row.items() if p in home) for home in persons}


def test_persons_who_share_an_address_or_a_number_are_one_household(world: World) -> None:
    world.upload(
        [
            row("mary", "smith", emails=(1,), phones=(101,)),
            row("mary", "smith", emails=(1,)),
            row("john", "smith", phones=(101,)),
            row("beth", "jones", phones=(102,), emails=(2,)),
            row("peter", "jones", emails=(2, 3)),
            row("paul", "jones", emails=(3,)),
            row("alone", "brown", emails=(9,)),
        ]
    )
    assert len(found(world)) == 0  # nobody is merged yet
    world.merge()
    assert homes(world) == {frozenset({1, 2, 3}), frozenset({4, 5, 6})}
    assert found(world).largest == 3


def test_an_office_is_no_household(world: World) -> None:
    few, many = FIRSTS[:MOST_PERSONS], FIRSTS[: MOST_PERSONS + 1]
    world.upload(
        [
            *(row(name, "smith", phones=(101,), salt=name) for name in few),
            *(row(name, "jones", phones=(102,), salt=name) for name in many),
        ]
    )
    world.merge()
    assert homes(world) == {frozenset(range(1, MOST_PERSONS + 1))}


def test_firewall_groups_and_ended_lists_make_no_household(world: World) -> None:
    world.upload([row("mary", "smith", emails=(1,))])
    world.upload([row("john", "smith", emails=(1,))], partner="q1")
    relative = world.upload([row("paul", "smith", emails=(1,))], partner="p2")
    world.merge()
    assert found(world).size.tolist() == [2]
    world.withdraw(relative)
    assert len(found(world)) == 0
