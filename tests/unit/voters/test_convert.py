"""Records of voter files: whatever stands in them, counted and normalised, in any process."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.tokens import Profile
from consortium.voters.convert import (
    REJECTIONS,
    Converted,
    ConvertSetup,
    RawVoters,
    converter,
)
from consortium.voters.layout import recognise
from consortium.workers import map_batches
from tests.harness.voting import BALLOT, NC, ballot_row, nc_row


def setup(headers: list[str], *, register: str = "here") -> ConvertSetup:
    return ConvertSetup(
        recognise(headers, name="voters.txt"), register, Profile(), date(2026, 11, 1)
    )


def converted(headers: list[str], *rows: list[str]) -> Converted:
    return converter(setup(headers))(RawVoters(range(2, 2 + len(rows)), rows))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (nc_row(1)[:-1], "damaged"),
        ([*nc_row(1), "x"], "damaged"),
        (nc_row(1, ncid=" "), "no_id"),
        (nc_row(1, first_name="", last_name=""), "no_name"),
        (list(NC), "header_again"),
    ],
)
def test_a_record_that_gives_nothing_says_why(row: list[str], code: str) -> None:
    found = converted(NC, nc_row(7), row)
    assert found.rejected == [(3, code)]
    assert code in REJECTIONS
    assert [voter.id for voter in found.voters] == ["AA7"]


def test_an_empty_cell_too_many_is_no_damage() -> None:
    assert len(converted(NC, [*nc_row(1), ""]).voters) == 1


def test_a_bad_value_takes_nothing_else_with_it() -> None:
    bad = nc_row(7, birth_year="soon", zip_code="99999", full_phone_number="none")
    (voter,) = converted(NC, bad).voters
    assert (voter.birth, voter.postcode, voter.phones) == ("", "", ())
    assert (voter.id, voter.first, voter.house_number) == ("AA7", "arthur", "107")


def test_who_is_on_the_register_no_more_is_left_out() -> None:
    found = converted(BALLOT, ballot_row(1), ballot_row(2, **{"In Ballot": "n"}))
    assert (len(found.voters), found.left_out, found.rejected) == (1, 1, [])


def test_ids_are_compared_without_case_and_blanks() -> None:
    (voter,) = converted(NC, nc_row(7, ncid=" aa 7 ")).voters
    assert voter.id == "AA7"


@pytest.mark.parametrize(
    ("written", "compared"), [("000123", "123"), ("0", "0"), ("000", "0"), ("0A12", "0A12")]
)
def test_a_number_is_compared_without_the_zeros_that_a_spreadsheet_loses(
    written: str, compared: str
) -> None:
    (voter,) = converted(NC, nc_row(7, ncid=written)).voters
    assert voter.id == compared


def test_a_place_whose_parent_is_not_said_stands_under_its_parents_parent() -> None:
    found = converted(NC, nc_row(7, county_desc=""))
    paths = {f"{kind.value}:{path}" for kind, path, _ in found.chains[0]}
    assert paths == {"municipality:NC/RALEIGH", "precinct:NC/01-01", "district:NC/CONGRESS/4"}


def test_voters_of_the_same_places_share_a_chain() -> None:
    found = converted(NC, *(nc_row(n) for n in range(1, 100)))
    assert len(found.chains) == 3
    assert {voter.places for voter in found.voters} == {0, 1, 2}


def test_processes_beside_this_one_give_the_same() -> None:
    batches = [RawVoters(range(50), [nc_row(n + 50 * i) for n in range(50)]) for i in range(4)]
    make = "consortium.voters.convert:converter"
    here = list(map_batches(make, setup(NC), batches, workers=0))
    beside = list(map_batches(make, setup(NC), batches, workers=1))
    assert here == beside
    assert sum(len(one.voters) for one in here) == 200


@given(st.lists(st.lists(st.text(max_size=30), min_size=15, max_size=15), max_size=5))
def test_whatever_stands_in_a_record_it_is_counted_once(rows: list[list[str]]) -> None:
    found = converted(NC, *rows)
    assert len(found.voters) + found.left_out + len(found.rejected) == len(rows)
    for chain in found.chains:
        for _, path, title in chain:
            assert len(path) < 255
            assert path == path.strip("/")
            assert path.isprintable()
            assert title.isprintable()
            assert len(title) <= 60
