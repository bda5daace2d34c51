"""Each rule kind by example: what it lets pass, what it stops, and what it calls the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import consortium_policies
from consortium.model import (
    Channel,
    ConsentBasis,
    ContentClass,
    Places,
    Purpose,
    Relationship,
)
from consortium.policy import (
    Allow,
    CompiledPolicy,
    Decision,
    Defer,
    PriorMessage,
    Refuse,
    SuppressionFact,
)
from consortium.types import PartnerSlug

if TYPE_CHECKING:
    from tests.unit.policy.conftest import World

NURSES = PartnerSlug("nurses")
TEACHERS = PartnerSlug("teachers")
AT = datetime(2026, 11, 3, 18, tzinfo=UTC)  # 10:00 in Oregon
Make = Callable[[str], CompiledPolicy]


def test_the_usual_message_is_allowed(world: World) -> None:
    assert world.decide() == Allow()


@pytest.mark.parametrize(
    ("change", "rule", "reason"),
    [
        ({"channel": Channel.SMS}, "channel", "channel_not_granted"),
        ({"purpose": Purpose.FUNDRAISING}, "purpose", "purpose_not_granted"),
        ({"content": ContentClass.CANDIDATE}, "content", "content_not_granted"),
        ({"relationship": Relationship.SUPPORTER}, "relationship", "relationship_not_granted"),
        ({"places": Places("US", "WA", "98683")}, "place", "place_not_granted"),
        ({"places": Places("US", "", "97214")}, "place", "place_unknown"),
        ({"places": Places("AU", "OR", "")}, "place", "place_not_granted"),
        ({"basis": ConsentBasis.NONE}, "consent", "no_consent"),
        ({"basis": ConsentBasis.IMPLIED}, "consent", "consent_basis_not_accepted"),
        ({"consent_on": None}, "consent", "consent_undated"),
        ({"consent_on": date(2024, 11, 2)}, "consent", "consent_too_old"),
        ({"consent_on": date(2026, 11, 5)}, "consent", "consent_in_future"),
        ({"approved": False}, "approval", "not_approved"),
    ],
)
def test_a_grant_that_does_not_cover_the_message_refuses(
    world: World, change: dict[str, Any], rule: str, reason: str
) -> None:
    assert world.decide(**change) == Refuse(rule, NURSES, reason)


@pytest.mark.parametrize("day", [date(2024, 11, 3), date(2026, 11, 3), date(2026, 11, 4)])
def test_consent_counts_on_the_last_day_of_its_age_and_a_day_ahead(world: World, day: date) -> None:
    assert world.decide(consent_on=day) == Allow()


def test_a_policy_holds_on_its_first_and_last_day_in_its_own_zone(world: World) -> None:
    def on(text: str) -> Decision:
        at = datetime.fromisoformat(text)
        return world.decide(at=at, deadline=at + timedelta(days=1))

    assert on("2026-11-04T19:59:00-08:00") == Allow()
    assert on("2026-11-05T09:00:00-08:00") == Refuse("dates", NURSES, "expired")
    assert on("2026-09-01T09:00:00-07:00") == Allow()
    assert on("2026-08-31T19:00:00-07:00") == Refuse("dates", NURSES, "not_yet_effective")


def test_a_wait_that_ends_after_the_policy_has_expired_is_a_refusal(world: World) -> None:
    at = datetime.fromisoformat("2026-11-04T21:00:00-08:00")
    assert world.decide(at=at, deadline=at + timedelta(days=2)) == Refuse(
        "dates", NURSES, "expired"
    )


@pytest.mark.parametrize(
    ("place", "row", "inside"),
    [
        ("state:OR", Places("", "OR", ""), True),
        ("state:ON", Places("CA", "ON", ""), True),
        ("state:SCT", Places("GB", "SCT", ""), True),
        ("country:US", Places("US", "", ""), True),
        ("country:US", Places("CA", "", ""), False),
        ("country:US", Places("", "OR", ""), False),
        ("postcode:97214", Places("US", "", "97214"), True),
        ("postcode:97214", Places("US", "", "97214-1234"), True),
        ("postcode:97214", Places("US", "", "97215"), False),
        ("postcode:972*", Places("US", "", "97299"), True),
        ("postcode:972*", Places("US", "", "97301"), False),
        ("postcode:SW1A*", Places("GB", "", "SW1A 1AA"), True),
        ("postcode:sw1a 1aa", Places("GB", "", "SW1A1AA"), True),
        ("anywhere", Places(), True),
    ],
)
def test_a_place_holds_what_lies_in_it(
    world: World, make: Make, nurses_text: str, place: str, row: Places, *, inside: bool
) -> None:
    world.policies[NURSES] = make(nurses_text.replace("state:OR", place))
    assert (world.decide(places=row) == Allow()) is inside


def test_several_places_are_alternatives(world: World, make: Make, nurses_text: str) -> None:
    world.policies[NURSES] = make(nurses_text.replace('"state:OR"', '"state:WA", "postcode:97*"'))
    assert world.decide() == Allow()
    assert world.decide(places=Places("US", "WA", "98101")) == Allow()
    assert world.decide(places=Places("US", "CA", "")) == Refuse("place", NURSES, "place_unknown")


@pytest.mark.parametrize(
    "key", ["channels", "purposes", "content", "relationships", "places", "email"]
)
def test_an_empty_list_grants_nothing(world: World, make: Make, nurses_text: str, key: str) -> None:
    lines = [f"{key} = []" if x.startswith(f"{key} =") else x for x in nurses_text.splitlines()]
    world.policies[NURSES] = make("\n".join(lines))
    assert isinstance(world.decide(), Refuse)


def test_volume_is_handed_to_the_plan_as_the_least_ceiling(make: Make, nurses_text: str) -> None:
    assert make(nurses_text).daily_cap == 15_000
    assert make(nurses_text).campaign_cap is None
    whole = nurses_text.replace('15_000, per = "day"', '9, per = "campaign"')
    assert (make(whole).daily_cap, make(whole).campaign_cap) == (20_000, 9)
    without = "\n".join(line for line in nurses_text.splitlines() if "volume" not in line)
    assert (make(without).daily_cap, make(without).campaign_cap) == (None, None)


def ban(partner: str | None, channel: Channel = Channel.EMAIL) -> SuppressionFact:
    return SuppressionFact(channel, None if partner is None else PartnerSlug(partner))


def test_who_asked_not_to_be_contacted_is_refused_before_everything_else(world: World) -> None:
    assert world.decide(suppressions=(ban(None),), approved=False) == Refuse(
        "suppression", None, "opted_out"
    )
    assert world.decide(suppressions=(ban("nurses"), ban(None))) == Refuse(
        "suppression", None, "opted_out"
    )


def test_a_partner_scope_ban_concerns_messages_in_that_partners_name(world: World) -> None:
    assert world.decide(suppressions=(ban("nurses"),)) == Refuse(
        "suppression", None, "opted_out_of_partner"
    )
    both = (NURSES, TEACHERS)
    assert world.decide(suppressions=(ban("teachers"),), guarded_by=both) == Allow()


def test_a_ban_concerns_its_channel(world: World) -> None:
    assert world.decide(suppressions=(ban(None, Channel.SMS),)) == Allow()


def prior(*hours_ago: float, channel: Channel = Channel.EMAIL) -> tuple[PriorMessage, ...]:
    return tuple(sorted(PriorMessage(AT - timedelta(hours=h), channel) for h in hours_ago))


def test_a_frequency_cap_defers_until_a_message_is_one_period_old(world: World) -> None:
    week = 7 * 24
    late = AT + timedelta(days=1)
    assert world.decide(prior=prior(1)) == Allow()
    assert world.decide(prior=prior(week, 1)) == Allow()
    assert world.decide(prior=prior(week - 1, 1)) == Defer(
        "frequency", NURSES, "had_messages_this_week", AT + timedelta(hours=1)
    )
    assert world.decide(prior=prior(1, 2), deadline=late) == Refuse("frequency", NURSES, "too_late")
    # Three where two are allowed: the two oldest must age, and then it is night in Oregon.
    assert world.decide(prior=prior(week - 1, week - 11, 1), deadline=late) == Defer(
        "frequency", NURSES, "had_messages_this_week", datetime(2026, 11, 4, 17, tzinfo=UTC)
    )


def test_messages_already_committed_for_later_count(world: World) -> None:
    assert isinstance(world.decide(prior=prior(-1, -2)), Refuse)


def test_a_cap_on_one_channel_counts_and_stops_that_channel_only(
    world: World, make: Make, nurses_text: str
) -> None:
    capped = nurses_text.replace("per_days = 7 }", 'per_days = 7, channel = "sms" }')
    world.policies[NURSES] = make(
        capped.replace('channels = ["email"]', 'channels = ["email", "sms"]').replace(
            "max_age", 'sms = ["express"]\nmax_age'
        )
    )
    texts = prior(1, 2, 3, channel=Channel.SMS)
    assert world.decide(prior=texts) == Allow()
    assert world.decide(prior=prior(1, 2, 3), channel=Channel.SMS) == Allow()
    assert isinstance(world.decide(prior=texts, channel=Channel.SMS), Refuse)


def test_quiet_hours_defer_to_the_morning_where_the_person_lives(world: World) -> None:
    early = datetime.fromisoformat("2026-11-03T06:30:00-08:00")
    nine = datetime.fromisoformat("2026-11-03T09:00:00-08:00")
    assert world.decide(at=early) == Defer("quiet_hours", NURSES, "quiet_hours", nine)
    assert world.decide(at=nine) == Allow()
    assert world.decide(at=nine - timedelta(microseconds=1)) == Defer(
        "quiet_hours", NURSES, "quiet_hours", nine
    )
    late = datetime.fromisoformat("2026-11-03T20:00:00-08:00")
    assert world.decide(at=late) == Refuse("quiet_hours", NURSES, "too_late")


def test_a_person_in_no_known_zone_waits_for_the_whole_country(world: World) -> None:
    """Quiet until 9 in all of the contiguous states is 12:00 Eastern; from 20:00 Eastern again."""
    for zones, country in (((), "US"), ((), ""), (("Etc/Unknown",), "US")):
        noon = datetime.fromisoformat("2026-11-03T12:00:00-05:00")
        assert world.decide(zones=zones, country=country, at=noon) == Allow()
        before = noon - timedelta(minutes=1)
        assert world.decide(zones=zones, country=country, at=before) == Defer(
            "quiet_hours", NURSES, "quiet_hours", noon
        )
        evening = datetime.fromisoformat("2026-11-03T20:00:00-05:00")
        assert isinstance(world.decide(zones=zones, country=country, at=evening), Refuse)


def test_a_person_somewhere_in_britain_is_judged_by_british_time(world: World) -> None:
    assert (
        world.decide(zones=(), country="GB", at=datetime.fromisoformat("2026-11-03T09:00:00+00:00"))
        == Allow()
    )


def test_zones_too_far_apart_for_any_common_hour_are_refused(world: World) -> None:
    apart = ("America/Los_Angeles", "Asia/Tehran")
    far = AT + timedelta(days=400)
    assert world.decide(zones=apart, deadline=far) == Refuse(
        "quiet_hours", NURSES, "no_common_hour"
    )


def test_no_rule_kind_emits_a_reason_it_does_not_declare() -> None:
    for kind in consortium_policies.rules().kinds:
        assert kind.reasons
        assert len(set(kind.reasons)) == len(kind.reasons)
