"""Recognising layouts by their headers."""

from __future__ import annotations

import pytest

from consortium.model import Relationship
from consortium.pack.layout import Confidence, Meaning, Role, fold_header
from consortium.pack.recognition import (
    find_layout,
    layout_documents,
    layout_names,
    recognise,
)

ACTION_NETWORK = (
    "email,first_name,last_name,can2_user_tags,can2_user_address,can2_user_city,"
    "can2_state_abbreviated,zip_code,country,can2_phone,uuid,created_at"
)
EVERYACTION = "VANID,LastName,FirstName,Suffix,DOB,Preferred Email,Preferred Phone,mAddress,mZip5"
MAILCHIMP = "Email Address,First Name,Last Name,Address,Phone Number,Birthday,OPTIN_TIME,LEID,EUID"
CIVICRM = "Contact ID,Contact Type,Sort Name,First Name,Last Name,Birth Date,Email,Phone,On Hold"
PLAIN = "Full Name,E-mail,Cell,Street,City,ST,Zip ,Date of Birth,Comments"


@pytest.mark.parametrize(
    ("headers", "name", "confidence"),
    [
        (ACTION_NETWORK, "action-network", Confidence.CERTAIN),
        (EVERYACTION, "everyaction", Confidence.CERTAIN),
        (MAILCHIMP, "mailchimp", Confidence.CERTAIN),
        (CIVICRM, "civicrm", Confidence.CERTAIN),
        (PLAIN, "plain", Confidence.LIKELY),
        ("VANID,LastName,FirstName,Email", "everyaction", Confidence.LIKELY),
        ("id,mail,whatever", "plain", Confidence.GUESSED),
        ("Kontaktnummer,E-Mail-Adresse", "plain", Confidence.GUESSED),
    ],
)
def test_layouts_are_recognised_with_the_confidence_they_deserve(
    headers: str, name: str, confidence: Confidence
) -> None:
    layout = recognise(headers.split(","))
    assert (layout.name, layout.confidence) == (name, confidence)


@pytest.mark.parametrize("headers", [ACTION_NETWORK, EVERYACTION, MAILCHIMP, CIVICRM, PLAIN])
def test_spelling_of_headers_does_not_matter(headers: str) -> None:
    plain = recognise(headers.split(","))
    shouted = [f"\ufeff {h.upper().replace('_', ' ')} " for h in headers.split(",")]
    other = recognise(shouted)
    assert (other.name, dict(other.columns)) == (plain.name, dict(plain.columns))


def test_every_layout_names_contact_columns_and_has_a_title() -> None:
    assert layout_names() == (
        "action-network", "actionkit", "civicrm", "everyaction", "google-contacts", "mailchimp",
        "nationbuilder", "osdi", "outlook", "plain", "salesforce-npsp", "spoke", "spoke-opt-outs",
        "thrutext", "uk-employer", "uk-union-members",
    )  # fmt: skip
    for name in layout_names():
        headers = ["email", "Email Address", "Preferred Email", "phone", "Phone Number"]
        layout = find_layout(name, headers)
        assert {Role.EMAIL, Role.PHONE} & set(layout.columns)
        assert layout.title


def test_of_several_columns_the_personal_one_comes_first() -> None:
    headers = ["Work Email", "Home Phone", "Email", "Mobile", "Email 2"]
    layout = recognise(headers)
    assert [headers[i] for i in layout.columns[Role.EMAIL]] == ["Email", "Email 2", "Work Email"]
    assert [headers[i] for i in layout.columns[Role.PHONE]] == ["Mobile", "Home Phone"]


def test_two_columns_of_one_name_are_both_read() -> None:
    assert recognise(["email", "email", "name"]).columns[Role.EMAIL] == (0, 1)


def test_refusals_are_read_in_every_systems_export() -> None:
    layout = recognise([*ACTION_NETWORK.split(","), "Do Not Email", "Deceased"])
    assert [layout.headers[s.column] for s in layout.statuses] == ["Do Not Email", "Deceased"]


def test_what_mailchimp_guesses_from_the_network_is_not_read() -> None:
    layout = recognise([*MAILCHIMP.split(","), "REGION", "CC"])
    assert Role.STATE not in layout.columns
    assert {"REGION", "CC"} <= set(layout.not_sent)


def test_columns_are_sent_read_or_neither_and_each_is_named_once() -> None:
    headers = [*MAILCHIMP.split(","), "NOTES", "TAGS", ""]
    layout = recognise(headers)
    assert layout.read == ("OPTIN_TIME",)
    assert layout.not_sent == ("NOTES", "TAGS")
    assert sorted([*layout.sent, *layout.read, *layout.not_sent, ""]) == sorted(headers)


def test_words_for_consent_count_without_case_and_punctuation() -> None:
    layout = recognise(["email", "can2_subscription_status", "can2_phone", "can2_user_tags"])
    words = layout.statuses[0].words
    assert words[fold_header("Spam Complaint")] is Meaning.SPAM_REPORT
    assert words[fold_header("SUBSCRIBED")] is Meaning.EXPRESS


def test_a_meaning_is_a_basis_a_refusal_or_neither() -> None:
    for meaning in Meaning:
        assert not (meaning.refuses and meaning.basis is not None)
    assert Meaning.NONE.basis is None
    assert not Meaning.NONE.refuses


UNION = "Membership Number,Branch,Employer,Forename,Surname,Postcode,Mobile,Personal Email,Status"


def test_a_layout_says_by_how_many_headers_it_is_known_and_what_else_is_near() -> None:
    layout = recognise(["Membership Number", "Branch", "Employer", "Payroll No", "NI Number"])
    assert (layout.name, layout.recognition.found) == ("uk-union-members", 3)
    assert (layout.recognition.other, layout.recognition.other_found) == (
        "UK employer's staff list",
        2,
    )
    assert recognise(ACTION_NETWORK.split(",")).recognition.other == ""


def test_a_layouts_country_holds_only_if_it_is_certain() -> None:
    assert recognise(UNION.split(",")).region == "GB"
    assert recognise(["Branch", "Employer", "Forename", "Surname", "Mobile"]).region is None
    assert find_layout("uk-union-members", UNION.split(",")).region == "GB"


def test_one_usual_header_makes_nobodys_export() -> None:
    headers = "Membership Number,Forename,Surname,Personal Email,Mobile,Postcode"
    assert recognise(headers.split(",")).name == "plain"


def test_exact_spelling_tells_systems_apart_that_differ_in_nothing_else() -> None:
    assert recognise(["firstName", "lastName", "cell", "zip"]).name == "spoke"
    assert recognise(["First Name", "Last Name", "Cell", "Zip"]).name == "plain"


def test_a_list_is_taken_for_one_of_opt_outs_only_with_every_header_of_it() -> None:
    headers = [
        "cell",
        "first_name",
        "last_name",
        "external_id",
        "campaign_name",
        "organization_name",
    ]
    assert recognise(headers).name == "spoke-opt-outs"
    for missing in headers:
        rest = [header for header in headers if header != missing]
        assert recognise(rest).name != "spoke-opt-outs"
        assert not any(s.filled is Meaning.UNSUBSCRIBED for s in recognise(rest).statuses)


def test_relationship_is_read_where_a_layout_knows_its_words() -> None:
    layout = recognise(UNION.split(","))
    assert layout.relationship is not None
    assert layout.relationship.words["lapsed"] is Relationship.PUBLIC
    assert layout.relationship.words["full"] is Relationship.MEMBER
    assert "Status" in layout.read


@pytest.mark.parametrize("name", layout_names())
def test_no_mark_of_a_layout_is_another_ones(name: str) -> None:
    marks = {n: {fold_header(h) for h in d.marks} for n, d in layout_documents().items()}
    for other, theirs in marks.items():
        if other != name:
            assert not marks[name] & theirs


@pytest.mark.parametrize("name", layout_names())
def test_a_layout_reads_no_word_for_no_as_consent(name: str) -> None:
    refusals = (
        "unsubscribed",
        "optedout",
        "stop",
        "bounced",
        "donotcontact",
        "deceased",
        "cleaned",
    )
    for rule in layout_documents()[name].status:
        words = rule.meanings()
        for word in refusals:
            assert words.get(word, Meaning.NONE).basis is None


def test_lists_of_every_system_keep_their_record_ids() -> None:
    without = {"google-contacts"}  # it has none
    for name, document in layout_documents().items():
        assert (Role.RECORD_ID in document.columns) == (name not in without)
