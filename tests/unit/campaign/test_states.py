"""A campaign's states: who may move it where, and what the ledger says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consortium import campaign
from consortium.errors import NotFound, StateConflict
from consortium.store import ledger
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from tests.harness.campaigning import NAME, Assembly, assemble


@pytest.fixture
def assembly(sqlite_database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    made = assemble(sqlite_database, tmp_path, clock=clock)
    made.create()
    return made


def do(assembly: Assembly, change: str) -> None:
    database, clock, wraps = assembly.database, assembly.clock, assembly.house.wraps
    match change:
        case "plan":
            assembly.plan()
        case "start":
            campaign.start(database, NAME, clock=clock)
        case "pause":
            campaign.pause(database, NAME, clock=clock)
        case "resume":
            campaign.resume(database, NAME, clock=clock)
        case "stop":
            campaign.stop(database, NAME, reason="rain", wraps=wraps, clock=clock)
        case "finish":
            campaign.finish(database, NAME, wraps=wraps, clock=clock)


def changes(assembly: Assembly) -> list[str]:
    with assembly.database.read() as tx:
        found = [json.loads(entry) for entry in ledger.entries(tx)]
    return [entry["state"] for entry in found if entry["kind"] == "campaign_state"]


def test_every_move_is_in_the_ledger(assembly: Assembly) -> None:
    for change in ("plan", "start", "pause", "resume", "finish"):
        do(assembly, change)
    assert assembly.campaign().state == "finished"
    assert changes(assembly) == ["sending", "paused", "resumed", "finished"]


def test_beginning_twice_says_so_once(assembly: Assembly) -> None:
    for change in ("plan", "start", "start"):
        do(assembly, change)
    assert changes(assembly) == ["sending"]


@pytest.mark.parametrize(
    ("way", "refused"),
    [
        ([], ["start", "pause", "resume", "finish"]),
        (["plan"], ["pause", "resume", "finish"]),
        (["plan", "start"], ["resume"]),
        (["plan", "start", "pause"], ["start", "pause"]),
        (["stop"], ["plan", "start", "pause", "resume", "stop", "finish"]),
        (["plan", "start", "finish"], ["plan", "start", "pause", "resume", "stop", "finish"]),
    ],
)
def test_no_move_but_those_of_the_diagram(
    assembly: Assembly, way: list[str], refused: list[str]
) -> None:
    for change in way:
        do(assembly, change)
    state, said = assembly.campaign().state, changes(assembly)
    for change in refused:
        with pytest.raises(StateConflict):
            do(assembly, change)
    assert assembly.campaign().state == state
    assert changes(assembly) == said


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_the_end_drops_the_keys_that_partners_lent(assembly: Assembly, end: str) -> None:
    assembly.approve("nurses")
    assert "campaign-portland-ballots" in assembly.house.wraps.scopes()
    for change in ("plan", "start", end):
        do(assembly, change)
    assert assembly.house.wraps.scopes() == ["owner"]


def test_keys_left_by_a_crash_at_the_end_can_be_dropped_later_and_not_before(
    assembly: Assembly,
) -> None:
    assembly.approve("nurses")
    with pytest.raises(StateConflict):
        campaign.close(assembly.database, NAME, wraps=assembly.house.wraps)
    do(assembly, "stop")
    assert campaign.close(assembly.database, NAME, wraps=assembly.house.wraps) == 0


def test_the_reason_of_a_stop_is_kept_and_stays_out_of_the_ledger(assembly: Assembly) -> None:
    do(assembly, "stop")
    assert assembly.campaign().reason == "rain"
    with assembly.database.read() as tx:
        assert not any(b"rain" in entry for entry in ledger.entries(tx))


def test_an_unknown_campaign_is_named(assembly: Assembly) -> None:
    with pytest.raises(NotFound, match='no campaign of that name: "nonesuch"'):
        campaign.pause(assembly.database, "nonesuch", clock=assembly.clock)
