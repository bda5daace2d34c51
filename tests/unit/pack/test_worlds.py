"""Whole lists of made-up people, every record accounted for against what was done to it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from consortium.model import Consent, ConsentBasis
from consortium.pack import Stated
from tests.unit.pack.conftest import Desk

Truth = Mapping[str, Mapping[int, tuple[str, frozenset[str]]]]
LAYOUTS = {
    "actionnetwork": "action-network",
    "everyaction": "everyaction",
    "excel_generic": "plain",
    "mailchimp": "mailchimp",
    "civicrm": "civicrm",
}
CONFIDENCE = {"plain": "likely"}
DATES = {"US": "%m/%d/%Y", "US2": "%m/%d/%y", "EU": "%d.%m.%Y", "ISO": "%Y-%m-%d"}
NOT_ALLOCATED = "4477009"  # Ofcom's numbers for drama


@pytest.fixture(scope="session", params=["samples", 11, 12])
def world(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The shared samples, and worlds nobody has seen."""
    if request.param == "samples":
        return shared / "samples"
    folder = tmp_path_factory.mktemp("world")
    command = [sys.executable, str(shared / "tools/make_lists.py"), str(folder)]
    command += ["--preset", "small", "--seed", str(request.param), "--jobs", "2"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def truth_of(world: Path) -> Truth:
    truth: dict[str, dict[int, tuple[str, frozenset[str]]]] = defaultdict(dict)
    with (world / "truth_lists.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            tags = frozenset(row["tags"].split())
            truth[row["list"]][int(row["row"])] = (row["person_id"], tags)
    return truth


def lists_of(world: Path) -> list[dict[str, Any]]:
    manifest = json.loads((world / "manifest.json").read_text())
    return list(manifest["lists"])


def cells_of(world: Path, entry: Mapping[str, Any]) -> dict[int, dict[str, str]]:
    """Record number → field → cell, read as the manifest says."""
    path = world / "lists" / entry["file"]
    csv.field_size_limit(2**20)
    with path.open(encoding=entry["encoding"], newline="") as file:
        rows = [r for r in csv.reader(file, delimiter=entry["delimiter"]) if r]
    fields = list(entry["columns"].values())
    return {n: dict(zip(fields, row, strict=False)) for n, row in enumerate(rows[1:], start=1)}


def is_reachable(cells: Mapping[str, str], tags: frozenset[str]) -> bool:
    digits = "".join(c for c in cells.get("phone", "") if c.isdigit())
    spoiled = {"junk_phone", "excel_phone"} & tags or digits.startswith(NOT_ALLOCATED)
    by_phone = bool(digits) and not spoiled
    return by_phone or (bool(cells.get("email", "").strip(" <>")) and "bad_email" not in tags)


def test_layout_encoding_and_delimiter_are_found(desk: Desk, world: Path) -> None:
    for entry in lists_of(world):
        report = desk.check(world / "lists" / entry["file"])
        layout = LAYOUTS[entry["format"]]
        assert report.layout == layout
        assert report.confidence == CONFIDENCE.get(layout, "certain")
        assert report.rows == entry["rows"]
        found = {"comma": ",", "semicolon": ";", "tab": "\t"}[report.delimiter]
        assert found == entry["delimiter"]
        text = (world / "lists" / entry["file"]).read_bytes().decode(entry["encoding"])
        source = desk.read(world / "lists" / entry["file"]).reading.source
        assert text.startswith(source.headers[0])


def test_every_record_has_the_one_fate_it_should(desk: Desk, world: Path) -> None:
    truth = truth_of(world)
    for entry in lists_of(world):
        name, cells = entry["file"], cells_of(world, entry)
        read = desk.read(world / "lists" / name)
        known = truth[name]
        assert read.records == entry["rows"] == len(known)
        rejected = {r.number: r.code for r in read.rejected}
        unreachable = {
            number
            for number, (_, tags) in known.items()
            if not {"header_again", "footer"} & tags and not is_reachable(cells[number], tags)
        }
        for code in ("header_again", "footer"):
            assert {n for n, c in rejected.items() if c == code} == {
                n for n, (_, tags) in known.items() if code in tags
            }
        assert {
            n for n, c in rejected.items() if c not in {"header_again", "footer"}
        } == unreachable
        sent = {row.number for row in read.rows}
        repeated = {row.number for row in read.repeated}
        assert read.opt_outs == []
        assert sent | repeated | set(rejected) == set(known)
        assert len(sent) + len(repeated) + len(rejected) == len(known)


def test_only_the_same_person_is_ever_taken_for_a_repeat(desk: Desk, world: Path) -> None:
    truth = truth_of(world)
    found = 0
    for entry in lists_of(world):
        read = desk.read(world / "lists" / entry["file"])
        known = truth[entry["file"]]
        people = {known[row.number][0] for row in read.rows}
        assert all(known[row.number][0] in people for row in read.repeated)
        found += len(read.repeated)
    assert found


def test_damaged_cells_cost_no_row_and_short_rows_are_noted(desk: Desk, world: Path) -> None:
    truth = truth_of(world)
    for entry in lists_of(world):
        read = desk.read(world / "lists" / entry["file"])
        known = truth[entry["file"]]
        lost = {r.number for r in read.rejected if r.column == "" and r.code != "no_contact"}
        assert lost == {n for n, (_, t) in known.items() if {"header_again", "footer"} & t}
        assert {f.number for f in read.flaws if f.code == "short_row"} == {
            n for n, (_, tags) in known.items() if "ragged" in tags
        }
        suspicious = {f.number for f in read.flaws if f.code == "suspicious"}
        assert suspicious <= {n for n, (_, tags) in known.items() if "formula" in tags}


def test_nothing_that_runs_or_breaks_lines_is_sent(desk: Desk, world: Path) -> None:
    for entry in lists_of(world):
        for row in desk.read(world / "lists" / entry["file"]).rows:
            for text in (row.first_name, row.last_name, row.house_number, *row.emails):
                assert text.isprintable()
                assert not text.startswith(("=", "+", "-", "@"))
                assert "://" not in text


def test_birth_dates_are_read_in_the_order_of_their_column(desk: Desk, world: Path) -> None:
    for entry in lists_of(world):
        if "dob" not in entry["columns"].values():
            continue
        cells = cells_of(world, entry)
        rows = desk.read(world / "lists" / entry["file"]).rows
        wrong = empty = filled = 0
        for row in rows:
            cell = cells[row.number].get("dob", "").strip()
            if not cell:
                assert row.birth_date == ""
                continue
            filled += 1
            born = datetime.strptime(cell, DATES[entry["date_style"]])  # noqa: DTZ007 - a day
            empty += not row.birth_date
            wrong += bool(row.birth_date) and row.birth_date[5:] != f"{born:%m-%d}"
        assert filled > len(rows) // 3
        assert wrong == 0
        assert empty <= filled // 100


def test_packs_say_the_same_as_the_check(desk: Desk, world: Path) -> None:
    stated = Stated(email=Consent(ConsentBasis.MEMBERSHIP))
    for entry in lists_of(world):
        path = world / "lists" / entry["file"]
        report = desk.check(path, stated=stated)
        result = desk.pack(path, stated=stated, out=desk.folder / f"{entry['file']}.pack")
        assert result.report == report
        _, items, trailer = desk.unpack(result.path)
        assert len(items) == trailer.counts.rows == report.usable
        assert report.rows == report.usable + report.opt_outs + report.rejected + report.repeated
        assert (trailer.counts.rejected, trailer.counts.repeated) == (
            report.rejected,
            report.repeated,
        )
