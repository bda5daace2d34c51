"""The screen of `upload check`: true, within 80 columns, and without a value of any row."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

from tests.harness.cli_world import run

EXPORTS = Path(__file__).parents[1] / "vectors/exports"
FILES = sorted(path for path in EXPORTS.iterdir() if path.name != "README.md")
ENCODINGS = {"civicrm": "latin-1", "everyaction": "utf-16", "outlook": "cp1252", "plain": "cp1252",
             "uk-employer": "cp1252"}  # fmt: skip
LIST = (
    "email,first_name,phone,zip,tags,Why they opted out\n"
    'ann@mail.example.org,Ann,503-555-0101,1234,"a, b",\n'
    "nobody,Bo,5.03555E+09,1235,b,\n"
    "cy@mail.example.org,Cy,503-555-0102,97214,c,\n"
    "email,first_name,phone,zip,tags,Why they opted out\n"
)  # fmt: skip


def check(folder: Path, *words: object, code: int = 0) -> str:
    result = run(["upload", "check", *map(str, words)], cwd=folder)
    assert result.code == code, result
    return result.out


def checked(path: Path, folder: Path) -> str:
    result = run(["upload", "check", str(path), "--problems", "p.csv"], cwd=folder)
    assert result.code in {0, 5}, result
    return result.out


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_screen_keeps_within_its_columns(path: Path, tmp_path: Path) -> None:
    for line in checked(path, tmp_path).splitlines():
        assert len(line) <= 80 or str(path.parent) in line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_screen_shows_no_value_of_a_row(path: Path, tmp_path: Path) -> None:
    shown = checked(path, tmp_path)
    assert "@example.org" not in shown
    if path.suffix == ".csv":
        encoding = ENCODINGS.get(path.stem, "utf-8-sig")
        delimiter = {"civicrm": ";", "everyaction": "\t", "uk-employer": ";"}.get(path.stem, ",")
        with path.open(encoding=encoding, newline="") as file:
            rows = list(csv.reader(file, delimiter=delimiter))
        headers = {header.strip() for header in rows[0]}
        personal = [c for row in rows[1:] for c in row if sum(map(str.isdigit, c)) > 6]
        assert not [c for c in personal if c not in headers and c in shown]


def test_counts_problems_hints_and_columns_are_told(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(LIST)
    shown = check(tmp_path, path.name, code=5)
    for line in (
        "  plain spreadsheet (likely), UTF-8, comma, 4 rows",
        "  2 usable · 2 unusable",
        "  NOT SENT          tags (3 tags), Why they opted out",
        "                    share one: --keep tags",
        "  LOOK AT",
        '           "Why they opted out": not read, and may hold refusals; say what the',
        "           a mapping to start from: --write-map FILE",
    ):
        assert line in shown.splitlines(), shown
    words = " ".join(shown.split())
    assert "the header line stands here once more; two exports were pasted together" in words
    assert (
        "zip: ZIP codes that lost their leading zero; they are read with it · lines 2, 3" in words
    )
    assert "phone: mangled by a spreadsheet; export the column as text · line 3" in words


def test_tags_that_are_kept_are_shown_as_sent_and_passed_on_to_packing(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(LIST)
    words = " ".join(check(tmp_path, path.name, "--keep", "tags=a", code=5).split())
    assert 'tags (column "tags")' in words
    assert f"consortium upload pack {path.name} --keep tags=a --list NAME" in words


def test_a_mapping_is_written_and_read_back(tmp_path: Path) -> None:
    path, mapping = tmp_path / "members.csv", tmp_path / "members.map.toml"
    path.write_text(LIST)
    before = check(tmp_path, path.name, "--write-map", mapping.name, code=5)
    after = check(tmp_path, path.name, "--map", mapping.name, code=5)
    assert "as your mapping says" in after
    assert before.splitlines()[2:9] == after.splitlines()[2:9]


def test_a_mapping_can_be_started_for_a_list_of_unknown_headers(tmp_path: Path) -> None:
    path, mapping = tmp_path / "kontakte.csv", tmp_path / "kontakte.toml"
    rows = "".join(f"{n};a{n}@mail.example.org;x\n" for n in range(5))
    path.write_text(f"Nr;Kontakt;Notiz\n{rows}")
    assert "--write-map FILE" in run(["upload", "check", path.name], cwd=tmp_path).err
    check(tmp_path, path.name, "--write-map", mapping.name, code=1)
    assert "5 usable" in check(tmp_path, path.name, "--map", mapping.name)


def test_the_next_likely_layout_is_named_where_it_is_near(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text(
        "Membership Number,Branch,Employer,Payroll No,NI Number,Email\n1,a,b,2,c,x@example.org\n"
    )
    words = " ".join(check(tmp_path, path.name).split())
    assert "(certain: 3 headers of its own; UK employer's staff list: 2)" in words


def test_packing_is_not_proposed_where_there_is_nothing_to_pack(tmp_path: Path) -> None:
    path = tmp_path / "hashed.csv"
    path.write_text("email\n5d41402abc4b2a76b9719d911017c592\n")
    shown = check(tmp_path, path.name, code=5)
    assert "export the addresses themselves" in " ".join(shown.split())
    assert shown.endswith("\n  There is nothing to pack in it yet.\n")


def test_names_of_columns_and_files_do_not_write_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jlist.csv").write_text("email,\x1b]0;renamed\x07\nann@mail.example.org,x\n")
    result = run(["upload", "check", "\x1b[2Jlist.csv"], cwd=tmp_path)
    assert "�]0;renamed�" in result.out
    missing = run(["upload", "add", "\x1b[2Jlist.pack"], cwd=tmp_path)
    assert missing.code != 0
    assert not {"\x1b", "\x07"} & {*result.text, *missing.text}


def test_words_about_consent_that_are_not_known_are_shown_with_what_was_assumed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "members.csv"
    path.write_text(
        "email,first_name,email_status\na@mail.example.org,Ann,subscribed\n"
        "b@mail.example.org,Bo,paused\nc@mail.example.org,Cy,paused\n"
    )
    shown = " ".join(check(tmp_path, path.name).split())
    assert 'email_status: "paused" (2 rows) not understood, taken as no permission.' in shown
    assert "--write-map FILE" in shown


def test_shared_tags_are_counted_and_a_mistyped_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    path.write_text("email,tags\na@mail.example.org,donor\nb@mail.example.org,canvasser\n")
    shown = check(tmp_path, path.name, "--keep", "tags=donor,canvaser")
    assert "tags shared, to be read on the host: donor (1 row)" in shown
    assert 'No usable row has the tag "canvaser". Did you mean "canvasser"?' in shown


def test_a_line_of_an_archive_is_shown_with_its_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "members.zip", "w") as archive:
        archive.writestr("north.csv", "email,first_name\na@mail.example.org,Ann\n")
        archive.writestr("south.csv", "email,first_name\nnobody,Bo\n")
    assert "line 2 of south.csv" in " ".join(check(tmp_path, "members.zip", code=5).split())
