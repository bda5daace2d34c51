"""Voter files in campaigns: places in audiences, licences, and who has voted meanwhile."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from consortium import voters
from consortium.errors import BadFile, PolicyRefused, StateConflict, UsageError
from consortium.model import MessageState, Purpose
from consortium.store import plans, returned
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.testing.transport import MemoryTransport
from tests.harness.campaigning import Assembly
from tests.harness.voter_campaigns import HERE, ODD, file_of, plan, ship, two_lists
from tests.harness.voting import BALLOT, Polls, ballot_row, voter_file


@pytest.fixture
def assembly(database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    return two_lists(database, tmp_path, clock=clock)


@pytest.fixture
def polls(assembly: Assembly) -> Polls:
    return Polls(assembly.house, assembly.clock, assembly.partners)


def test_a_place_of_the_voter_file_is_an_audience(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    assert sum(plan(assembly, ODD).values()) == 90


def test_the_end_of_a_path_names_a_place_where_it_fits_one(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    assert sum(plan(assembly, '["precinct:01-01"]').values()) == 90


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("precinct:02", "fits 2 places"),
        ("precinct:NC/WAKE/99", "no voter file that is licensed for this campaign knows"),
        ("workplace:SITE 1", "no voter file that is licensed for this campaign knows"),
    ],
)
def test_a_place_that_no_file_knows_or_that_fits_several_refuses_the_plan(
    assembly: Assembly, polls: Polls, place: str, words: str
) -> None:
    polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    with pytest.raises(PolicyRefused, match=words):
        plan(assembly, f'["{place}"]')


def test_an_excluded_place_is_left_out_for_everybody(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    assert sum(plan(assembly, HERE, '["precinct:NC/WAKE/01-01"]').values()) == 90


def test_a_partner_without_a_licence_gets_no_message_by_the_file(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    assert plan(assembly, ODD) == {"nurses": 60}  # the odd ones of 1 to 120
    with assembly.database.read() as tx:
        frozen = plans.frozen(tx, assembly.campaign().id)
        assert frozen is not None
        refused = {(t.rule, t.reason): t.persons for t in plans.totals(tx, frozen.id) if t.rule}
    assert refused == {("licence", "not_licensed"): 30}


def test_each_of_two_files_lets_its_own_partners_speak_and_nobody_else(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 101)), "nurses")
    polls.load(file_of(range(81, 181)), "teachers")
    polls.match()
    plan(assembly, ODD)
    _, sent = ship(assembly)
    number = {letter: int(letter.recipient.reveal()[1:].split("@")[0]) for letter in sent.taken}
    assert sorted(number.values()) == list(range(1, 181, 2))
    for letter, who in number.items():
        assert who <= 100 or "teachers" in letter.sender
        assert who > 80 or "nurses" in letter.sender


def test_nothing_more_is_sent_by_a_file_that_has_ended(assembly: Assembly, polls: Polls) -> None:
    loaded = polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    plan(assembly, ODD)
    _, before = ship(assembly, stop_after=5)
    assert len(before.taken) == 5
    voters.end(assembly.database, loaded.record.name, clock=assembly.clock, reason="withdrawn")
    transport = MemoryTransport()
    for _ in range(2):
        with pytest.raises(StateConflict, match="has ended"):
            ship(assembly, transport=transport)
    assert transport.taken == []
    with pytest.raises(PolicyRefused, match="no voter file that is licensed"):
        assembly.plan()


def test_a_file_that_ends_while_messages_go_out_stops_them(
    assembly: Assembly, polls: Polls
) -> None:
    loaded = polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    plan(assembly, ODD)
    file = loaded.record.name

    def end(_: object) -> None:
        if len(transport.taken) == 3:
            voters.end(assembly.database, file, clock=assembly.clock, reason="withdrawn")

    transport = MemoryTransport(after=end)
    with pytest.raises(StateConflict, match="has ended"):
        ship(assembly, transport=transport)
    assert 3 <= len(transport.taken) < 90


def test_a_campaign_is_sent_by_another_file_once_it_has_been_planned_again(
    assembly: Assembly, polls: Polls
) -> None:
    first = polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    plan(assembly, ODD)
    voters.end(assembly.database, first.record.name, clock=assembly.clock, reason="withdrawn")
    polls.load(file_of(range(1, 151)), "nurses")
    polls.match()
    assembly.clock.sleep(1)
    assert assembly.plan().assigned == {"nurses": 60}
    _, sent = ship(assembly)
    assert len(sent.taken) == 60


def test_a_campaign_that_names_no_place_of_a_file_goes_on_when_one_ends(
    assembly: Assembly, polls: Polls
) -> None:
    loaded = polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    plan(assembly, HERE)
    voters.end(assembly.database, loaded.record.name, clock=assembly.clock, reason="withdrawn")
    _, sent = ship(assembly)
    assert len(sent.taken) == 180


def test_who_is_in_the_audience_by_lists_needs_no_licence(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    both = f'[{{ place = "state:OR" }}, {ODD[1:-1]}]'
    assert sum(plan(assembly, both).values()) == 180


@pytest.mark.parametrize(
    ("until", "purposes"),
    [(date(2026, 11, 2), [Purpose.GOTV]), (date(2026, 12, 31), [Purpose.FUNDRAISING])],
)
def test_a_licence_that_ends_too_early_or_is_for_something_else_places_nobody(
    assembly: Assembly, polls: Polls, until: date, purposes: list[Purpose]
) -> None:
    polls.load(file_of(range(1, 181)), "nurses", "teachers", until=until, purposes=purposes)
    polls.match()
    with pytest.raises(PolicyRefused, match="no voter file that is licensed"):
        plan(assembly, ODD)


def test_who_has_voted_is_not_planned_for(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    found = polls.returned([f"AA{n}" for n in range(1, 41)])
    assert (found.record.ids, found.record.unknown, found.record.new) == (40, 0, 40)
    assert sum(plan(assembly, HERE).values()) == 140


def test_who_votes_during_a_campaign_gets_no_message_any_more(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    plan(assembly, HERE)
    _, first = ship(assembly, stop_after=20)
    gone = _addresses(first)
    polls.returned([f"AA{n}" for n in range(1, 101)])
    result, second = ship(assembly)
    went = _addresses(second)
    assert not went & {f"p{n}@example.org" for n in range(1, 101)}
    assert went == {f"p{n}@example.org" for n in range(101, 181)} - gone
    stopped = Counter((t.rule, t.reason) for t in result.tally if t.state is MessageState.STOPPED)
    assert set(stopped) == {("returned", "ballot_returned")}


def _addresses(transport: MemoryTransport) -> set[str]:
    return {letter.recipient.reveal() for letter in transport.taken}


def test_a_list_read_twice_changes_nothing(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    first = polls.returned(["AA1", "AA2", "AA999"], hours=3)
    assert (first.record.unknown, first.again) == (1, False)
    kinds = assembly.kinds()
    again = polls.returned(["AA1", "AA2", "AA999"])
    assert again.again
    assert again.record == first.record
    assert assembly.kinds() == kinds
    later = polls.returned(["AA1", "AA2", "AA3"])
    assert (later.record.ids, later.record.new) == (3, 1)


def test_the_age_of_the_newest_list_is_known(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.returned(["AA1"], hours=30)
    polls.returned(["AA2"], hours=6)
    polls.returned(["AA3"], hours=20)
    with assembly.database.read() as tx:
        (newest,) = returned.latest(tx, registers=["nc"])
    assert assembly.clock.now() - newest.as_of == timedelta(hours=6)


def test_a_list_of_another_register_or_column_is_refused_and_changes_nothing(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    kinds = assembly.kinds()
    with pytest.raises(BadFile, match="none of the 2 ids"):
        polls.returned(["ZZ1", "ZZ2"])
    with pytest.raises(BadFile, match="none of the 1 ids"):
        polls.returned(["000000000001"], header="voter_reg_num", column="voter_reg_num")
    with pytest.raises(UsageError, match="no column of that name"):
        polls.returned(["AA1"], column="ncidd")
    with pytest.raises(UsageError, match="no register of that name"):
        polls.returned(["AA1"], register="oh")
    assert assembly.kinds() == kinds
    with assembly.database.read() as tx:
        assert returned.latest(tx, registers=["nc"]) == []
        assert returned.unerased(tx) == []


def test_zeros_that_a_spreadsheet_lost_are_not_missed(assembly: Assembly, polls: Polls) -> None:
    rows = [ballot_row(n, **{"Membership Number": f"{n:07d}"}) for n in range(1, 181)]
    polls.load(voter_file(BALLOT, rows), "nurses", register="unison-nw")
    found = polls.returned(["1", "0000002", "000180"], header="Membership Number")
    assert (found.record.ids, found.record.unknown) == (3, 0)


def test_ids_that_a_spreadsheet_cut_short_are_refused(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    kinds = assembly.kinds()
    with pytest.raises(BadFile, match=r"1\.23E\+11, which a spreadsheet has cut short"):
        polls.returned(["AA1", "1.00E+11"])
    assert assembly.kinds() == kinds
    with assembly.database.read() as tx:
        assert returned.unerased(tx) == []


def test_a_list_of_several_columns_without_a_header_line_is_refused(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    bare = voter_file(["AA1", "WAKE"], [["AA2", "WAKE"]], name="absentee.csv")
    with pytest.raises(BadFile, match="no column called as the ids") as refused:
        voters.read_returned(
            polls.database,
            bare,
            match_key=polls.house.keys.open("match"),
            as_of=polls.clock.now(),
            clock=polls.clock,
        )
    assert "holds the ids alone" in str(refused.value.hint)


def test_of_a_list_of_a_larger_area_those_of_the_file_are_read(
    assembly: Assembly, polls: Polls
) -> None:
    polls.load(file_of(range(1, 61)), "nurses")
    found = polls.returned([f"AA{n}" for n in range(51, 181)])
    assert (found.record.ids, found.record.unknown, found.record.new) == (130, 120, 10)


def test_an_older_list_read_after_a_newer_one_adds_to_it(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    polls.match()
    polls.returned(["AA1", "AA2"], hours=1)
    older = polls.returned(["AA2", "AA3"], hours=30)
    assert older.record.new == 1
    assert sum(plan(assembly, HERE).values()) == 177


def test_a_list_of_tomorrow_is_refused(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    with pytest.raises(UsageError, match="a time that has not come"):
        polls.returned(["AA1"], hours=-1)


def test_a_list_without_a_voter_file_is_refused(polls: Polls) -> None:
    with pytest.raises(StateConflict, match="no voter file counts today"):
        polls.returned(["AA1"])


def test_a_list_without_a_header_line_is_read(assembly: Assembly, polls: Polls) -> None:
    polls.load(file_of(range(1, 181)), "nurses")
    found = polls.returned(["AA2", "AA3"], header="AA1")
    assert (found.record.ids, found.record.unknown) == (3, 0)


def test_members_of_a_union_are_reached_by_workplace_and_spared_once_they_have_voted(
    assembly: Assembly, polls: Polls
) -> None:
    rows = [ballot_row(n, Postcode="97214") for n in range(1, 181)]
    polls.load(voter_file(BALLOT, rows), "nurses", "teachers", register="unison-nw")
    (found,) = polls.match()
    assert found.matched == 180
    site = '["workplace:Northmoor Hospitals Trust/Site 2"]'
    done = polls.returned(["1000001", "1000004", "1000003"], header="Membership Number")
    assert done.record.unknown == 0
    assert sum(plan(assembly, site).values()) == 58  # every third, but for 1 and 4


def test_no_file_is_needed_where_none_is_named(assembly: Assembly) -> None:
    assert sum(plan(assembly, HERE).values()) == 180
