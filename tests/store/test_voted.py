"""Who has voted stays so when a voter file ends, until the election is over; on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from consortium import voters
from consortium.errors import NotFound, StateConflict
from consortium.ledger import entries
from consortium.model import Purpose
from consortium.store import ledger, locks, returned, voted
from consortium.store import voters as voter_store
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.voters.sweep import RETURNED_LOCK
from tests.harness.campaigning import Assembly
from tests.harness.voter_campaigns import HERE, ODD, OREGON, file_of, plan, ship, two_lists
from tests.harness.voting import NC, Polls, nc_row, someone, voter_file

FIRST_HUNDRED = [f"AA{n}" for n in range(1, 101)]
THEY = {f"p{n}@example.org" for n in range(1, 101)}


@pytest.fixture
def assembly(database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    return two_lists(database, tmp_path, clock=clock)


@pytest.fixture
def polls(assembly: Assembly) -> Polls:
    """A voter file in which everybody is found."""
    found = Polls(assembly.house, assembly.clock, assembly.partners)
    found.load(file_of(range(1, 181)), "nurses", "teachers")
    found.match()
    return found


def end(polls: Polls, name: str = "v-1") -> None:
    voters.end(polls.database, name, clock=polls.clock, reason="withdrawn")


def kept(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM consortium_voted_point")).scalar_one())


def recipients(assembly: Assembly) -> set[str]:
    _, sent = ship(assembly)
    return {letter.recipient.reveal() for letter in sent.taken}


def test_a_campaign_planned_after_the_file_has_ended_leaves_out_who_has_voted(
    assembly: Assembly, polls: Polls
) -> None:
    polls.returned(FIRST_HUNDRED)
    end(polls)
    assert sum(plan(assembly, HERE).values()) == 80
    assert not recipients(assembly) & THEY


def test_a_campaign_planned_before_writes_to_nobody_who_voted_before_the_file_ended(
    assembly: Assembly, polls: Polls
) -> None:
    assert sum(plan(assembly, HERE).values()) == 180
    polls.returned(FIRST_HUNDRED)
    end(polls)
    went = recipients(assembly)
    assert len(went) == 80
    assert not went & THEY


def test_who_has_voted_stays_so_while_the_end_of_a_file_is_cut_short(
    assembly: Assembly, polls: Polls
) -> None:
    polls.returned(FIRST_HUNDRED)
    with polls.database.write() as tx:
        assert voter_store.end(tx, 1, at=polls.clock.now())
    with polls.database.read() as tx:
        before = voted.rows(tx, purpose=Purpose.GOTV)
    voters.sweep(polls.database)
    assert kept(polls.database) == 100
    with polls.database.read() as tx:
        assert voted.rows(tx, purpose=Purpose.GOTV) == before
        assert len(before) == 140  # forty of the hundred are on both lists
    assert sum(plan(assembly, HERE).values()) == 80


def test_a_list_that_replaces_another_after_the_file_has_ended_brings_nobody_back(
    assembly: Assembly, polls: Polls
) -> None:
    polls.returned(FIRST_HUNDRED)
    end(polls)
    new = [someone(n, places=OREGON, house_number=str(500 + n)) for n in range(1, 121)]
    desk = assembly.partners["nurses"]
    assembly.house.add(desk.pack(new), replaces=str(assembly.uploads["nurses"].name))
    assembly.merge()
    assert sum(plan(assembly, HERE).values()) == 80
    assert not recipients(assembly) & THEY


def test_who_voted_by_a_file_that_has_ended_is_spared_beside_who_votes_by_the_next(
    assembly: Assembly, polls: Polls
) -> None:
    polls.returned(FIRST_HUNDRED)
    polls.load(file_of(range(60, 181)), "nurses", "teachers")  # 1 to 59 are not in it
    end(polls)
    assert sum(plan(assembly, HERE).values()) == 80
    polls.match()
    polls.returned([f"AA{n}" for n in range(101, 121)])
    assert assembly.plan().audience == 60
    assert not recipients(assembly) & {f"p{n}@example.org" for n in range(1, 121)}


def test_who_voted_by_a_file_whose_licence_ends_before_the_campaign_is_left_out(
    assembly: Assembly, polls: Polls
) -> None:
    end(polls)
    until = assembly.clock.now().date()
    rows = [nc_row(n, zip_code="97214") for n in range(1, 182)]
    polls.load(voter_file(NC, rows), "nurses", until=until)
    polls.match()
    polls.returned(FIRST_HUNDRED)
    assembly.clock.advance(timedelta(days=2))
    assert sum(plan(assembly, HERE).values()) == 80
    (ended,) = voters.expire(polls.database, clock=polls.clock)
    assert ended.name == "v-2"
    assert not recipients(assembly) & THEY


def test_of_a_file_that_has_ended_nothing_but_contact_points_says_who_has_voted(
    polls: Polls,
) -> None:
    polls.returned(FIRST_HUNDRED)
    end(polls)
    with polls.database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM consortium_voter_link")).scalar_one() == 0
        found = tx.execute(text("SELECT * FROM consortium_voted_point")).all()
    assert {(list_id, load_id) for _, list_id, load_id in found} == {(1, 1)}
    assert len({point for point, _, _ in found}) == 100


def test_once_the_election_is_over_nobody_has_voted_and_nothing_says_they_had(
    assembly: Assembly, polls: Polls
) -> None:
    polls.returned(FIRST_HUNDRED)
    end(polls)
    polls.load(file_of(range(1, 171)), "nurses")
    polls.match()
    polls.returned([f"AA{n}" for n in range(101, 111)])
    assert voters.forget(polls.database, "nc", clock=polls.clock) == 2
    assert assembly.kinds()[-1] == "voters_forgotten"
    assert kept(polls.database) == 0
    with polls.database.read() as tx:
        rest = tx.execute(text("SELECT count(*) FROM consortium_returned_voter")).scalar_one()
        assert (rest, returned.latest(tx), returned.unerased(tx)) == (0, [], [])
    assert sum(plan(assembly, HERE).values()) == 180
    again = polls.returned(FIRST_HUNDRED)  # the same file, of another election
    assert (again.again, again.record.new) == (False, 100)
    with pytest.raises(NotFound, match="for the register"):
        voters.forget(polls.database, "oh", clock=polls.clock)


def test_forgetting_that_is_cut_short_is_ended_by_the_next_start(polls: Polls) -> None:
    polls.returned(FIRST_HUNDRED)
    end(polls)
    with polls.database.write() as tx:
        assert returned.end_all(tx, "nc") == 1
        ledger.append(tx, entries.voters_forgotten("nc", at=polls.clock.now()))
    with polls.database.read() as tx:
        assert voted.rows(tx, purpose=Purpose.GOTV) == set()
    voters.sweep(polls.database)
    assert kept(polls.database) == 0
    with polls.database.read() as tx:
        assert returned.unerased(tx) == []


def test_a_file_does_not_end_while_a_list_is_read(polls: Polls) -> None:
    with (
        locks.exclusive(polls.database, RETURNED_LOCK),
        pytest.raises(StateConflict, match="voter-returned"),
    ):
        end(polls)
    with polls.database.read() as tx:
        (load,) = voter_store.usable(tx, at=polls.clock.now())
    assert load.name == "v-1"


def test_a_file_that_has_ended_is_not_erased_while_a_list_is_read(polls: Polls) -> None:
    with polls.database.write() as tx:
        voter_store.end(tx, 1, at=polls.clock.now())
    with locks.exclusive(polls.database, RETURNED_LOCK):
        voters.sweep(polls.database)
        with polls.database.read() as tx:
            assert len(voter_store.unerased(tx)) == 1
    voters.sweep(polls.database)
    with polls.database.read() as tx:
        assert voter_store.unerased(tx) == []


# --- a plan and the end of a file are ordered by the ledger


def test_a_file_that_ends_after_the_plan_stops_it_though_the_clock_was_set_back(
    assembly: Assembly, polls: Polls
) -> None:
    plan(assembly, ODD)
    assembly.clock.advance(timedelta(hours=-1))
    end(polls)
    with pytest.raises(StateConflict, match="has ended"):
        ship(assembly)


def test_a_plan_made_after_a_file_has_ended_is_sent_though_the_clock_was_set_back(
    assembly: Assembly, polls: Polls
) -> None:
    end(polls)
    polls.load(file_of(range(1, 181)), "nurses", "teachers")
    polls.match()
    assembly.clock.advance(timedelta(hours=-1))
    plan(assembly, ODD)
    _, sent = ship(assembly)
    assert len(sent.taken) == 90


@pytest.fixture
def ending(polls: Polls) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=end, args=(polls,))
    yield thread
    thread.join()


def test_a_file_does_not_end_between_a_plans_look_at_it_and_its_entry(
    polls: Polls, ending: threading.Thread
) -> None:
    with polls.database.write() as tx:
        assert voter_store.hold(tx, [1])
        ending.start()
        time.sleep(0.3)
        planned = ledger.append(tx, entries.voters_forgotten("plan", at=polls.clock.now()))
    ending.join()
    with polls.database.read() as tx:
        assert voter_store.ended_after(tx, planned, purpose=Purpose.GOTV, at=polls.clock.now())
    with polls.database.write() as tx:
        assert not voter_store.hold(tx, [1])


def test_a_file_counts_to_midnight_where_its_voters_live(polls: Polls) -> None:
    with polls.database.read() as tx:
        (load,) = voter_store.usable(tx, at=polls.clock.now())
        assert load.until == date(2026, 12, 31)
        last = load.ends_at  # five hours after midnight in Greenwich
        assert last.isoformat() == "2027-01-01T05:00:00+00:00"
        assert voter_store.usable(tx, at=last - timedelta(seconds=1)) == [load]
        assert voter_store.due(tx, at=last - timedelta(seconds=1)) == []
        assert voter_store.usable(tx, at=last) == []
        assert voter_store.due(tx, at=last) == [load]


def test_a_licence_to_election_day_serves_a_campaign_that_ends_that_evening(
    assembly: Assembly, polls: Polls
) -> None:
    end(polls)
    polls.load(file_of(range(1, 181)), "nurses", "teachers", until=date(2026, 11, 3))
    polls.match()
    assert sum(plan(assembly, ODD).values()) == 90  # to 4 in the morning of the 4th, UTC
