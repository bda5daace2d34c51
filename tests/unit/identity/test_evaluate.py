"""Situations that lists are full of, and who is one human in them."""

from __future__ import annotations

from itertools import combinations

import pytest

from consortium.identity import MOST_ROWS, MergeRow, evaluate
from consortium.identity.hygiene import CROWD_NAMES
from tests.unit.identity.world import row

HOME = {"house": "12", "postcode": "27000"}


def judge(*rows: MergeRow) -> list[list[int]]:
    return evaluate(list(rows))


def one(*rows: MergeRow) -> bool:
    return judge(*rows) == [list(range(len(rows)))]


def all_apart(*rows: MergeRow) -> bool:
    return judge(*rows) == [[i] for i in range(len(rows))]


def test_a_shared_address_and_a_nickname_are_one_human() -> None:
    assert one(
        row("elizabeth", "jones", emails=(1,)),
        row("beth", "jones", emails=(1,), phones=(101,)),
        row("liz", "jones", phones=(101,)),
    )


def test_father_and_son_with_all_in_common_stay_apart_by_suffix() -> None:
    assert all_apart(
        row("john", "smith", emails=(1,), phones=(101,), suffix="sr", **HOME),
        row("john", "smith", emails=(1,), phones=(101,), suffix="jr", **HOME),
    )


def test_father_and_son_with_all_in_common_stay_apart_by_birth_date() -> None:
    assert all_apart(
        row("john", "smith", emails=(1,), born="1950-03-04", **HOME),
        row("john", "smith", emails=(1,), born="1976-08-19", **HOME),
    )


def test_a_row_that_could_be_father_or_son_joins_neither() -> None:
    father = row("john", "smith", phones=(101,), born="1950-03-04", **HOME)
    son = row("john", "smith", phones=(101,), born="1976-08-19", **HOME)
    either = row("john", "smith", phones=(101,), **HOME)
    assert all_apart(father, son, either)


def test_a_row_with_the_son_s_own_address_joins_the_son() -> None:
    father = row("john", "smith", phones=(101,), born="1950-03-04", **HOME)
    son = row("john", "smith", emails=(1,), phones=(101,), born="1976-08-19", **HOME)
    his = row("john", "smith", emails=(1,), phones=(101,))
    assert judge(father, son, his) == [[0], [1, 2]]


def test_the_second_may_be_the_junior() -> None:
    assert one(
        row("john", "smith", emails=(1,), suffix="jr"),
        row("john", "smith", emails=(1,), suffix="ii"),
    )


def test_twins_stay_apart() -> None:
    assert all_apart(
        row("mary", "smith", phones=(101,), emails=(1,), born="1980-03-04", **HOME),
        row("john", "smith", phones=(101,), emails=(1,), born="1980-03-04", **HOME),
    )


def test_a_family_s_address_joins_only_those_of_one_name() -> None:
    assert judge(
        row("mary", "smith", emails=(1,)),
        row("john", "smith", emails=(1,)),
        row("mary", "smith", emails=(1,), phones=(101,)),
        row("", "smith", emails=(1,), phones=(102,)),
    ) == [[0, 2], [1], [3]]


def test_a_row_without_a_name_joins_the_only_one_who_uses_its_address() -> None:
    assert one(row("mary", "smith", emails=(1,)), row(emails=(1,)), row("", "smith", emails=(1,)))


def test_a_row_without_a_name_does_not_bring_a_family_together() -> None:
    assert judge(
        row("mary", "smith", emails=(1,)),
        row("", "", emails=(1, 2)),
        row("john", "jones", emails=(2,)),
    ) in ([[0, 1], [2]], [[0], [1, 2]])


def test_an_initial_joins_the_only_one_it_fits() -> None:
    assert one(row("mary", "smith", emails=(1,)), row("m", "smith", emails=(1,)))
    assert all_apart(
        row("mary", "smith", emails=(1,)),
        row("martha", "smith", emails=(1,)),
        row("m", "smith", emails=(1,)),
    )


def test_chris_joins_neither_christopher_nor_christine_of_one_household() -> None:
    assert all_apart(
        row("christopher", "smith", emails=(1,)),
        row("christine", "smith", emails=(1,)),
        row("chris", "smith", emails=(1,)),
    )


def test_a_clerk_s_address_joins_nobody() -> None:
    names = ["mary", "john", "peter", "susan", "walter"][: CROWD_NAMES + 1]
    everybody = [row(name, "smith", emails=(1,)) for name in names]
    assert all_apart(*everybody, row("mary", "smith", emails=(1,), phones=(101,)))


def test_a_role_address_joins_nobody() -> None:
    rows = [row("mary", "smith", emails=(1,)), row("mary", "smith", emails=(1,), phones=(101,))]
    assert evaluate(rows) == [[0, 1]]
    assert evaluate(rows, roles={1}) == [[0], [1]]


def test_a_number_given_to_a_new_person_joins_nobody() -> None:
    assert all_apart(
        row("mary", "smith", phones=(101,), emails=(1,)),
        row("mary", "jones", phones=(101,), emails=(2,)),
    )


@pytest.mark.parametrize("same", [{"born": "1980-03-04"}, HOME])
def test_a_number_and_the_birth_date_or_address_outweigh_a_new_surname(
    same: dict[str, str],
) -> None:
    assert one(
        row("mary", "smith", phones=(101,), **same), row("mary", "jones", phones=(101,), **same)
    )


def test_an_e_mail_address_outweighs_a_new_surname() -> None:
    assert one(row("mary", "smith", emails=(1,)), row("mary", "jones", emails=(1,)))


def test_a_wife_s_address_on_her_husband_s_row_does_not_unite_them() -> None:
    assert judge(
        row("mary", "smith", emails=(1,)),
        row("mary", "smith", emails=(1,), phones=(101,)),
        row("john", "smith", emails=(1,), phones=(102,)),
        row("john", "smith", phones=(102,)),
    ) == [[0, 1], [2, 3]]


def test_a_misspelt_name_joins_over_an_address_of_its_own() -> None:
    assert one(row("michael", "smith", emails=(1,)), row("micheal", "smith", emails=(1,)))
    assert all_apart(row("eric", "smith", emails=(1,)), row("erica", "smith", emails=(1,)))


def test_names_in_each_other_s_column_are_one_human() -> None:
    assert one(row("walter", "brown", emails=(1,)), row("brown", "walter", emails=(1,)))


def test_a_slip_in_the_birth_date_is_no_contradiction_and_another_date_is() -> None:
    slipped = row("mary", "smith", emails=(1,), born="1980-03-14")
    swapped = row("mary", "smith", emails=(1,), born="1980-04-03")
    other = row("mary", "smith", emails=(1,), born="1985-07-21")
    right = row("mary", "smith", emails=(1,), born="1980-03-04")
    assert one(right, slipped)
    assert one(right, swapped)
    assert all_apart(right, other)


def test_partial_dates_are_compared_on_what_both_know() -> None:
    assert one(
        row("mary", "smith", emails=(1,), born="1980"),
        row("mary", "smith", emails=(1,), born="--03-04"),
        row("mary", "smith", emails=(1,), born="1980-03-04"),
    )
    assert all_apart(
        row("mary", "smith", emails=(1,), born="1981"),
        row("mary", "smith", emails=(1,), born="1980-03-04"),
    )


def test_name_and_address_join_unless_both_have_other_addresses_of_their_own() -> None:
    assert one(
        row("mary", "smith", emails=(1,), **HOME), row("mary", "smith", phones=(101,), **HOME)
    )
    assert all_apart(
        row("mary", "smith", emails=(1,), **HOME), row("mary", "smith", emails=(2,), **HOME)
    )


def test_name_and_birth_date_join_unless_all_else_differs() -> None:
    born = "1980-03-04"
    assert one(
        row("mary", "smith", emails=(1,), born=born), row("mary", "smith", emails=(2,), born=born)
    )
    assert all_apart(
        row("mary", "smith", emails=(1,), phones=(101,), born=born, **HOME),
        row("mary", "smith", emails=(2,), phones=(102,), born=born, house="9", postcode="01000"),
    )


def test_a_chain_of_rows_that_know_little_unites_no_contradiction() -> None:
    """A and C contradict; B fits both and is linked to both; so are its like."""
    a = row("mary", "smith", emails=(1,), born="1950-03-04")
    between = [row("mary", "smith", emails=(1, 2), salt=i) for i in range(5)]
    c = row("mary", "smith", emails=(2,), born="1956-11-23")
    found = judge(a, *between, c)
    assert not any({0, 6} <= set(cluster) for cluster in found)
    assert len(found) == 2


def test_in_a_component_beyond_reason_only_two_keys_join() -> None:
    chain = [row("mary", "smith", emails=(i, i + 1), salt=i) for i in range(MOST_ROWS + 10)]
    pair = [row("mary", "smith", emails=(1,), phones=(101,), salt=s) for s in ("x", "y")]
    found = evaluate([*chain, *pair])
    assert found[-1] == [len(chain), len(chain) + 1]
    assert len(found) == len(chain) + 1


def test_equal_rows_are_one_claim_and_change_nothing() -> None:
    same = row("", "", emails=(1,))
    family = [row("mary", "smith", emails=(1,)), row("john", "smith", emails=(1,))]
    assert judge(same, *family, same) == [[0, 3], [1], [2]]


def test_no_two_of_a_crowd_on_one_address_are_united() -> None:
    firsts = ["mary", "john", "peter", "susan", "walter", "ann", "david"]
    everybody = [row(first, "smith", emails=(1,), phones=(101,)) for first in firsts]
    for a, b in combinations(range(len(firsts)), 2):
        assert not any({a, b} <= set(cluster) for cluster in evaluate(everybody))
