"""Never-merge pairs follow a list to the upload that replaces it, also where rows have changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.identity import MergeRow, decisions
from consortium.ledger import canonical
from consortium.model import UploadState
from consortium.store import decisions as kept
from consortium.store import ledger, uploads
from consortium.store.carry_over import carry_over
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.house import House
from consortium.testing.house import row as packed
from tests.unit.identity.world import World, row

FATHER = row("john", "smith", emails=(1,), phones=(101,))
SON = row("john", "smith", emails=(2,), phones=(101,))
FATHER_MOVED = row("john", "smith", emails=(1,), phones=(101,), house="7", postcode="27000")
SON_MOVED = row("john", "smith", emails=(2,), phones=(101, 105))
SOMEBODY = row("mary", "jones", emails=(9,), phones=(109,))
BOTH = row("john", "smith", emails=(1, 2), phones=(101,))


@pytest.fixture
def world(database: Database) -> World:
    world = World.begin(database)
    world.upload([FATHER, SON, SOMEBODY])
    return world


def say(world: World, one: str, other: str) -> None:
    decisions.say_never(world.database, one, other, clock=world.clock)


def replace(world: World, old: int, rows: list[MergeRow]) -> tuple[int, int]:
    """The upload in the place of `old`, and how many pairs were carried over."""
    new = world.upload(rows)
    with world.database.write() as tx:
        uploads.end(tx, old, state=UploadState.WITHDRAWN, at=world.clock.now())
        carried = carry_over(
            tx, uploads.by_id(tx, old), uploads.by_id(tx, new), at=world.clock.now()
        )
    world.erase(old)
    return new, carried


def apart(world: World, one: tuple[int, int], other: tuple[int, int]) -> bool:
    world.merge()
    persons = world.persons()
    assert world.merge(full=True).changed_rows == 0
    return not any({one, other} <= person for person in persons)


def test_rows_that_changed_stay_apart(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    new, carried = replace(world, 1, [SOMEBODY, SON_MOVED, FATHER_MOVED])
    assert carried == 1
    assert apart(world, (new, 2), (new, 3))


def test_without_it_they_would_be_one(world: World) -> None:
    new, carried = replace(world, 1, [SOMEBODY, SON_MOVED, FATHER_MOVED])
    assert carried == 0
    assert not apart(world, (new, 2), (new, 3))


def test_from_one_replacement_to_the_next(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    new, _ = replace(world, 1, [SON_MOVED, FATHER])
    last, carried = replace(world, new, [FATHER_MOVED, SON])
    assert carried == 1
    assert apart(world, (last, 1), (last, 2))


def test_where_nothing_has_changed_nothing_is_recorded_and_it_holds(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    with world.database.read() as tx:
        size = ledger.size(tx)
    new, carried = replace(world, 1, [SON, FATHER])
    assert carried == 0
    with world.database.read() as tx:
        assert ledger.size(tx) == size
    assert apart(world, (new, 1), (new, 2))


def test_a_pair_with_a_row_of_another_list_follows_too(world: World) -> None:
    world.upload([SON], partner="p2")
    say(world, "u-0001:1", "u-0002:1")
    new, carried = replace(world, 1, [FATHER_MOVED])
    assert carried == 1
    assert apart(world, (new, 1), (2, 1))


def test_a_row_that_has_what_was_the_others_own_stands_for_neither(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    _, carried = replace(world, 1, [BOTH, SON_MOVED])
    assert carried == 0


def test_rows_of_other_owners_are_never_taken_for_successors(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    other = world.upload([FATHER_MOVED, SON_MOVED], partner="p2")
    _, carried = replace(world, 1, [SOMEBODY])
    assert carried == 0
    assert not apart(world, (other, 1), (other, 2))


def test_the_ledger_says_whose_word_is_carried_over(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    replace(world, 1, [SON_MOVED, FATHER_MOVED])
    with world.database.read() as tx:
        first, second = kept.all_of(tx)
        entry = canonical.decode(ledger.entry(tx, second.entry))
        assert list(kept.pairs(tx, said_by=1)) == []
    assert (first.partner, second.partner) == (None, None)
    assert (entry["by"], entry["partner"], entry["leaves"]) == ("operator", None, 1)


def test_an_owners_word_stays_the_owners_word(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    with world.database.write() as tx:  # as if partner 1 had said so
        from consortium.store.tables import metadata  # noqa: PLC0415 - beside its use

        tx.execute(metadata.tables["consortium_never_decision"].update().values(partner_id=1))
    replace(world, 1, [SON_MOVED, FATHER_MOVED])
    with world.database.read() as tx:
        _, second = kept.all_of(tx)
        entry = canonical.decode(ledger.entry(tx, second.entry))
        assert len(list(kept.pairs(tx, said_by=1))) == 2
    assert (entry["by"], entry["partner"]) == ("operator", "p1")


def test_taking_a_pack_in_for_an_earlier_one_carries_over(
    database: Database, tmp_path: Path, clock: FakeClock
) -> None:
    house = House(database, tmp_path, clock=clock)
    nurses = house.admit("nurses")
    a, b = "a@example.org", "b@example.org"  # of one name, birth date and address
    old = house.add(nurses.pack([packed(1, a), packed(2, b)]))
    decisions.say_never(database, f"{old.name}:1", f"{old.name}:2", clock=clock)
    changed = [packed(5, b, "c@example.org"), packed(6, a, "d@example.org")]
    new = house.add(nurses.pack(changed), replaces=old.name)
    with database.read() as tx:
        [_, second] = kept.all_of(tx)
        newest = list(kept.pairs(tx))[-1]
    assert second.pairs == 1
    assert set(newest.sources) == {(new.digest, 5), (new.digest, 6)}


def test_a_list_made_for_it_does_not_name_a_pair_for_every_two_of_its_rows(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    names = [f"j{letter}" for letter in "abcdefgh"]
    fathers = [row(name, "smith", emails=(1,), phones=(101,)) for name in names]
    sons = [row(name, "smith", emails=(2,), phones=(101,)) for name in names]
    assert replace(world, 1, [*fathers, *sons])[1] == 0


def test_of_rows_that_say_the_same_one_is_named_and_all_stay_apart(world: World) -> None:
    say(world, "u-0001:1", "u-0001:2")
    new, carried = replace(world, 1, [*[SON_MOVED] * 6, *[FATHER_MOVED] * 6])
    assert carried == 1
    assert all(apart(world, (new, one), (new, other)) for one, other in ((1, 7), (3, 9), (6, 12)))


def steps_of_carrying(database: Database, *, rows: int) -> int:
    """Hundreds of SQLite's instructions for one pair, in a list of so many rows."""
    world = World.begin(database)
    others = [row("mary", "jones", phones=(1000 + i,)) for i in range(rows)]
    world.upload([FATHER, SON, *others])
    say(world, "u-0001:1", "u-0001:2")
    new, steps = world.upload([FATHER_MOVED, SON_MOVED, *others]), 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.write() as tx:
        old = uploads.by_id(tx, 1)
        tx.driver.set_progress_handler(count, 100)
        assert carry_over(tx, old, uploads.by_id(tx, new), at=world.clock.now()) == 1
        tx.driver.set_progress_handler(None, 0)
    return steps


def test_one_pair_does_not_have_the_whole_list_read(sqlite_database: Database) -> None:
    """It is done in the transaction that all other writers wait for."""
    assert steps_of_carrying(sqlite_database, rows=3_000) < 100
