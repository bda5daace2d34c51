"""Correcting merges by commands, as operator and owner type them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.harness.cli_world import today

if TYPE_CHECKING:
    from tests.harness.cli_world import World

LIST = """\
id,email,first name,last name,phone,zip
71,j.alder@people.example.org,Jo,Alder,503-555-0161,97214
72,jo@alderbakery.example.org,Jo,Alder,503-555-0161,97214
73,q.birch@people.example.org,Quinn,Birch,503-555-0162,97214
"""
OBTAINED = ("--list", "tree", "--obtained", str(today()))


def rows(world: World, row: str) -> list[str]:
    shown = json.loads(world.ok("merge", "show", row, "--format", "json", home="host"))
    return [found["row"] for found in shown]


def add_tree(world: World) -> str:
    (world / "tree.csv").write_text(LIST)
    world.ok("upload", "pack", "tree.csv", *OBTAINED, home="nurses")
    out = world.ok("upload", "add", "tree.pack", home="host")
    world.ok("merge", "run", home="host")
    found = re.search(r"u-\d{4}", out)
    assert found is not None
    return found[0]


def test_an_operator_shows_splits_keeps_apart_and_lists(world: World) -> None:
    upload = add_tree(world)
    one, other, third = (f"{upload}:{number}" for number in (1, 2, 3))
    assert rows(world, one) == [one, other]
    world.refuses("merge", "never", one, other, home="host", code=2, says="--yes")
    world.refuses("merge", "never", one, home="host", code=2, says="two rows")
    assert rows(world, one) == [one, other]
    out = world.ok("merge", "never", one, other, "--yes", home="host")
    assert out.startswith("1 pair never to be merged\n")
    assert "consortium merge run" in out
    assert "recorded before" in world.ok("merge", "never", other, one, "--yes", home="host")
    assert "Next: consortium campaign create" in world.ok("merge", "run", home="host")
    assert rows(world, one) == [one]
    world.refuses("merge", "split", third, "--yes", home="host", says="no rows but these")
    world.refuses("merge", "split", one, third, "--yes", home="host", code=2, says="not of one")
    listed = json.loads(world.ok("merge", "list", "--format", "json", home="host"))
    assert [(d["said by"], d["pairs"]) for d in listed] == [("operator", 1)]


def test_an_owner_is_asked_answers_and_is_obeyed(world: World) -> None:
    upload = add_tree(world)
    out = world.ok("merge", "pairs", "nurses", "--out", "nurses.pairs", home="host")
    assert out.startswith("1 group of rows that nurses's own lists join\n")
    assert "alder" not in (world / "nurses.pairs").read_text().lower()
    world.refuses("merge", "review", "nurses.pairs", home="teachers", says="Give it to nurses")
    assert "2 rows in 1 group" in world.ok("merge", "review", "nurses.pairs", home="nurses")
    sheet = world / "nurses.pairs.csv"
    assert sheet.stat().st_mode & 0o777 == 0o600
    world.refuses(
        "merge", "answer", "nurses.pairs.csv", "--yes", home="nurses", code=2, says="Mark"
    )
    sheet.write_text(sheet.read_text().replace("1,1,72,", "1,2,72,"))
    world.ok("merge", "answer", "nurses.pairs.csv", "--yes", home="nurses")
    out = world.ok("merge", "never", "nurses.pairs.csv.signed", home="host")
    assert out.startswith("1 pair never to be merged\n")
    world.ok("merge", "run", home="host")
    assert rows(world, f"{upload}:1") == [f"{upload}:1"]
    assert "no rows of nurses" in world.ok("merge", "pairs", "nurses", home="host")
    world.refuses("merge", "review", "tree.csv", home="nurses", says="tree.csv")
    world.refuses("merge", "never", "tree.csv", home="host", code=3, says="tree.csv")


def test_what_was_said_by_mistake_is_taken_back_by_whoever_said_it(world: World) -> None:
    upload = add_tree(world)
    one, other = f"{upload}:1", f"{upload}:2"
    world.ok("merge", "never", one, other, "--yes", home="host")
    [listed] = json.loads(world.ok("merge", "list", "--format", "json", home="host"))
    entry = listed["entry"]
    world.refuses("merge", "take-back", entry, home="host", code=2, says="--yes")
    world.refuses("merge", "take-back", "1", home="host", says="merge list")
    out = world.ok("merge", "take-back", entry, "--yes", home="host")
    assert out.startswith(f"1 pair of entry {entry} may be merged again\n")
    assert "taken back before" in world.ok("merge", "take-back", entry, "--yes", home="host")
    world.ok("merge", "pairs", "nurses", "--out", "nurses.pairs", home="host")
    world.ok("merge", "review", "nurses.pairs", home="nurses")
    sheet = world / "nurses.pairs.csv"
    sheet.write_text(sheet.read_text().replace("1,1,72,", "1,2,72,"))
    world.ok("merge", "answer", "nurses.pairs.csv", "--yes", home="nurses")
    signed = "nurses.pairs.csv.signed"
    world.refuses("merge", "answer", signed, "--take-back", "--yes", home="teachers", code=3)
    world.ok("merge", "never", signed, home="host")
    listed = json.loads(world.ok("merge", "list", "--format", "json", home="host"))[-1]
    says = "consortium merge answer FILE.signed --take-back"
    world.refuses("merge", "take-back", listed["entry"], home="host", code=4, says=says)
    world.ok("merge", "run", home="host")
    assert rows(world, one) == [one]
    out = world.ok("merge", "answer", signed, "--take-back", "--yes", home="nurses")
    assert f"consortium merge take-back {signed}.taken-back" in out
    assert "may be merged again" in world.ok(
        "merge", "take-back", f"{signed}.taken-back", home="host"
    )
    world.ok("merge", "run", home="host")
    assert rows(world, one) == [one, other]
    world.refuses("merge", "never", signed, home="host", says="taken back by nurses")
    world.ok("ledger", "export", "again-export", home="host")
    assert "CONSISTENT" in world.ok("ledger", "verify", "again-export")


def test_weights_are_turned_on_and_off_by_name(world: World) -> None:
    add_tree(world)
    assert "ledger entry" in world.ok("merge", "run", "--scored", home="host")
    assert "nothing has changed" in world.ok("merge", "run", home="host")
    assert "ledger entry" in world.ok("merge", "run", "--rules-only", home="host")
