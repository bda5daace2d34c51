"""Voter files by commands alone: loaded, matched, named, read who has voted, ended."""

from __future__ import annotations

import csv
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.cli_world import World, today
from tests.harness.voting import NC, nc_row

if TYPE_CHECKING:
    from collections.abc import Iterable

UNTIL = str(today() + timedelta(days=60))
LICENCE = ("--licensed-to", "nurses,teachers", "--purpose", "gotv", "--until", UNTIL)


def write(path: Path, headers: list[str], rows: Iterable[list[str]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows([headers, *rows])
    return path.name


@pytest.fixture
def host(world: World) -> World:
    write(world / "ncvoter.txt", NC, (nc_row(n) for n in range(1, 201)))
    return world


def test_a_voter_file_goes_its_whole_way(host: World) -> None:
    out = host.ok("voters", "load", "ncvoter.txt", *LICENCE, home="host")
    assert "v-1: North Carolina voter file, 200 voters" in out
    assert "licensed to nurses, teachers · for gotv" in out
    assert "2 counties" in out
    done = host.run("campaign", "plan", "ballots", home="host")
    assert "people new since the last match are in no place of v-1" in done.err
    assert "Next: consortium voters match" in host.ok("merge", "run", home="host")
    assert "people found" in host.ok("voters", "match", home="host")
    assert (
        "new since the last match" not in host.run("campaign", "plan", "ballots", home="host").err
    )
    assert "Next: consortium campaign create" in host.ok("merge", "run", home="host")
    kinds = json.loads(host.ok("voters", "places", "--format", "json", home="host"))
    assert [(one["kind"], one["places"], one["too small to show"]) for one in kinds] == [
        ("county", 1, 1),
        ("district", 1, 0),
        ("municipality", 1, 1),
        ("precinct", 2, 1),
    ]
    assert kinds[3]["the first"] == "precinct:NC/WAKE/01-01"
    again = host.ok("voters", "match", home="host")
    assert "nobody is new since the last match" in again
    assert again.endswith("Next: consortium voters places\n")
    listed = json.loads(host.ok("voters", "list", "--format", "json", home="host"))
    assert [(one["name"], one["state"], one["voters"]) for one in listed] == [
        ("v-1", "active", 200)
    ]
    places = json.loads(
        host.ok("voters", "places", "--kind", "precinct", "--format", "json", home="host")
    )
    assert {one["place"]: one["voters"] for one in places} == {
        "precinct:NC/WAKE/01-01": 100,
        "precinct:NC/WAKE/02": 80,
    }
    (host / "absentee.csv").write_text("ncid\nAA1\nAA2\nZZ9\n")
    out = host.ok("voters", "returned", "absentee.csv", home="host")
    assert "nc: 3 ids, 2 on no list before" in out
    assert "1 in no voter file that is loaded" in out
    assert "returned list of" in out
    assert "was read before" in host.ok("voters", "returned", "absentee.csv", home="host")
    assert "who has voted: returned list of" in host.ok(
        "campaign", "status", "ballots", home="host"
    )
    assert "v-1" in host.ok("voters", "rate", "nurses", home="host")
    done = host.run("voters", "end", "v-1", "--yes", home="host")
    assert "v-1 has ended and is deleted" in done.out
    assert "ballots still leaves out who has voted so far" in done.err
    words = ("voters", "end", "v-1", "--yes")
    host.refuses(*words, home="host", code=1, says="v-1 has ended already")
    words = ("voters", "forget", "nc", "--yes")
    host.refuses(
        *words, home="host", code=1, says="ballots leaves out who has voted and is not over"
    )
    host.ok("campaign", "stop", "ballots", "--reason", "over", "--yes", home="host")
    out = host.ok("voters", "forget", "nc", "--yes", home="host")
    assert "nc: 1 list of who has voted forgotten" in out
    host.refuses(*words, home="host", code=1, says="no list of who has voted counts")
    assert "no licence is over" in host.ok("voters", "end", "--due", "--yes", home="host")


def test_the_age_of_a_list_counts_from_when_it_was_written_or_said_to_be_true(host: World) -> None:
    host.ok("voters", "load", "ncvoter.txt", *LICENCE, home="host")
    path = host / "absentee.csv"
    path.write_text("ncid\nAA1\n")
    written = path.stat().st_mtime - 30 * 3600
    os.utime(path, (written, written))
    assert "1 day 6 h old" in host.ok("voters", "returned", "absentee.csv", home="host")
    path.write_text("ncid\nAA2\n")
    out = host.ok(
        "voters", "returned", "absentee.csv", "--as-of", str(today() - timedelta(9)), home="host"
    )
    assert "9 days" in out or "10 days" in out


def test_an_older_list_and_one_of_elsewhere_are_told(host: World) -> None:
    host.ok("voters", "load", "ncvoter.txt", *LICENCE, home="host")
    (host / "today.csv").write_text("ncid\nAA1\n")
    host.ok("voters", "returned", "today.csv", home="host")
    (host / "older.csv").write_text("ncid\nAA2\nZZ1\nZZ2\n")
    words = ("voters", "returned", "older.csv", "--as-of", str(today() - timedelta(3)))
    done = host.run(*words, home="host")
    assert "older than the returned list of" in done.out
    assert "more than half of its ids are unknown" in done.err


def test_the_register_taken_for_the_list_of_who_has_voted_is_told(host: World) -> None:
    host.ok("voters", "load", "ncvoter.txt", *LICENCE, home="host")
    (host / "some.csv").write_text("ncid\nAA1\n")
    assert "register itself" not in host.run("voters", "returned", "some.csv", home="host").err
    done = host.run("voters", "returned", "ncvoter.txt", home="host")
    assert "as many as v-1 has voters" in done.err
    assert "consortium voters forget nc" in done.err


def test_a_file_with_damaged_lines_is_loaded_and_says_which(host: World) -> None:
    rows = [nc_row(n) for n in range(1, 61)]
    rows[10] = rows[10][:-4]
    write(host / "some.txt", NC, rows)
    done = host.run("voters", "load", "some.txt", *LICENCE, home="host")
    assert done.code == 5
    assert "1 not read: has more or fewer cells than the header (lines 12" in done.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("load", "nurses.csv", *LICENCE), 1, "has the columns of no voter file"),
        (("load", "no-such.txt", *LICENCE), 1, "there is no file no-such.txt"),
        (("load", "ncvoter.txt", *LICENCE, "--licensed-to", "plumbers"), 1, "no partner is called"),
        (("load", "ncvoter.txt", *LICENCE, "--until", "2020-01-01"), 2, "ended on 2020-01-01"),
        (("load", "ncvoter.txt", *LICENCE, "--layout", "zz"), 2, "no voter file layout"),
        (("load", "ncvoter.txt", "--purpose", "gotv", "--until", UNTIL), 2, "--licensed-to"),
        (("returned", "ncvoter.txt"), 1, "no voter file counts today"),
        (("match",), 1, "no voter file counts today"),
        (("rate", "plumbers"), 1, "no partner is called"),
        (("end", "v-9", "--yes"), 1, "no voter file is called"),
        (("end",), 2, "name a voter file, or say --due"),
        (("forget", "nc", "--yes"), 1, "no list of who has voted counts"),
    ],
)
def test_what_is_wrong_is_said_in_two_lines_and_changes_nothing(
    host: World, words: tuple[str, ...], code: int, says: str
) -> None:
    host.refuses("voters", *words, home="host", code=code, says=says)
