"""Every reason has words, and the manual's page of rules says what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

import consortium_policies
from consortium.policy import group, phrase
from consortium.policy.engine import OWN_REASONS
from consortium.policy.words import ELSEWHERE, KNOWN

ROOT = Path(__file__).parents[3]


def test_every_reason_that_can_be_given_has_words_and_no_other_has() -> None:
    given = {(kind.name, r) for kind in consortium_policies.rules().kinds for r in kind.reasons}
    assert not ELSEWHERE & (given | set(OWN_REASONS))
    assert given | set(OWN_REASONS) | ELSEWHERE == KNOWN


def test_every_reason_written_anywhere_in_the_library_has_words() -> None:
    written = re.compile(
        r"""(?:Refuse|Defer)\(\s*(?:rule=)?"(\w+)",[^"()]*(?:reason=)?"(\w+)\"""", re.DOTALL
    )
    pairs = {
        pair
        for path in (ROOT / "consortium").rglob("*.py")
        for pair in written.findall(path.read_text(encoding="utf-8"))
    }
    assert ("policy", "no_policy") in pairs
    assert pairs <= KNOWN


def test_words_fit_a_line_of_the_plans_table() -> None:
    for rule, reason in KNOWN:
        for words in (phrase(rule, reason), group(rule, reason)):
            assert len(words) <= 62
            assert "_" not in words
            assert not words.endswith(".")


def test_the_plans_table_reads_as_promised() -> None:
    assert group("consent", "consent_too_old") == "no consent that a partner may use"
    assert group("suppression", "opted_out") == "asked not to be contacted"


def test_a_reason_of_a_later_version_is_printed_as_it_is_written() -> None:
    assert (
        phrase("rest", "replied_lately")
        == group("rest", "replied_lately")
        == ("rest: replied lately")
    )


def test_the_page_of_rules_is_the_generated_one() -> None:
    assert (ROOT / "docs/reference/rules.md").read_text(
        encoding="utf-8"
    ) == consortium_policies.reference()
