"""What was said and taken back leaves no trace in who is one human."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.identity import MergeRow, decisions, taking_back
from consortium.model import UploadState
from consortium.store import uploads
from consortium.store.carry_over import carry_over
from tests.property.test_merge_history import drop, fresh
from tests.unit.identity.world import World, claims, mild_claims

ROWS = st.lists(mild_claims(points=3) | claims(points=3), min_size=2, max_size=5)
STEPS = st.lists(
    st.one_of(
        st.just(("merge", [])),
        st.tuples(st.just("withdraw"), st.just([])),
        st.tuples(st.sampled_from(["upload", "replace"]), ROWS),
    ),
    max_size=4,
)


@pytest.fixture(scope="session")
def empty(_sqlite_template: Path) -> Path:
    return _sqlite_template


def follow(world: World, steps: list[tuple[str, list[MergeRow]]]) -> None:
    """Do the steps; what ends is the oldest list."""
    active = [1, 2]
    for what, rows in steps:
        if what == "merge":
            world.merge()
            continue
        if what in {"withdraw", "replace"} and not active:
            continue
        old = active.pop(0) if what != "upload" else 0
        if rows:
            active.append(world.upload(rows))
        if old:
            with world.database.write() as tx:
                now = world.clock.now()
                uploads.end(tx, old, state=UploadState.WITHDRAWN, at=now)
                if rows:
                    carry_over(tx, uploads.by_id(tx, old), uploads.by_id(tx, active[-1]), at=now)
            world.erase(old)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=ROWS, second=ROWS, steps=STEPS, data=st.data())
def test_what_is_taken_back_is_as_if_it_had_never_been_said(
    empty: Path,
    first: list[MergeRow],
    second: list[MergeRow],
    steps: list[tuple[str, list[MergeRow]]],
    data: st.DataObject,
) -> None:
    """Whatever lists come, go and are replaced meanwhile, and whatever else is said and stays."""
    names = [
        f"u-000{u}:{n}" for u, held in ((1, first), (2, second)) for n in range(1, len(held) + 1)
    ]
    couples = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    said = data.draw(st.lists(st.sampled_from(couples), min_size=1, max_size=6, unique=True))
    gone = data.draw(st.sets(st.sampled_from(said), min_size=1))
    one, other = fresh(empty), fresh(empty)
    try:
        entries = []
        for world, pairs in ((one, said), (other, [pair for pair in said if pair not in gone])):
            world.upload(first)
            world.upload(second)
            for pair in pairs:
                decided = decisions.say_never(world.database, *pair, clock=world.clock)
                if world is one and pair in gone and decided.entry is not None:
                    entries.append(decided.entry)
            follow(world, steps)
        for entry in data.draw(st.permutations(entries)):
            taking_back.take_back(one.database, entry, clock=one.clock)
            if data.draw(st.booleans()):
                one.merge()
        one.merge()
        other.merge()
        assert one.persons() == other.persons()
        assert one.merge(full=True).changed_rows == 0
    finally:
        drop(one)
        drop(other)
