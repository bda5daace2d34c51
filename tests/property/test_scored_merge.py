"""Scored merges: incremental gives what full gives, never-merge pairs are held to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.identity import MergeRow, decisions, match_opener, run
from consortium.model.progress import Silent
from tests.property.test_merge_history import drop, fresh
from tests.unit.identity.world import MATCH_KEY, World, mild_claims, row

HOMES = [
    row("john", "smith", emails=(n,), house="12", postcode="27000") for n in range(21, 25)
]  # joined by weight alone, two by two


@pytest.fixture(scope="session")
def empty(_sqlite_template: Path) -> Path:
    return _sqlite_template


def merge(world: World, *, full: bool = False) -> int:
    """A scored merge; gives how many rows it changed."""
    world.clock.sleep(1)
    return run(
        world.database,
        match_opener=match_opener(MATCH_KEY),
        clock=world.clock,
        observer=Silent(),
        full=full,
        scored=True,
    ).changed_rows


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lists=st.lists(st.lists(mild_claims(points=5), min_size=1, max_size=4), min_size=2, max_size=4),
    data=st.data(),
)
def test_incremental_is_full_and_never_pairs_are_held_to(
    empty: Path, lists: list[list[MergeRow]], data: st.DataObject
) -> None:
    world = fresh(empty)
    told: list[set[tuple[int, int]]] = []
    uploads: list[int] = []
    try:
        for home, rows in zip(HOMES, lists, strict=False):
            uploads.append(world.upload([home, *rows]))
            if len(uploads) > 1 and data.draw(st.booleans()):
                pair = data.draw(st.permutations(uploads))[:2]
                one, other = (f"u-{upload:04d}:1" for upload in pair)
                decisions.say_never(world.database, one, other, clock=world.clock)
                told.append({(upload, 1) for upload in pair})
            if data.draw(st.booleans()):
                merge(world)
        if len(uploads) > 2 and not told and data.draw(st.booleans()):
            world.withdraw(uploads.pop(0))
        merge(world)
        persons = world.persons()
        assert merge(world, full=True) == 0
        assert world.persons() == persons
        assert not any(pair <= person for pair in told for person in persons)
        if not told:
            assert any({(upload, 1) for upload in uploads} <= person for person in persons)
    finally:
        drop(world)
