"""Reading list files as they come out of real systems."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from consortium.errors import BadFile
from consortium.pack.recognition import is_known
from consortium.pack.source import Source, open_list

HEADER = "name,email,phone"
ROW = "Ana Núñez,ana@mail.example.org,503-555-0101"


def opened(path: Path) -> Source:
    return open_list(path, known=is_known)


def records(path: Path, *, size: int = 2) -> list[tuple[int, int, list[str]]]:
    return [
        (number, line, row)
        for batch in opened(path).batches(size=size)
        for number, (line, row) in enumerate(zip(batch.lines, batch.rows, strict=True), batch.first)
    ]


def write(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "members.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def refused(path: Path) -> BadFile:
    with pytest.raises(BadFile) as caught:
        list(opened(path).batches())
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 without mark"),
        ("utf-16-be", "UTF-16 without mark"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Latin-1"),
        ("latin-1", "Latin-1"),
    ],
)
def test_every_usual_encoding_is_found(tmp_path: Path, encoding: str, title: str) -> None:
    path = write(tmp_path, f"{HEADER}\n{ROW}\n", encoding)
    assert opened(path).encoding.title == title
    assert records(path)[0][2][0] == "Ana Núñez"


def test_curly_quotes_make_it_windows_1252(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nSeán O’Brien,a@mail.example.org,\n", "cp1252")
    assert opened(path).encoding.title == "Windows-1252"
    assert records(path)[0][2][0] == "Seán O’Brien"


def test_utf_8_with_stray_windows_bytes_reads_both(tmp_path: Path) -> None:
    good = f"{HEADER}\n" + f"{ROW}\n" * 5
    path = write(tmp_path, good.encode() + "Zoë,z@mail.example.org,\n".encode("cp1252"))
    assert opened(path).encoding.title == "UTF-8, Windows-1252 in places"
    assert [r[2][0] for r in records(path)] == ["Ana Núñez"] * 5 + ["Zoë"]


def test_a_character_cut_by_a_chunk_border_is_still_utf_8(tmp_path: Path) -> None:
    for pad in range(4):
        rows = "x" * (64 * 1024 - 20 - pad) + "é" * 30
        path = write(tmp_path, f"{HEADER}\n{rows},a@mail.example.org,\n")
        assert opened(path).encoding.title == "UTF-8"


@pytest.mark.parametrize(
    ("delimiter", "title"),
    [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")],
)
def test_every_usual_delimiter_is_found_whatever_the_file_is_called(
    tmp_path: Path, delimiter: str, title: str
) -> None:
    text = f'{HEADER}\n{ROW}\n"Smith, Bob; Jr",b@mail.example.org,\n'
    rows = list(csv.reader(text.splitlines()))
    path = tmp_path / "members.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    assert opened(path).delimiter_title == title
    assert [r[2] for r in records(path)] == rows[1:]


def test_a_spreadsheets_sep_line_is_believed_and_not_counted(tmp_path: Path) -> None:
    path = write(tmp_path, f"sep=;\r\n{HEADER.replace(',', ';')}\r\nAna;a@b.example;1\r\n")
    assert opened(path).headers == ("name", "email", "phone")
    assert records(path) == [(1, 3, ["Ana", "a@b.example", "1"])]


def test_mixed_line_ends_are_all_line_ends(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\r\nA,,1\rB,,2\nC,,3\r\nD,,4")
    assert [(n, line, r[0]) for n, line, r in records(path)] == [
        (1, 2, "A"), (2, 3, "B"), (3, 4, "C"), (4, 5, "D"),
    ]  # fmt: skip


def test_records_are_numbered_as_a_parser_counts_and_lines_as_an_editor_does(
    tmp_path: Path,
) -> None:
    text = f'{HEADER}\n"two\nlines\r\nthree",,1\n\nB,,2\n\n\nC,,3\n\n'
    assert [(n, line) for n, line, _ in records(write(tmp_path, text))] == [(1, 2), (2, 6), (3, 9)]


def test_batches_give_the_same_whatever_their_size(tmp_path: Path) -> None:
    text = f'{HEADER}\n"a\nb",,1\n\nB,,2\nC,,3\n"d\n",,4\n'
    path = write(tmp_path, text)
    assert records(path, size=1) == records(path, size=2) == records(path, size=100)


def test_blank_lines_before_the_header_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, f"\n\n{HEADER}\n{ROW}\n")
    assert opened(path).headers == ("name", "email", "phone")
    assert records(path)[0][:2] == (1, 4)


def test_a_cell_of_200_000_characters_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n{'A' * 200_000},a@b.example,\n")
    assert len(records(path)[0][2][0]) == 200_000


def test_nuls_are_taken_out(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\nA\0na,a@b.example,\n" + f"{ROW}\n" * 20)
    assert records(path)[0][2][0] == "Ana"


def test_a_list_in_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert [r[2] for r in records(write(tmp_path, "email\na@b.example\nc@d.example\n"))] == [
        ["a@b.example"],
        ["c@d.example"],
    ]


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "there is no file gone.csv" in refused(tmp_path / "gone.csv").message


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path).message


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    assert "is a pipe or device" in refused(path).message


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n{ROW}\n")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # the superuser may read every file
        os.seteuid(65534)
    try:
        assert "may not be read" in refused(path).message
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("content", ["", "\n\n  \n", "\ufeff", "\ufeff\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "is empty" in refused(write(tmp_path, content)).message


@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n"])
def test_a_header_alone_is_refused(tmp_path: Path, end: str) -> None:
    assert "no rows below it" in refused(write(tmp_path, HEADER + end)).message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04" + bytes(200), "damaged"),
        (b"%PDF-1.7\n" + bytes(200), "PDF"),
        (b"\x1f\x8b\x08" + bytes(200), "damaged"),
        (bytes(range(256)) * 20, "not a text file"),
        (b"\x7fELF" + bytes(range(32)) * 20, "not a text file"),
    ],
)
def test_binary_files_are_refused_by_what_they_are(
    tmp_path: Path, content: bytes, what: str
) -> None:
    assert what in refused(write(tmp_path, content)).message


def test_an_endless_quote_is_refused_with_the_line_it_starts_after(tmp_path: Path) -> None:
    text = f'{HEADER}\n{ROW}\n"Bob,b@mail.example.org,1\n' + f"{ROW}\n" * 40_000
    error = refused(write(tmp_path, text))
    assert "a quoted cell that does not end" in error.message


def test_an_endless_quote_in_the_header_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, 'email,"' + "x,y\n" * 400_000)
    assert "a quoted cell that does not end, somewhere after line 1" in refused(path).message


@pytest.mark.parametrize(
    "text",
    [
        f'{HEADER}\n"Bob,b@mail.example.org,1\n' + f"{ROW}\n" * 120_000,
        'email,"' + "x,y\n" * 400_000,
    ],
    ids=["a row", "the header"],
)
def test_a_higher_limit_of_the_application_does_not_lift_ours(tmp_path: Path, text: str) -> None:
    before = csv.field_size_limit(2**30)
    try:
        error = refused(write(tmp_path, text))
    finally:
        csv.field_size_limit(before)
    assert "a quoted cell that does not end" in error.message


def test_a_line_without_end_is_refused_and_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(f"{HEADER}\n".encode())
        file.seek(200 * 1024 * 1024)  # a hole: zeros without a line end
        file.write(b"x")
    assert "has a line of more than 4 MiB" in refused(path).message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_characters_with_the_bytes_of_line_ends_do_not_end_a_line(
    tmp_path: Path, encoding: str
) -> None:
    """U+0A0A and U+0D0D are written as two line feeds, two carriage returns."""
    few = write(tmp_path, "\ufeffemail,first_name\nann@example.org,\u0a0a\u0d0d\n", encoding)
    assert records(few) == [(1, 2, ["ann@example.org", "\u0a0a\u0d0d"])]
    many = write(tmp_path, "\ufeffemail\n" + "\u0a0a\u0d0d" * 2**20, encoding)
    assert "has a line of more than 4 MiB" in refused(many).message


def test_very_long_records_come_in_smaller_batches(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n" + f"{'A' * 200_000},a@b.example,\n" * 200)
    sizes = [len(batch.rows) for batch in opened(path).batches()]
    assert sum(sizes) == 200
    assert max(sizes) <= 128


def test_more_columns_than_any_list_has_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "email," * 10_000 + "\n" + "a@b.example," * 10_000)
    assert "columns" in refused(path).message


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\n" + f"{ROW}\n" * 10)
    batches = opened(path).batches(size=1)
    next(batches)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{ROW}\n")
    with pytest.raises(BadFile, match="changed while it was being read"):
        list(batches)


def test_a_name_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "a\0b.csv")
    refused(tmp_path / ("n" * 5000))


def test_nothing_of_a_list_shows_in_what_python_prints(tmp_path: Path) -> None:
    path = write(tmp_path, f"{ROW}\n{ROW}\n{HEADER}\n")
    source = opened(path)
    text = repr(source) + repr(next(source.batches()))
    assert "ana@mail" not in text
    assert "Núñez" not in text
