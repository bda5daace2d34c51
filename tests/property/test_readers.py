"""Whatever bytes a list has, it is read or refused; what was written is what is read."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.errors import BadFile
from consortium.pack.files.number_formats import parse_format
from consortium.pack.recognition import is_known
from consortium.pack.source import RawBatch, open_list
from tests.unit.pack.workbooks import Number, SheetOf, write_workbook

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOME = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

HEADER = ["email", "first name", "zip"]
TEXT = st.text(
    st.one_of(
        st.sampled_from("ab@.,;\t|\"' \nÀé0=-"),
        st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]),
    ),
    max_size=12,
).filter(lambda text: "_x" not in text)
TABLE = st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=8)
MAGIC = st.sampled_from(
    [
        b"", b"PK\x03\x04",
        b"PK\x05\x06", b"\x1f\x8b\x08", b"\x1f\x8b", b"PAR1", b"[{", b'{"', b"[",
        b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff\xfe\0\0", b"email,zip\n", b"sep=;\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b'{"_embedded": {"osdi:people": [', b"e\0m\0a\0i\0l\0",
    ]
)  # fmt: skip


def read(data: bytes, *, size: int = 100) -> list[RawBatch]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(data)
        return list(open_list(path, known=is_known).batches(size=size))


def rows(data: bytes, *, size: int = 100) -> list[list[str]]:
    return [row for batch in read(data, size=size) for row in batch.rows]


def read_or_refused(data: bytes) -> None:
    """Records of clean text, numbered without gaps; or a message of one line with a hint."""
    said = None
    try:
        batches = read(data)
    except BadFile as error:
        said, batches = error, []
    if said is not None:
        assert "\n" not in said.message
        assert said.hint
    expected = 1
    for batch in batches:
        assert batch.first == expected
        assert len(batch.lines) == len(batch.rows) > 0
        for cell in (cell for row in batch.rows for cell in row):
            assert "\0" not in cell
            cell.encode()
        expected += len(batch.rows)


def as_csv(
    table: list[list[str]],
    delimiter: str = ",",
    end: str = "\r\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> str:
    text = io.StringIO(newline="")
    # the csv module has constants of its own type for this
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(  # type: ignore[call-overload]  # the same
        [HEADER, *table]
    )
    return text.getvalue()


def as_workbook(table: list[list[str]], *, shared: bool = True) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.xlsx"
        return write_workbook(path, [SheetOf([HEADER, *table])], shared=shared).read_bytes()


def as_zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def as_parquet(table: list[list[str]]) -> bytes:
    pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    stream = io.BytesIO()
    columns = [pa.array(column, pa.string()) for column in zip(*table, strict=True)]
    pq.write_table(pa.table(columns, names=HEADER), stream, row_group_size=3)
    return stream.getvalue()


def as_json(table: list[list[str]], *, lines: bool) -> bytes:
    people = [dict(zip(HEADER, row, strict=True)) for row in table]
    text = "\n".join(map(json.dumps, people)) if lines else json.dumps(people, indent=1)
    return text.encode()


@cache
def valid() -> dict[str, bytes]:
    """A small list of every kind."""
    table = [[f"p{i}@mail.example.org", "Ana", f"9721{i}"] for i in range(8)]
    text = as_csv(table).encode()
    return {
        "text": text,
        "utf-16": text.decode().encode("utf-16-le"),
        "gzip": gzip.compress(text),
        "zip": as_zip({"subscribed.csv": text, "unsubscribed.csv": text}),
        "workbook": as_workbook(table),
        "workbook with texts in cells": as_workbook(table, shared=False),
        "json": as_json(table, lines=False),
        "json lines": as_json(table, lines=True),
        "osdi": json.dumps(
            {"_embedded": {"osdi:people": [{"email_addresses": [{"address": "a@b.example"}]}]}}
        ).encode(),
        "parquet": as_parquet(table),
    }


@MANY
@given(MAGIC, st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(magic: bytes, data: bytes) -> None:
    read_or_refused(magic + data)
    read_or_refused(gzip.compress(magic + data))
    read_or_refused(as_zip({"a.csv": magic + data}))


@pytest.mark.parametrize("kind", valid())
@MANY
@given(data=st.data())
def test_a_damaged_list_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    content = bytearray(valid()[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 6))
        content[at : at + length] = data.draw(st.binary(max_size=6))
    read_or_refused(bytes(content))


@pytest.mark.parametrize("part", ["sheet1", "sharedStrings", "styles", "workbook", "rels"])
@MANY
@given(data=st.data())
def test_a_workbook_with_a_damaged_part_is_read_or_refused(part: str, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(valid()["workbook"])) as package:
        files = {name: package.read(name) for name in package.namelist()}
    name = next(name for name in files if part in name)
    content = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b"<c>", b"</c>", b"-1", b"9e9", b"<is>"])
            )
        )
        content[at : at + data.draw(st.integers(0, 4))] = piece
    read_or_refused(as_zip(files | {name: bytes(content)}))


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@MANY
@given(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=4), max_size=4), st.booleans())
def test_any_json_is_read_or_refused(people: list[dict[str, object]], ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    for text in (
        json.dumps(people, ensure_ascii=ascii_only),
        "\n".join(json.dumps(p, ensure_ascii=ascii_only) for p in people),
        json.dumps({"_embedded": {"osdi:people": people}}, indent=2),
    ):
        read_or_refused(text.encode("utf-8", "surrogatepass"))


WRITING = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "end": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
).filter(lambda w: w["end"] != "\r" or w["quoting"] == csv.QUOTE_ALL)  # else a "\n" stands bare


@MANY
@given(
    TABLE, WRITING, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.integers(1, 5)
)
def test_text_is_read_as_it_was_written(
    table: list[list[str]], writing: dict[str, Any], encoding: str, size: int
) -> None:
    text = as_csv(table, **writing).encode(encoding)
    assert rows(text, size=size) == table
    assert rows(gzip.compress(text), size=size) == table
    assert rows(as_zip({"a.csv": text}), size=size) == table


@SOME
@given(TABLE, st.booleans())
def test_a_workbook_is_read_as_it_was_written(table: list[list[str]], shared: bool) -> None:  # noqa: FBT001 - drawn
    table = [["x", *row[1:]] for row in table]  # an empty row is none
    assert rows(as_workbook(table, shared=shared)) == table


@SOME
@given(TABLE, st.booleans(), st.integers(1, 5))
def test_json_is_read_as_it_was_written(table: list[list[str]], lines: bool, size: int) -> None:  # noqa: FBT001 - drawn
    assert rows(as_json(table, lines=lines), size=size) == table


@SOME
@given(TABLE, st.integers(1, 5))
def test_parquet_is_read_as_it_was_written(table: list[list[str]], size: int) -> None:
    assert rows(as_parquet(table), size=size) == table


@SOME
@given(st.lists(TABLE, min_size=2, max_size=3))
def test_a_zip_is_its_lists_one_after_the_other(tables: list[list[list[str]]]) -> None:
    files = {f"{i}.csv": as_csv(table).encode() for i, table in enumerate(tables)}
    assert rows(as_zip(files)) == [row for table in tables for row in table]


VALUES = st.one_of(
    TEXT.filter(bool),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.none(),
    st.floats(-1e9, 1e9),
)


@SOME
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=6))
def test_calamine_reads_the_same_from_a_workbook(
    table: list[list[str | bool | int | float | None]],
) -> None:
    calamine = pytest.importorskip("python_calamine", reason="nothing to compare with")
    table = [["x", *row[1:]] for row in table]
    with tempfile.TemporaryDirectory() as folder:
        path = write_workbook(Path(folder) / "w.xlsx", [SheetOf([HEADER, *table])])
        theirs = calamine.load_workbook(path).get_sheet_by_index(0).to_python()[1:]
        ours = rows(path.read_bytes())
    for own, other in zip(ours, theirs, strict=True):
        for mine, value in zip(own, [*other, "", ""][:3], strict=True):
            match value:
                case bool():
                    assert mine == str(value).upper()
                case float():
                    assert float(mine) == pytest.approx(value, rel=1e-14)
                case _:
                    assert mine == value


@SOME
@given(st.dates(min_value=dt.date(1900, 3, 1)))
def test_calamine_sees_the_same_day(day: dt.date) -> None:
    calamine = pytest.importorskip("python_calamine", reason="nothing to compare with")
    serial = str((day - dt.date(1899, 12, 30)).days)
    with tempfile.TemporaryDirectory() as folder:
        path = write_workbook(Path(folder) / "w.xlsx", [["email"], [Number(serial, 14)]])
        (theirs,) = calamine.load_workbook(path).get_sheet_by_index(0).to_python()[1]
        assert rows(path.read_bytes()) == [[str(theirs)]] == [[str(day)]]


@MANY
@given(
    st.text(st.sampled_from('0#?.,;:[]()<>=-+ "\\@_*%Eemdyhs9/AMPGeneral'), max_size=20),
    st.one_of(st.integers(-(10**20), 10**20).map(str), st.floats().map(repr), st.text(max_size=8)),
    st.booleans(),
)
def test_any_format_shows_any_number(code: str, number: str, since_1904: bool) -> None:  # noqa: FBT001 - drawn
    shown = parse_format(164, code).show(number, since_1904=since_1904)
    assert isinstance(shown, str)


@MANY
@given(st.integers(0, 10**12), st.integers(1, 12))
def test_a_format_of_zeros_loses_no_digit(number: int, places: int) -> None:
    assert parse_format(164, "0" * places).show(str(number), since_1904=False) == str(number).zfill(
        places
    )
