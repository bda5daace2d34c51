"""Whatever the bytes of a list: a true account of every record, or one clear refusal."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consortium.errors import BadFile, ConsortiumError
from consortium.intake import normal
from consortium.intake.normal import RowChecker
from consortium.model import ConsortiumCard, PackOptOut, PackRow
from consortium.pack import CheckReport, check, pack
from consortium.pack.check import Reading
from consortium.pack.layout import Meaning
from consortium.pack.problems import CODES, safe_cell, write_problems
from consortium.pack.recognition import is_known, recognise
from consortium.pack.repeats import Repeats, fingerprints
from consortium.pack.source import open_list
from consortium.pack.values import is_suspicious
from consortium.tokens import PROFILE
from consortium.types import PartnerSlug
from consortium.vault import age
from consortium.vault.pack_file import PackReader
from consortium.vault.pack_rows import RowLine

TODAY = date(2026, 9, 1)
INTAKE = age.new_identity()
RECEIVE = X25519PrivateKey.generate().public_key().public_bytes_raw()
SIGN = Ed25519PrivateKey.generate()
CARD = ConsortiumCard("n", "o.example/c", age.recipient_of(INTAKE), RECEIVE, b"", b"")

HEADERS = st.sampled_from(
    [
        "email", "E-mail", "phone", "Cell", "first_name", "Full Name", "zip", "ST", "DOB", "id",
        "Do Not Email", "can2_subscription_status", "OPTIN_TIME", "UNSUB_TIME", "Street", "notes",
        "VANID", "", "\ufeff", "=cmd", "tags", "relationship", "Status", "cell", "UNSUB_REASON",
    ]
)  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(
        [
            "", "a@mail.example.org", "A@MAIL.example.org ", "b@mail.example.org", "jane@",
            "503-555-0101", "5.55E+09", "unsubscribed", "yes", "2025-01-02 10:00:00", "=1+1",
            "12 Oak St", "Total: 5", "3/14/75", "x" * 300, '"', "a\nb", "1/1/1", "email",
        ]
    ),
    st.text(max_size=30),
)  # fmt: skip
TABLES = st.lists(HEADERS, min_size=1, max_size=8).flatmap(
    lambda head: st.tuples(
        st.just(head),
        st.lists(st.lists(CELLS, min_size=0, max_size=len(head) + 2), min_size=1, max_size=12),
    )
)
PERSON = [
    "email", "phone", "first name", "last name", "dob", "street", "zip", "state", "country",
    "OPTIN_TIME",
]  # fmt: skip
_VALUES = (
    ["Ann+x@gmail.com", "a@b.org; c@d.org", "'q'@x.org", "a@bücher.de", "<b@c.de>"],
    ["503-555-0123", "+44 7911 123456", "(503) 555-0199 x12", "503 555 0123/503 555 0145"],
    ["Ann", "DR. Ann-Marie", "ann (annie)", "null", "J."],
    ["O'Neil", "van der Berg", "Smith Jr", "MÜLLER", "Nan"],
    ["3/4/25", "1985", "1980-02-29", "--02-29", "12.11.1970", "01/01/1900"],
    ["12 Main St", "12-34 56th Ave", "PO Box 12", "Flat 3, 12 High St", "½ Elm"],
    ["97214", "1234", "K1A0B1", "sw1a1aa", "12345.0", "D-10115", "0."],
    ["OR", "oregon", "ON", "NC - North Carolina", "PR"],
    ["US", "UK", "Canada", "Deutschland", "Puerto Rico", "xx"],
    ["2025-01-02 10:00:00", "1/2/2025", "1899-12-30", "2099-01-01"],
)
PEOPLE = st.tuples(
    *[st.one_of(st.sampled_from(v), st.just(""), st.text(max_size=40)) for v in _VALUES]
).map(list)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "latin-1"])
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
SLOW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def checked(data: bytes) -> CheckReport | ConsortiumError:
    """The report of a list of these bytes, or the refusal; nothing else may come."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(data)
        try:
            report = check(path, profile=PROFILE, today=TODAY)
        except ConsortiumError as error:
            refusal = error
            report = None
    if report is None:
        assert refusal.message
        assert "\n" not in refusal.message + refusal.hint
        return refusal
    assert report.rows == report.usable + report.opt_outs + report.rejected + report.repeated
    assert {w.code for w in report.worth_fixing} <= set(CODES)
    return report


def written(table: tuple[list[str], list[list[str]]], encoding: str, delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([table[0], *table[1]])
    return text.getvalue().encode(encoding, "replace")


@SLOW
@given(st.binary(max_size=2_000))
@example(b"")
@example(b"\xff\xfe")
@example(b"\xff\xfe\x00")
@example(b"\xef\xbb\xbfemail\n\x00\n")
@example(b"email\r\r\r\n\na@mail.example.org")
@example(b"sep=;\nemail\na@mail.example.org")
@example(b'email\n"a@mail.example.org')
@example(b"email\n" + b"\xd8\x00" * 40)
def test_any_bytes_give_an_account_or_one_refusal(data: bytes) -> None:
    checked(data)


@SLOW
@given(st.binary(max_size=300), st.integers(min_value=0), st.integers(0, 40))
def test_bytes_put_into_a_good_list_do_no_more_harm(data: bytes, where: int, dropped: int) -> None:
    good = b"email,phone,first_name,Do Not Email\n" + b"".join(
        b"p%d@mail.example.org,503-555-01%02d,Ana,no\n" % (i, i) for i in range(20)
    )
    at = where % len(good)
    checked(good[:at] + data + good[at + dropped :])


@SLOW
@given(TABLES, ENCODINGS, DELIMITERS)
def test_a_pack_holds_what_the_check_promised(
    table: tuple[list[str], list[list[str]]], encoding: str, delimiter: str
) -> None:
    data = written(table, encoding, delimiter)
    report = checked(data)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "list.csv", Path(folder) / "list.pack"
        path.write_bytes(data)

        def packed() -> None:
            pack(
                path,
                list_name="l",
                obtained_on=TODAY,
                card=CARD,
                partner=PartnerSlug("nurses"),
                sign_key=SIGN.private_bytes_raw(),
                receive_key=RECEIVE,
                out=out,
                now=datetime(2026, 9, 1, tzinfo=UTC),
            )

        if isinstance(report, ConsortiumError) or not report.usable + report.opt_outs:
            with pytest.raises(BadFile):
                packed()
            assert [p.name for p in Path(folder).iterdir()] == ["list.csv"]
            return
        packed()
        with (
            out.open("rb") as stream,
            PackReader.open(stream, identity=INTAKE, origin=CARD.origin, name="p") as reader,
        ):
            items = list(reader)
            counts = reader.finish(SIGN.public_key().public_bytes_raw()).counts
    rows = [i for i in items if isinstance(i, PackRow)]
    blocked = [i for i in items if isinstance(i, PackOptOut)]
    assert len(rows) == counts.rows == report.usable
    assert len(blocked) == counts.opt_outs == report.opt_outs + report.partly_blocked
    assert (counts.rejected, counts.repeated) == (report.rejected, report.repeated)
    assert {r.number for r in rows} | {b.number for b in blocked} <= set(range(1, report.rows + 1))
    for row in rows:
        assert not is_suspicious(row.first_name)
        assert not is_suspicious(row.last_name)


@SLOW
@given(st.lists(PEOPLE, min_size=1, max_size=20), st.sampled_from(["US", "GB", "CA", "DE"]))
@example([["a@b.org", "", "", "", "", "", "0.", "", "", ""]], "DE")
@example([["a@b.org", "", "Ann", "f" * 32, "", "", "", "", "", ""]], "US")
@example([["a@b.org", "", "", "", "", "", "", "", "", "0001-01-01 00:00"]], "US")
def test_what_is_packed_is_taken_in(people: list[list[str]], region: str) -> None:
    checker = RowChecker(TODAY)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(written((PERSON, people), "utf-8", ","))
        try:
            reading = Reading(path, profile=PROFILE, today=TODAY, region=region)
        except BadFile:  # more control characters than a text has
            return
        for batch in reading.batches():
            normal.email_values(batch.sent, profile=PROFILE)
            normal.phone_values(batch.sent)
            checker.check([line for line in batch.sent if isinstance(line, RowLine)])


@SLOW
@given(TABLES, st.integers(1, 5))
def test_records_are_counted_as_the_csv_module_counts_them(
    table: tuple[list[str], list[list[str]]], size: int
) -> None:
    head, rows = table
    head = ["email", *[h for h in head if h.strip("\ufeff")]]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    data = text.getvalue().encode("utf-8", "replace").replace(b"\0", b"")
    expected = [r for r in csv.reader(io.StringIO(data.decode(), newline="")) if r][1:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(data)
        try:
            source = open_list(path, known=is_known)
        except BadFile:
            assert not expected or b"\0" in data or not data.isascii() or _controls(data)
            return
        if source.delimiter != ",":
            return
        batches = list(source.batches(size=size))
    read = [row for batch in batches for row in batch.rows]
    assert len(read) == len(expected)
    lines = data.decode().splitlines(keepends=True)
    starts = [line for batch in batches for line in batch.lines]
    assert starts == sorted(set(starts))
    assert all(2 <= start <= len(lines) + data.count(b"\r") for start in starts)


def _controls(data: bytes) -> bool:
    return any(c < 0x20 and c not in b"\t\r\n" for c in data)


@SLOW
@given(TABLES)
def test_a_column_of_refusals_never_adds_anybody(
    table: tuple[list[str], list[list[str]]],
) -> None:
    head, rows = table
    rows = [[*r, *[""] * len(head)][: len(head)] for r in rows]
    before = checked(written((head, rows), "utf-8", ","))
    refused = checked(
        written(([*head, "Do Not Contact"], [[*r, "yes"] for r in rows]), "utf-8", ",")
    )
    if isinstance(before, CheckReport) and isinstance(refused, CheckReport):
        assert refused.usable <= before.usable
        assert refused.usable == 0
        assert all(m.basis is None for m in Meaning if m.refuses)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=12))
def test_repeats_are_what_a_set_would_say(batches: list[list[str]]) -> None:
    repeats, seen = Repeats(), set[str]()
    for batch in batches:
        expected = []
        for said in batch:
            expected.append(said not in seen)
            seen.add(said)
        assert repeats.first_time(fingerprints(batch, key=bytes(16))) == expected


@given(st.text(max_size=60))
def test_no_text_leaves_a_cell_that_runs_or_breaks_the_line(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"))
    assert cell.isprintable()
    row = next(csv.reader([f'"{cell.replace(chr(34), chr(34) * 2)}"']))
    assert row == [cell]


@given(st.lists(st.text(max_size=30), max_size=30))
def test_any_headers_are_laid_out_without_a_column_in_two_roles(headers: list[str]) -> None:
    layout = recognise(headers)
    used = [i for indexes in layout.columns.values() for i in indexes]
    assert len(used) == len(set(used))
    assert not {s.column for s in layout.statuses} & set(used)
    assert all(0 <= i < len(headers) for i in used)


@SLOW
@given(TABLES, st.integers(1, 7))
def test_the_size_of_batches_changes_nothing(
    table: tuple[list[str], list[list[str]]], size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(written(table, "utf-8", ","))
        try:
            reading = Reading(path, profile=PROFILE, today=TODAY)
        except ConsortiumError:
            return
        whole = [r for b in reading.source.batches() for r in zip(b.lines, b.rows, strict=True)]
        parts = [
            r for b in reading.source.batches(size=size) for r in zip(b.lines, b.rows, strict=True)
        ]
        assert parts == whole
        problems = [p for b in reading.batches() for p in b.problems()]
        assert write_problems(problems, path.with_suffix(".problems.csv")) == len(problems)
