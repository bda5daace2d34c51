"""Parquet files are read as tables."""

from __future__ import annotations

import datetime as dt
import gzip
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pack.readers import cells, opened, records, refused

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")


def write(folder: Path, columns: dict[str, Any], **options: Any) -> Path:  # noqa: ANN401 - of pyarrow
    path = folder / "people.csv"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_a_parquet_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"email": [f"p{i}@mail.example.org" for i in range(5)]}, row_group_size=2
    )
    source = opened(path)
    assert (source.encoding.title, source.delimiter_title) == ("Parquet", "1 columns")
    assert records(path) == [(i + 1, [f"p{i}@mail.example.org"]) for i in range(5)]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["Ana Núñez"], "Ana Núñez"),
        ([None], ""),
        ([5035550101], "5035550101"),
        ([5035550101.0], "5035550101"),
        ([float("nan")], ""),
        ([1e22], "10000000000000000000000"),
        ([0.1], "0.1"),
        ([Decimal("5035550101.00")], "5035550101"),
        ([Decimal("12.50")], "12.50"),
        ([True], "true"),
        ([dt.date(1980, 2, 29)], "1980-02-29"),
        ([dt.datetime(2024, 5, 6)], "2024-05-06"),  # noqa: DTZ001 - without a zone
        ([dt.datetime(2024, 5, 6, 7, 8, 9)], "2024-05-06 07:08:09"),  # noqa: DTZ001 - the same
        ([dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC)], "2024-05-06 07:08:09Z"),
        ([dt.time(7, 8, 9)], "07:08:09"),
        ([dt.timedelta(hours=30)], "1 day, 6:00:00"),
        ([b"abc"], "abc"),
        ([["a", "b", None]], "a; b; "),
        ([[{"n": 1}]], '[{"n": 1}]'),
        ([[["a"]]], '[["a"]]'),
        (["a\0b"], "ab"),
    ],
)
def test_every_kind_of_value_becomes_text(tmp_path: Path, values: list[object], text: str) -> None:
    assert cells(write(tmp_path, {"email": values})) == [[text]]


def test_odd_types_become_text(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "email": pa.array(["a@b.example"]).dictionary_encode(),
            "when": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")),
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "none": pa.nulls(1),
            "bad": pa.array([b"caf\xe9"]).view(pa.string()),
        },
    )
    assert cells(path) == [
        ["a@b.example", "2023-11-14 22:13:20.000000001", '[["k", 1]]', "", "café"]
    ]


def test_records_in_a_column_are_columns(tmp_path: Path) -> None:
    person = {"email": "a@b.example", "address": {"zip": "02139", "geo": {"ward": 7}}}
    path = write(tmp_path, {"person": [person, None]})
    assert opened(path).headers == (
        "person.email",
        "person.address.zip",
        "person.address.geo.ward",
    )
    assert cells(path) == [["a@b.example", "02139", "7"], ["", "", ""]]


def test_gzip_of_parquet_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, {"email": ["a@b.example"]})
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert cells(path) == [["a@b.example"]]


def test_no_columns_and_no_rows_are_refused(tmp_path: Path) -> None:
    assert "no columns" in refused(write(tmp_path, {})).message
    assert "no rows" in refused(write(tmp_path, {"email": pa.array([], pa.string())})).message
    wide = {f"c{i}": [i] for i in range(4_097)}
    assert "more than 4,096 columns" in refused(write(tmp_path, wide)).message


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"email": ["a" * (2**20 + 1)]})
    assert "a cell of more than 1,048,576 characters" in refused(path).message


def test_one_text_repeated_for_days_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"email": ["a" * 2**19] * 200})
    assert "unpack to more than 200 times its size" in refused(path).message


@pytest.mark.parametrize("at", [5, 40, -60, -20, -8, -5])
def test_a_damaged_file_is_refused_or_read_and_never_anything_else(tmp_path: Path, at: int) -> None:
    path = write(tmp_path, {"email": [f"p{i}@mail.example.org" for i in range(50)]})
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    try:
        cells(path)
    except Exception:  # noqa: BLE001 - refused() says which it must be
        assert "damaged" in refused(path).message


@pytest.mark.parametrize("keep", [4, 20, 300])
def test_a_file_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path, {"email": [f"p{i}@mail.example.org" for i in range(50)]})
    path.write_bytes(path.read_bytes()[:keep])
    assert "damaged" in refused(path).message


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (b"\x15\x04\x15\xfe\xff\xff\xff\x0f\x15\x02\x00", "a dictionary of more than 8 MiB"),
        (b"\x15\x04\x15\x02\x15\x80\x80\x80\x0a\x00", "a dictionary of more than 8 MiB"),
        (b"\x15\x00\x15\x80\x80\x80\x80\x04\x15\x02\x00", "a page of more than 64 MiB"),
        (b"\x15\x00\x15\x01\x15\x02\x00", "pages are not where they should be"),
        (b"\xff" * 40, "pages are not where they should be"),
        (b"\x1c" * 40, "pages are not where they should be"),
        (b"\x18\xff\xff\xff\x7f", "pages are not where they should be"),
    ],
)
def test_a_page_that_claims_to_be_huge_is_refused_before_memory_is_taken(
    tmp_path: Path, header: bytes, what: str
) -> None:
    path = write(tmp_path, {"email": ["a@b.example"] * 8})
    data = path.read_bytes()
    path.write_bytes(data[:4] + header + data[4:])
    assert what in refused(path).message


def test_a_large_dictionary_and_long_cells_are_read(tmp_path: Path) -> None:
    cells_of = [f"{i:06}" + "x" * 1000 for i in range(5_000)]
    path = write(tmp_path, {"email": cells_of * 2}, row_group_size=4_000)
    assert cells(path, size=4096) == [[cell] for cell in cells_of * 2]


WITHOUT = """
import sys
sys.modules["pyarrow"] = None  # as if it were not installed
from pathlib import Path
from consortium.errors import UsageError
from consortium.pack.source import open_list
try:
    open_list(Path(sys.argv[1]), known=bool)
except UsageError as error:
    print(error.hint)
"""


def test_without_the_extra_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    path = write(tmp_path, {"email": ["a@b.example"]})
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(path)], capture_output=True, text=True, check=True
    )
    assert "pip install 'contact-consortium[parquet]'" in done.stdout
