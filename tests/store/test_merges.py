"""Merge generations in both databases: what readers see, and what a crash leaves."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from sqlalchemy import func, select

from consortium.errors import NotFound, StateConflict
from consortium.identity import LOCK, match_opener, run, sweep
from consortium.ledger import canonical
from consortium.model.progress import Silent
from consortium.store import ledger, locks, merges, state
from consortium.store.engine import Database
from consortium.store.tables import metadata
from consortium.types import PersonId, SourceRowId
from tests.unit.identity.world import MATCH_KEY, START, World, row

MEMBER = metadata.tables["consortium_membership"]
RUN = metadata.tables["consortium_merge_run"]


@pytest.fixture
def world(database: Database) -> World:
    return World.begin(database)


def test_a_merge_makes_persons_across_uploads_and_records_it(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,)), row("john", "jones", emails=(2,))])
    two = world.upload([row("mary", "smith", emails=(1,), phones=(101,))], partner="p2")
    result = world.merge()
    assert world.persons() == {frozenset({(one, 1), (two, 1)}), frozenset({(one, 2)})}
    assert (result.generation, result.rows, result.persons, result.changed_rows) == (1, 3, 2, 3)
    with world.database.read() as tx:
        assert result.entry is not None
        entry = canonical.decode(ledger.entry(tx, result.entry))
        record = merges.latest(tx)
    assert entry["kind"] == "merge_run"
    assert entry["generation"] == 1
    assert record is not None
    assert (record.generation, record.persons, record.entry) == (1, 2, result.entry)


def test_a_merge_with_nothing_to_do_makes_no_generation(world: World) -> None:
    world.upload([row("mary", "smith", emails=(1,))])
    world.merge()
    again, full = world.merge(), world.merge(full=True)
    assert (again.generation, again.changed_rows, again.entry) == (1, 0, None)
    assert (full.generation, full.changed_rows, full.entry) == (1, 0, None)
    with world.database.read() as tx:
        assert ledger.size(tx) == 1


def test_persons_that_a_merge_does_not_touch_keep_their_id_and_rows(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,)), row("john", "jones", emails=(2,))])
    world.merge()
    before = world.ids()
    two = world.upload([row("john", "jones", emails=(2,), born="1950-03-04")])
    result = world.merge()
    after = world.ids()
    assert after[one, 1] == before[one, 1]
    assert after[one, 2] == after[two, 1] != before[one, 2]
    assert result.changed_rows == 2
    with world.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(MEMBER)).scalar_one() == 4


def test_rows_of_a_withdrawn_upload_belong_to_nobody_at_once(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,))])
    two = world.upload([row("mary", "smith", emails=(1,))])
    world.merge()
    world.withdraw(one)
    assert world.persons() == {frozenset({(two, 1)})}
    result = world.merge()
    assert world.persons() == {frozenset({(two, 1)})}
    assert (result.rows, result.persons) == (1, 1)


def test_a_withdrawn_go_between_lets_go_of_both_sides_even_when_erased_first(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,))])
    between = world.upload([row("mary", "smith", emails=(1, 2))])
    two = world.upload([row("mary", "smith", emails=(2,))])
    world.merge()
    assert len(world.persons()) == 1
    world.withdraw(between)
    world.erase(between)
    result = world.merge()
    assert world.persons() == {frozenset({(one, 1)}), frozenset({(two, 1)})}
    assert (result.rows, result.persons) == (2, 2)
    with world.database.read() as tx:
        assert merges.stale_rows(tx) == []


def test_a_merge_that_died_is_invisible_and_swept(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,)), row("mary", "smith", phones=(101,))])
    world.merge()
    seen = world.persons()
    with world.database.write() as tx:
        merges.begin(tx, 2, at=START)
    with world.database.read() as tx:
        ids = [r for _, r in merges.persons(tx, 1)]
        active = merges.active_uploads(tx)
    rows = np.array(ids, dtype=np.int64)
    merges.close(world.database, rows, generation=2)
    merges.add(world.database, rows[:1], 900 + rows[:1], generation=2, still_active=active)
    assert world.persons() == seen
    assert sweep(world.database)
    assert world.persons() == seen
    with world.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(MEMBER)).scalar_one() == 2
        assert tx.execute(select(func.count()).select_from(RUN)).scalar_one() == 1
    assert world.merge().generation == 1
    two = world.upload([row("mary", "smith", emails=(1,), phones=(101,))])
    assert world.merge().generation == 2
    assert world.persons() == {frozenset({(one, 1), (one, 2), (two, 1)})}


def test_an_upload_that_comes_while_a_merge_writes_is_taken_in_before_it_is_shown(
    world: World,
) -> None:
    one = world.upload([row("mary", "smith", emails=(1,))])
    late: list[int] = []

    class Interrupting(Silent):
        def begin(self, label: str, total: int | None) -> None:
            if label == "writing persons" and not late:
                late.append(world.upload([row("mary", "smith", emails=(1,), born="1980")]))

    result = run(
        world.database,
        match_opener=match_opener(MATCH_KEY),
        clock=world.clock,
        observer=Interrupting(),
    )
    assert world.persons() == {frozenset({(one, 1), (late[0], 1)})}
    assert (result.generation, result.rows, result.persons) == (2, 2, 1)
    with world.database.read() as tx:
        assert tx.execute(select(RUN.c.generation)).scalars().all() == [2]
        assert ledger.size(tx) == 1


@pytest.mark.parametrize("moment", ["begin", "end"])
def test_an_upload_that_ends_and_is_erased_while_a_merge_writes_leaves_nothing_behind(
    world: World, moment: str
) -> None:
    one = world.upload([row("mary", "smith", emails=(1,))])
    world.merge()
    between = world.upload([row("mary", "smith", emails=(1, 2))])
    two = world.upload([row("mary", "smith", emails=(2,))])
    labels: list[str] = []

    class Interrupting(Silent):
        def begin(self, label: str, total: int | None) -> None:
            labels.append(label)
            self.interrupt("begin")

        def end(self) -> None:
            self.interrupt("end")

        def interrupt(self, now: str) -> None:
            if now == moment and labels.count("writing persons") == 1 and labels[-1][0] == "w":
                labels.append("done")
                world.withdraw(between)
                world.erase(between)

    run(
        world.database,
        match_opener=match_opener(MATCH_KEY),
        clock=world.clock,
        observer=Interrupting(),
    )
    assert "done" in labels
    assert world.persons() == {frozenset({(one, 1)}), frozenset({(two, 1)})}
    assert world.merge(full=True).changed_rows == 0


def test_two_merges_at_once_are_refused(world: World) -> None:
    world.upload([row("mary", "smith", emails=(1,))])
    with locks.exclusive(world.database, LOCK), pytest.raises(StateConflict):
        world.merge()
    with locks.exclusive(world.database, LOCK):
        assert not sweep(world.database)


def test_partners_of_different_firewall_groups_never_share_a_person(world: World) -> None:
    one = world.upload([row("mary", "smith", emails=(1,), born="1980-03-04")])
    other = world.upload([row("mary", "smith", emails=(1,), born="1980-03-04")], partner="q1")
    world.merge()
    apart = {frozenset({(one, 1)}), frozenset({(other, 1)})}
    assert world.persons() == apart
    world.merge(full=True)
    assert world.persons() == apart


def test_readers_look_up_persons_and_their_rows(world: World) -> None:
    world.upload(
        [
            row("mary", "smith", emails=(1,), phones=(101,)),
            row("mary", "smith", emails=(1,)),
            row("john", "smith", phones=(101,)),
            row("john", "smith", emails=(3,)),
        ]
    )
    world.merge()
    with world.database.read() as tx:
        generation = state.merge_generation(tx)
        pairs = list(merges.persons(tx, generation))
        assert pairs == sorted(pairs)
        mary = merges.person_of_row(tx, pairs[0][1], generation=generation)
        assert merges.rows_of_person(tx, mary, generation=generation) == [
            r for p, r in pairs if p == mary
        ]
        assert merges.rows_of_person(tx, PersonId(999), generation=generation) == []
        with pytest.raises(NotFound):
            merges.person_of_row(tx, SourceRowId(999), generation=generation)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_history_gives_what_a_full_merge_gives(world: World, seed: int) -> None:
    """As the state machine of tests/property/test_merge_history.py does, on each database."""
    random = Random(seed)
    active: list[int] = []
    for _ in range(12):
        step = random.choice(["upload", "upload", "withdraw", "merge"])
        if step == "upload":
            rows = [
                row(
                    random.choice(["mary", "mary", "john", ""]),
                    "smith",
                    emails=tuple(random.sample(range(8), 2)),
                    phones=tuple(random.sample(range(101, 104), random.randrange(2))),
                    born=random.choice(["", "1980-03-04"]),
                    salt=random.random(),
                )
                for _ in range(random.randrange(1, 6))
            ]
            active.append(world.upload(rows, partner=random.choice(["p1", "p2", "q1"])))
        elif step == "withdraw" and active:
            ended = active.pop(random.randrange(len(active)))
            world.withdraw(ended)
            if random.random() < 0.5:
                world.erase(ended)
        elif step == "merge":
            world.merge()
    world.merge()
    incremental = world.persons()
    assert world.merge(full=True).changed_rows == 0
    assert world.persons() == incremental


def test_rows_that_are_deleted_leave_nothing_in_either_table_of_persons(world: World) -> None:
    uploads = [
        world.upload([row("mary", "smith", emails=(1,)), row("john", "smith", emails=(n,))])
        for n in (2, 3)
    ]
    world.merge()
    for upload in uploads:
        world.withdraw(upload)
        world.erase(upload)
    with world.database.read() as tx:
        for table in (MEMBER, metadata.tables["consortium_person_row"]):
            assert tx.execute(select(func.count()).select_from(table)).scalar_one() == 0
    result = world.merge()
    assert (result.rows, result.persons) == (0, 0)
