"""E-mail addresses, case by case and against the vectors of other projects."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from consortium.tokens import Email, Profile, Rejected, email

CONSORTIUM = Profile(dot_insensitive_domains=frozenset({"gmail.example.com"}))


def deliverable(raw: str) -> str:
    found = email.normalise(raw)
    assert isinstance(found, Email), found
    return found.deliverable


def canonical(raw: str, profile: Profile = CONSORTIUM) -> str:
    found = email.normalise(raw, profile)
    assert isinstance(found, Email), found
    return found.canonical


@pytest.mark.parametrize(
    "raw",
    [
        "dana@example.org",
        "  dana@example.org\r\n",
        "<dana@example.org>",
        "Dana Lopez <dana@example.org>",
        '"Lopez, Dana" <dana@example.org>',
        "mailto:dana@example.org",
        "MAILTO:dana@example.org?subject=Hi",
        "'dana@example.org'",
        "dana@example.org,",
        "dana@EXAMPLE.org",
        "\ufeffdana@example.org",
        "da\u200bna@exam\u00adple.org",
        "\u202adana@example.org\u202c",
        "ｄａｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
        "dana@example\u3002org",
        "\0dana@example.org\0",
    ],
)
def test_whatever_wraps_an_address_comes_off(raw: str) -> None:
    assert deliverable(raw) == "dana@example.org"


def test_the_local_part_is_delivered_as_given() -> None:
    assert deliverable("Dana.Lopez+News@Example.ORG") == "Dana.Lopez+News@example.org"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Dana.Lopez+News@Example.org", "dana.lopez@example.org"),
        ("dana.lopez@gmail.com", "danalopez@gmail.com"),
        ("Dana.Lopez+x@googlemail.com", "danalopez@gmail.com"),
        ("dana.lopez@gmail.example.com", "danalopez@gmail.example.com"),
        ("+dana@example.org", "+dana@example.org"),
        ("dana.+x@example.org", "dana@example.org"),
    ],
)
def test_one_mailbox_has_one_canonical_form(raw: str, expected: str) -> None:
    assert canonical(raw) == expected


def test_dots_count_where_nobody_said_otherwise() -> None:
    assert canonical("d.ana@example.org") != canonical("dana@example.org")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "empty"),
        (" \u200b ", "empty"),
        ("<>", "empty"),
        ("n/a", "placeholder"),
        ("no email", "placeholder"),
        ("test@test.com", "placeholder"),
        ("none@none.com", "placeholder"),
        ("noemail@example.org", "placeholder"),
        ("no.email@gmail.com", "placeholder"),
        ("asdf@gmail.com", "placeholder"),
        ("xxx@xxx.com", "placeholder"),
        ("noreply@example.org", "no_reply"),
        ("do-not-reply@example.org", "no_reply"),
        ("5d41402abc4b2a76b9719d911017c592", "already_hashed"),
        ("b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514", "already_hashed"),
        ("sha256:" + "AB" * 32, "already_hashed"),
        ("tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=", "already_hashed"),
        ("joe.example.com", "no_at"),
        ("jane@", "no_domain"),
        ("x@example", "no_domain"),
        ("bob@@example.com", "several_at"),
        ("test@test@example.net", "several_at"),
        ("@example.org", "bad_syntax"),
        ("a b@example.org", "bad_syntax"),
        (".dana@example.org", "bad_syntax"),
        ("da..na@example.org", "bad_syntax"),
        ("dana@example..org", "bad_domain"),
        ("dana@-example.org", "bad_domain"),
        ("dana@192.168.0.1", "bad_domain"),
        ("dana@[192.168.0.1]", "bad_domain"),
        ("dana@host.local", "bad_domain"),
        ("dana@\u2488example.org", "bad_syntax"),
        ('"da na"@example.org', "not_supported"),
        ("dañа@example.org", "not_supported"),
        ("da\0na@example.org", "control_character"),
        ("dana\u202e@example.org", "control_character"),
        ("\ud800@example.org", "control_character"),
        ("a" * 65 + "@example.org", "too_long"),
        ("a" * 1_000_000, "too_long"),
        ("a" * 60 + "@" + ".".join(["b" * 60] * 3) + "." + "c" * 10 + ".org", "too_long"),
    ],
)
def test_what_is_no_address_says_why(raw: str, code: str) -> None:
    assert email.normalise(raw) == Rejected(code)


def test_test_at_somebodys_own_domain_may_be_somebody() -> None:
    assert deliverable("test@organizers.example.org") == "test@organizers.example.org"


@pytest.mark.parametrize("local", ["info", "Office", "membership", "contact.us", "info+web"])
def test_a_mailbox_of_a_function_is_marked(local: str) -> None:
    found = email.normalise(f"{local}@example.org")
    assert isinstance(found, Email)
    assert found.role


def test_a_person_is_not_marked_as_a_function() -> None:
    found = email.normalise("ines.office@example.org")
    assert isinstance(found, Email)
    assert not found.role


@pytest.mark.parametrize(
    ("raw", "domain"),
    [
        ("jeff@臺網中心.tw", "xn--fiqq24b10vi0d.tw"),
        ("d@BÜCHER.example", "xn--bcher-kva.example"),
        ("d@faß.de", "xn--fa-hia.de"),
        ("d@XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("d@παράδειγμα.ελ", "xn--hxajbheg2az3al.xn--qxam"),
    ],
)
def test_a_domain_of_another_script_takes_its_dns_form(raw: str, domain: str) -> None:
    assert deliverable(raw).partition("@")[2] == domain


def test_several_addresses_in_a_cell_are_all_found() -> None:
    raw = "Dana <dana@example.org>; rob@example.org, ana@example.org rita@example.org"
    found = email.normalise_all(raw)
    assert [one.deliverable for one in found if isinstance(one, Email)] == [
        "dana@example.org",
        "rob@example.org",
        "ana@example.org",
        "rita@example.org",
    ]
    assert email.normalise(raw) == found[0]


def test_the_first_usable_address_is_taken() -> None:
    assert deliverable("noreply@example.org, dana@example.org") == "dana@example.org"


def test_a_repr_shows_no_address() -> None:
    assert "dana" not in repr(email.normalise("dana@example.org"))


def corpus(shared: Path, name: str, column: str) -> list[tuple[str, dict[str, str]]]:
    path = shared / "corpora/email-addresses" / name
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [(row[column].encode("ascii").decode("unicode_escape"), row) for row in rows]


def test_every_deliverable_address_of_email_validator_is_read_as_there(shared: Path) -> None:
    for raw, row in corpus(shared, "email_validator_valid.tsv", "address_unicode_escaped"):
        found = email.normalise(raw)
        needs_quotes = row["ascii_email"].startswith('"')
        if row["smtputf8"] == "True" or needs_quotes:
            assert isinstance(found, Rejected), raw
        else:
            assert isinstance(found, Email), raw
            assert found.deliverable == row["ascii_email"]


def test_every_error_of_isemail_is_refused_but_for_white_space_at_the_ends(shared: Path) -> None:
    checked = 0
    for raw, row in corpus(shared, "isemail.tsv", "address_unicode_escaped"):
        if row["category"] == "ISEMAIL_ERR" and raw == raw.strip():
            assert isinstance(email.normalise(raw), Rejected), raw
            checked += 1
    assert checked > 100


def test_every_invalid_mailbox_of_flanker_is_refused(shared: Path) -> None:
    for raw, row in corpus(shared, "flanker.tsv", "text_unicode_escaped"):
        if row["source_file"] == "mailbox_invalid":
            assert isinstance(email.normalise(raw), Rejected), raw
