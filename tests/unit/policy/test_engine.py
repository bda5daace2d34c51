"""Whose rules are asked, in which order, and what is refused because nothing was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import consortium_policies
from consortium.errors import DocumentError, UsageError
from consortium.policy import (
    Allow,
    CompiledPolicy,
    Defer,
    PriorMessage,
    Refuse,
    RuleRegistry,
    SuppressionFact,
    compile,  # noqa: A004 - the engine's
    decide_all,
    read,
)
from consortium.policy.facts import Ask, PersonFacts, RowFacts
from consortium.types import PartnerSlug

if TYPE_CHECKING:
    from tests.unit.policy.conftest import World

NURSES = PartnerSlug("nurses")
TEACHERS = PartnerSlug("teachers")
AT = datetime(2026, 11, 3, 18, tzinfo=UTC)
Make = Callable[[str], CompiledPolicy]


@pytest.fixture
def teachers(make: Make, nurses_text: str) -> CompiledPolicy:
    """Write to nobody by e-mail, and are stricter guards."""
    text = (
        nurses_text.replace('"nurses"', '"teachers"')
        .replace('channels = ["email"]', 'channels = ["sms"]')
        .replace("from = 20:00:00, to = 09:00:00", "from = 21:00:00, to = 11:00:00")
        .replace("max = 2, per_days = 7", "max = 1, per_days = 30")
    )
    return make(text)


def test_grants_are_asked_of_the_owner_alone(world: World, teachers: CompiledPolicy) -> None:
    world.policies[TEACHERS] = teachers
    eleven = {"at": AT + timedelta(hours=1)}
    assert world.decide(guarded_by=(NURSES, TEACHERS), **eleven) == Allow()
    assert world.decide(owner=TEACHERS, **eleven) == Refuse(
        "channel", TEACHERS, "channel_not_granted"
    )


def test_the_strictest_guard_of_all_who_hold_the_person_wins(
    world: World, teachers: CompiledPolicy
) -> None:
    world.policies[TEACHERS] = teachers
    assert world.decide() == Allow()
    assert world.decide(guarded_by=(NURSES, TEACHERS)) == Defer(
        "quiet_hours", TEACHERS, "quiet_hours", AT + timedelta(hours=1)
    )
    one = (PriorMessage(AT - timedelta(days=20), world.ask["channel"]),)
    assert world.decide(prior=one) == Allow()
    assert world.decide(prior=one, guarded_by=(NURSES, TEACHERS)) == Refuse(
        "frequency", TEACHERS, "too_late"
    )


def test_the_owners_guards_are_asked_even_if_nobody_is_said_to_guard(world: World) -> None:
    assert isinstance(world.decide(at=AT - timedelta(hours=4), guarded_by=()), Defer)


def test_guards_hold_while_a_policy_is_on_file_whatever_its_dates(
    world: World, make: Make, nurses_text: str
) -> None:
    old = nurses_text.replace('"nurses"', '"teachers"').replace("2026-11-04", "2026-09-02")
    world.policies[TEACHERS] = make(
        old.replace("from = 20:00:00, to = 09", "from = 21:00:00, to = 11")
    )
    assert isinstance(world.decide(guarded_by=(NURSES, TEACHERS)), Defer)


def test_a_partner_without_a_policy_neither_speaks_nor_silences(world: World) -> None:
    assert world.decide(guarded_by=(NURSES, TEACHERS)) == Allow()
    assert world.decide(owner=TEACHERS) == Refuse("policy", TEACHERS, "no_policy")


def test_a_policy_without_rules_refuses(world: World) -> None:
    world.policies[NURSES] = replace(world.policies[NURSES], grants=())
    assert world.decide() == Refuse("policy", None, "no_rules")


def test_nothing_goes_after_the_deadline(world: World) -> None:
    assert world.decide(deadline=AT - timedelta(microseconds=1)) == Refuse(
        "deadline", None, "too_late"
    )
    assert world.decide(deadline=AT) == Allow()


def test_a_wait_that_ends_at_the_deadline_is_in_time(world: World) -> None:
    early = AT - timedelta(hours=3)
    nine = AT - timedelta(hours=1)
    assert world.decide(at=early, deadline=nine) == Defer(
        "quiet_hours", NURSES, "quiet_hours", nine
    )
    assert world.decide(at=early, deadline=nine - timedelta(seconds=1)) == Refuse(
        "quiet_hours", NURSES, "too_late"
    )


def test_a_deferral_names_an_instant_that_every_rule_allows(world: World) -> None:
    """The cap drains at 02:00, when it is quiet; so it is 09:00."""
    two = tuple(
        PriorMessage(AT + timedelta(hours=h) - timedelta(days=7), world.ask["channel"])
        for h in (16, 17)
    )
    answer = world.decide(prior=two, deadline=AT + timedelta(days=3))
    assert answer == Defer(
        "frequency",
        NURSES,
        "had_messages_this_week",
        datetime.fromisoformat("2026-11-04T09:00:00-08:00"),
    )


def test_many_at_once_are_as_one_by_one(world: World) -> None:
    ask, row, person = Ask(**world.ask), RowFacts(**world.row), PersonFacts(**world.person)
    banned = replace(person, suppressions=(SuppressionFact(ask.channel, None),))
    items = [(row, person), (row, banned), (replace(row, approved=False), person), (row, person)]
    assert decide_all(world.policies, ask, items) == [
        Allow(),
        Refuse("suppression", None, "opted_out"),
        Refuse("approval", NURSES, "not_approved"),
        Allow(),
    ]


def test_a_preset_that_does_not_exist_is_named(nurses_text: str) -> None:
    text = nurses_text.replace("[when_we_speak]", 'presets = ["us-oregon"]\n[when_we_speak]', 1)
    document = read(text, name="nurses.toml", presets={"us-oregon"})
    with pytest.raises(DocumentError, match='unknown preset "us-oregon"'):
        compile(document, registry=consortium_policies.rules())


@pytest.mark.parametrize("lacking", ["quiet_hours", "frequency", "consent", "volume", "dates"])
def test_a_rule_that_nobody_would_keep_is_not_accepted(nurses_text: str, lacking: str) -> None:
    kinds = [kind for kind in consortium_policies.rules().kinds if kind.name != lacking]
    document = read(nurses_text, name="nurses.toml", presets=())
    with pytest.raises(UsageError, match=lacking):
        compile(document, registry=RuleRegistry(kinds))


def test_a_registry_without_the_recipients_wish_or_with_a_name_twice_is_refused() -> None:
    kinds = consortium_policies.rules().kinds
    with pytest.raises(UsageError, match="opt-out"):
        RuleRegistry(())
    with pytest.raises(UsageError, match="opt-out"):
        RuleRegistry(kind for kind in kinds if kind.name != "suppression")
    with pytest.raises(UsageError, match="channel"):
        RuleRegistry((*kinds, kinds[1]))
