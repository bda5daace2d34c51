"""Everything that lists does so as a table, as JSON and as CSV, with the same content."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from consortium_cli.screen import show_rows

if TYPE_CHECKING:
    from tests.harness.cli_world import World

LISTS = [
    ("partner", "list"),
    ("policy", "rules"),
    ("upload", "list"),
    ("campaign", "list"),
    ("report", "campaign", "ballots"),
]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_a_list_holds_the_same_in_every_form(world: World, words: tuple[str, ...]) -> None:
    objects = json.loads(world.ok(*words, "--format", "json", home="host"))
    records = list(csv.DictReader(io.StringIO(world.ok(*words, "--format", "csv", home="host"))))
    assert len(objects) == len(records) >= 1
    for one, other in zip(objects, records, strict=True):
        assert {k: "" if v is None else str(v) for k, v in one.items()} == other
    table = world.ok(*words, "--format", "table", home="host")
    assert all(str(one[next(iter(one))]) in table for one in objects)


def test_an_opt_out_is_listed_in_every_form(world: World) -> None:
    address = "quillfeather.30@mail2.example.org\n"
    world.ok("optout", "add", home="host", stdin=address)
    (ban,) = json.loads(world.ok("optout", "check", "--format", "json", home="host", stdin=address))
    assert ban["cause"] == "asked"
    shown = world.ok("optout", "check", "--format", "csv", home="host", stdin=address)
    assert len(list(csv.reader(io.StringIO(shown)))) == 2
    assert "[]" in world.ok("optout", "check", "--format", "json", home="host", stdin="a@b.org\n")


def test_cells_that_a_spreadsheet_would_run_are_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("name", "rows"), [("=SUM(A1)", 3), ("+1", 4), ("plain", 5)], form="csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["name", "rows"],
        ["'=SUM(A1)", "3"],
        ["'+1", "4"],
        ["plain", "5"],
    ]


def test_an_empty_list_is_said_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("name",), [], form="table")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "none\n")
    show_rows(("name",), [], form="json")
    assert json.loads(capsys.readouterr().out) == []
