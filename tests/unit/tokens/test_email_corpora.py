"""E-mail addresses judged on the vectors of three other projects, which disagree among themselves.

isemail (BSD-3-Clause) follows the RFCs to the letter, email-validator (Unlicense) what can be
delivered, flanker (Apache-2.0) what Mailgun saw. Each category's agreement is stated, and each
single disagreement must have one of the reasons below.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consortium.tokens import Email, Rejected, email, typos

Judged = tuple[str, str, bool, Email | Rejected]
"""Category, address, whether the other project takes it, and what is made of it here."""


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    path = shared / "corpora/email-addresses" / name
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def plain(escaped: str) -> str:
    return escaped.encode("latin-1", "backslashreplace").decode("unicode_escape")


def judged(shared: Path) -> Iterator[Judged]:
    for row in rows(shared, "isemail.tsv"):
        raw = plain(row["address_unicode_escaped"])
        yield f"isemail {row['usable']}", raw, row["usable"] == "valid", email.normalise(raw)
    for row in rows(shared, "email_validator_valid.tsv"):
        raw = plain(row["address_unicode_escaped"])
        yield "email-validator valid", raw, True, email.normalise(raw)
    for row in rows(shared, "email_validator_other.tsv"):
        raw = plain(row["address_unicode_escaped"])
        yield "email-validator invalid", raw, False, email.normalise(raw)
    for row in rows(shared, "flanker.tsv"):
        kind = row["source_file"].removeprefix("mailbox_")
        if kind in {"valid", "invalid"}:
            raw = plain(row["text_unicode_escaped"])
            yield f"flanker {kind}", raw, kind == "valid", email.normalise(raw)


def refused(*codes: str) -> Callable[[str, Email | Rejected], bool]:
    return lambda _raw, found: isinstance(found, Rejected) and found.code in codes


def taken(pattern: str) -> Callable[[str, Email | Rejected], bool]:
    return lambda raw, found: isinstance(found, Email) and re.search(pattern, raw) is not None


REASONS: dict[str, Callable[[str, Email | Rejected], bool]] = {
    "a quoted local part is nobody's on a contact list": lambda raw, found: (
        isinstance(found, Rejected) and '"' in raw and "@" in raw
    ),
    "an address literal names a machine": lambda raw, found: (
        isinstance(found, Rejected) and "@[" in raw
    ),
    "a domain without a dot reaches nobody from outside": refused("no_domain"),
    "no mail server has such a domain, or its last label is no top-level one": refused(
        "bad_domain"
    ),
    "SMTPUTF8 is not supported": lambda raw, found: (
        isinstance(found, Rejected) and not raw.partition("@")[0].isascii()
    ),
    "it is typed to get past a form": refused("placeholder"),
    "a machine's mailbox is nobody's": refused("no_reply"),
    "white space around a cell is not of the address": taken(r"^\s|\s$"),
    "a name before angle brackets is not of the address": taken(r"<.+>$"),
    "quotes that nothing needs come off": taken(r'^"'),
    "an aside before or behind is not of the address": taken(r"^\(\w+|\w\)$"),
}

AGREEMENT = {
    "email-validator invalid": (249, 259),
    "email-validator valid": (9, 27),
    "flanker invalid": (89, 89),
    "flanker valid": (98, 151),
    "isemail deprecated": (52, 54),
    "isemail header-only": (3, 12),
    "isemail invalid": (137, 154),
    "isemail invalid-for-smtp": (77, 77),
    "isemail valid": (62, 146),
}


def test_each_category_agrees_as_often_as_is_said(shared: Path) -> None:
    agreed: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for category, _, theirs, found in judged(shared):
        of[category] += 1
        agreed[category] += isinstance(found, Email) == theirs
    assert {category: (agreed[category], of[category]) for category in of} == AGREEMENT


def test_the_page_of_the_rules_states_the_same_agreement() -> None:
    page = (Path(__file__).parents[3] / "docs/formats/normalisation.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| ([a-z-]+ [a-z-]+) \| (\d+) of (\d+) \|", page, re.MULTILINE)
    assert {category: (int(agreed), int(of)) for category, agreed, of in lines} == AGREEMENT


def test_every_disagreement_has_a_reason_and_every_reason_a_disagreement(shared: Path) -> None:
    used: Counter[str] = Counter()
    for category, raw, theirs, found in judged(shared):
        if isinstance(found, Email) != theirs:
            reasons = [reason for reason, holds in REASONS.items() if holds(raw, found)]
            assert reasons, (category, raw, found)
            used[reasons[0]] += 1
    assert set(used) == set(REASONS)


def test_what_is_taken_from_a_longer_cell_stands_in_it(shared: Path) -> None:
    for _, raw, _, found in judged(shared):
        if isinstance(found, Email) and raw.isascii():
            local = found.deliverable.rpartition("@")[0]
            assert local in raw.replace("\\", "")


def test_misspelt_domains_are_told_and_never_wrongly(shared: Path) -> None:
    listed = rows(shared, "domain-typos.tsv")
    told = [(typos.meant(row["typo"]), row["correct"]) for row in listed]
    assert sum(meant == correct for meant, correct in told) == 153
    assert all(meant in {"", correct} for meant, correct in told)


def test_a_misspelt_domain_is_not_altered() -> None:
    found = email.normalise("dana@gmial.com")
    assert found == Email("dana@gmial.com", "dana@gmial.com")


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "GMAIL.com", "ymail.com", "mail.com", "yahoo.de", "hotmail.it", "yahoo.com.br",
        "outlook.de", "hotmail.co.nz", "charter.com", "rogers.org", "yale.edu", "example.org",
        "union.example.org", "",
    ],
)  # fmt: skip
def test_a_real_domain_is_not_called_misspelt(domain: str) -> None:
    assert typos.meant(domain) == ""


@pytest.mark.parametrize(
    ("domain", "meant"),
    [("GMIAL.COM", "gmail.com"), ("hotmial.co.uk", "hotmail.co.uk"), ("yahoo.cm", "yahoo.com")],
)
def test_a_misspelt_domain_is_told(domain: str, meant: str) -> None:
    assert typos.meant(domain) == meant
