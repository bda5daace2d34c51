"""The page on files says what the code does."""

from __future__ import annotations

from pathlib import Path

from consortium.pack.encoding import MAX_LINE_BYTES
from consortium.pack.files import (
    archive,
    json_lines,
    json_values,
    parquet_pages,
    ratio,
    several,
    table,
    workbook,
)
from consortium.pack.files import text as delimited
from consortium.pack.recognition import is_known

PAGE = " ".join((Path(__file__).parents[3] / "docs/formats/files.md").read_text().split())
MEBIBYTE, GIBIBYTE = 2**20, 2**30


def test_the_page_names_every_limit() -> None:
    for what, most in {
        "a line of text": f"{MAX_LINE_BYTES // MEBIBYTE} MiB",
        "a cell": f"{table.MAX_CELL_CHARACTERS:,} characters",
        "columns": f"{table.MAX_COLUMNS:,}",
        "records that a text's parser holds at once": (
            f"{delimited.MAX_RECORDS_CHARACTERS // MEBIBYTE} million characters"
        ),
        "a record of JSON": f"{json_values.MAX_RECORD_CHARACTERS // MEBIBYTE} MiB",
        "a row of a workbook": f"{workbook.MAX_ROW_CHARACTERS // MEBIBYTE} million characters",
        "the different texts of a workbook": f"{workbook.MAX_STRINGS_BYTES // MEBIBYTE} MiB",
        "a row group of Parquet": f"{parquet_pages.MAX_ROW_GROUP_BYTES // GIBIBYTE} GiB",
        "the description of a Parquet file": f"{parquet_pages.MAX_FOOTER_BYTES // MEBIBYTE} MiB",
        "a page of Parquet": f"{parquet_pages.MAX_PAGE_BYTES // MEBIBYTE} MiB",
        "a dictionary page of Parquet": f"{parquet_pages.MAX_DICTIONARY_BYTES // MEBIBYTE} MiB",
        "unpacked to packed, from 64 MiB on; also of a workbook or Parquet file": (
            f"{ratio.MAX_RATIO} times"
        ),
        "all that an archive holds": f"{archive.MAX_UNPACKED_BYTES // GIBIBYTE} GiB",
        "a workbook or Parquet file in gzip": f"{archive.MAX_WHOLE_BYTES // MEBIBYTE} MiB",
        "files in a ZIP": f"{archive.MAX_MEMBERS}",
    }.items():
        assert f"| {what} | {most} |" in PAGE


def test_the_page_says_how_json_becomes_cells() -> None:
    assert f"A list of more than {json_lines.MAX_ITEMS} values" in PAGE
    assert f"nested deeper than {json_lines.MAX_DEPTH}" in PAGE


def test_the_column_that_names_of_files_give_is_known_to_layouts() -> None:
    assert f"`{several.STATUS_HEADER}`" in PAGE
    assert is_known(several.STATUS_HEADER)
