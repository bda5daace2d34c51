"""What a screen says to somebody who forgot a word, or gave the wrong thing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.harness.cli_world import today

if TYPE_CHECKING:
    from tests.harness.cli_world import World

HEADER = "email,first_name,last_name,state,zip,phone\n"
ROWS = "ann@mail.example.org,Ann,Alder,OR,97214,\nbea@mail.example.org,Bea,Birch,OR,97214,\n"
ODD = "Kontakt;Vorname;Branch\nann@mail.example.org;Ann;North\nbea@mail.example.org;Bea;South\n"


@pytest.mark.parametrize("words", [("upload", "check"), ("upload", "pack"), ("optout", "pack")])
def test_the_current_folder_is_refused_as_any_folder_is(
    world: World, words: tuple[str, str]
) -> None:
    (world / "folder").mkdir()
    options = {"check": (), "pack": ("--obtained", str(today()), "--list", "x")}[words[1]]
    for folder in (".", "folder"):
        done = world.run(*words, folder, *options, home="nurses")
        assert done.code == 1
        assert "fault of the program" not in done.err
        assert "is a directory" in done.err


def test_a_second_upload_of_a_list_names_the_first(world: World) -> None:
    for number in (1, 2):
        (world / "branch.csv").write_text(
            HEADER + ROWS * number + f"c{number}@x.example.org,,,,,\n"
        )
        said = ("--list", "branch", "--obtained", str(today()))
        done = world.run("upload", "add", "branch.csv", "--as", "homes/tenants", *said, home="host")
        assert done.code == 0, done.err
        assert ("counts as well" in done.out) == (number == 2)
    assert "consortium upload withdraw u-0003" in done.out


def test_a_list_whose_mapping_was_just_written_is_sent_to_the_mapping(world: World) -> None:
    (world / "odd.csv").write_text(ODD)
    done = world.run("upload", "check", "odd.csv", "--write-map", "odd.toml")
    assert done.code == 1
    assert "Correct odd.toml, then: consortium upload check odd.csv --map odd.toml" in done.err
    assert "to start one" not in done.err


def test_opt_outs_that_cannot_be_read_are_said_to_block_nobody(world: World) -> None:
    (world / "gone.csv").write_text("email\nann@mail.example.org\nnot an address\n")
    done = world.run("optout", "pack", "gone.csv", "--obtained", str(today()), home="nurses")
    assert done.code == 5
    assert "nobody in an unusable line is blocked: see gone.problems.csv" in done.out


def test_an_error_is_as_wide_as_the_screen_on_a_terminal_and_one_line_in_a_log(
    world: World,
) -> None:
    (world / "odd.csv").write_text(ODD)
    program = "from consortium_cli.main import main; main()"
    words = [sys.executable, "-c", program, "upload", "check", "odd.csv"]
    log = subprocess.run(words, cwd=world.root, capture_output=True, text=True, check=False)
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 - a descriptor, not a path
        subprocess.run(words, cwd=world.root, stdout=theirs, stderr=theirs, check=False)
        shown = screen.read(4096).decode().splitlines()  # before its end is closed, or it is lost
        os.close(theirs)
    first, *_ = log.stderr.splitlines()
    assert len(first) > 80
    assert max(map(len, shown)) <= 80
    assert " ".join(line.strip() for line in shown).startswith(first)
