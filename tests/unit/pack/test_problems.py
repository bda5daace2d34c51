"""The problems file: for the partner alone, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest

from consortium.errors import BadFile, StateConflict
from consortium.pack.problems import (
    CODES,
    REPAIRS,
    Flaw,
    ProblemFile,
    RejectedRow,
    default_path,
    safe_cell,
    write_problems,
)
from consortium.tokens import REJECTIONS

PROBLEMS = [
    RejectedRow(3, 5, "", "no_contact"),
    Flaw(4, 6, '=cmd|"/c calc"!A1', "bad_syntax", row_used=True),
]


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))


def test_every_problem_is_a_line_with_its_place_and_sentence(tmp_path: Path) -> None:
    path = tmp_path / "members.problems.csv"
    assert write_problems(PROBLEMS, path) == 2
    assert read(path) == [
        ["record", "line", "column", "code", "what", "row", "file"],
        ["3", "5", "", "no_contact", "neither e-mail address nor phone number", "not sent", ""],
        ["4", "6", "'=cmd|\"/c calc\"!A1", "bad_syntax", REJECTIONS["bad_syntax"],
         "sent without it", ""],
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "|", "%", "\x00="]
)
def test_no_cell_runs_as_a_formula(start: str) -> None:
    assert safe_cell(f"{start}1+1").startswith("'")
    assert "\n" not in safe_cell(f"{start}1+1")


def test_every_cell_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "members.problems.csv"
    write_problems(PROBLEMS, path)
    for line in path.read_text("utf-8-sig").splitlines():
        assert line.startswith('"')
        assert line.endswith('"')


def test_an_earlier_problems_file_is_replaced_and_goes_when_all_is_well(tmp_path: Path) -> None:
    path = tmp_path / "members.problems.csv"
    write_problems(PROBLEMS, path)
    write_problems(PROBLEMS[:1], path)
    assert len(read(path)) == 2
    assert write_problems([], path) == 0
    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "members.problems.csv"
    path.write_text("email\nana@mail.example.org\n")
    with pytest.raises(StateConflict, match="is not a file of problems"):
        write_problems(PROBLEMS, path)
    assert path.read_text() == "email\nana@mail.example.org\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_appears_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "members.problems.csv"
    file = ProblemFile(path)
    file.write(PROBLEMS)
    path.write_text("mine")
    with pytest.raises(StateConflict):
        file.__exit__(None, None, None)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_when_reading_fails(tmp_path: Path) -> None:
    def problems() -> object:
        yield PROBLEMS[0]
        raise BadFile("the list changed")

    with pytest.raises(BadFile, match="the list changed"):
        write_problems(problems(), tmp_path / "members.problems.csv")  # type: ignore[arg-type] # a generator typed loosely
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said_to_be_the_trouble(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"members\.problems\.csv cannot be written"):
        write_problems(PROBLEMS, tmp_path / "gone" / "members.problems.csv")


def test_the_file_lies_beside_the_list() -> None:
    assert default_path(Path("a/members.csv")) == Path("a/members.problems.csv")
    assert default_path(Path("members")) == Path("members.problems.csv")


def test_every_code_has_a_sentence_and_every_repair_a_code() -> None:
    assert set(REPAIRS) <= set(CODES)
    for code, sentence in CODES.items():
        assert code.replace("_", "").isalpha()
        assert sentence
        assert not sentence.endswith(".")
