"""The format pages say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from consortium.documents import parse
from consortium.model import Relationship
from consortium.pack import CODES, Role, layout_names
from consortium.pack.layout import NO, YES, Meaning, StatusRule
from consortium.pack.problems import REPAIRS, RejectedRow, write_problems
from consortium.pack.recognition import LayoutDocument
from tests.unit.pack.conftest import Desk

FORMATS = Path(__file__).parents[3] / "docs/formats"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)


def test_the_example_mapping_is_read_as_the_page_says(desk: Desk) -> None:
    page = (FORMATS / "mapping.md").read_text()
    (example,) = [text for kind, text in BLOCK.findall(page) if kind == "toml"]
    text = (
        "Membership Number,Personal Email,Work Email,Mobile,Forename,Surname,Date of Birth,"
        "Postcode,Status,Text me,Text me since\n"
        "7,a@mail.example.org,a@work.example.org,07400 123456,Ana,Lopez,03/04/1980,SW1A 1AA,"
        "Full,Yes,05/06/2024\n"
    )
    (row,) = desk.read(desk.write(text), mapping=desk.mapping(example)).rows
    assert row.emails == ("a@mail.example.org", "a@work.example.org")
    assert row.phones == ("+447400123456",)
    assert row.birth_date == "1980-04-03"
    assert row.relationship is Relationship.MEMBER
    assert row.sms_consent.basis == "express"
    assert row.sms_consent.on is not None
    assert row.sms_consent.on.isoformat() == "2024-06-05"
    assert row.email_consent.basis == "membership"


def test_the_page_on_mappings_names_every_word() -> None:
    page = (FORMATS / "mapping.md").read_text()
    for word in (*Role, *Meaning, *Relationship, *layout_names(), *StatusRule.model_fields):
        assert f"`{word}`" in page
    flat = " ".join(page.split())
    for word in YES | NO:
        assert re.search(rf"\b{word}\b", flat)


def test_the_example_layout_is_read_as_the_page_says() -> None:
    page = (FORMATS / "layouts.md").read_text()
    (example,) = [text for kind, text in BLOCK.findall(page) if kind == "toml"]
    layout = parse(example, name="little-crm.toml", model=LayoutDocument)
    assert layout.columns[Role.EMAIL] == ("Mail",)
    (rule,) = layout.status
    assert rule.meanings()["nomore"] is Meaning.UNSUBSCRIBED
    assert layout.marks_in(["lc person", "Mail"], frozenset({"lcperson", "mail"})) == 1


def test_the_page_on_layouts_names_every_layout_and_key() -> None:
    page = (FORMATS / "layouts.md").read_text()
    keys = set(LayoutDocument.model_fields) - {"columns", "relationship", "status"}
    for word in (*layout_names(), *keys, "[columns]", "[relationship]", "[[status]]"):
        assert f"`{word}`" in page


def test_the_page_on_problems_has_every_code_with_its_sentence() -> None:
    page = (FORMATS / "rejected-rows.md").read_text()
    before, after = page.split("What can be done about all")
    assert {c: w for c, w in ROW.findall(before) if c in CODES} == dict(CODES)
    assert {c: w for c, w in ROW.findall(after) if c in CODES} == dict(REPAIRS)


def test_the_example_of_a_problems_file_is_what_is_written(tmp_path: Path) -> None:
    page = (FORMATS / "rejected-rows.md").read_text()
    *_, example = [text for kind, text in BLOCK.findall(page) if kind == "text"]
    path = tmp_path / "p.csv"
    write_problems([RejectedRow(230, 234, "", "no_contact")], path)
    head, line = path.read_text("utf-8-sig").splitlines()
    assert head in example
    assert line in example
