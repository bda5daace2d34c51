"""Lists in gzip and ZIP, and archives that no export makes."""

from __future__ import annotations

import bz2
import gzip
import json
import zipfile
import zlib
from pathlib import Path

import pytest

from consortium.pack.files.several import status_words
from tests.unit.pack.conftest import Desk
from tests.unit.pack.readers import cells, opened, records, refused
from tests.unit.pack.workbooks import write_workbook

CSV = b"email,zip\nana@mail.example.org,97214\n"
ROWS = [["ana@mail.example.org", "97214"]]


def zipped(folder: Path, files: dict[str, bytes | str], name: str = "lists.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(file, content)
    return path


def written(folder: Path, content: bytes, name: str = "list.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_gzip_of_text_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(CSV), "list.csv")
    assert cells(path) == ROWS
    assert opened(path).encoding.title == "UTF-8"


def test_gzip_in_several_parts_is_one_list(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(CSV) + gzip.compress(b"bo@mail.example.org,1\n"))
    assert cells(path) == [*ROWS, ["bo@mail.example.org", "1"]]


def test_gzip_of_utf_16_of_json_and_of_a_workbook_is_read(tmp_path: Path) -> None:
    wide = written(tmp_path, gzip.compress(CSV.decode().encode("utf-16-le")), "w.gz")
    people = json.dumps({"email": "ana@mail.example.org", "zip": "97214"}).encode()
    lines = written(tmp_path, gzip.compress(people), "j.gz")
    book = write_workbook(tmp_path / "w.xlsx", [["email", "zip"], ["ana@mail.example.org", 97214]])
    packed = written(tmp_path, gzip.compress(book.read_bytes()), "x.gz")
    assert cells(wide) == cells(lines) == cells(packed) == ROWS


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize(
    "content",
    [
        damaged(gzip.compress(CSV * 50, mtime=0), -6),
        damaged(gzip.compress(CSV * 50, mtime=0), -2),
        damaged(gzip.compress(CSV * 50, mtime=0), 20),
        gzip.compress(CSV * 50, mtime=0)[:-1],
        gzip.compress(CSV * 50, mtime=0)[:40],
        gzip.compress(CSV * 50, mtime=0)[:5],
        gzip.compress(CSV, mtime=0) + b"garbage",
        b"\x1f\x8b",
    ],
    ids=["checksum", "length", "inside", "last byte", "cut", "head", "more behind", "two bytes"],
)
def test_damaged_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "list.csv.gz is damaged" in refused(written(tmp_path, content)).message


def test_zeros_behind_gzip_are_what_tapes_leave(tmp_path: Path) -> None:
    assert cells(written(tmp_path, gzip.compress(CSV) + bytes(512))) == ROWS


def test_a_gzip_bomb_is_refused_with_the_limit(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    rows = b"a@b.example,1\n" * 2**16
    content = packer.compress(CSV) + b"".join(packer.compress(rows) for _ in range(100))
    path = written(tmp_path, content + packer.flush())
    assert "more than 200 times its size" in refused(path).message


@pytest.mark.parametrize("inner", [gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "zip"])
def test_an_archive_in_gzip_is_refused(tmp_path: Path, inner: bytes | str) -> None:
    if isinstance(inner, str):
        inner = gzip.compress(zipped(tmp_path, {"a.csv": CSV}).read_bytes())
    assert "archive" in refused(written(tmp_path, inner)).message


def test_a_zip_of_one_list_is_that_list(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"out/": b"", "out/members.csv": CSV, "__MACOSX/._members.csv": b"x"})
    source = opened(path)
    assert source.headers == ("email", "zip")
    assert source.delimiter_title == "comma"
    assert cells(path) == ROWS


def test_lists_of_a_zip_are_one_list_with_the_columns_of_all(tmp_path: Path) -> None:
    path = zipped(
        tmp_path,
        {
            "1.csv": "email,zip,zip\na@b.example,1,2\nshort@b.example\nlong@b.example,1,2,3\n",
            "2.txt": "phone;zip;email;zip\n503;3;c@d.example;4\n".encode("utf-16"),
            "3.jsonl": '{"email": "e@f.example", "tags": ["x"]}',
            "empty.csv": b"",
            "header.csv": b"email,zip\n",
        },
    )
    source = opened(path)
    assert source.headers == ("email", "zip", "zip", "phone", "tags.0")
    assert source.delimiter_title == "comma in 4 files of a ZIP"
    assert records(path) == [
        (2, ["a@b.example", "1", "2", "", ""]),
        (3, ["short@b.example"]),
        (4, ["long@b.example", "1", "2", "", "", "3"]),
        (2, ["c@d.example", "3", "4", "503", ""]),
        (1, ["e@f.example", "", "", "", "x"]),
    ]
    batches = list(source.batches())
    assert [batch.member for batch in batches] == ["1.csv", "2.txt", "3.jsonl"]
    assert [batch.first for batch in batches] == [1, 4, 5]


MAILCHIMP = {
    "subscribed_members_export_ab12.csv": "Email Address,OPTIN_TIME,LEID,EUID\n"
    "in@mail.example.org,2024-05-06 07:08:09,1,e1\n",
    "unsubscribed_members_export_ab12.csv": "Email Address,OPTIN_TIME,UNSUB_TIME,LEID,EUID\n"
    "out@mail.example.org,2024-05-06 07:08:09,,2,e2\n",
    "cleaned_members_export_ab12.csv": "Email Address,OPTIN_TIME,LEID,EUID\n"
    "gone@mail.example.org,2024-05-06 07:08:09,3,e3\nTotal,1,,\n",
    "nonsubscribed_members_export_ab12.csv": "Email Address,OPTIN_TIME,LEID,EUID\n"
    "never@mail.example.org,2024-05-06 07:08:09,4,e4\n",
}


def test_the_name_of_a_member_is_the_status_of_its_rows(desk: Desk) -> None:
    read = desk.read(zipped(desk.folder, {**MAILCHIMP}))
    assert read.reading.layout.name == "mailchimp"
    assert {row.emails[0]: row.email_consent.basis.value for row in read.rows} == {
        "in@mail.example.org": "express",
        "never@mail.example.org": "none",
    }
    assert {out.emails[0]: out.cause for out in read.opt_outs} == {
        "out@mail.example.org": "unsubscribed",
        "gone@mail.example.org": "bounced",
    }
    assert [(row.line, row.code) for row in read.rejected] == [(3, "footer")]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["subscribed.csv", "unsubscribed.csv"], ["subscribed", "unsubscribed"]),
        (["Cleaned_email_audience_export_1.csv"], ["cleaned"]),
        (["x/unsubscribed contacts.csv"], ["unsubscribed"]),
        (["cleaned.csv"], [""]),
        (["cleaned_list.csv", "unsubscribed.csv"], ["", "unsubscribed"]),
        (["cleaned members.csv", "new members.csv"], ["", ""]),
        (["members.csv", "unsubscribed_by_hand.csv"], ["", ""]),
        (["subscribed_segment_export_1.csv"], ["subscribed"]),
    ],
)
def test_a_list_cleaned_by_hand_is_no_list_of_bounces(names: list[str], words: list[str]) -> None:
    assert status_words(names) == words


@pytest.mark.parametrize(
    "name", ["../list.csv", "a/../../list.csv", "/etc/list.csv", "C:\\list.csv", "..\\list.csv"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of its folder" in refused(zipped(tmp_path, {name: CSV})).message


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("members.csv")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "link" in refused(path).message


def test_a_password_is_named(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"members.csv": CSV})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in refused(path).message


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("inner.zip", b"PK\x03\x04", "inner.zip, which is not a CSV"),
        ("opt-outs.xlsx", b"PK\x03\x04", "opt-outs.xlsx, which is not a CSV"),
        ("inner.csv", b"PK\x03\x04" + bytes(50), "archive in the archive"),
        ("inner.csv", gzip.compress(CSV, mtime=0), "archive in the archive"),
        ("inner.csv", bytes(range(256)) * 20, "not a text file"),
        ("inner.csv", b"%PDF-1.7" + bytes(50), "PDF"),
        ("inner.csv", bz2.compress(CSV), "bzip2"),
    ],
)
def test_a_member_that_is_no_list_is_refused_because_it_could_hold_opt_outs(
    tmp_path: Path, file: str, content: bytes, what: str
) -> None:
    assert what in refused(zipped(tmp_path, {"members.csv": CSV, file: content})).message


def test_a_zip_without_a_list_is_refused(tmp_path: Path) -> None:
    assert "no list" in refused(zipped(tmp_path, {})).message
    assert "no list" in refused(zipped(tmp_path, {"a/": b"", ".DS_Store": b"x"})).message


def test_more_files_than_any_export_has_are_refused_with_the_limit(tmp_path: Path) -> None:
    path = zipped(tmp_path, {f"{i}.csv": CSV for i in range(101)})
    assert "more than 100 files" in refused(path).message


def test_a_directory_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {f"{'n' * 60_000}{i}.csv": b"" for i in range(80)})
    assert "damaged" in refused(path).message


def test_a_zip_bomb_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"members.csv": CSV + b"a@b.example,1\n" * (6 * 2**20)})
    assert "more than 200 times its size" in refused(path).message


def test_a_bomb_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"members.csv": CSV + b"a@b.example,1\n" * 2**16})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    assert "damaged" in refused(path).message


def test_a_rare_packing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("members.csv", CSV)
    assert "packed in a way that is not usual" in refused(path).message


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"?": CSV})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 28 : at + 30] = bytes(2)
    data[at + 30 : at + 32] = (1).to_bytes(2, "little")  # the name is now an extra field
    path.write_bytes(data)
    refused(path)


@pytest.mark.parametrize("cut", [10, 60, 120])
def test_a_damaged_zip_is_refused(tmp_path: Path, cut: int) -> None:
    path = zipped(tmp_path, {"members.csv": CSV * 50})
    path.write_bytes(path.read_bytes()[:cut])
    assert "damaged" in refused(path).message
    whole = zipped(tmp_path, {"members.csv": CSV * 50})
    whole.write_bytes(damaged(whole.read_bytes(), 60))
    assert "damaged" in refused(whole).message
