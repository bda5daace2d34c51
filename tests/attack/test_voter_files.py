"""What voter files add to what a thief, a coordinator or a partner could learn."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from consortium import voters
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.types import PartnerSlug
from consortium.voters.evidence import VoterIds
from consortium.voters.places import people_shown
from tests.harness.voting import Polls, letters, nc_file, nc_row, someone, voter_file


@pytest.fixture
def polls(sqlite_database: Database, tmp_path: Path, clock: FakeClock) -> Polls:
    """A hundred people on two lists, matched with a file of two hundred voters."""
    found = Polls.open(sqlite_database, tmp_path, clock, "nurses", "teachers")
    found.list_of("nurses", [someone(n) for n in range(1, 81)])
    found.list_of("teachers", [someone(n, email=f"t{n}@example.org") for n in range(41, 101)])
    found.merge()
    history = voter_file(
        ["ncid", "election_lbl", "voting_method"],
        [[f"AA{n}", "11/08/2022", "IN-PERSON"] for n in range(1, 150)],
        name="ncvhis.txt",
    )
    found.load(nc_file(range(1, 201)), "nurses", history=history)
    found.match()
    found.returned([f"AA{n}" for n in range(1, 31)])
    return found


def test_a_stolen_database_shows_no_line_of_a_voter_file(polls: Polls, tmp_path: Path) -> None:
    held = b"".join(path.read_bytes() for path in tmp_path.glob("consortium.db*")).upper()
    for number in (7, 41, 150):
        row = nc_row(number)
        for cell in (letters(number), row[2] + '"', f"{100 + number} OAK ST"):
            assert cell.upper().encode() not in held
    assert b"11/08/2022" not in held
    assert b"01-01" in held  # places are in clear: the search would find what is there


def test_turnout_does_not_lie_beside_its_voter(polls: Polls) -> None:
    with polls.database.read() as tx:
        rows = {bytes(v) for (v,) in tx.execute(text("SELECT voter FROM consortium_voter_row"))}
        past = {bytes(v) for (v,) in tx.execute(text("SELECT voter FROM consortium_voter_history"))}
    assert len(rows) == 200
    assert len(past) == 149
    assert not rows & past


def test_the_coordinator_sees_no_small_place_and_no_exact_count(polls: Polls) -> None:
    found = voters.places_shown(polls.database, at=polls.clock.now())
    assert sum(found.small.values()) > 0
    assert all(place.voters >= 50 and place.voters % 10 == 0 for place in found.places)
    counted = [place.people for place in found.places if place.people is not None]
    assert counted
    assert all(people >= 50 and people % 10 == 0 for people in counted)


@pytest.mark.parametrize(
    ("all_of_them", "matched", "told"),
    [
        (60, 60, None),
        (60, 51, None),
        (60, 50, 50),
        (400, 49, None),
        (400, 391, None),
        (400, 388, 390),
    ],
)
def test_a_place_where_nearly_everybody_is_known_says_no_count(
    all_of_them: int, matched: int, told: int | None
) -> None:
    assert people_shown(all_of_them, matched=matched) == told


def test_what_an_owner_is_told_of_its_matches_does_not_change_with_others_lists(
    polls: Polls,
) -> None:
    def told() -> list[tuple[int | None, int | None]]:
        key = polls.house.keys.open("match")
        found = voters.rate_of_owner(
            polls.database, PartnerSlug("nurses"), match_key=key, clock=polls.clock
        )
        return [(one.rows, one.matched) for one in found]

    before = told()
    polls.list_of("teachers", [someone(n, email=f"p{n}@example.org") for n in range(1, 81)])
    polls.merge()
    polls.match()
    assert told() == before


# --- what can be learnt all the same


def test_a_small_place_can_be_estimated_from_the_places_around_it(polls: Polls) -> None:
    found = voters.places_shown(polls.database, at=polls.clock.now())
    shown = {f"{place.kind.value}:{place.path}": place.people for place in found.places}
    assert "county:NC/DURHAM" not in shown  # ten of its twenty voters are on a list
    state, rest = shown["district:NC/CONGRESS/4"], shown["county:NC/WAKE"]
    assert state is not None
    assert rest is not None
    assert abs(state - rest - 10) <= 10


def test_a_stolen_database_says_which_contact_points_are_of_somebody_who_had_voted(
    polls: Polls,
) -> None:
    voters.end(polls.database, "v-1", clock=polls.clock, reason="withdrawn")
    with polls.database.read() as tx:
        found = tx.execute(text("SELECT point_id FROM consortium_voted_point")).all()
    assert len(found) == 30
    voters.forget(polls.database, "nc", clock=polls.clock)
    with polls.database.read() as tx:
        assert tx.execute(text("SELECT point_id FROM consortium_voted_point")).all() == []


def test_a_stolen_database_says_where_a_matched_row_lies_and_whether_its_voter_has_voted(
    polls: Polls,
) -> None:
    with polls.database.read() as tx:
        found = tx.execute(
            text(
                "SELECT l.row_id, p.path, r.voter IS NOT NULL FROM consortium_voter_link l"
                " JOIN consortium_place_set_member m"
                " ON m.load_id = l.load_id AND m.number = l.place_set"
                " JOIN consortium_place p ON p.id = m.place_id AND p.kind = 'precinct'"
                " LEFT JOIN consortium_returned_voter r ON r.voter = l.voter"
            )
        ).all()
    assert len(found) == 140
    assert {path for _, path, _ in found} == {"NC/WAKE/01-01", "NC/WAKE/02", "NC/DURHAM/02"}
    assert sum(voted for _, _, voted in found) == 30


def test_with_the_match_key_the_public_file_says_who_a_matched_row_is(polls: Polls) -> None:
    ids = [f"AA{n}" for n in range(1, 201)]
    digests = VoterIds(polls.house.keys.open("match"), register="nc").voters(ids)
    with polls.database.read() as tx:
        links = {bytes(v) for (v,) in tx.execute(text("SELECT voter FROM consortium_voter_link"))}
    assert {one for one, digest in zip(ids, digests, strict=True) if digest in links} == set(
        ids[:100]
    )
