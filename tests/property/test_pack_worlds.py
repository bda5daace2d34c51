"""Whole lists in the layouts of ten systems, as messy as real ones: every record is accounted for.

The worlds are made by the shared generator from seeds that nothing else uses; what it did to a row
stands in its truth, against which the fate of each record is held.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from consortium.model import PackRow
from consortium.pack import Confidence, Stated, check, parse_attest
from consortium.pack.check import Reading
from consortium.pack.layout import Role
from consortium.pack.problems import CODES
from consortium.tokens import Profile

LAYOUTS = {
    "actionkit": "actionkit",
    "actionnetwork": "action-network",
    "civicrm": "civicrm",
    "everyaction": "everyaction",
    "excel_generic": "plain",
    "google": "google-contacts",
    "mailchimp": "mailchimp",
    "nationbuilder": "nationbuilder",
    "salesforce": "salesforce-npsp",
    "spoke": "spoke",
}
WITHOUT_IDS = {"excel_generic", "google"}
TODAY = date(2026, 9, 1)
PROFILE = Profile(dot_insensitive_domains=frozenset({"gmail.example.com"}))
SPOILED = {"bad_email", "junk_phone", "excel_phone", "formula", "ragged"}
UNTOLD = {"no_contact", "header_again", "footer", "not_in_plan"}  # numbers of drama are in no plan
SEEDS = (3101, 3102)
UK = {"ballot_register.csv": "uk-union-members", "rep_canvass.csv": "plain"}


@pytest.fixture(scope="module", params=SEEDS)
def world(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Ten lists of about 500 rows, one of each system, and a British ballot."""
    folder = tmp_path_factory.mktemp("world")
    command = [sys.executable, str(shared / "tools/make_lists.py"), str(folder), "--jobs", "2"]
    command += ["--voters", "4000", "--lists", "10", "--rows", "500", "--seed", str(request.param)]
    subprocess.run([*command, "--uk", "--uk-members", "400"], check=True, capture_output=True)
    return folder


def lists_of(world: Path) -> Iterator[dict[str, Any]]:
    yield from json.loads((world / "manifest.json").read_text())["lists"]


def truth_of(world: Path) -> dict[str, dict[int, frozenset[str]]]:
    truth: dict[str, dict[int, frozenset[str]]] = defaultdict(dict)
    with (world / "truth_lists.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            truth[row["list"]][int(row["row"])] = frozenset(row["tags"].split())
    return truth


def opened(path: Path, stated: Stated | None = None) -> Reading:
    return Reading(path, profile=PROFILE, today=TODAY, stated=stated)


def test_every_system_is_recognised_whatever_the_mess(world: Path) -> None:
    for entry in lists_of(world):
        layout = opened(world / "lists" / entry["file"]).layout
        assert layout.name == LAYOUTS[entry["format"]]
        plain = layout.name == "plain"
        assert layout.confidence is (Confidence.LIKELY if plain else Confidence.CERTAIN)
        assert (Role.RECORD_ID in layout.columns) == (entry["format"] not in WITHOUT_IDS)
    for name, layout_name in UK.items():
        assert opened(world / "uk" / name).layout.name == layout_name


def test_rows_in_are_usable_rejected_opt_outs_and_repeated_always(world: Path) -> None:
    stated = parse_attest(["email=express", "sms=implied"])
    files = [world / "lists" / entry["file"] for entry in lists_of(world)]
    for path in [*files, *(world / "uk" / name for name in UK)]:
        report = check(path, profile=PROFILE, today=TODAY, stated=stated)
        assert report.rows == (report.usable + report.opt_outs + report.rejected + report.repeated)
        assert {w.code for w in report.worth_fixing} <= set(CODES)
        for fault in (*report.worth_fixing, *report.hints):
            assert fault.count >= len(fault.lines) > 0
            assert list(fault.lines) == sorted(fault.lines)


def test_each_record_has_one_fate_and_the_one_that_was_done_to_it(world: Path) -> None:
    truth = truth_of(world)
    for entry in lists_of(world):
        known = truth[entry["file"]]
        sent: Counter[int] = Counter()
        rejected: dict[int, str] = {}
        records = 0
        for batch in opened(world / "lists" / entry["file"]).batches():
            records += batch.records
            sent.update(item.number for item in batch.items if isinstance(item, PackRow))
            sent.update(row.number for row in batch.repeated)
            rejected.update({row.number: row.code for row in batch.rejected})
        assert records == entry["rows"] == len(known)
        assert set(sent.values()) == {1}
        assert not set(sent) & set(rejected)
        assert set(sent) | set(rejected) == set(known)
        for code in ("header_again", "footer"):
            assert {n for n, c in rejected.items() if c == code} == {
                n for n, tags in known.items() if code in tags
            }
        for number, code in rejected.items():
            assert code in UNTOLD or known[number] & SPOILED


def test_no_row_of_a_list_without_refusals_is_taken_for_one(world: Path) -> None:
    for entry in lists_of(world):
        report = check(world / "lists" / entry["file"], profile=PROFILE, today=TODAY)
        assert (report.opt_outs, report.partly_blocked, report.refused) == (0, 0, ())
