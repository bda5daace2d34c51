"""Exports of every system that has a layout, row by row; people are made up, at example.org.

The last column of each file, `expected`, says what must become of its row: a fate (`opt-out CAUSE`,
`partly CAUSE`, `rejected CODE`, `repeated`; nothing: usable) and facts of what is sent.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from consortium.model import Consent, PackOptOut, PackRow, Relationship
from consortium.pack import Confidence, Stated, open_record_id, parse_attest
from consortium.pack.layout import Role
from consortium.pack.recognition import layout_names
from consortium.types import PartnerSlug
from tests.unit.pack.conftest import Desk, ReadList

EXPORTS = Path(__file__).parents[2] / "vectors/exports"


@dataclass(frozen=True)
class Export:
    """A file of `tests/vectors/exports`."""

    file: str
    layout: str
    encoding: str = "utf-8"
    delimiter: str = ","
    attest: str = ""
    confidence: Confidence = Confidence.CERTAIN
    has_ids: bool = True


FILES = (
    Export("action-network.csv", "action-network"),
    Export("actionkit.csv", "actionkit"),
    Export("civicrm.csv", "civicrm", "latin-1", ";", "email=membership"),
    Export("everyaction.csv", "everyaction", "utf-16", "\t"),
    Export("google-contacts.csv", "google-contacts", has_ids=False),
    Export("google-contacts-old.csv", "google-contacts", has_ids=False),
    Export("mailchimp-cleaned.csv", "mailchimp", "utf-8-sig"),
    Export("mailchimp-subscribed.csv", "mailchimp", "utf-8-sig"),
    Export("mailchimp-unsubscribed.csv", "mailchimp", "utf-8-sig"),
    Export("nationbuilder.csv", "nationbuilder"),
    Export("osdi.json", "osdi"),
    Export("outlook.csv", "outlook", "cp1252", has_ids=False),
    Export(
        "plain.csv", "plain", "cp1252", attest="email=express,relationship=supporter",
        confidence=Confidence.LIKELY, has_ids=False,
    ),
    Export("salesforce-npsp.csv", "salesforce-npsp", attest="email=implied"),
    Export("salesforce-npsp-report.csv", "salesforce-npsp", attest="email=implied"),
    Export("spoke.csv", "spoke"),
    Export("spoke-export.csv", "spoke", attest="sms=implied"),
    Export("spoke-opt-outs.csv", "spoke-opt-outs"),
    Export("thrutext.csv", "thrutext", attest="sms=implied"),
    Export("uk-employer.csv", "uk-employer", "cp1252", ";", "email=membership"),
    Export("uk-union-members.csv", "uk-union-members", "utf-8-sig"),
)  # fmt: skip
each_export = pytest.mark.parametrize("export", FILES, ids=lambda export: export.file)


def read(desk: Desk, export: Export) -> ReadList:
    stated = parse_attest([export.attest]) if export.attest else Stated()
    keep = ("tags",) if desk.read(EXPORTS / export.file).reading.layout.tags else ()
    union = export.layout.startswith("uk-")  # its tags are shared by other tests
    stated = Stated(stated.email, stated.sms, stated.relationship, () if union else keep)
    return desk.read(EXPORTS / export.file, stated=stated)


def expectations(export: Export) -> list[list[str]]:
    path = EXPORTS / export.file
    if path.suffix == ".json":
        people = json.loads(path.read_text("utf-8"))["_embedded"]["osdi:people"]
        return [person["custom_fields"]["expected"].split() for person in people]
    with path.open(encoding=export.encoding, newline="") as file:
        rows = list(csv.reader(file, delimiter=export.delimiter))
    assert rows[0][-1] == "expected"
    return [row[-1].split() for row in rows[1:]]


def shown(consent: Consent) -> str:
    return consent.basis + (f"@{consent.on.isoformat()}" if consent.on else "")


def facts(row: PackRow) -> dict[str, str]:
    return {
        "email": shown(row.email_consent),
        "sms": shown(row.sms_consent),
        "rel": row.relationship,
        "tags": "|".join(row.tags).replace(" ", "+"),
        "first": row.first_name,
        "suffix": row.suffix,
        "birth": row.birth_date,
        "house": row.house_number,
        "country": row.places.country,
        "state": row.places.state,
        "postcode": row.places.postcode.replace(" ", "+"),
        "language": row.language,
        "emails": str(len(row.emails)),
        "phones": str(len(row.phones)),
    }


def said(facts: list[str]) -> dict[str, str]:
    return dict(fact.split("=", 1) for fact in facts)


@each_export
def test_every_row_of_an_export_becomes_what_its_system_says(desk: Desk, export: Export) -> None:
    found = read(desk, export)
    sent = {row.number: row for row in found.rows}
    blocked = {item.number: item for item in found.opt_outs}
    rejected = {row.number: row.code for row in found.rejected}
    repeated = {row.number for row in found.repeated}
    expected = expectations(export)
    assert found.records == len(expected)
    for number, words in enumerate(expected, start=1):
        where = f"{export.file}, record {number}"
        match words:
            case ["opt-out", cause, *more]:
                assert number not in sent, where
                assert blocked[number].cause == cause, where
                for key, value in said(more).items():
                    assert len(getattr(blocked[number], key)) == int(value), where
            case ["partly", cause, *more]:
                assert blocked[number].cause == cause, where
                wanted = said(more)
                assert {k: v for k, v in facts(sent[number]).items() if k in wanted} == wanted, (
                    where
                )
            case ["rejected", code]:
                assert rejected[number] == code, where
            case ["repeated"]:
                assert number in repeated, where
            case _:
                assert number not in blocked, where
                wanted = said(words)
                assert {k: v for k, v in facts(sent[number]).items() if k in wanted} == wanted, (
                    where
                )


@each_export
def test_an_export_is_recognised(desk: Desk, export: Export) -> None:
    layout = desk.read(EXPORTS / export.file).reading.layout
    assert (layout.name, layout.confidence) == (export.layout, export.confidence)
    assert (Role.RECORD_ID in layout.columns) == export.has_ids


@each_export
def test_no_layout_lets_a_row_be_written_to_that_it_blocks(desk: Desk, export: Export) -> None:
    items = read(desk, export).items
    blocked = {
        (i.number, p) for i in items if isinstance(i, PackOptOut) for p in i.emails + i.phones
    }
    sent = {(i.number, p) for i in items if isinstance(i, PackRow) for p in i.emails + i.phones}
    assert not blocked & sent


def test_every_layout_has_an_export() -> None:
    assert {export.layout for export in FILES} == set(layout_names())
    assert {export.file for export in FILES} == {path.name for path in EXPORTS.glob("*.*")} - {
        "README.md"
    }


def test_record_ids_of_an_export_are_sealed_for_its_owner(desk: Desk) -> None:
    made = desk.pack(EXPORTS / "nationbuilder.csv")
    _, items, _ = desk.unpack(made.path)
    rows = [item for item in items if isinstance(item, PackRow)]
    opened = [
        open_record_id(
            row.sealed_record_id,
            number=row.number,
            key=desk.receive.private_bytes_raw(),
            origin=desk.card.origin,
            owner=PartnerSlug("nurses"),
        ).reveal()
        for row in rows
    ]
    assert opened == [str(4999 + row.number) for row in rows]


def test_a_list_from_britain_is_read_as_one_without_being_told(desk: Desk) -> None:
    found = desk.read(EXPORTS / "uk-union-members.csv")
    assert found.reading.region == "GB"
    assert all(phone.startswith("+44") for row in found.rows for phone in row.phones)
    assert {row.relationship for row in found.rows} == set(Relationship)
