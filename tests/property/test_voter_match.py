"""Matches one after the other, as lists come and go, find whom a match of everybody finds."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.model import PackRow
from consortium.store import voter_links
from consortium.store import voters as voter_store
from consortium.store.engine import Database
from consortium.store.voter_links import Link
from consortium.testing.clock import FakeClock
from tests.harness.voting import Polls, nc_file, someone

VARIANTS: list[dict[str, object]] = [
    {},
    {"house_number": "", "birth_date": ""},  # found by what others know alone
    {"house_number": "7", "birth_date": ""},
    {"emails": ()},
    {"first_name": "Zelda"},
]
ROWS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, len(VARIANTS) - 1)), min_size=1, max_size=8
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["nurses", "teachers"]), ROWS) | st.integers(0, 5),
    min_size=2,
    max_size=6,
)


@pytest.fixture(scope="session")
def empty(_sqlite_template: Path) -> Path:
    return _sqlite_template


def row(line: int, person: int, variant: int) -> PackRow:
    made = someone(person, phones=(f"+1919555{1000 + person}",), **VARIANTS[variant])
    return replace(made, number=line)


def linked(polls: Polls) -> dict[int, Link]:
    with polls.database.read() as tx:
        (load,) = voter_store.all_of(tx)
        return voter_links.current(tx, load.id, load.match_run)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_what_matches_find_step_by_step_a_match_of_everybody_finds(
    empty: Path, steps: list[tuple[str, list[tuple[int, int]]] | int]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="consortium-match-"))
    shutil.copyfile(empty, folder / "consortium.db")
    polls = Polls.open(
        Database.open(f"sqlite:///{folder / 'consortium.db'}"),
        folder,
        FakeClock(),
        "nurses",
        "teachers",
    )
    try:
        polls.load(nc_file(range(1, 60)))
        polls.list_of("nurses", [row(n, n, 0) for n in range(20, 26)])
        lists: list[str] = []
        for step in steps:
            if isinstance(step, int):
                if lists:
                    polls.house.withdraw(lists.pop(step % len(lists)))
            else:
                slug, rows = step
                lists.append(polls.list_of(slug, [row(i, *one) for i, one in enumerate(rows, 1)]))
            polls.merge()
            polls.match()
        step_by_step = linked(polls)
        polls.match(full=True)
        assert linked(polls) == step_by_step
    finally:
        polls.database.close()
        shutil.rmtree(folder)
