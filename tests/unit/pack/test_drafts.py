"""Drafts of mappings: read back, they give what they were written from."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.documents import parse
from consortium.errors import StateConflict
from consortium.model import Consent, ConsentBasis, Relationship
from consortium.pack import Confidence, MappingDocument, Stated, draft_mapping, write_draft
from consortium.pack.drafts import render
from consortium.pack.mapping import lay_over
from consortium.pack.recognition import find_layout, layout_names
from tests.unit.pack.conftest import Desk

EXPORTS = Path(__file__).parents[2] / "vectors/exports"
KNOWN = [
    "email", "Email", "E-mail", "work email", "phone", "Mobile", "first_name", "Surname", "zip",
    "Zip ", "tags", "TAGS", "Status", "Do Not Email", "membership status", "VANID", "OPTIN_TIME",
    'say "hi"', "back\\slash", "\u200b", "é\x7f", "",
]  # fmt: skip
HEADERS = st.lists(st.one_of(st.sampled_from(KNOWN), st.text(max_size=12)), min_size=1, max_size=9)


def mapping_of(text: str) -> MappingDocument:
    return parse(text, name="draft.toml", model=MappingDocument)


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.csv")), ids=lambda path: path.name)
def test_a_draft_read_back_reads_the_list_as_before(desk: Desk, path: Path) -> None:
    before = desk.read(path)
    mapping = mapping_of(draft_mapping(path, region="US"))
    after = desk.read(path, mapping=mapping)
    assert after.items == before.items
    assert after.rejected == before.rejected
    assert after.reading.layout.confidence is Confidence.STATED
    assert after.reading.region == before.reading.region


@given(HEADERS, st.sampled_from(layout_names()))
def test_a_draft_of_any_headers_gives_their_layout_back(headers: list[str], name: str) -> None:
    layout = find_layout(name, headers)
    text = render(layout, stated=Stated(), region=None, proposals={})
    again = lay_over(headers, mapping=mapping_of(text), name="draft.toml")
    assert dict(again.columns) == dict(layout.columns)
    assert again.statuses == layout.statuses
    assert (again.relationship, again.tags) == (layout.relationship, layout.tags)


def test_what_was_stated_by_hand_is_kept_in_the_draft(desk: Desk) -> None:
    stated = Stated(
        email=Consent(ConsentBasis.MEMBERSHIP, date(2026, 1, 5)),
        sms=Consent(ConsentBasis.NONE),
        relationship=Relationship.MEMBER,
        keep=("tags",),
    )
    path = desk.write("email,tags\nann@mail.example.org,a\n")
    assert mapping_of(draft_mapping(path, stated=stated)).stated == stated


def test_a_column_proposed_by_its_content_is_in_force_and_marked(desk: Desk) -> None:
    rows = "".join(f"{n};a{n}@mail.example.org;503-555-01{n:02}\n" for n in range(10))
    path = desk.write(f"Nr;Kontakt;Handy\n{rows}")
    text = draft_mapping(path)
    assert "proposed: look it over" in text
    found = desk.read(path, mapping=mapping_of(text))
    assert [len(row.emails) + len(row.phones) for row in found.rows] == [2] * 10


def test_a_draft_holds_headers_and_no_cell(desk: Desk) -> None:
    path = desk.write("email,notes,Opt-out why\nann@mail.example.org,likes tea,moved\n")
    text = draft_mapping(path)
    for cell in ("ann@mail", "likes tea", "moved"):
        assert cell not in text
    assert '"Opt-out why"  sounds like a refusal' in text


def test_a_draft_never_replaces_a_file(desk: Desk) -> None:
    path = desk.write("email\nann@mail.example.org\n")
    to = desk.folder / "members.map.toml"
    write_draft(path, to=to)
    tomllib.loads(to.read_text())
    to.write_text("mine")
    with pytest.raises(StateConflict, match="already something called"):
        write_draft(path, to=to)
    assert to.read_text() == "mine"
