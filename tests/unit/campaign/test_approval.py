"""Requests and answers: what a partner is told, what it hands over, and what the host accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from consortium import campaign
from consortium.campaign.request import open_request
from consortium.errors import (
    EvidenceError,
    NotFound,
    PolicyRefused,
    StateConflict,
    UsageError,
)
from consortium.store import campaigns, ledger
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock
from consortium.types import PartnerSlug
from consortium.vault.wrap import campaign_purpose, open_vault_wrap
from consortium.vault.wraps import campaign_scope
from tests.harness.campaigning import CAMPAIGN, NAME, Assembly, assemble, changed, person

SCOPE = campaign_scope(NAME)  # type: ignore[arg-type] # a campaign's name


@pytest.fixture
def assembly(sqlite_database: Database, tmp_path: Path, clock: FakeClock) -> Assembly:
    made = assemble(sqlite_database, tmp_path, clock=clock)
    made.create()
    return made


def test_request_tells_a_partner_all_it_must_judge_and_nothing_of_others_lists(
    assembly: Assembly,
) -> None:
    assembly.approve("teachers")
    assembly.record(assembly.refusal("tenants"))
    review = campaign.review(
        assembly.request_text("nurses"),
        partner=assembly.partners["nurses"].card,
        card=assembly.house.card,
    )
    request = review.request
    assert request.text == CAMPAIGN
    assert request.until == request.document.deadline
    assert review.audience == (("state:OR",), ())
    assert review.previews[0].owner == "Nurses"
    assert request.approved == ("teachers",)
    assert request.waiting == ()
    assert request.ceiling == 100  # its own sixty, rounded up
    assert [(u.list_name, u.rows) for u in request.uploads] == [("members", 60)]
    text = assembly.request_text("nurses")
    assert "tenants" not in text
    for other in ("teachers", "tenants"):
        assert assembly.uploads[other].digest.hex() not in text


def test_ceiling_does_not_change_with_what_others_hold(assembly: Assembly) -> None:
    before = assembly.request("nurses").ceiling
    assembly.add("teachers", [person(n) for n in range(1, 61)])
    assembly.merge()
    assert assembly.request("nurses").ceiling == before


def test_approval_opens_the_partners_rows_for_this_campaign_alone(assembly: Assembly) -> None:
    answer = assembly.approve("nurses")
    upload = assembly.uploads["nurses"]
    wrap = assembly.house.wraps.get(SCOPE, upload=upload.digest)
    assert wrap is not None
    assert assembly.house.wraps.uploads(SCOPE) == [upload.digest]
    found = assembly.campaign()
    right = campaign_purpose(found.name, digest=found.digest, until=found.not_after)

    def opened(purpose: str) -> bytes:
        return open_vault_wrap(
            wrap,
            key=assembly.house.keys.open("vault"),
            origin=assembly.house.card.origin,
            owner=PartnerSlug("nurses"),
            upload=upload.digest,
            purpose=purpose,
        )

    assert len(opened(right)) == 32
    later = found.not_after + timedelta(days=1)
    for wrong in (
        "standing",
        campaign_purpose(found.name, digest=bytes(32), until=found.not_after),
        campaign_purpose(found.name, digest=found.digest, until=later),
    ):
        with pytest.raises(EvidenceError):
            opened(wrong)
    with assembly.database.read() as tx:
        entry = ledger.entry(tx, answer.entry)
    assert b'"answer":"approved"' in entry
    assert answer.ceiling == 100


def test_stored_answer_holds_no_key(assembly: Assembly) -> None:
    text = assembly.approval("nurses")
    answer = assembly.record(text)
    wrap_lines = [line for line in text.splitlines() if line.startswith("= ")]
    assert len(wrap_lines) == 1
    assert wrap_lines[0].split()[2] not in answer.document


def test_a_no_after_a_yes_takes_the_keys_back(assembly: Assembly) -> None:
    assembly.approve("nurses")
    assembly.clock.advance(timedelta(hours=1))
    answer = assembly.record(assembly.refusal("nurses"))
    assert not answer.approved
    assert assembly.house.wraps.uploads(SCOPE) == []


def test_an_old_yes_does_not_undo_a_later_no(assembly: Assembly) -> None:
    yes = assembly.approval("nurses")
    assembly.record(yes)
    assembly.clock.advance(timedelta(hours=1))
    assembly.record(assembly.refusal("nurses"))
    with pytest.raises(StateConflict, match="has given this answer, or a newer one"):
        assembly.record(yes)
    assert assembly.house.wraps.uploads(SCOPE) == []


def test_the_same_answer_again_changes_nothing(assembly: Assembly) -> None:
    yes = assembly.approval("nurses")
    assembly.record(yes)
    with pytest.raises(StateConflict):
        assembly.record(yes)
    assert assembly.house.wraps.uploads(SCOPE) == [assembly.uploads["nurses"].digest]
    assert assembly.kinds().count("campaign_answered") == 1


def test_an_answer_to_a_text_that_was_changed_since_is_refused(assembly: Assembly) -> None:
    yes = assembly.approval("teachers")
    assembly.clock.advance(timedelta(hours=2))
    assembly.revise(changed("closes at 8", "closes at 9"))
    with pytest.raises(PolicyRefused) as caught:
        assembly.record(yes)
    assert caught.value.message == (
        "teachers have not answered this text of portland-ballots (changed on 5 Oct, 14:00 UTC)"
    )
    assert assembly.house.wraps.uploads(SCOPE) == []


def test_a_changed_text_lapses_every_answer_drops_every_key_and_sets_the_plan_aside(
    assembly: Assembly,
) -> None:
    assembly.approve("nurses")
    assembly.plan()
    assembly.revise(changed("closes at 8", "closes at 9"))
    assert assembly.house.wraps.uploads(SCOPE) == []
    assert assembly.campaign().state == "created"
    assert assembly.plan().waiting == ("nurses", "teachers", "tenants")


def _other_partner(assembly: Assembly, text: str) -> str:
    body, _, wraps = text.partition("\n= ")
    return body.replace('"partner":"nurses"', '"partner":"teachers"') + "\n= " + wraps


def _higher_ceiling(assembly: Assembly, text: str) -> str:
    return text.replace('"ceiling":100', '"ceiling":900')


def _other_wrap(assembly: Assembly, text: str) -> str:
    head, wrap = text.rstrip().rsplit(" ", 1)
    flipped = ("A" if wrap[5] != "A" else "B").join((wrap[:5], wrap[6:]))
    return f"{head} {flipped}\n"


def _no_wrap(assembly: Assembly, text: str) -> str:
    return text[: text.index("\n= ") + 1]


def _wrap_twice(assembly: Assembly, text: str) -> str:
    return text + text[text.index("\n= ") + 1 :]


def _wrap_of_another_list(assembly: Assembly, text: str) -> str:
    mine, theirs = (assembly.uploads[slug].digest.hex() for slug in ("nurses", "teachers"))
    head, tail = text.split("\n= ", 1)
    return f"{head}\n= {tail.replace(mine, theirs)}"


def _cut_short(assembly: Assembly, text: str) -> str:
    return text[: len(text) // 2]


def _nothing(assembly: Assembly, text: str) -> str:
    return ""


def _request_instead(assembly: Assembly, text: str) -> str:
    return assembly.request_text("nurses")


def _noise(assembly: Assembly, text: str) -> str:
    return "\n= \n= x y z\n"


@pytest.mark.parametrize(
    "damage",
    [
        _other_partner,
        _higher_ceiling,
        _other_wrap,
        _no_wrap,
        _wrap_twice,
        _wrap_of_another_list,
        _cut_short,
        _nothing,
        _request_instead,
        _noise,
    ],
)
def test_an_answer_that_is_not_whole_and_its_authors_changes_nothing(
    assembly: Assembly, damage: Callable[[Assembly, str], str]
) -> None:
    text = damage(assembly, assembly.approval("nurses"))
    before = assembly.kinds()
    with pytest.raises(EvidenceError):
        assembly.record(text)
    assert assembly.kinds() == before
    assert assembly.house.wraps.uploads(SCOPE) == []


def test_an_answer_signed_by_another_partner_is_refused(assembly: Assembly) -> None:
    text = campaign.approve(
        assembly.request("nurses"),
        receive_key=assembly.partners["nurses"].keys.open("receive"),
        sign_key=assembly.partners["teachers"].keys.open("sign"),
        card=assembly.house.card,
        now=assembly.clock.now(),
    )
    with pytest.raises(EvidenceError):
        assembly.record(text)


def test_an_answer_that_ends_at_another_time_than_the_campaign_is_refused(
    assembly: Assembly,
) -> None:
    request = assembly.request("nurses")
    keys = assembly.partners["nurses"].keys
    text = campaign.approve(
        replace(request, until=request.until + timedelta(days=30)),
        receive_key=keys.open("receive"),
        sign_key=keys.open("sign"),
        card=assembly.house.card,
        now=assembly.clock.now(),
    )
    with pytest.raises(EvidenceError, match="does not end when the campaign does"):
        assembly.record(text)


def test_a_request_for_somebody_else_or_with_another_text_is_refused(assembly: Assembly) -> None:
    text = assembly.request_text("nurses")
    with pytest.raises(EvidenceError, match="for nurses, not for teachers"):
        open_request(text, partner=PartnerSlug("teachers"), card=assembly.house.card)
    with pytest.raises(EvidenceError):
        open_request(
            text.replace("closes at 8", "closes at 9"),
            partner=PartnerSlug("nurses"),
            card=assembly.house.card,
        )


def test_a_request_by_somebody_who_is_not_the_coordinator_is_refused(assembly: Assembly) -> None:
    with pytest.raises(EvidenceError):
        open_request(
            assembly.request_text("nurses"),
            partner=PartnerSlug("nurses"),
            card=replace(assembly.house.card, coordinator_key=bytes(32)),
        )


def test_a_partner_can_lower_the_ceiling_and_not_raise_it(assembly: Assembly) -> None:
    assert assembly.approve("nurses", ceiling=7).ceiling == 7
    for wrong in (0, -1, 101):
        with pytest.raises(UsageError):
            assembly.approval("teachers", ceiling=wrong)


def test_only_partners_with_a_list_that_counts_are_asked(assembly: Assembly) -> None:
    assembly.house.admit("farmers")
    with pytest.raises(StateConflict, match="farmers has no list that counts"):
        assembly.request("farmers")
    with pytest.raises(NotFound):
        assembly.request("nobody")


def test_nobody_is_asked_and_nothing_is_accepted_once_a_campaign_is_over(
    assembly: Assembly,
) -> None:
    yes = assembly.approval("nurses")
    campaign.stop(
        assembly.database, NAME, reason="", wraps=assembly.house.wraps, clock=assembly.clock
    )
    with pytest.raises(StateConflict, match="over"):
        assembly.request("nurses")
    with pytest.raises(StateConflict, match="over"):
        assembly.record(yes)
    assert assembly.house.wraps.uploads(SCOPE) == []


def test_an_approval_after_the_deadline_is_refused_on_both_sides(assembly: Assembly) -> None:
    yes, request = assembly.approval("nurses"), assembly.request("teachers")
    assembly.clock.set(assembly.campaign().not_after + timedelta(seconds=1))
    with pytest.raises(StateConflict):
        assembly.record(yes)
    keys = assembly.partners["teachers"].keys
    with pytest.raises(StateConflict):
        campaign.approve(
            request,
            receive_key=keys.open("receive"),
            sign_key=keys.open("sign"),
            card=assembly.house.card,
            now=assembly.clock.now(),
        )


def test_wraps_of_lists_withdrawn_since_are_left_out(assembly: Assembly) -> None:
    yes = assembly.approval("nurses")
    assembly.house.withdraw(assembly.uploads["nurses"].name)
    assembly.record(yes)
    assert assembly.house.wraps.uploads(SCOPE) == []
    with assembly.database.read() as tx:
        assert campaigns.latest_answers(tx, assembly.campaign().id)[PartnerSlug("nurses")].approved


@pytest.mark.parametrize("reason", ["two\nlines", "x" * 501, "bell\x07"])
def test_a_reason_is_one_line(assembly: Assembly, reason: str) -> None:
    with pytest.raises(UsageError):
        assembly.refusal("nurses", reason=reason)
