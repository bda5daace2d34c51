"""The scored layer: weights as Splink adds them up, edges below the rules, under every veto."""

from __future__ import annotations

import json
import pickle
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.identity import MergeResult, MergeRow, evaluate, match_opener, run
from consortium.identity.evidence import contradict
from consortium.identity.scored import shipped
from consortium.identity.scored.attributes import LEVELS, attributes, compare, hashed
from consortium.ledger import canonical
from consortium.model.progress import Silent
from consortium.store import ledger, merge_basis, state
from consortium.store.engine import Database
from tests.unit.identity.world import (
    BIRTHS,
    FIRSTS,
    LASTS,
    MATCH_KEY,
    World,
    claims,
    mild_claims,
    row,
)

ONE = row("john", "smith", emails=(1,), house="12", postcode="27000")
OTHER = row("john", "smith", emails=(2,), house="12", postcode="27000")
"""Joined by name and address alone; two e-mail addresses hold the rules back."""


def some_rows(count: int) -> list[MergeRow]:
    pick = Random(5)
    return [
        row(
            pick.choice((*FIRSTS, "smith", "jonathan")),
            pick.choice((*LASTS, "john")),
            emails=tuple(pick.sample(range(6), pick.randrange(3))),
            phones=tuple(pick.sample(range(100, 106), pick.randrange(3))),
            born=pick.choice((*BIRTHS, "1950-12-04", "--04-03", "1980-04-03", "1980-03-09")),
            house=pick.choice(("", "12", "14")),
            postcode=pick.choice(("", "27000", "27010", "27610", "99999")),
        )
        for _ in range(count)
    ]


def test_the_weight_of_a_pair_is_what_splink_adds_up() -> None:
    pytest.importorskip("splink", reason="needs the extra scored: Splink to compare with")
    from consortium.identity.scored import model  # noqa: PLC0415 - of the extra

    weights = shipped()
    rows = some_rows(70)
    found = [attributes(r) for r in rows]
    shares = json.loads(weights.text)
    linker = model.linker(
        [{"unique_id": i, **hashed(a, key=b"x" * 16)} for i, a in enumerate(found)],
        blocking=["1 = 1"],
        m=shares["m"],
        u=shares["u"],
        prior=0.5,  # adds nothing
    )
    predicted = {
        frozenset((p["unique_id_l"], p["unique_id_r"])): p["match_weight"]
        for p in linker.inference.predict().as_record_list()
    }
    levels = set()
    for (i, a), (j, b) in combinations(enumerate(found), 2):
        levels.update(zip(LEVELS, compare(a, b), strict=True))
        assert weights.weight(a, b) == pytest.approx(predicted[frozenset((i, j))], abs=1e-6)
    assert levels >= {(name, level) for name, each in LEVELS.items() for level in each}
    assert len(predicted) == 70 * 69 // 2


def test_hashes_are_equal_where_values_are_and_say_nothing_else() -> None:
    one, other = attributes(ONE), attributes(OTHER)
    a, b = hashed(one, key=b"k" * 16), hashed(other, key=b"k" * 16)
    assert [name for name in a if a[name] == b[name] != None] == [  # noqa: E711 - not said is None
        name for name in a if getattr(one, name) == getattr(other, name) not in ("", ())
    ]
    said = str(a)
    assert "john" not in said
    assert "27000" not in said
    assert hashed(one, key=b"l" * 16)["first"] != a["first"]


@given(claims(), claims())
def test_weights_do_not_depend_on_which_row_comes_first(a: MergeRow, b: MergeRow) -> None:
    weights = shipped()
    assert weights.weight(attributes(a), attributes(b)) == weights.weight(
        attributes(b), attributes(a)
    )


@settings(max_examples=200)
@given(st.lists(claims(points=4) | mild_claims(points=4), min_size=2, max_size=8))
def test_it_joins_more_and_never_what_contradicts(rows: list[MergeRow]) -> None:
    plain, more = evaluate(rows), evaluate(rows, scored=shipped())
    assert len(more) <= len(plain)
    for cluster in more:
        for a, b in combinations(cluster, 2):
            assert not contradict(rows[a].block, rows[b].block)


@given(st.lists(claims(points=3), min_size=2, max_size=7), st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[MergeRow], pick: Random) -> None:
    order = list(range(len(rows)))
    pick.shuffle(order)
    found = evaluate([rows[i] for i in order], scored=shipped())
    again = {frozenset(rows[order[i]].content for i in c) for c in found}
    assert again == {
        frozenset(rows[i].content for i in c) for c in evaluate(rows, scored=shipped())
    }


def test_it_joins_what_the_rules_leave_apart_and_no_father_to_his_son() -> None:
    assert evaluate([ONE, OTHER]) == [[0], [1]]
    assert evaluate([ONE, OTHER], scored=shipped()) == [[0, 1]]
    senior = row("john", "smith", emails=(1,), suffix="sr", house="12", postcode="27000")
    junior = row("john", "smith", emails=(2,), suffix="jr", house="12", postcode="27000")
    assert evaluate([senior, junior], scored=shipped()) == [[0], [1]]
    known = evaluate([senior, junior, OTHER, ONE], scored=shipped())
    assert [0, 1] not in [c[:2] for c in known]


def test_weights_go_to_other_processes_as_they_are() -> None:
    assert pickle.loads(pickle.dumps(shipped())) == shipped()


# In a consortium


def merge(world: World, *, scored: bool | None = None) -> MergeResult:
    world.clock.sleep(1)
    return run(
        world.database,
        match_opener=match_opener(MATCH_KEY),
        clock=world.clock,
        observer=Silent(),
        scored=scored,
    )


def rules(world: World) -> str:
    with world.database.read() as tx:
        basis = merge_basis.basis(tx, state.merge_generation(tx))
    assert basis is not None
    return basis.rules


def test_it_is_off_until_it_is_asked_for_and_then_stays_on(sqlite_database: Database) -> None:
    world = World.begin(sqlite_database)
    one = world.upload([ONE])
    other = world.upload([OTHER])
    merge(world)
    assert rules(world) == "rules-1"
    assert len(world.persons()) == 2
    result = merge(world, scored=True)
    assert result.entry is not None
    with world.database.read() as tx:
        entry = canonical.decode(ledger.entry(tx, result.entry))
    assert entry["rules"] == rules(world) == "rules-1-scored-1"
    assert world.persons() == {frozenset({(one, 1), (other, 1)})}
    third = world.upload([row("john", "smith", emails=(3,), house="12", postcode="27000")])
    merge(world)
    assert rules(world) == "rules-1-scored-1"
    assert world.persons() == {frozenset({(one, 1), (other, 1), (third, 1)})}
    merge(world, scored=False)
    assert rules(world) == "rules-1"
    assert len(world.persons()) == 3
