"""What was signed or sealed once is handed in again: elsewhere, altered, as another kind, or late.

By a partner, by whoever writes to the host's files, or by a host that serves two consortia.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from consortium.errors import BadFile, ConsortiumError, EvidenceError, StateConflict
from consortium.testing.keys import MemoryKeys
from consortium.vault import age, cards
from tests.attack.stage import NAME, ORIGIN, POLICY, Stage, people
from tests.attack.surgeon import OTHER, Surgeon, two_partners
from tests.attack.thief import wraps_of


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = two_partners(tmp_path)
    yield stage
    stage.host.close()


def test_an_answer_with_another_answers_keys_is_refused(stage: Stage) -> None:
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    campaigns.create(stage.campaign("second", words="and again."))
    ours, theirs = stage.approval("nurses"), stage.approval("teachers")
    later = stage.approval("nurses", "second")
    for other in (theirs, later):
        swapped = ours.partition("\n= ")[0] + "\n= " + other.partition("\n= ")[2]
        with pytest.raises(EvidenceError, match="not those that its author signed"):
            campaigns.record(swapped)
    with pytest.raises(EvidenceError, match="not those that its author signed"):
        campaigns.record(ours.partition("\n= ")[0] + "\n")
    assert {scope for scope, _ in wraps_of(stage.home)} == {"owner"}


def test_an_answer_is_refused_in_any_other_words_twice_and_after_a_later_one(
    stage: Stage,
) -> None:
    campaigns = stage.host.campaigns
    campaigns.create(stage.campaign())
    yes = stage.approval("nurses")
    for old, new in (
        ('"ceiling":50', '"ceiling":5000'),
        ('"partner":"nurses"', '"partner":"teachers"'),
        (f'"campaign":"{NAME}"', '"campaign":"second"'),
        ("approved", "declined"),
        (ORIGIN, OTHER),
    ):
        assert old in yes
        with pytest.raises(ConsortiumError) as refused:
            campaigns.record(yes.replace(old, new))
        assert refused.value.exit_code in {1, 3}
    campaigns.record(yes)
    with pytest.raises(StateConflict):
        campaigns.record(yes)
    stage.clock.sleep(60)
    campaigns.record(stage.desks["nurses"].decline(campaigns.request(NAME, "nurses"), reason="x"))
    with pytest.raises(StateConflict):
        campaigns.record(yes)
    assert {scope for scope, _ in wraps_of(stage.home)} == {"owner"}


def test_a_request_is_read_by_whom_it_is_for_and_as_it_was_signed(stage: Stage) -> None:
    stage.host.campaigns.create(stage.campaign())
    asked = stage.host.campaigns.request(NAME, "nurses")
    with pytest.raises(EvidenceError, match="for nurses"):
        stage.desks["teachers"].review(asked)
    with pytest.raises(EvidenceError):
        stage.desks["teachers"].approve(asked)
    for old, new in (
        ('"ceiling":50', '"ceiling":90'),
        ("closes at 8", "closes at 9"),
        (ORIGIN, OTHER),
    ):
        assert old in asked
        with pytest.raises(EvidenceError):
            stage.desks["nurses"].approve(asked.replace(old, new))


@pytest.fixture
def elsewhere(tmp_path: Path, stage: Stage) -> Iterator[Stage]:
    """Another consortium of the same partner, with the very same keys at host and partner."""
    other = Stage.found(
        tmp_path / "elsewhere", origin=OTHER, keys=_keys_of(stage.host._context.keys)
    )
    other.admit("nurses", keys=_keys_of(stage.desks["nurses"]._keys))
    other.uploads["nurses"] = other.host.uploads.add(other.pack("nurses", people(1, 41)))
    other.admit("teachers")
    other.uploads["teachers"] = other.host.uploads.add(other.pack("teachers", people(41, 81)))
    other.host.merge()
    yield other
    other.host.close()


def _keys_of(keys: object) -> MemoryKeys:
    assert isinstance(keys, MemoryKeys)
    return keys


def test_what_was_signed_for_one_consortium_is_refused_in_another(
    stage: Stage, elsewhere: Stage
) -> None:
    for place in (stage, elsewhere):
        place.host.campaigns.create(place.campaign())
    desk = stage.desks["nurses"]
    with pytest.raises(EvidenceError, match="another consortium"):
        elsewhere.host.policies.set(
            desk.sign_policy(POLICY.format(slug="nurses", approval="standing", guards=""))
        )
    with pytest.raises(EvidenceError):
        elsewhere.host.campaigns.record(stage.approval("nurses"))
    with pytest.raises(EvidenceError):
        desk.review(elsewhere.host.campaigns.request(NAME, "nurses"))
    with pytest.raises(StateConflict):
        desk.join(elsewhere.host.card_text())


def test_a_pack_opened_and_sealed_anew_for_another_consortium_is_refused(
    stage: Stage, elsewhere: Stage
) -> None:
    """A malicious host passes a partner's pack on; even one that holds the same intake key."""
    packed = stage.pack("nurses", people(1, 11), name="other")
    with pytest.raises(BadFile, match="another consortium"):
        elsewhere.host.uploads.add(packed)
    plain = age.decrypt(
        io.BytesIO(packed.read_bytes()), identity=stage.host._context.keys.open("intake")
    )
    again = elsewhere.root / "again.pack"
    with again.open("wb") as stream:
        age.encrypt(list(plain), stream, recipients=[elsewhere.host.card.intake_recipient])
    with pytest.raises(BadFile, match="another consortium"):
        elsewhere.host.uploads.add(again)


def test_wraps_and_rows_of_one_consortium_open_nothing_in_another(
    stage: Stage, elsewhere: Stage
) -> None:
    elsewhere.host.campaigns.create(elsewhere.campaign())
    ours = Surgeon(stage).wrap("owner", stage.uploads["nurses"].digest)
    theirs = Surgeon(elsewhere).wrap("owner", elsewhere.uploads["nurses"].digest)
    theirs.write_bytes(ours.read_bytes())
    with pytest.raises(EvidenceError, match="wrapped data key does not belong"):
        elsewhere.approval("nurses")


def test_cards_are_admitted_once_unchanged_and_under_their_own_name(
    stage: Stage, tmp_path: Path
) -> None:
    card = stage.desks["nurses"].card_text()
    with pytest.raises(StateConflict):
        stage.host.partners.add(card)
    impostor = Stage.found(tmp_path / "x").desk("nurses")
    with pytest.raises(StateConflict):
        stage.host.partners.add(impostor.card_text())
    fresh = Stage.found(tmp_path / "y").desk("tenants").card_text()
    for old, new in (("tenants", "renters"), ("1 Main", "2 Main"), ("vote@", "note@")):
        with pytest.raises((EvidenceError, BadFile)):
            stage.host.partners.add(fresh.replace(old, new))
    with pytest.raises((EvidenceError, BadFile)):
        cards.decode_consortium(stage.host.card_text().replace("Attacked", "Attached"))


def test_a_document_of_one_kind_never_passes_for_another(stage: Stage) -> None:
    stage.host.campaigns.create(stage.campaign())
    asked = stage.host.campaigns.request(NAME, "nurses")
    said = stage.approval("nurses")
    policy = stage.desks["nurses"].sign_policy(
        POLICY.format(slug="nurses", approval="standing", guards="")
    )
    for wrong in (asked, policy, stage.desks["nurses"].card_text()):
        with pytest.raises(ConsortiumError):
            stage.host.campaigns.record(wrong)
    for wrong in (asked, said):
        with pytest.raises(ConsortiumError):
            stage.host.policies.set(wrong)
    for wrong in (said, policy):
        with pytest.raises(EvidenceError):
            stage.desks["nurses"].review(wrong)


def test_a_policy_that_its_partner_has_replaced_cannot_be_put_back(stage: Stage) -> None:
    desk, policies = stage.desks["nurses"], stage.host.policies
    strict = "frequency = [{ max = 1, per_days = 30 }]"
    wide, narrow = (
        desk.sign_policy(POLICY.format(slug="nurses", approval="each-campaign", guards=guards))
        for guards in ("", strict)
    )
    policies.set(narrow)
    before = stage.host.ledger.size
    with pytest.raises(StateConflict, match="was in force before"):
        policies.set(wide)
    assert policies.show("nurses").version == 2
    assert stage.host.ledger.size == before
