"""Any history of uploads, withdrawals, deletions, crashes and merges ends in the same persons."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from consortium.identity import MergeRow, evaluate, match_opener
from consortium.identity.decisions import Never
from consortium.identity.judging import judge
from consortium.identity.reading import all_components
from consortium.model.progress import Silent
from consortium.store import merge_keys, merges, state
from consortium.store.engine import Database
from tests.property.test_merge import share
from tests.unit.identity.world import (
    FIRST_ROLE,
    MATCH_KEY,
    ORIGIN,
    START,
    World,
    claims,
    mild_claims,
    row,
)

ROWS = st.lists(mild_claims(points=8), min_size=1, max_size=3) | st.lists(
    claims(points=8), min_size=1, max_size=4
)
PARTNERS = st.sampled_from(["p1", "p2", "p2", "q1"])


@pytest.fixture(scope="session")
def empty(_sqlite_template: Path) -> Path:
    return _sqlite_template


def fresh(template: Path) -> World:
    path = Path(tempfile.mkdtemp(prefix="consortium-merge-")) / "consortium.db"
    shutil.copyfile(template, path)
    return World.begin(Database.open(f"sqlite:///{path}"))


def drop(world: World) -> None:
    world.database.close()
    assert world.database.file is not None
    shutil.rmtree(world.database.file.parent)


def by_content(world: World, held: dict[int, list[MergeRow]]) -> list[list[bytes]]:
    """Persons as lists of content digests, comparable between databases."""
    return sorted(
        sorted(held[upload][number - 1].content for upload, number in person)
        for person in world.persons()
    )


class History(RuleBasedStateMachine):
    """Uploads come and go; now and then a merge runs, dies, or is checked against a full one."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.world = fresh(self.template)
        self.held: dict[int, list[MergeRow]] = {}
        self.partner: dict[int, str] = {}
        self.active: set[int] = set()
        self.ended: set[int] = set()
        self.merged = True

    def teardown(self) -> None:
        drop(self.world)

    @initialize(lists=st.lists(ROWS, min_size=2, max_size=4))
    def begin(self, lists: list[list[MergeRow]]) -> None:
        for rows in lists:
            self.add(rows, "p1")
        self.merge()

    def add(self, rows: list[MergeRow], partner: str) -> None:
        upload = self.world.upload(rows, partner=partner)
        self.held[upload], self.partner[upload] = rows, partner
        self.active.add(upload)
        self.merged = False

    @rule(rows=ROWS, partner=PARTNERS)
    def upload(self, rows: list[MergeRow], partner: str) -> None:
        self.add(rows, partner)

    @precondition(lambda self: self.active)
    @rule(data=st.data(), erase=st.booleans())
    def withdraw(self, data: st.DataObject, *, erase: bool) -> None:
        upload = data.draw(st.sampled_from(sorted(self.active)))
        self.world.withdraw(upload)
        self.active.remove(upload)
        if erase:
            self.world.erase(upload)
        else:
            self.ended.add(upload)
        self.merged = False

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        upload = data.draw(st.sampled_from(sorted(self.ended)))
        self.world.erase(upload)
        self.ended.remove(upload)

    @rule()
    def merge(self) -> None:
        self.world.merge()
        self.merged = True

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def die_in_a_merge(self, data: st.DataObject) -> None:
        """Write part of a generation, and no more."""
        database = self.world.database
        with database.read() as tx:
            generation = state.merge_generation(tx)
            rows = [row for _, row in merges.persons(tx, generation)]
        some = data.draw(st.sets(st.sampled_from(rows))) if rows else set()
        before = self.world.persons()
        with database.write() as tx:
            merges.begin(tx, generation + 1, at=START)
            active = merges.active_uploads(tx)
        died = np.array(sorted(some), dtype=np.int64)
        merges.close(database, died, generation=generation + 1)
        merges.add(
            database,
            died,
            np.full_like(died, 5000),
            generation=generation + 1,
            still_active=active,
        )
        assert self.world.persons() == before
        merges.sweep(database)
        assert self.world.persons() == before

    @invariant()
    def persons_are_of_active_rows_only(self) -> None:
        upload_ids = {upload for person in self.world.persons() for upload, _ in person}
        assert upload_ids <= self.active

    @precondition(lambda self: self.merged)
    @invariant()
    def incremental_is_what_a_full_merge_gives(self) -> None:
        incremental, ids = self.world.persons(), self.world.ids()
        result = self.world.merge(full=True)
        assert result.changed_rows == 0
        assert self.world.persons() == incremental
        assert self.world.ids() == ids
        rows = sum(len(self.held[u]) for u in self.active)
        assert (result.rows, result.persons) == (rows, len(incremental))

    @precondition(lambda self: self.merged and self.active)
    @rule(data=st.data())
    def withdrawn_is_as_if_it_had_never_come(self, data: st.DataObject) -> None:
        order = data.draw(st.permutations(sorted(self.active)))
        other = fresh(self.template)
        try:
            held = {
                other.upload(self.held[u], partner=self.partner[u]): self.held[u] for u in order
            }
            other.merge()
            assert by_content(other, held) == by_content(self.world, self.held)
        finally:
            drop(other)


def test_any_history_gives_the_persons_of_a_full_merge(empty: Path) -> None:
    machine = type("History", (History,), {"template": empty})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=25, stateful_step_count=14, deadline=None)
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(mild_claims() | claims(points=4), min_size=1, max_size=10), data=st.data())
def test_any_split_into_uploads_in_any_order_gives_the_same_persons(
    empty: Path, rows: list[MergeRow], data: st.DataObject
) -> None:
    outcomes = []
    for _ in range(2):
        world = fresh(empty)
        try:
            left, held = data.draw(st.permutations(rows)), {}
            while left:
                size = data.draw(st.integers(1, len(left)))
                held[world.upload(left[:size])] = left[:size]
                left = left[size:]
                if data.draw(st.booleans()):
                    world.merge()
            world.merge()
            outcomes.append(by_content(world, held))
        finally:
            drop(world)
    assert outcomes[0] == outcomes[1]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), erase=st.booleans())
def test_whoever_leaves_takes_along_the_links_it_made(
    empty: Path, seed: int, *, erase: bool
) -> None:
    """Chains of rows of one name, each with two addresses: taking out a link must break them."""
    random = Random(seed)
    world = fresh(empty)
    try:
        uploads = [
            world.upload(
                [row("mary", "smith", emails=tuple(random.sample(range(9), 2))) for _ in "ab"]
            )
            for _ in range(5)
        ]
        world.merge()
        for upload in random.sample(uploads, 2):
            world.withdraw(upload)
            if erase:
                world.erase(upload)
        world.merge()
        incremental = world.persons()
        assert world.merge(full=True).changed_rows == 0
        assert world.persons() == incremental
    finally:
        drop(world)


def with_roles(claim: MergeRow, role: int) -> MergeRow:
    emails = (*claim.emails, *([FIRST_ROLE + role] if role else ()))
    return replace(claim, emails=emails, content=claim.content[:15] + bytes([role]))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.builds(with_roles, mild_claims(points=4), st.integers(0, 2)), min_size=2, max_size=10
    ),
    data=st.data(),
)
def test_role_addresses_join_nobody_in_whatever_order_lists_come(
    empty: Path, rows: list[MergeRow], data: st.DataObject
) -> None:
    """Incremental is full, and both are what the rows without their role addresses give."""
    bare = [
        replace(r, emails=tuple(e for e in r.emails if e < FIRST_ROLE), phones=r.phones)
        for r in rows
    ]
    outcomes = []
    for claims_, step_by_step in ((rows, True), (rows, False), (bare, False)):
        world = fresh(empty)
        try:
            left, held = data.draw(st.permutations(claims_)), {}
            while left:
                size = data.draw(st.integers(1, len(left)))
                held[world.upload(left[:size])] = left[:size]
                left = left[size:]
                if step_by_step:
                    world.merge()
            world.merge(full=not step_by_step)
            outcomes.append(by_content(world, held))
        finally:
            drop(world)
    assert outcomes[0] == outcomes[1] == outcomes[2]


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(claims(), min_size=5, max_size=40))
def test_the_number_of_worker_processes_does_not_matter(empty: Path, rows: list[MergeRow]) -> None:
    world = fresh(empty)
    try:
        world.upload(rows[::2])
        world.upload(rows[1::2], partner="p2")
        with world.database.read() as tx:
            uploads = merge_keys.uploads(tx, 0)
            found = all_components(tx, uploads)
            people = [
                judge(
                    tx,
                    found,
                    uploads=uploads,
                    never=Never(()),
                    scored=None,
                    origin=ORIGIN,
                    opener=match_opener(MATCH_KEY),
                    observer=Silent(),
                    workers=workers,
                    worth_workers=1,
                ).tolist()
                for workers in (0, 1, 2)
            ]
        assert people[0] == people[1] == people[2]
    finally:
        drop(world)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        (mild_claims() | claims(points=3)).filter(lambda r: bool(r.emails or r.phones)),
        min_size=2,
        max_size=12,
    )
)
def test_short_cuts_give_what_judging_every_row_gives(empty: Path, rows: list[MergeRow]) -> None:
    """Rows that say the same are opened once or not at all; `evaluate` looks at each."""
    world = fresh(empty)
    try:
        first, second = world.upload([*rows, *rows[::2]]), world.upload(rows[::3])
        world.merge()
        known = [(first, n) for n in range(1, len(rows) + len(rows[::2]) + 1)]
        known += [(second, n) for n in range(1, len(rows[::3]) + 1)]
        told = [*rows, *rows[::2], *rows[::3]]
        slow = {frozenset(known[i] for i in c) for c in components_judged(told)}
        assert world.persons() == slow
    finally:
        drop(world)


def components_judged(rows: list[MergeRow]) -> list[list[int]]:
    """The plain way: components by comparing keys pairwise, then every row of each judged."""
    left, people = set(range(len(rows))), []
    while left:
        component = [left.pop()]
        for i in component:
            near = {j for j in left if share(rows[i], rows[j])}
            left -= near
            component += sorted(near)
        component.sort()
        judged = evaluate([rows[i] for i in component])
        people += [[component[i] for i in cluster] for cluster in judged]
    return people
