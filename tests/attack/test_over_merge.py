"""Lists made to unite strangers: crafted bridges, shared numbers, placeholders, common names."""

from __future__ import annotations

import random
import sys
import tracemalloc
from itertools import combinations, product

import pytest

from consortium.identity import MOST_ROWS, MergeRow, evaluate, match_opener, run
from consortium.identity.clusters import MOST_POINTS
from consortium.identity.components import CROWD_ROWS
from consortium.identity.evidence import contradict
from consortium.model.progress import Silent
from consortium.store.engine import Database
from tests.unit.identity.world import MATCH_KEY, World, row

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
    "yusuf",
    "liam",
    "maria",
    "noor",
    "omar",
    "petra",
    "quentin",
    "rosa",
    "stefan",
    "tanja",
    "ulrich",
)  # fmt: skip - a list of names
LASTS = ("smith", "garcia", "nguyen", "okafor", "rossi")
STRANGERS = [
    row(first, last, emails=(i,), phones=(1000 + i,), born=f"19{50 + i % 40}-0{1 + i % 9}-1{i % 9}")
    for i, (first, last) in enumerate(product(FIRSTS, LASTS), start=1)
]


def together(rows: list[MergeRow], among: int) -> int:
    """The most of the first rows that are in one person."""
    return max(sum(i < among for i in cluster) for cluster in evaluate(rows))


def test_rows_that_name_two_strangers_each_unite_nobody() -> None:
    """A list whose rows carry two people's addresses, with every kind of name on them."""
    for first in ("", "j", "anna", "x"):
        bridges = [
            row(first, "", emails=(a, b), salt=(first, a))
            for a, b in zip(range(1, 100), range(2, 101), strict=True)
        ]
        rows = [*STRANGERS, *bridges]
        for cluster in evaluate(rows):
            strangers = [i for i in cluster if i < len(STRANGERS)]
            assert not any(
                contradict(rows[a].block, rows[b].block) for a, b in combinations(cluster, 2)
            )
            assert len({rows[i].block.first for i in strangers}) <= 1


SURNAMES = (
    "garcia",
    "lopez",
    "smith",
    "jones",
    "brown",
    "davis",
    "clark",
    "lewis",
    "young",
    "hill",
)
MARIAS = [
    row("maria", last, emails=(i,), phones=(1000 + i,)) for i, last in enumerate(SURNAMES, start=1)
]


@pytest.mark.parametrize("first", ["", "maria", "m"])
def test_rows_with_the_addresses_of_many_of_one_first_name_unite_none_of_them(first: str) -> None:
    some = tuple(range(1, len(MARIAS) + 1))
    hub = row(first, emails=some, phones=tuple(1000 + i for i in some))
    assert together([*MARIAS, hub], len(MARIAS)) == 1
    bridges = [row(first, emails=(i, i + 1), phones=(1000 + i, 1001 + i)) for i in some[:-1]]
    assert together([*MARIAS, *bridges], len(MARIAS)) == 1


def test_a_row_with_one_surname_and_many_addresses_gives_it_to_one_other_at_most() -> None:
    few = tuple(range(1, MOST_POINTS + 1))
    assert together([*MARIAS, row("maria", "garcia", emails=few)], len(MARIAS)) <= 2


def test_rows_without_names_unite_no_more_addresses_than_a_human_has() -> None:
    nameless = [row(emails=(i,)) for i in range(1, 100)]
    assert together([*nameless, row(emails=tuple(range(1, 17)))], len(nameless)) == 1
    pairs = [row(emails=(i, i + 1)) for i in range(1, 99)]
    assert together([*nameless, *pairs], len(nameless)) <= MOST_POINTS


def test_a_bridge_under_a_victim_s_name_does_not_give_it_a_stranger_s_address() -> None:
    """Mary's name over the address of John: his rows stay his, whatever is said of it."""
    mary = row("mary", "smith", emails=(1,), phones=(101,))
    john = row("john", "garcia", emails=(2,), phones=(102,))
    crafted = [row("mary", "smith", emails=(1, 2), phones=(101, 102), salt=i) for i in range(20)]
    person = {i: n for n, c in enumerate(evaluate([mary, john, *crafted])) for i in c}
    assert person[0] != person[1]


def test_a_workplace_s_telephone_joins_nobody() -> None:
    staff = [row(f, last, phones=(7,)) for f, last in zip(FIRSTS, LASTS * 5, strict=False)]
    assert together(staff, len(staff)) == 1


@pytest.mark.parametrize("rows", [CROWD_ROWS + 1, 5_000])
def test_thousands_of_rows_with_one_number_stay_apart_and_in_components_of_one(
    sqlite_database: Database, rows: int
) -> None:
    """Also where they have one name: a number that everybody has says nothing."""
    world = World.begin(sqlite_database)
    world.upload([row("john", "smith", phones=(7,), emails=(i,), salt=i) for i in range(rows)])
    result = world.merge()
    assert (result.rows, result.persons) == (rows, rows)


def test_a_common_name_and_birth_date_on_two_people_stays_apart_if_all_else_differs() -> None:
    """Of a hundred million people some share both; the first of January shares most."""
    born = "1980-01-01"
    rows = [
        row(
            "john",
            "smith",
            born=born,
            emails=(i,),
            phones=(500 + i,),
            house=str(i),
            postcode=f"{10_000 + i}",
        )
        for i in range(1, 30)
    ]  # fmt: skip - one row
    assert together(rows, len(rows)) == 1


@pytest.mark.parametrize("born", ["1900-01-01", "1970-01-01", "2000-01-01"])
def test_a_placeholder_birth_date_unites_nobody_of_two_names(born: str) -> None:
    rows = [row(first, "smith", born=born, phones=(7,)) for first in FIRSTS]
    assert together(rows, len(rows)) == 1


def test_twins_and_father_and_son_at_one_address_stay_apart() -> None:
    home = {"house": "12", "postcode": "27000", "phones": (7,)}
    twins = [
        row("anna", "smith", born="1990-05-06", **home),  # type: ignore[arg-type] # one dict of both
        row("ines", "smith", born="1990-05-06", **home),  # type: ignore[arg-type] # the same
    ]
    men = [
        row("john", "smith", born="1950-05-06", **home),  # type: ignore[arg-type] # the same
        row("john", "smith", born="1980-05-06", **home),  # type: ignore[arg-type] # the same
        row("john", "smith", **home),  # type: ignore[arg-type] # the same
    ]
    assert all(len(cluster) == 1 for cluster in evaluate([*twins, *men]))


def test_more_rows_than_a_person_can_have_join_by_one_shared_thing_only_where_two_agree() -> None:
    chain = [
        row("mary", "smith", emails=(i, i + 1), salt=i) for i in range(1, 2 * (MOST_ROWS + 1), 2)
    ]
    links = [row("mary", "smith", emails=(i, i + 1), salt=-i) for i in range(2, 2 * MOST_ROWS, 2)]
    assert together([*chain, *links], len(chain)) == 1


def test_a_list_that_unites_nobody_leaves_when_it_is_withdrawn(sqlite_database: Database) -> None:
    """What a crafted list did to others' persons is undone to the last row."""
    world = World.begin(sqlite_database)
    world.upload(STRANGERS[:40])
    world.merge()
    before = world.persons()
    crafted = world.upload(
        [row("", "", emails=(a, a + 1), salt=a) for a in range(1, 40)], partner="p2"
    )
    world.merge()
    world.withdraw(crafted)
    run(
        world.database,
        match_opener=match_opener(MATCH_KEY),
        clock=world.clock,
        observer=Silent(),
    )
    assert world.persons() == before


def chained(rows: int) -> list[MergeRow]:
    """Each shares address and number with the next one, and no two say the same."""
    return [
        row("mary", "smith", emails=(i, i + 1), phones=(i, i + 1), house=f"{i}", postcode="27000")
        for i in range(rows)
    ]


def calls_of(rows: list[MergeRow]) -> int:
    """How many functions are called to judge them: the work, without a clock."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        evaluate(rows)
    finally:
        sys.setprofile(None)
    return calls


def test_a_chain_twice_as_long_is_about_twice_the_work() -> None:
    """Else a list of 100,000 rows would hold up every merge for hours."""
    short, long = calls_of(chained(2 * MOST_ROWS)), calls_of(chained(4 * MOST_ROWS))
    assert long < 3 * short


def test_rows_on_many_shared_keys_each_do_not_fill_the_memory() -> None:
    """Sixteen addresses and sixteen numbers on every row, each on a hundred rows."""
    chance, rows = random.Random(1), 2 * MOST_ROWS
    points: list[list[int]] = [[] for _ in range(rows)]
    for key in range(32):
        for place, at in enumerate(chance.sample(range(rows), rows)):
            points[at].append(1000 * key + place // CROWD_ROWS)
    claims = [
        row("mary", "smith", emails=tuple(p[:16]), phones=tuple(p[16:]), salt=i)
        for i, p in enumerate(points)
    ]
    tracemalloc.start()
    try:
        evaluate(claims)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40 * 2**20
