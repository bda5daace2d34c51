"""A list is a regular file that stays as it was; and every kind of list can be packed."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.pack.conftest import Desk
from tests.unit.pack.readers import opened, refused
from tests.unit.pack.test_source_archive import zipped
from tests.unit.pack.test_source_json import PERSON, page
from tests.unit.pack.workbooks import write_workbook

TABLE = [["email", "phone"], *([f"p{i}@mail.example.org", f"503555{i:04}"] for i in range(20_000))]


def text(path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(TABLE)
    return path


def packed(path: Path) -> Path:
    path.write_bytes(gzip.compress(text(path).read_bytes()))
    return path


def archive(path: Path) -> Path:
    return zipped(path.parent, {"list.csv": text(path).read_bytes()}, path.name)


def lines(path: Path) -> Path:
    path.write_text("\n".join(json.dumps(dict(zip(*TABLE[:1], r, strict=True))) for r in TABLE[1:]))
    return path


def workbook(path: Path) -> Path:
    return write_workbook(path, TABLE)


KINDS = [text, packed, archive, lines, workbook]
Make = Callable[[Path], Path]


@pytest.mark.parametrize("make", KINDS)
def test_a_list_that_grows_while_it_is_read_is_refused(tmp_path: Path, make: Make) -> None:
    path = make(tmp_path / "list")
    batches = opened(path).batches(size=10)
    next(batches)
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(Exception, match="changed while it was being read"):
        list(batches)


@pytest.mark.parametrize("make", KINDS)
def test_a_list_that_was_replaced_between_two_readings_is_refused(
    tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path / "list")
    source = opened(path)
    list(source.batches())
    data, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    other = tmp_path / "other"
    other.write_bytes(data)
    os.utime(other, ns=times)
    other.replace(path)
    with pytest.raises(Exception, match="changed while it was being read"):
        next(source.batches())


@pytest.mark.parametrize("make", KINDS)
def test_a_list_that_vanishes_is_refused(tmp_path: Path, make: Make) -> None:
    path = make(tmp_path / "list")
    source = opened(path)
    batches = source.batches(size=10)
    next(batches)
    path.unlink()
    with pytest.raises(Exception, match="there is no file"):
        list(batches)
    with pytest.raises(Exception, match="there is no file"):
        next(source.batches())


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/stdin"])
def test_a_device_is_refused(device: str) -> None:
    if not Path(device).exists() or Path(device).is_file():
        pytest.skip("no such device here")
    assert "pipe or device" in refused(Path(device)).message


def test_a_pipe_that_takes_the_files_place_is_not_waited_for(tmp_path: Path) -> None:
    path = text(tmp_path / "list")
    source = opened(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Exception, match="changed while it was being read"):
        next(source.batches())


def test_every_kind_of_list_gives_the_same_people(desk: Desk) -> None:
    found = [
        [(row.emails, row.phones) for row in desk.read(make(desk.folder / make.__name__)).rows]
        for make in KINDS
    ]
    assert len(found[0]) == len(TABLE) - 1
    assert all(people == found[0] for people in found)


def test_a_workbook_is_checked_and_packed_like_any_list(desk: Desk) -> None:
    path = write_workbook(
        desk.folder / "members.xlsx",
        [["Members"], ["Email", "Mobile", "ZIP"], ["ana@mail.example.org", 5035550101, 2139]],
    )
    report = desk.check(path)
    assert (report.encoding, report.delimiter) == ("Excel workbook", "sheet Sheet1")
    assert (report.rows, report.usable) == (1, 1)
    desk.pack(path)
    _, (row,), _ = desk.unpack(desk.folder / "members.pack")
    assert (row.emails, row.phones) == (("ana@mail.example.org",), ("+15035550101",))


def test_osdi_people_are_packed_with_their_consent(desk: Desk) -> None:
    second = {
        **PERSON,
        "identifiers": ["system:8"],
        "email_addresses": [{"address": "bo@mail.example.org", "status": "unsubscribed"}],
        "phone_numbers": [],
    }
    first = {**PERSON, "email_addresses": PERSON["email_addresses"][1:]}
    path = desk.write(json.dumps(page(first, second)), "people.json")
    read = desk.read(path)
    assert read.reading.layout.name == "osdi"
    (row,) = read.rows
    assert (row.emails, row.phones) == (("ann@mail.example.org",), ("+15035550101",))
    assert row.email_consent.basis.value == "express"
    assert row.birth_date == "1980-02-29"
    assert [(out.emails, out.cause) for out in read.opt_outs] == [
        (("bo@mail.example.org",), "unsubscribed")
    ]
