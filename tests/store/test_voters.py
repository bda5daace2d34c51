"""Voter files on both databases: loaded whole or not at all, matched, ended without a trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from consortium import voters
from consortium.errors import BadFile, NotFound, StateConflict, UsageError
from consortium.model import PlaceKind, Purpose, Silent
from consortium.store import ledger, locks, places, state, voter_links
from consortium.store import voters as voter_store
from consortium.store.engine import Database
from consortium.store.tables import metadata
from consortium.testing.clock import FakeClock
from consortium.types import PartnerSlug
from consortium.voters import RawVoters
from consortium.voters.evidence import VoterBlock
from consortium.voters.staging import row_opener
from consortium.voters.sweep import LOCK as LOAD_LOCK
from tests.harness.pages import ROOT
from tests.harness.voting import (
    NC,
    Polls,
    ballot_file,
    letters,
    nc_file,
    nc_row,
    someone,
    voter_file,
)

TABLES = sorted(name for name in metadata.tables if name.startswith("consortium_"))


@pytest.fixture
def polls(database: Database, tmp_path: Path, clock: FakeClock) -> Polls:
    return Polls.open(database, tmp_path, clock, "nurses", "teachers")


def contents(database: Database) -> dict[str, list[str]]:
    with database.read() as tx:
        return {
            name: sorted(map(repr, tx.execute(text(f"SELECT * FROM {name}")).all()))
            for name in TABLES
        }


def last_entry(database: Database) -> dict[str, Any]:
    with database.read() as tx:
        size = ledger.size(tx)
        (data,) = ledger.entries(tx, size - 1, size)
    found: dict[str, Any] = json.loads(data)
    return found


def linked(polls: Polls) -> dict[int, str]:
    """Row id → rule, of every link that counts."""
    with polls.database.read() as tx:
        return {
            row: link.rule
            for load in voter_store.all_of(tx)
            for row, link in voter_links.current(tx, load.id, load.match_run).items()
        }


def test_a_loaded_file_counts_with_its_places_licence_and_entry(polls: Polls) -> None:
    result = polls.load(nc_file(range(1, 121)), "teachers", "nurses")
    assert result.title == "North Carolina voter file"
    assert result.record.name == "v-1"
    assert result.record.licensed == ("nurses", "teachers")
    assert result.record.counts.rows == 120
    assert result.place_kinds == {"county": 2, "district": 1, "municipality": 2, "precinct": 3}
    entry = last_entry(polls.database)
    assert entry["kind"] == "voters_loaded"
    assert (entry["licensed"], entry["purposes"]) == (["nurses", "teachers"], ["gotv"])
    assert (entry["rows"], entry["until"]) == ("100-249", "2026-12-31")
    with polls.database.read() as tx:
        found = places.counts(tx, loads=[result.record.id], kind=PlaceKind.PRECINCT)
    assert {(p.path, p.voters) for p in found} == {
        ("NC/WAKE/01-01", 60),
        ("NC/WAKE/02", 48),
        ("NC/DURHAM/02", 12),
    }


def test_rows_are_stored_sealed_in_an_order_that_tells_no_line(polls: Polls) -> None:
    record = polls.load(nc_file(range(1, 301))).record
    with polls.database.read() as tx:
        stored = [row for part in voter_store.stream(tx, record.id) for row in part]
    assert [number for number, _, _ in stored] == list(range(1, 301))
    assert [voter for _, voter, _ in stored] == sorted(voter for _, voter, _ in stored)
    opener = row_opener(polls.house.keys.open("match"), record, origin=polls.house.card.origin)
    years = [VoterBlock.decode(opener.open(s, number=n)).birth for n, _, s in stored]
    assert sorted(years) == sorted(str(1950 + n % 40) for n in range(1, 301))
    assert years[:40] != [str(1950 + n % 40) for n in range(1, 41)]
    everything = repr(contents(polls.database)).lower()
    for word in ("AA17", letters(17), "1967-03", "217 OAK"):
        assert word.lower() not in everything


def test_turnout_is_kept_sealed_and_under_another_digest(polls: Polls) -> None:
    history = voter_file(
        ["ncid", "election_lbl", "voting_method"],
        [[f"AA{n}", day, "IN-PERSON"] for n in (1, 2, 3) for day in ("11/03/2020", "11/08/2022")],
        name="ncvhis.txt",
    )
    record = polls.load(nc_file(range(1, 61)), history=history).record
    assert record.counts.history_rows == 6
    with polls.database.read() as tx:
        rows = tx.execute(
            text("SELECT number, voter, sealed FROM consortium_voter_history ORDER BY number")
        ).all()
        voters_of = {v for part in voter_store.stream(tx, record.id) for _, v, _ in part}
    assert len(rows) == 3
    assert not voters_of & {bytes(row.voter) for row in rows}
    opener = row_opener(
        polls.house.keys.open("match"), record, origin=polls.house.card.origin, what="history"
    )
    opened = [json.loads(opener.open(bytes(r.sealed), number=r.number)) for r in rows]
    assert opened == [[1, ["11/03/2020=IN-PERSON", "11/08/2022=IN-PERSON"]]] * 3
    assert b"2020" not in b"".join(bytes(row.sealed) for row in rows)


def test_repeated_removed_and_damaged_records_are_counted_and_named(polls: Polls) -> None:
    rows = [nc_row(n) for n in range(1, 101)]
    rows += [nc_row(5), nc_row(201, status_cd="R"), nc_row(202, ncid=""), nc_row(203)[:-3]]
    result = polls.load(voter_file(NC, rows))
    counts = result.record.counts
    assert (counts.rows, counts.repeated, counts.left_out, counts.rejected) == (100, 1, 1, 2)
    assert result.rejected == {"no_id": 1, "damaged": 1}
    assert result.shown == ((104, "no_id"), (105, "damaged"))


def test_a_file_of_which_much_is_damaged_leaves_everything_as_before(polls: Polls) -> None:
    before = contents(polls.database)
    rows = [nc_row(n)[: 3 if n % 3 == 0 else None] for n in range(1, 301)]
    with pytest.raises(BadFile, match=r"more than a fifth .* line 4 first"):
        polls.load(voter_file(NC, rows))
    assert contents(polls.database) == before


def test_the_same_file_is_loaded_once_and_again_after_it_has_ended(polls: Polls) -> None:
    first = polls.load(nc_file(range(1, 61)))
    before = contents(polls.database)
    with pytest.raises(StateConflict, match="is loaded already, as v-1"):
        polls.load(nc_file(range(1, 61)))
    assert contents(polls.database) == before
    voters.end(polls.database, first.record.name, clock=polls.clock, reason="withdrawn")
    assert polls.load(nc_file(range(1, 61))).record.name == "v-2"


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"until": date(2026, 1, 1)}, UsageError, "ended on 2026-01-01"),
        ({"layout": "oh"}, BadFile, "does not have the columns of the layout oh"),
        ({"layout": "zz"}, UsageError, "no voter file layout of that name"),
        ({"register": "Not One Word"}, UsageError, "one word"),
        ({"purposes": ()}, UsageError, "licensed to somebody, for something"),
    ],
)
def test_a_licence_or_layout_that_cannot_be_is_refused_before_anything_is_written(
    polls: Polls, how: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = contents(polls.database)
    with pytest.raises(error, match=words):
        polls.load(nc_file(range(1, 61)), **how)
    with pytest.raises(NotFound, match='no partner is called "plumbers"'):
        polls.load(nc_file(range(1, 61)), "plumbers")
    assert contents(polls.database) == before


def test_another_layout_does_not_get_into_a_register_of_ids(polls: Polls) -> None:
    polls.load(nc_file(range(1, 61)), register="all")
    with pytest.raises(StateConflict, match="known by files of the layout nc"):
        polls.load(ballot_file(range(1, 61)), register="all")


def test_a_load_that_is_cut_short_leaves_nothing(polls: Polls) -> None:
    before = contents(polls.database)
    file = nc_file(range(1, 301))

    def cut() -> Iterator[RawVoters]:
        for number, batch in enumerate(file.batches()):
            if number == 2:
                raise KeyboardInterrupt
            yield batch

    with pytest.raises(KeyboardInterrupt):
        polls.load(replace(file, batches=cut))
    assert contents(polls.database) == before


def test_what_a_dead_load_left_is_not_seen_and_is_swept(polls: Polls) -> None:
    before = contents(polls.database)
    with polls.database.write() as tx:
        load_id = voter_store.stage(
            tx,
            digest=b"d" * 32,
            layout="nc",
            register="nc",
            licensed=[1],
            purposes=[Purpose.GOTV],
            until=date(2026, 12, 31),
            ends_at=polls.clock.now() + timedelta(days=90),
            salt=b"s" * 32,
            at=polls.clock.now(),
        )
    voter_store.add_rows(polls.database, load_id, [(1, b"v" * 16, b"sealed")])
    with polls.database.read() as tx:
        assert voter_store.all_of(tx) == []
        assert voter_store.usable(tx, at=polls.clock.now()) == []
    voters.sweep(polls.database)
    assert contents(polls.database) == before


@pytest.mark.parametrize("batches", [0, 17, 30])
def test_a_load_that_is_killed_leaves_nothing_after_the_next_start(
    polls: Polls, tmp_path: Path, batches: int
) -> None:
    before = contents(polls.database)
    card = tmp_path / "consortium.card"
    with polls.database.read() as tx:
        card.write_text(state.get(tx).card, encoding="utf-8")
    keys = [polls.house.keys.open(name).hex() for name in ("match", "token-1")]
    url = polls.database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.harness.voting", url, *keys, str(card), str(batches)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with polls.database.read() as tx:
        rows = tx.execute(text("SELECT count(*) FROM consortium_voter_row")).scalar_one()
        assert rows == {0: 0, 17: 1500, 30: 3000}[batches]
        assert len(voter_store.staged(tx)) == 1
        assert voter_store.all_of(tx) == []
    voters.sweep(polls.database)
    assert contents(polls.database) == before
    assert polls.load(nc_file(range(1, 61))).record.counts.rows == 60


def test_of_an_ended_file_no_row_link_or_place_of_a_voter_is_left(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    polls.merge()
    record = polls.load(nc_file(range(1, 61))).record
    polls.match()
    assert linked(polls)
    ended = voters.end(polls.database, record.name, clock=polls.clock, reason="withdrawn")
    assert (ended.state, ended.salt) == ("ended", b"")
    assert last_entry(polls.database)["kind"] == "voters_ended"
    left = contents(polls.database)
    for name in ("voter_row", "voter_link", "place_set", "place_set_member", "voter_history"):
        assert left[f"consortium_{name}"] == []
    with pytest.raises(StateConflict, match="ended already"):
        voters.end(polls.database, record.name, clock=polls.clock, reason="withdrawn")


def test_a_file_past_its_last_day_counts_no_more_and_is_ended_by_expire(polls: Polls) -> None:
    today = polls.clock.now().date()
    record = polls.load(nc_file(range(1, 61)), until=today).record
    polls.clock.advance(timedelta(days=1))
    with polls.database.read() as tx:
        assert voter_store.usable(tx, at=polls.clock.now()) == []
    with pytest.raises(StateConflict, match="no voter file counts today"):
        polls.match()
    (ended,) = voters.expire(polls.database, clock=polls.clock)
    assert (ended.name, ended.state) == (record.name, "ended")
    assert last_entry(polls.database)["reason"] == "expired"


def test_two_files_are_not_loaded_at_once(polls: Polls) -> None:
    before = contents(polls.database)
    with (
        locks.exclusive(polls.database, LOAD_LOCK),
        pytest.raises(StateConflict, match='"voter-load"'),
    ):
        polls.load(nc_file(range(1, 61)))
    assert contents(polls.database) == before


def test_persons_are_found_by_exact_rules_and_by_score(polls: Polls) -> None:
    people = [someone(n) for n in range(1, 81)]
    moved = someone(90, house_number="7", places=replace(people[0].places, postcode="28801"))
    stranger = someone(91, first_name="Zelda", last_name="Nobody", birth_date="1999-01-01")
    polls.list_of("nurses", [*people, moved, stranger])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    (found,) = polls.match()
    assert (found.persons, found.matched) == (82, 81)
    assert found.rules == {"name_door": 80, "score": 1}
    entry = last_entry(polls.database)
    assert (entry["kind"], entry["generation"], entry["matched"]) == ("voters_matched", 1, "50-99")
    rules = linked(polls)
    assert sorted(rules.values()) == ["name_door"] * 80 + ["score"]


def test_two_voters_who_could_be_meant_leave_the_person_unmatched(polls: Polls) -> None:
    twice = nc_row(7, ncid="ZZ7", voter_reg_num="999")
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    polls.merge()
    polls.load(voter_file(NC, [*(nc_row(n) for n in range(1, 101)), twice]))
    (found,) = polls.match()
    assert found.matched == 59


def test_evidence_of_all_owners_is_taken_together(polls: Polls) -> None:
    bare = {"house_number": "", "birth_date": "", "email": "shared@example.org"}
    polls.list_of("nurses", [someone(7, **bare), *(someone(n) for n in range(20, 80))])
    polls.list_of("teachers", [someone(7, email="shared@example.org")])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    (found,) = polls.match()
    assert (found.persons, found.matched) == (61, 61)
    assert len(linked(polls)) == 62


def test_a_second_match_changes_nothing_and_says_so(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    polls.merge()
    polls.load(nc_file(range(1, 61)))
    polls.match()
    before = contents(polls.database)
    (again,) = polls.match()
    assert (again.entry, again.changed_rows, again.judged, again.matched) == (None, 0, 0, 60)
    assert contents(polls.database) == before


def test_after_a_merge_only_its_persons_are_looked_for_with_the_result_of_a_full_match(
    polls: Polls,
) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    polls.match()
    polls.list_of("teachers", [someone(n, email=f"t{n}@example.org") for n in range(55, 71)])
    polls.merge()
    (found,) = polls.match()
    assert (found.judged, found.matched) == (16, 70)
    incremental = linked(polls)
    (full,) = polls.match(full=True)
    assert full.judged == 70
    assert linked(polls) == incremental


def test_the_links_of_a_withdrawn_list_go_with_its_rows(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    gone = polls.list_of("teachers", [someone(n, email=f"t{n}@example.org") for n in range(61, 91)])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    polls.match()
    assert len(linked(polls)) == 90
    polls.house.withdraw(gone)
    assert len(linked(polls)) == 60
    polls.merge()
    (found,) = polls.match()
    assert found.matched == 60


class Withdrawing(Silent):
    """Withdraws a list as soon as the first voters have been read."""

    def __init__(self, polls: Polls, upload: str) -> None:
        self._polls, self._upload = polls, upload

    def advance(self, steps: int, **_: float | str) -> None:
        """Voters were read."""
        del steps
        if self._upload:
            name, self._upload = self._upload, ""
            self._polls.house.withdraw(name)


def test_a_list_that_is_withdrawn_while_people_are_looked_for_leaves_no_link(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    gone = polls.list_of("teachers", [someone(n, email=f"t{n}@example.org") for n in range(31, 91)])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    (found,) = voters.match(
        polls.database,
        match_key=polls.house.keys.open("match"),
        clock=polls.clock,
        observer=Withdrawing(polls, gone),
    )
    assert (found.persons, found.matched) == (60, 60)
    assert len(linked(polls)) == 60
    polls.merge()
    (again,) = polls.match()
    assert (again.persons, again.matched, len(linked(polls))) == (60, 60, 60)


def test_what_a_withdrawn_list_knew_of_a_person_is_known_no_more(polls: Polls) -> None:
    bare = {"house_number": "", "birth_date": ""}
    polls.list_of("nurses", [someone(7, **bare), *(someone(n) for n in range(20, 80))])
    gone = polls.list_of("teachers", [someone(7)])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    (found,) = polls.match()
    assert (found.persons, found.matched) == (61, 61)
    polls.house.withdraw(gone)
    polls.merge()
    (found,) = polls.match()
    assert (found.persons, found.matched, found.judged) == (61, 60, 61)
    (again,) = polls.match()
    assert (again.judged, again.entry) == (0, None)


def test_no_more_people_are_found_than_there_are(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    gone = polls.list_of("teachers", [someone(n) for n in range(61, 91)])
    polls.merge()
    polls.load(nc_file(range(1, 101)))
    polls.match()
    with polls.database.write() as tx:  # withdrawn, and its rows not deleted yet
        tx.execute(
            text("UPDATE consortium_upload SET state = 'withdrawn' WHERE id = :id"),
            {"id": int(gone.removeprefix("u-"))},
        )
    (found,) = polls.match()
    assert (found.persons, found.matched) == (60, 60)


def test_a_match_that_dies_is_not_seen_and_is_taken_back(polls: Polls) -> None:
    polls.list_of("nurses", [someone(n) for n in range(1, 61)])
    polls.merge()
    record = polls.load(nc_file(range(1, 61))).record
    polls.match()
    before = contents(polls.database)
    rows = sorted(linked(polls))
    with polls.database.write() as tx:
        run = voter_links.begin(
            tx,
            record.id,
            generation=1,
            weights="weights-1",
            lists_ended=0,
            at=polls.clock.now(),
        )
    voter_links.close(polls.database, record.id, rows, run=run)
    other = voter_links.Link(b"x" * 16, 1, "score")
    voter_links.add(polls.database, record.id, [(row, other) for row in rows], run=run)
    assert set(linked(polls).values()) == {"name_door"}
    voters.sweep(polls.database)
    assert contents(polls.database) == before


def test_an_owner_is_told_what_its_own_rows_alone_find(polls: Polls) -> None:
    bare = {"house_number": "", "birth_date": "", "places": replace(someone(1).places, postcode="")}
    nurses = [someone(n, **bare) if n % 2 else someone(n) for n in range(1, 101)]
    polls.list_of("nurses", nurses)
    key = polls.house.keys.open("match")
    polls.load(nc_file(range(1, 101)), "nurses")

    def rate() -> voters.OwnRate:
        (found,) = voters.rate_of_owner(
            polls.database, PartnerSlug("nurses"), match_key=key, clock=polls.clock
        )
        return found

    alone = rate()
    assert alone.rows == 100
    polls.list_of("teachers", [someone(n, email=f"p{n}@example.org") for n in range(1, 101)])
    polls.merge()
    (all_owners,) = polls.match()
    assert all_owners.matched == 100
    assert (rate().rows, rate().matched) == (alone.rows, alone.matched)
    assert alone.matched is not None
    assert alone.matched < 100
    others = voters.rate_of_owner(
        polls.database, PartnerSlug("teachers"), match_key=key, clock=polls.clock
    )
    assert others == []
