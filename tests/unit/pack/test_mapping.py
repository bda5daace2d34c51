"""A partner's own word on columns and consent."""

from __future__ import annotations

from datetime import date

import pytest

from consortium.errors import BadFile, DocumentError, UsageError
from consortium.model import Consent, ConsentBasis, Relationship
from consortium.pack import Confidence, Role, Stated, parse_attest
from tests.unit.pack.conftest import Desk

LIST = (
    "Mitglied,Kontakt,Handy,Newsletter,Beitritt,Art\n"
    "7,ana@mail.example.org,07400 123456,ja,2021-05-04,Vollmitglied\n"
    "8,bo@mail.example.org,,nein,2021-05-04,Vollmitglied\n"
    "9,cy@mail.example.org,,,2021-05-04,Fan\n"
    "10,di@mail.example.org,,abgemeldet,2021-05-04,Fan\n"
)
MAPPING = """
mapping = 1
region = "GB"
ignore = ["Beitritt"]

[columns]
record_id = ["Mitglied"]
email = ["Kontakt"]
phone = ["Handy"]

[relationship]
default = "supporter"
column = "Art"
values = { Vollmitglied = "member" }

[consent.sms]
default = "legitimate_interest"
on = 2024-02-29

[[status]]
headers = ["Newsletter"]
channel = "email"
yes = "express"
no = "none"
values = { abgemeldet = "unsubscribed" }
empty = "soft_opt_in"
day = ["Beitritt"]
"""


def test_a_mapping_says_which_column_is_what_and_what_its_words_mean(desk: Desk) -> None:
    read = desk.read(desk.write(LIST), mapping=desk.mapping(MAPPING))
    ana, bo, cy = read.rows
    day = date(2021, 5, 4)
    assert ana.phones == ("+447400123456",)
    assert ana.relationship is bo.relationship is Relationship.MEMBER
    assert cy.relationship is Relationship.SUPPORTER
    assert ana.email_consent == Consent(ConsentBasis.EXPRESS, day)
    assert bo.email_consent == Consent()
    assert cy.email_consent == Consent(ConsentBasis.SOFT_OPT_IN, day)
    assert ana.sms_consent == Consent(ConsentBasis.LEGITIMATE_INTEREST, date(2024, 2, 29))
    assert [(o.number, o.cause) for o in read.opt_outs] == [(4, "unsubscribed")]


def test_a_list_of_unknown_headers_needs_a_mapping(desk: Desk) -> None:
    with pytest.raises(BadFile, match="no column of e-mail addresses") as caught:
        desk.read(desk.write(LIST))
    assert "--map" in caught.value.hint


def test_a_mapping_overrules_what_was_recognised(desk: Desk) -> None:
    path = desk.write("email,work email\nold@mail.example.org,new@mail.example.org\n")
    mapping = desk.mapping('mapping = 1\n[columns]\nemail = ["work email"]\n')
    read = desk.read(path, mapping=mapping)
    assert read.rows[0].emails == ("new@mail.example.org",)
    assert read.reading.layout.confidence is Confidence.STATED


def test_a_mapping_may_start_from_a_named_layout(desk: Desk) -> None:
    path = desk.write('Email,Sort Name\nana@mail.example.org,"Lopez, Ana"\n')
    read = desk.read(path, mapping=desk.mapping('mapping = 1\nlayout = "civicrm"\n'))
    assert read.reading.layout.name == "civicrm"
    assert Role.FULL_NAME in read.reading.layout.columns


def test_an_ignored_column_is_not_read_whatever_it_is_called(desk: Desk) -> None:
    path = desk.write("email,phone,Do Not Email\nana@mail.example.org,503-555-0101,yes\n")
    read = desk.read(path, mapping=desk.mapping('mapping = 1\nignore = ["phone"]\n'))
    assert Role.PHONE not in read.reading.layout.columns
    assert len(read.opt_outs) == 1


def test_a_statement_given_by_hand_goes_before_the_mappings(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\n[consent.email]\ndefault = "implied"\n')
    stated = Stated(email=Consent(ConsentBasis.EXPRESS))
    read = desk.read(desk.write("email\nana@mail.example.org\n"), mapping=mapping, stated=stated)
    assert read.rows[0].email_consent.basis is ConsentBasis.EXPRESS


def test_a_column_that_the_list_does_not_have_is_named_with_the_nearest(desk: Desk) -> None:
    mapping = desk.mapping('mapping = 1\n[columns]\nemail = ["Kontakte"]\n')
    with pytest.raises(UsageError, match='column "Kontakte"') as caught:
        desk.read(desk.write(LIST), mapping=mapping)
    assert caught.value.hint == 'Did you mean "Kontakt"?'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mapping = 2\n", "mapping"),
        ('mapping = 1\nlayuot = "plain"\n', 'unknown key "layuot"'),
        ('mapping = 1\nlayout = "civi"\n', 'unknown layout "civi"'),
        ('mapping = 1\n[columns]\nemial = ["x"]\n', 'unknown role "emial"'),
        ('mapping = 1\n[consent.email]\ndefault = "yes"\n', "word that is not known"),
        ('mapping = 1\nregion = "Britain"\n', "region"),
        ("mapping = 1\n[columns\n", "column"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_line(desk: Desk, text: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        desk.mapping(text)
    assert message in caught.value.message
    assert "line" in caught.value.message


def test_statements_are_read_from_words() -> None:
    assert parse_attest(["email=express@2025-03-01", "sms=none, relationship=member"]) == Stated(
        email=Consent(ConsentBasis.EXPRESS, date(2025, 3, 1)),
        sms=Consent(ConsentBasis.NONE),
        relationship=Relationship.MEMBER,
    )
    assert parse_attest([]) == Stated()


@pytest.mark.parametrize(
    "word",
    ["email", "email=maybe", "post=express", "email=express@soon", "relationship=friend", "", "="],
)
def test_a_word_that_states_nothing_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_attest([word])
    assert "relationship=member" in caught.value.hint


@pytest.mark.parametrize(("order", "day"), [("day-first", "DMY"), ("month-first", "MDY")])
def test_the_order_of_dates_may_be_stated(desk: Desk, order: str, day: str) -> None:
    assert desk.mapping(f'mapping = 1\ndate_order = "{order}"\n').order == day


@pytest.mark.parametrize("day", ["2026-09-02", "1899-12-31"])
def test_consent_stated_of_an_impossible_day_is_refused(desk: Desk, day: str) -> None:
    path = desk.write("email\nann@example.org\n")
    with pytest.raises(UsageError, match=day):
        desk.check(path, stated=parse_attest([f"email=express@{day}"]))
    mapping = desk.mapping(f'mapping = 1\n[consent.sms]\ndefault = "express"\non = {day}\n')
    with pytest.raises(UsageError, match=day):
        desk.check(path, mapping=mapping)


@pytest.mark.parametrize(("region", "hint"), [("UK", "Did you mean GB?"), ("ZZ", "two letters")])
def test_a_region_that_is_no_country_is_refused(desk: Desk, region: str, hint: str) -> None:
    path = desk.write("email\nann@example.org\n")
    with pytest.raises(UsageError, match=f'"{region}"') as caught:
        desk.check(path, region=region)
    assert hint in caught.value.hint
    with pytest.raises(UsageError, match=f'"{region}"'):
        desk.check(path, mapping=desk.mapping(f'mapping = 1\nregion = "{region}"\n'))


def test_a_refusal_in_the_column_of_relationships_stays_a_refusal(desk: Desk) -> None:
    path = desk.write("email,Status\nana@mail.example.org,Member\nbo@mail.example.org,Deceased\n")
    text = 'mapping = 1\n[relationship]\ncolumn = "Status"\nvalues = { Member = "member" }\n'
    read = desk.read(path, mapping=desk.mapping(text))
    assert [row.relationship for row in read.rows] == [Relationship.MEMBER]
    assert [(o.number, o.cause) for o in read.opt_outs] == [(2, "do_not_contact")]


def test_a_word_more_leaves_the_words_that_a_layout_knows(desk: Desk) -> None:
    text = "Membership Number,Surname,Email Address,Membership Status\n"
    path = desk.write(
        f"{text}1,Ash,a@mail.example.org,Current\n2,Birch,b@mail.example.org,In arrears\n"
        "3,Cole,c@mail.example.org,Retired\n"
    )
    bare = desk.read(path)
    rule = '[relationship]\ncolumn = "Membership Status"\n'
    words = 'values = { "In arrears" = "member", Retired = "supporter" }\n'
    told = desk.read(path, mapping=desk.mapping(f"mapping = 1\n{rule}{words}"))
    assert [row.relationship for row in bare.rows][:2] == ["member", "public"]
    assert [row.relationship for row in told.rows] == ["member", "member", "supporter"]


def test_what_came_of_a_call_or_text_is_read_for_refusals(desk: Desk) -> None:
    rows = ("STOP", "Wrong Number", "Do not contact", "Supporter", "", "Landline")
    text = "email,cell,Result\n" + "".join(
        f"p{n}@mail.example.org,503-555-01{n:02},{word}\n" for n, word in enumerate(rows)
    )
    stated = parse_attest(["email=express", "sms=express"])
    read = desk.read(desk.write(text), stated=stated)
    assert [(o.number, o.cause, len(o.emails)) for o in read.opt_outs] == [
        (1, "unsubscribed", 0),
        (2, "bounced", 0),
        (3, "do_not_contact", 1),
    ]
    assert {row.number: (len(row.emails), len(row.phones)) for row in read.rows} == {
        1: (1, 0),
        2: (1, 0),
        4: (1, 1),
        5: (1, 1),
        6: (1, 1),
    }
    assert {r.number: r.sms_consent.basis for r in read.rows}[6] is ConsentBasis.NONE


def test_a_day_of_consent_that_is_none_is_named_as_such() -> None:
    with pytest.raises(UsageError, match="after the @ stands a day"):
        parse_attest(["email=express@yesterday"])
