"""What judging a component promises, for any rows in any order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.identity import MergeRow, NeverPair, Source, evaluate
from consortium.identity.components import CROWD_ROWS, Ints, KeyColumn, closure
from consortium.identity.evidence import First, contradict, relate, suffixes_differ
from consortium.identity.reach import Holders, reach
from tests.unit.identity.world import claims, mild_claims, row

LISTS = st.lists(claims(), min_size=1, max_size=14)


def clusters(rows: list[MergeRow], **kwargs: frozenset[int]) -> set[frozenset[int]]:
    found = evaluate(rows, **kwargs)
    assert sorted(i for cluster in found for i in cluster) == list(range(len(rows)))
    return {frozenset(cluster) for cluster in found}


def people(rows: list[MergeRow]) -> list[list[MergeRow]]:
    """The partition as rows, in an order of its own."""
    groups = [sorted((rows[i] for i in c), key=repr_of) for c in evaluate(rows)]
    return sorted(groups, key=lambda group: [repr_of(r) for r in group])


def repr_of(claim: MergeRow) -> tuple[object, ...]:
    return (claim.content, claim.emails, claim.phones, claim.block.encode())


@given(LISTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[MergeRow], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis types it as object
    assert people(rows) == people(shuffled)


@given(LISTS)
def test_no_person_holds_a_contradiction(rows: list[MergeRow]) -> None:
    for cluster in evaluate(rows):
        for a, b in combinations(cluster, 2):
            assert not contradict(rows[a].block, rows[b].block)


@given(LISTS)
def test_two_first_names_are_never_united(rows: list[MergeRow]) -> None:
    for cluster in evaluate(rows):
        for a, b in combinations(cluster, 2):
            assert relate(rows[a].block, rows[b].block) is not First.DIFFER


@given(LISTS)
def test_every_person_is_held_together_by_keys(rows: list[MergeRow]) -> None:
    for cluster in evaluate(rows):
        left, reached = set(cluster[1:]), [cluster[0]]
        for i in reached:
            near = {j for j in left if share(rows[i], rows[j])}
            left -= near
            reached += sorted(near)
        assert not left


def share(a: MergeRow, b: MergeRow) -> bool:
    return bool(
        set(a.emails) & set(b.emails)
        or set(a.phones) & set(b.phones)
        or (a.name_birth is not None and a.name_birth == b.name_birth)
        or (a.name_address is not None and a.name_address == b.name_address)
        or a == b
    )


@given(LISTS)
def test_the_same_row_again_changes_no_judgement(rows: list[MergeRow]) -> None:
    once = clusters(rows)
    twice = clusters([*rows, *rows])
    assert twice == {frozenset([*c, *(i + len(rows) for i in c)]) for c in once}


@given(LISTS)
def test_numbers_of_contact_points_do_not_matter(rows: list[MergeRow]) -> None:
    renamed = [
        MergeRow(
            r.content,
            tuple(1000 - e for e in r.emails),
            tuple(1000 - p for p in r.phones),
            r.name_birth,
            r.name_address,
            r.block,
        )
        for r in rows
    ]
    assert clusters(rows) == clusters(renamed)


@given(st.lists(claims(), min_size=2, max_size=10))
def test_a_role_address_joins_nobody(rows: list[MergeRow]) -> None:
    """Whoever it unites, it unites without the role address."""
    role = frozenset({1})
    without = [
        MergeRow(
            r.content + r.block.encode() + repr((r.emails, r.phones)).encode(),
            tuple(e for e in r.emails if e not in role),
            r.phones,
            r.name_birth,
            r.name_address,
            r.block,
        )
        for r in rows
    ]
    with_role = [
        MergeRow(w.content, r.emails, r.phones, r.name_birth, r.name_address, r.block)
        for r, w in zip(rows, without, strict=True)
    ]
    assert clusters(with_role, roles=role) == clusters(without)


@given(st.lists(claims(), min_size=1, max_size=12), st.sampled_from(["jr", "sr"]))
def test_father_and_son_stay_apart(rows: list[MergeRow], suffix: str) -> None:
    for cluster in evaluate(rows):
        for a, b in combinations(cluster, 2):
            assert not suffixes_differ(rows[a].block.suffix, rows[b].block.suffix)
    other = row("john", "smith", emails=(1,), phones=(101,), suffix=suffix)
    same = row("john", "smith", emails=(1,), phones=(101,), suffix="iii")
    assert clusters([other, same]) == {frozenset({0}), frozenset({1})}


# Components


class Index:
    """Keys in memory: which row of which upload holds which contact points."""

    def __init__(self, rows: dict[int, tuple[int, set[int]]]) -> None:
        self.rows = rows

    def keys(self, rows: Ints) -> Ints:
        return np.array([p for r in rows.tolist() for p in self.rows[r][1]], dtype=np.int64)

    def holders(self, keys: Ints) -> Holders:
        found = [(p, r, u) for r, (u, ps) in self.rows.items() for p in ps & set(keys.tolist())]
        return Holders(*np.array(found, dtype=np.int64).reshape(-1, 3).T)


def naive(rows: dict[int, set[int]]) -> set[frozenset[int]]:
    count: dict[int, int] = {}
    for points in rows.values():
        for p in points:
            count[p] = count.get(p, 0) + 1
    left, found = set(rows), set()
    while left:
        group = [left.pop()]
        for r in group:
            near = {o for o in left if any(count[p] <= CROWD_ROWS for p in rows[o] & rows[r])}
            left -= near
            group += near
        found.add(frozenset(group))
    return found


def parts(rows: Ints, labels: Ints) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for r, label in zip(rows.tolist(), labels.tolist(), strict=True):
        groups.setdefault(label, set()).add(r)
    return {frozenset(group) for group in groups.values()}


def ids(numbers: Iterable[int]) -> Ints:
    return np.array(list(numbers), dtype=np.int64)


def crowded(points: int) -> st.SearchStrategy[dict[int, tuple[int, set[int]]]]:
    """Rows of four uploads; point 0 is held by about as many as make a crowd."""
    return st.builds(
        lambda few, many, uploads: {
            i: (uploads[i % len(uploads)], p | ({0} if i < many else set()))
            for i, p in enumerate([*few, *({9} for _ in range(many - len(few)))])
        },
        st.lists(st.sets(st.integers(1, points), max_size=3), min_size=1, max_size=12),
        st.integers(CROWD_ROWS - 2, CROWD_ROWS + 3) | st.just(0),
        st.permutations([1, 1, 1, 2, 3, 4]),
    )


@settings(max_examples=60, deadline=None)
@given(crowded(8))
def test_closure_by_arrays_is_the_plain_closure(rows: dict[int, tuple[int, set[int]]]) -> None:
    pairs = np.array([(r, p) for r, (_, ps) in rows.items() for p in ps]).reshape(-1, 2)
    column = KeyColumn(pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.uint64))
    label, _ = closure(len(rows), [column])
    assert parts(np.arange(len(rows)), label) == naive({r: p for r, (_, p) in rows.items()})


@settings(max_examples=100, deadline=None)
@given(
    crowded(8),
    st.sets(st.integers(1, 4)).map(frozenset),
    st.sets(st.integers(1, 4)).map(frozenset),
)
def test_what_a_change_does_not_reach_has_not_changed(
    rows: dict[int, tuple[int, set[int]]], before: frozenset[int], now: frozenset[int]
) -> None:
    old = naive({r: p for r, (u, p) in rows.items() if u in before})
    new = naive({r: p for r, (u, p) in rows.items() if u in now})
    found = reach(
        Index(rows),
        changed=ids(r for r, (u, _) in rows.items() if (u in before) != (u in now)),
        seeds=ids(r for r, (u, _) in rows.items() if u in now - before),
        before=ids(0 if upload in before else -1 for upload in range(6)),
        now=ids(0 if upload in now else -1 for upload in range(6)),
    )
    reached = parts(found.rows, found.label)
    assert reached <= new
    assert new - reached <= old


# Never-merge pairs and a scorer


def sourced(rows: list[MergeRow]) -> list[Source]:
    return [(bytes([i % 3]), i) for i in range(len(rows))]


@st.composite
def with_never(draw: st.DrawFn) -> tuple[list[MergeRow], list[NeverPair]]:
    rows = draw(st.lists(claims() | mild_claims(), min_size=2, max_size=12))
    known = st.sampled_from(sourced(rows))
    return rows, draw(st.lists(st.tuples(known, known), min_size=1, max_size=4))


@given(with_never())
def test_no_person_holds_both_of_a_never_merge_pair(
    drawn: tuple[list[MergeRow], list[NeverPair]],
) -> None:
    rows, never = drawn
    sources = sourced(rows)
    for cluster in evaluate(rows, sources=sources, never=never):
        held = {sources[i] for i in cluster}
        assert not any(a != b and {a, b} <= held for a, b in never)


@given(with_never(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_never_merge_pairs_does_not_matter(
    drawn: tuple[list[MergeRow], list[NeverPair]], random: Random
) -> None:
    rows, never = drawn
    sources = sourced(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    other_never = [(b, a) for a, b in never]
    random.shuffle(other_never)
    plain = evaluate(rows, sources=sources, never=never, scored=weigh)
    shuffled = evaluate(
        [rows[i] for i in order],
        sources=[sources[i] for i in order],
        never=other_never,
        scored=weigh,
    )
    assert {frozenset(c) for c in plain} == {frozenset(order[i] for i in c) for c in shuffled}


@given(with_never())
def test_never_merge_pairs_of_other_rows_change_nothing(
    drawn: tuple[list[MergeRow], list[NeverPair]],
) -> None:
    rows, _ = drawn
    never = [((b"elsewhere", 1), (b"elsewhere", 2)), ((b"elsewhere", 1), sourced(rows)[0])]
    assert evaluate(rows, sources=sourced(rows), never=never) == evaluate(rows)


def weigh(a: MergeRow, b: MergeRow) -> float | None:
    """Joins surnames that sound alike."""
    return 1.5 if a.block.surname_code == b.block.surname_code else None


@given(LISTS)
def test_a_scorer_only_joins_what_the_rules_left_apart(rows: list[MergeRow]) -> None:
    rules = clusters(rows)
    scored = {frozenset(c) for c in evaluate(rows, scored=weigh)}
    assert all(any(c <= s for s in scored) for c in rules)
    for cluster in scored:
        for a, b in combinations(cluster, 2):
            assert not contradict(rows[a].block, rows[b].block)


def test_a_scorer_joins_what_no_rule_does() -> None:
    rows = [row("mary", "smith", phones=(101,)), row("mary", "jones", phones=(101,))]
    assert clusters(rows) == {frozenset({0}), frozenset({1})}
    assert evaluate(rows, scored=lambda _a, _b: 0.0) == [[0, 1]]


def test_two_equal_rows_that_are_never_merged_stay_apart() -> None:
    rows = [row("mary", "smith", emails=(1,))] * 3
    sources: list[Source] = [(b"x", 1), (b"x", 2), (b"y", 1)]
    assert evaluate(rows, sources=sources, never=[((b"x", 2), (b"x", 1))]) == [[0, 2], [1]]
