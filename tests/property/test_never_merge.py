"""Never-merge pairs: whatever comes, whenever it is said, in whatever order, the two stay apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.identity import MergeRow, decisions
from consortium.identity.decisions import Never
from consortium.store.decisions import NeverRecord
from consortium.types import PartnerSlug, UploadDigest
from tests.property.test_merge_history import drop, fresh
from tests.unit.identity.world import World, claims, mild_claims

ROWS = st.lists(mild_claims(points=4), min_size=2, max_size=6)
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="session")
def empty(_sqlite_template: object) -> object:
    return _sqlite_template


def places(lists: list[list[MergeRow]]) -> list[tuple[int, int]]:
    return [(u, n) for u, rows in enumerate(lists, 1) for n in range(1, len(rows) + 1)]


def pairs_of(lists: list[list[MergeRow]]) -> st.SearchStrategy[list[tuple[tuple[int, int], ...]]]:
    """Pairs of rows (upload, number) of these lists."""
    row = st.sampled_from(places(lists))
    pair = st.tuples(row, row).filter(lambda p: p[0] != p[1])
    return st.lists(pair, min_size=1, max_size=4)


def say(world: World, pair: tuple[tuple[int, int], ...]) -> None:
    one, other = (f"u-{upload:04d}:{number}" for upload, number in pair)
    decisions.say_never(world.database, one, other, clock=world.clock)


PARTNERS = ("p1", "p2", "p1")


@FEW
@given(lists=st.lists(ROWS, min_size=2, max_size=3), data=st.data())
def test_the_two_stay_apart_and_incremental_is_full_whenever_it_is_said(
    empty: object, lists: list[list[MergeRow]], data: st.DataObject
) -> None:
    pairs = data.draw(pairs_of(lists), label="said")
    moments = data.draw(
        st.lists(
            st.integers(max(u for p in pairs for u, _ in p) - 1, len(lists)),
            min_size=len(pairs),
            max_size=len(pairs),
        )
    )
    world = fresh(empty)  # type: ignore[arg-type] # a path
    other = fresh(empty)  # type: ignore[arg-type] # a path
    try:
        for moment, rows in enumerate([*lists, []]):
            if rows:
                world.upload(rows, partner=PARTNERS[moment])
            for pair in (p for p, m in zip(pairs, moments, strict=True) if m == moment):
                say(world, pair)
            if data.draw(st.booleans()):
                world.merge()
        persons = merged(world)
        assert not any(set(pair) <= person for pair in pairs for person in persons)
        for rows, partner in zip(lists, PARTNERS, strict=False):
            other.upload(rows, partner=partner)
        for pair in reversed(pairs):
            say(other, pair[::-1])
        assert merged(other) == persons  # as if all had been said before the first merge
    finally:
        drop(world)
        drop(other)


@FEW
@given(rows=ROWS, more=ROWS, data=st.data())
def test_the_same_rows_of_the_next_export_stay_apart(
    empty: object, rows: list[MergeRow], more: list[MergeRow], data: st.DataObject
) -> None:
    pairs = data.draw(pairs_of([rows]))
    world = fresh(empty)  # type: ignore[arg-type] # a path
    try:
        world.upload(rows)
        for pair in pairs:
            say(world, pair)
        if data.draw(st.booleans()):
            world.merge()
        world.withdraw(1)
        if data.draw(st.booleans()):
            world.erase(1)
        if data.draw(st.booleans()):
            world.merge()
        order = data.draw(st.permutations(rows))
        upload = world.upload(order)
        world.upload(more, partner="p2")
        told = [{rows[a - 1].content, rows[b - 1].content} for (_, a), (_, b) in pairs]
        for person in merged(world):
            said = {order[number - 1].content for where, number in person if where == upload}
            assert not any(len(pair) > 1 and pair <= said for pair in told)
    finally:
        drop(world)


def merged(world: World) -> set[frozenset[tuple[int, int]]]:
    """Persons after a merge, which are those of a full one."""
    world.merge()
    persons = world.persons()
    assert world.merge(full=True).changed_rows == 0
    assert world.persons() == persons
    return persons


_ROW = st.tuples(st.integers(0, 3), st.integers(1, 5))


def _source(row: tuple[int, int]) -> tuple[UploadDigest, int]:
    return UploadDigest(bytes([row[0]]) * 32), row[1]


def _side(row: tuple[int, int]) -> tuple[PartnerSlug, bytes]:
    """Whose a made-up row is, and what it says."""
    return PartnerSlug(f"p{row[0] % 2}"), bytes([(row[0] + row[1]) % 5]) * 16


@given(
    pairs=st.lists(st.tuples(_ROW, _ROW), max_size=4),
    rows=st.lists(_ROW, max_size=6, unique=True),
)
def test_pairs_among_rows_are_those_named_and_those_that_say_the_same_for_the_same_owner(
    pairs: list[tuple[tuple[int, int], ...]], rows: list[tuple[int, int]]
) -> None:
    records = [
        NeverRecord(
            1,
            1,
            None,
            (_source(a), _source(b)),
            (_side(a)[0], _side(b)[0]),
            (_side(a)[1], _side(b)[1]),
        )
        for a, b in pairs
    ]
    owners, contents = [_side(r)[0] for r in rows], [_side(r)[1] for r in rows]
    found = Never(records).among(contents, [_source(r) for r in rows], owners)
    expected = {
        frozenset((_source(a), _source(b)))
        for a, b in combinations(rows, 2)
        for named in pairs
        if {a, b} == set(named)
        or (_side(a) != _side(b) and {_side(a), _side(b)} == {_side(r) for r in named})
    }
    assert {frozenset(p) for p in found} == expected


@FEW
@given(rows=st.lists(claims(points=3), min_size=3, max_size=8), data=st.data())
def test_a_pair_keeps_the_two_apart_however_many_bridges_there_are(
    empty: object, rows: list[MergeRow], data: st.DataObject
) -> None:
    pair = data.draw(pairs_of([rows]))[0]
    world = fresh(empty)  # type: ignore[arg-type] # a path
    try:
        world.upload(rows)
        say(world, pair)
        for _ in range(2):
            world.upload([row for row in rows if row.content not in _contents(rows, pair)] or rows)
            world.merge()
            assert not any(set(pair) <= person for person in world.persons())
    finally:
        drop(world)


def _contents(rows: list[MergeRow], pair: tuple[tuple[int, int], ...]) -> set[bytes]:
    return {rows[number - 1].content for _, number in pair}
