"""Workbooks give what a person sees in their cells."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from consortium.errors import BadFile
from consortium.pack.recognition import is_known
from consortium.pack.source import Source, open_list
from tests.unit.pack.workbooks import Cell, Number, Raw, SheetOf, write_workbook

HEADER = ["name", "email", "phone"]
ROW: list[Cell] = ["Ana Núñez", "ana@mail.example.org", 5035550101]


def opened(path: Path) -> Source:
    return open_list(path, known=is_known)


def rows(path: Path) -> list[tuple[int, list[str]]]:
    return [
        (line, row)
        for batch in opened(path).batches(size=2)
        for line, row in zip(batch.lines, batch.rows, strict=True)
    ]


def shown(folder: Path, cell: Cell, *, since_1904: bool = False) -> str:
    """What one cell under a header gives."""
    path = write_workbook(folder / "w.xlsx", [["email"], [cell]], since_1904=since_1904)
    ((_, (text,)),) = rows(path)
    return text


def refused(path: Path) -> BadFile:
    with pytest.raises(BadFile) as caught:
        list(opened(path).batches())
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("shared", [True, False])
def test_a_workbook_is_read_whatever_it_is_called(tmp_path: Path, shared: bool) -> None:  # noqa: FBT001 - a parameter of the test
    path = write_workbook(tmp_path / "members.csv", [HEADER, ROW, ROW], shared=shared)
    source = opened(path)
    assert source.headers == ("name", "email", "phone")
    assert (source.encoding.title, source.delimiter_title) == ("Excel workbook", "sheet Sheet1")
    row = ["Ana Núñez", "ana@mail.example.org", "5035550101"]
    assert rows(path) == [(2, row), (3, row)]


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        ("5035550101", None, "5035550101"),
        ("5035550101", 1, "5035550101"),
        ("5035550101", 11, "5035550101"),
        ("5.035550101E9", None, "5035550101"),
        ("1.5035550101E+10", "0.00E+00", "15035550101"),
        ("447400123456", None, "447400123456"),
        ("5035550101.0", None, "5035550101"),
        ("2139", "00000", "02139"),
        ("2139", "00000;@", "02139"),
        ("21390001", "00000\\-0000", "02139-0001"),
        ("21390001", '00000"-"0000', "02139-0001"),
        ("5035550101", "(000) 000-0000", "(503) 555-0101"),
        ("5550101", "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "555-0101"),
        ("5035550101", "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "(503) 555-0101"),
        ("7400123456", '"+44 "#', "+44 7400123456"),
        ("15035550101", "000-000-0000", "1503-555-0101"),
        ("0", "00000", "00000"),
        ("0", None, "0"),
        ("-5", "00000", "-5"),
        ("12.5", "0.00", "12.5"),
        ("0.30000000000000004", None, "0.3"),
        ("1234567", "#,##0", "1234567"),
        ("0.5", "0%", "0.5"),
        ("42", "[Red]General", "42"),
        ("42", "@", "42"),
        ("1E400", None, "1E400"),
        ("1E+25", None, "10000000000000000000000000"),
        ("12345678901234567890", None, "12345678901234567890"),
        ("45292", 14, "2024-01-01"),
        ("45292", "d/m/yyyy", "2024-01-01"),
        ("45292", "[$-409]mmmm\\ d\\,\\ yyyy;@", "2024-01-01"),
        ("45292.75", "dd/mm/yyyy", "2024-01-01"),
        ("45292.75", 22, "2024-01-01 18:00:00"),
        ("45292", "yyyy\\-mm\\-dd\\ hh:mm", "2024-01-01"),
        ("0.75", "h:mm AM/PM", "18:00:00"),
        ("1.5", "[h]:mm:ss", "36:00:00"),
        ("1", 14, "1900-01-01"),
        ("59", 14, "1900-02-28"),
        ("61", 14, "1900-03-01"),
        ("29221", "mm-yy", "1980-01-01"),
        ("-1", 14, "-1"),
        ("9999999", 14, "9999999"),
        ("not a number", 14, "not a number"),
    ],
)  # fmt: skip
def test_a_number_is_what_a_person_sees(
    tmp_path: Path, number: str, form: int | str | None, text: str
) -> None:
    assert shown(tmp_path, Number(number, form)) == text


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    assert shown(tmp_path, Number("43830", 14), since_1904=True) == "2024-01-01"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (True, "TRUE"),
        (False, "FALSE"),
        (Raw("e", "<v>#N/A</v>"), "#N/A"),
        (Raw("str", "<f>A1&amp;B1</f><v>a@b.example</v>"), "a@b.example"),
        (Raw("d", "<v>2024-01-05T00:00:00</v>"), "2024-01-05"),
        (Raw("inlineStr", "<is><r><t>Ana </t></r><r><t>Lopez</t></r></is>"), "Ana Lopez"),
        (Raw("inlineStr", "<is><t>東</t><rPh sb='0' eb='1'><t>ヒガシ</t></rPh></is>"), "東"),
        (Raw("inlineStr", "<is><t>a_x000D_b_xD800_c_x0000_</t></is>"), "a\rb�c"),
        (Raw("inlineStr", "<is><t>12 Oak St&#10;Portland</t></is>"), "12 Oak St\nPortland"),
        ("=1+1", "=1+1"),
    ],
)
def test_other_cells_are_what_a_person_sees(tmp_path: Path, cell: Cell, text: str) -> None:
    assert shown(tmp_path, cell) == text


def test_cells_without_references_stand_one_after_the_other(tmp_path: Path) -> None:
    xml = "<row><c t='str'><v>email</v></c><c t='str'><v>zip</v></c></row>"
    xml += "<row><c t='str'><v>a@b.example</v></c><c><v>97214</v></c></row>"
    path = write_workbook(tmp_path / "w.xlsx", [SheetOf(xml=xml)])
    assert rows(path) == [(2, ["a@b.example", "97214"])]


def test_a_prefix_before_every_tag_changes_nothing(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [HEADER, ROW])
    with zipfile.ZipFile(path) as package:
        sheet = package.read("xl/worksheets/sheet1.xml").decode()
    for tag in ("worksheet", "sheetData", "row", "c", "v"):
        sheet = sheet.replace(f"<{tag} ", f"<x:{tag} ").replace(f"<{tag}>", f"<x:{tag}>")
        sheet = sheet.replace(f"</{tag}>", f"</x:{tag}>")
    sheet = sheet.replace(" xmlns=", " xmlns:x=")
    prefixed = write_workbook(
        tmp_path / "p.xlsx", [HEADER, ROW], parts={"xl/worksheets/sheet1.xml": sheet}
    )
    assert rows(prefixed) == rows(path)


def test_the_sheet_with_the_table_is_found(tmp_path: Path) -> None:
    notes = SheetOf([["Notes"], ["Printed for the meeting"]], name="Read me")
    hidden = SheetOf([[*HEADER, "zip"], [*ROW, 1]], name="Old", state="hidden")
    table = SheetOf([HEADER, ROW], name="Members")
    source = opened(write_workbook(tmp_path / "w.xlsx", [notes, hidden, SheetOf(), table]))
    assert source.delimiter_title == "sheet Members"


def test_titles_above_the_header_are_not_records(tmp_path: Path) -> None:
    table: list[list[Cell]] = [["Members of Local 12"], [], ["as of", "1 May"], HEADER, ROW, ROW]
    assert [line for line, _ in rows(write_workbook(tmp_path / "w.xlsx", table))] == [5, 6]


def test_empty_rows_are_no_records_and_lines_are_those_of_the_sheet(tmp_path: Path) -> None:
    table: list[list[Cell]] = [HEADER, ROW, [], [None, "", None], ROW]
    assert [line for line, _ in rows(write_workbook(tmp_path / "w.xlsx", table))] == [2, 5]


def test_a_cell_in_the_last_corner_of_the_sheet_costs_nothing(tmp_path: Path) -> None:
    xml = (
        "<row r='1'><c r='A1' t='str'><v>email</v></c></row>"
        "<row r='1048576'><c r='A1048576' t='str'><v>a@b.example</v></c></row>"
    )
    path = write_workbook(tmp_path / "w.xlsx", [SheetOf(xml=xml)])
    assert rows(path) == [(1_048_576, ["a@b.example"])]


def test_a_cell_far_to_the_right_is_refused_with_the_limit(tmp_path: Path) -> None:
    xml = "<row r='1'><c r='A1' t='str'><v>email</v></c><c r='XFD1'><v>1</v></c></row>"
    path = write_workbook(tmp_path / "w.xlsx", [SheetOf(xml=xml)])
    assert "more than 4,096 columns" in refused(path).message


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert "no rows below it" in refused(write_workbook(tmp_path / "w.xlsx", [HEADER])).message


def test_a_workbook_without_anything_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [SheetOf()])
    assert "no sheet with anything" in refused(path).message


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (["mimetype", "content.xml"], "OpenDocument"),
        (["[Content_Types].xml", "xl/workbook.bin"], "binary Excel workbook"),
        (["[Content_Types].xml", "word/document.xml"], "document or presentation"),
        (["Index/Document.iwa"], "Numbers"),
    ],
)
def test_other_documents_are_named_with_what_to_do(
    tmp_path: Path, files: list[str], what: str
) -> None:
    path = tmp_path / "w.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        for file in files:
            package.writestr(file, "x")
    error = refused(path)
    assert what in error.message
    assert "CSV" in error.hint


def test_an_old_or_protected_workbook_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "w.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000))
    error = refused(path)
    assert "old Excel workbook (.xls), or one with a password" in error.message
    assert ".xlsx" in error.hint


DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c>"),
        ("xl/worksheets/sheet1.xml", f"{DOCTYPE}<worksheet><sheetData>&b;</sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"\xff\xfe\x00"),
        ("xl/worksheets/sheet1.xml", ""),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet><row><c t='s'><v>99</v></c></row></worksheet>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet><row><c r='1' t='str'><v>9</v></c></row></worksheet>",
        ),
        ("xl/sharedStrings.xml", "<sst><si>"),
        ("xl/styles.xml", "<styleSheet><cellXfs><xf numFmtId='x'/></cellXfs></styleSheet>"),
        ("xl/_rels/workbook.xml.rels", "<Relationships><Relationship Id='rId1' Target='../../x'/>"),
        ("xl/workbook.xml", "<workbook/>"),
        ("_rels/.rels", "nothing"),
    ],
)  # fmt: skip
def test_a_damaged_part_is_refused(tmp_path: Path, part: str, content: str | bytes) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [HEADER, ROW], parts={part: content})
    assert "w.xlsx" in refused(path).message


def test_a_workbook_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    bomb = b" " * (80 * 2**20)
    path = write_workbook(tmp_path / "w.xlsx", [HEADER, ROW], parts={"xl/sharedStrings.xml": bomb})
    assert "more than 200 times its size" in refused(path).message


def test_a_tag_without_end_is_refused_and_not_read_into_memory(tmp_path: Path) -> None:
    xml = (
        "<worksheet><sheetData><row><c r='"
        + "A" * (6 * 2**20)
        + "'/></row></sheetData></worksheet>"
    )
    path = write_workbook(
        tmp_path / "w.xlsx", [HEADER, ROW], parts={"xl/worksheets/sheet1.xml": xml}
    )
    assert "a tag of more than 4 MiB" in refused(path).message


def test_more_names_of_tags_than_the_format_has_are_refused(tmp_path: Path) -> None:
    """The parser keeps each name for as long as it works."""
    tags = "".join(f"<t{i}/>" for i in range(100_000))
    xml = f"<worksheet><sheetData>{tags}</sheetData></worksheet>"
    path = write_workbook(
        tmp_path / "w.xlsx", [HEADER, ROW], parts={"xl/worksheets/sheet1.xml": xml}
    )
    assert "cannot be read as a workbook" in refused(path).message


def test_rows_that_are_numbered_wrongly_are_read_all_the_same(tmp_path: Path) -> None:
    """A row below the header that calls itself the first could be an opt-out."""
    numbered = "".join(
        f'<row r="1"><c t="inlineStr"><is><t>{cell}</t></is></c></row>'
        for cell in ("email", "ann@example.org", "bob@example.org")
    )
    xml = f"<worksheet><sheetData>{numbered}</sheetData></worksheet>"
    path = write_workbook(
        tmp_path / "w.xlsx", [HEADER, ROW], parts={"xl/worksheets/sheet1.xml": xml}
    )
    assert [row for _, row in rows(path)] == [["ann@example.org"], ["bob@example.org"]]


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [HEADER, ["a" * (2**20 + 1)]])
    assert "a cell of more than 1,048,576 characters" in refused(path).message


def test_one_long_text_in_every_cell_of_a_row_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [["email"] * 20, ["a" * 2**19] * 20])
    assert "a row of more than 4 million characters" in refused(path).message


def test_one_text_repeated_for_days_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", [["email"], *([["a" * 2**14]] * 8_000)])
    assert "unpack to more than 200 times its size" in refused(path).message
