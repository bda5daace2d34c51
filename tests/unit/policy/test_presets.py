"""Shipped presets: each rule labelled, sourced and dated; and each can only narrow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import consortium_policies
from consortium.documents import parse
from consortium.errors import DocumentError
from consortium.model import Channel, ConsentBasis, Places, Purpose
from consortium.policy import Allow, CompiledPolicy, Preset, Refuse
from consortium.types import PartnerSlug

if TYPE_CHECKING:
    from tests.unit.policy.conftest import World

NURSES = PartnerSlug("nurses")
Make = Callable[[str], CompiledPolicy]

RULE = """\
preset = 1
name = "x"
title = "X"
version = 2026-11-21
[[rule]]
basis = "house"
source = "our own"
read_on = 2026-11-21
confirmed = true
"""


def test_the_presets_that_ship_are_named_as_their_files() -> None:
    folder = Path(consortium_policies.__file__).parent / "presets"
    assert {path.stem for path in folder.glob("*.toml")} == set(consortium_policies.presets())
    assert {"uk", "us-federal", "us-ma", "us-nc", "us-or"} <= set(consortium_policies.presets())


def test_every_rule_of_a_preset_says_on_what_it_rests() -> None:
    for preset in consortium_policies.presets().values():
        for rule in preset.rules:
            assert rule.source.strip()
            assert rule.read_on <= preset.version
            assert rule.basis != "statute" or "statute" not in rule.source


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "line 5: a preset's rule is one of quiet_hours, frequency and consent"),
        (
            "quiet_hours = { from = 20:00:00, to = 08:00:00 }\nconsent = { sms = [] }",
            "line 5: a preset's rule is one of quiet_hours, frequency and consent",
        ),
        (
            "channels = []\nfrequency = { max = 1, per_days = 1 }",
            "line 10: an empty list would make the rule say nothing",
        ),
        ('blackout = "x"', 'line 10: unknown key "blackout"'),
    ],
)
def test_a_preset_that_says_nothing_clear_is_refused(body: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(RULE + body, name="x.toml", model=Preset)
    assert caught.value.message == f"x.toml, {message}"


@pytest.fixture
def texting(make: Make, nurses_text: str) -> Callable[[str], CompiledPolicy]:
    """Nurses, who would text anybody at any hour if no preset stopped them."""

    def with_preset(name: str) -> CompiledPolicy:
        text = nurses_text.replace("[when_we_speak]", f'presets = ["{name}"]\n[when_we_speak]', 1)
        text = text.replace('["email"]', '["email", "sms"]').replace('"state:OR"', '"anywhere"')
        text = text.replace('["gotv"]', '["gotv", "fundraising", "ballot_notice"]')
        text = text.replace("max_age_days = 730", 'sms = ["express", "membership"]')
        return make(text.partition("[whoever_speaks]")[0])

    return with_preset


@pytest.mark.parametrize(
    ("preset", "hour", "allowed"),
    [
        ("us-federal", 20, True),
        ("us-federal", 21, False),
        ("us-or", 20, False),
        ("us-or", 19, True),
    ],
)
def test_a_preset_closes_the_hours_its_rules_name(
    world: World, texting: Callable[[str], CompiledPolicy], preset: str, hour: int, *, allowed: bool
) -> None:
    world.policies[NURSES] = texting(preset)
    at = world.ask["at"].replace(hour=(hour + 8) % 24, day=4 if hour >= 16 else 3)
    for purpose in (Purpose.GOTV, Purpose.FUNDRAISING):
        answer = world.decide(at=at, deadline=at, channel=Channel.SMS, purpose=purpose)
        assert (answer == Allow()) is allowed
    assert world.decide(at=at, deadline=at) == Allow(), "e-mail is not spoken of"


def test_british_marketing_needs_express_consent_and_a_ballot_notice_does_not(
    world: World, texting: Callable[[str], CompiledPolicy]
) -> None:
    world.policies[NURSES] = texting("uk")
    member = {"basis": ConsentBasis.MEMBERSHIP, "places": Places("GB", "", "")}
    assert world.decide(**member) == Refuse("consent", NURSES, "consent_basis_not_accepted")
    assert world.decide(**member, purpose=Purpose.BALLOT_NOTICE) == Allow()
    assert world.decide(**{**member, "basis": ConsentBasis.EXPRESS}) == Allow()


def test_carriers_take_no_membership_for_consent_to_texts(
    world: World, texting: Callable[[str], CompiledPolicy]
) -> None:
    world.policies[NURSES] = texting("us-federal")
    member = {"basis": ConsentBasis.MEMBERSHIP}
    assert world.decide(**member) == Allow()
    assert world.decide(**member, channel=Channel.SMS) == Refuse(
        "consent", NURSES, "consent_basis_not_accepted"
    )
