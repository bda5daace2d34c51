"""Mistakes of whole columns: named with counts and lines, never with a value."""

from __future__ import annotations

import re
from base64 import standard_b64encode
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.pack.layout import Role
from consortium.pack.mistakes import FIRST_LINES, HINTS, Lookout, SightingTally
from consortium.pack.problems import CODES
from consortium.pack.proposals import by_content, by_name, sounds_like_refusal
from consortium.pack.recognition import recognise
from consortium.pack.report import CheckReport
from tests.unit.pack.conftest import Desk

PAGE = Path(__file__).parents[3] / "docs/formats/rejected-rows.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
MD5 = [f"{n:032x}" for n in range(1, 40)]


def people(count: int, **columns: Sequence[str]) -> str:
    """A list of that many people, each with an address of its own."""
    names = list(columns)
    header = ",".join(["email", *names])
    rows = [
        ",".join([f"p{n}@mail.example.org", *(columns[c][n % len(columns[c])] for c in names)])
        for n in range(count)
    ]
    return "\n".join([header, *rows]) + "\n"


def hints(report: CheckReport) -> dict[tuple[str, str], int]:
    return {(hint.code, hint.column): hint.count for hint in report.hints}


@pytest.mark.parametrize(
    ("text", "code", "column", "count"),
    [
        (people(20, zip=["1234", "97214"]), "zip_lost_zero", "zip", 10),
        (people(20, zip=["#####", "97214"]), "spreadsheet_error", "zip", 10),
        (people(20, first_name=["#N/A", "Ann", "Bo", "Cy"]), "spreadsheet_error", "first_name", 5),
        (people(20, last_name=["MuÃ±oz", "Lee", "Kim", "Ash"]), "mojibake", "last_name", 5),
        (people(20, last_name=["Mu?oz", "Lee", "Kim", "Ash"]), "mojibake", "last_name", 5),
        (people(20, first_name=["x@mail.example.org", "A"]), "misplaced_email", "first_name", 10),
        (people(20, notes=["please do not text", "likes tea"]), "refusal_in_notes", "notes", 10),
        (people(20, relationship=["member", "Pal"]), "unknown_relationship", "relationship", 10),
        (people(40, dob=["1/1/1970"]), "filled_in", "dob", 40),
        (people(30, phone=["503-555-0100"]), "shared_contact", "phone", 30),
        (people(20, phone=["07400 123456", "020 7946 0958"]), "other_country", "phone", 20),
        ("name,email\n" + "Ann,Ann Lee\n" * 20, "not_emails", "email", 20),
        ("email,name\na@gmial.com,A\nb@gmail.com,B\n", "misspelt_domain", "email", 1),
        ('email,name\n"a@mail.example.org; b@mail.example.org",A\n', "several_emails", "email", 1),
    ],
)  # fmt: skip
def test_a_likely_mistake_is_named(
    desk: Desk, text: str, code: str, column: str, count: int
) -> None:
    assert hints(desk.check(desk.write(text)))[code, column] == count


@pytest.mark.parametrize(
    "text",
    [
        people(60, zip=["97214", "97215-1234"], first_name=["Ann", "Zoë", "Bo"], phone=[""]),
        people(60, zip=["1234"], country=["Denmark"]),  # four digits are right there
        people(60, phone=[f"503-555-01{n:02}" for n in range(60)], state=["OR"]),
        people(
            60, last_name=["JOÃO", "Ñandú", "Müller"], dob=["1/2/1980", "3/14/1975", "4/15/1962"]
        ),
        people(9, phone=["503-555-0100"]),
        people(30, phone=["5.03555E+09", "n/a"]),
        people(20, notes=["call after six", "does not mind texts", "met at a stop", "options"]),
        "name,email\nAnn,Ann Lee\nBo,bo@mail.example.org\n",
    ],
)
def test_what_is_right_gives_no_hint(desk: Desk, text: str) -> None:
    assert hints(desk.check(desk.write(text))) == {}


def test_a_hint_names_the_first_lines_and_no_value(desk: Desk) -> None:
    text = people(20, zip=["1234", "97214"])
    (hint,) = desk.check(desk.write(text)).hints
    assert hint.lines == (2, 4, 6, 8, 10)
    assert len(hint.lines) == FIRST_LINES
    assert "1234" not in repr(hint)


def test_a_problem_names_its_first_lines_in_order(desk: Desk) -> None:
    text = "email,phone\n" + "nobody@,503-555-0101\n" * 3 + "somebody,\n" * 4
    report = desk.check(desk.write(text))
    lines = {w.code: w.lines for w in report.worth_fixing}
    assert lines["no_domain"] == (2, 3, 4)
    assert lines["no_at"] == (5, 6, 7, 8)


def test_what_is_hinted_at_changes_nothing_of_what_is_sent(desk: Desk) -> None:
    found = desk.read(desk.write(people(20, zip=["1234", "97214"])))
    assert {row.places.postcode for row in found.rows} == {"01234", "97214"}
    assert found.rejected == []


def test_hashed_addresses_are_never_sent(desk: Desk) -> None:
    base64 = [standard_b64encode(bytes.fromhex(h) + bytes(size)) for h in MD5 for size in (0, 4)]
    hashes = [*MD5, *(one.decode() for one in base64)]
    for kind in ("email", "phone"):
        found = desk.read(desk.write(f"{kind},name\n" + "".join(f"{h},Ann\n" for h in hashes)))
        assert found.rows == []
        assert {row.code for row in found.rejected} == {"already_hashed"}


def test_batches_add_up_to_the_whole() -> None:
    layout = recognise(["email", "zip"])
    cells = [[f"p{n}@mail.example.org" for n in range(100)], ["1234", "97214"] * 50]
    whole, parts = SightingTally(), SightingTally()
    lookout = Lookout(layout, region="US")
    whole.add(lookout.look(cells, lines=range(2, 102)))
    for start in range(0, 100, 20):
        part = [column[start : start + 20] for column in cells]
        parts.add(lookout.look(part, lines=range(start + 2, start + 22)))
    assert whole.sightings() == parts.sightings()


@given(
    st.lists(
        st.tuples(*[st.text(max_size=20)] * 4), max_size=30
    )
)  # fmt: skip
def test_whatever_is_in_the_cells_a_look_ends_and_counts_no_more_than_there_is(
    rows: list[tuple[str, ...]],
) -> None:
    layout = recognise(["email", "phone", "first name", "zip"])
    cells = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    tally = SightingTally()
    tally.add(Lookout(layout, region="US").look(cells, lines=range(2, len(rows) + 2)))
    for sighting in tally.sightings():
        assert 0 < sighting.count <= len(rows)
        assert set(sighting.lines) <= set(range(2, len(rows) + 2))


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("E-Mail-Adresse", Role.EMAIL),
        ("Handynummer", None),
        ("Handy", Role.PHONE),
        ("Teléfono móvil", Role.PHONE),
        ("Código postal", Role.POSTCODE),
        ("emailOfMember", Role.EMAIL),
        ("Apellidos", Role.LAST_NAME),
        ("Female", None),
        ("notes", None),
    ],
)
def test_a_header_speaks_of_a_role_by_its_words(header: str, role: Role | None) -> None:
    assert by_name(header) is role


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        (["a@b.org", "", "c@d.example", "<e@f.org>"], Role.EMAIL),
        (["503-555-0101", "+44 20 7946 0958", "(503) 555 0102"], Role.PHONE),
        (["97214", "97215-1234", "97201"], Role.POSTCODE),
        (["SW1A 1AA", "m1 1ae", "B33 8TH"], Role.POSTCODE),
        (["a@b.org", "none", "x", "y"], None),
        (["a@b.org", "c@d.org"], None),
        (["2025-01-01", "2025-02-02", "2025-03-03"], None),
        ([], None),
    ],
)
def test_cells_look_like_what_most_of_them_are(cells: list[str], role: Role | None) -> None:
    assert by_content(cells) is role


def test_an_unknown_column_full_of_addresses_is_proposed_and_not_read(desk: Desk) -> None:
    text = "email,Kontakt privat\n" + "".join(
        f"a{n}@mail.example.org,b{n}@mail.example.org\n" for n in range(5)
    )
    report = desk.check(desk.write(text))
    assert [(c.header, c.role) for c in report.proposals] == [("Kontakt privat", Role.EMAIL)]
    assert all(len(row.emails) == 1 for row in desk.read(desk.write(text)).rows)


@pytest.mark.parametrize(
    "header",
    ["Opt-out reason", "unsubscribed_from", "DNC flag", "Stop texting", "do_not_email_or_call",
     "Bounce count", "Suppressed by", "Abgemeldet am", "Deceased?", "No calls"],
)  # fmt: skip
def test_an_unread_column_that_sounds_like_a_refusal_is_pointed_out(
    desk: Desk, header: str
) -> None:
    assert sounds_like_refusal(header)
    report = desk.check(desk.write(f"email,{header} (2)\na@mail.example.org,x\n"))
    assert report.unread_refusals == (f"{header} (2)",)


@pytest.mark.parametrize(
    "header", ["email", "Notes", "Donor", "City", "Do Not Mail", "Do Not Walk", "No Post"]
)
def test_other_columns_do_not_sound_like_refusals(header: str) -> None:
    assert not sounds_like_refusal(header)


def test_the_page_has_every_hint_with_its_words() -> None:
    page = PAGE.read_text()
    named = {code: (what, repair) for code, what, repair in ROW.findall(page) if code in HINTS}
    assert named == {code: (what, repair or "—") for code, (what, repair) in HINTS.items()}
    assert not set(HINTS) & set(CODES)
