"""How many messages may go in an owner's name, and what to say to those it leaves out.

Three ceilings, the lowest one counts: what the owner approved, its own volume per campaign, and
its volume per day times the days of the window. Days are the owner's own calendar days. Under a
daily volume, the k-th message of an owner goes on day k ÷ volume of the window, so that the plan
itself keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from consortium.policy.decision import Decision, Defer, Refuse
from consortium.policy.engine import CompiledPolicy
from consortium.policy.zones import zone
from consortium.types import PartnerSlug

__all__ = ["Cap", "caps"]


@dataclass(frozen=True, slots=True)
class Cap:
    """An owner's limit in one campaign.

    Attributes:
        messages: At most so many; those of earlier plans are counted already.
        verdict: What a person hears who found no room.
        days: When each day of the window begins (the first: the window itself).
        per_day: At most so many on each; None: no such limit.
    """

    messages: int
    verdict: Decision
    days: tuple[datetime, ...]
    per_day: int | None


def caps(
    policies: Mapping[PartnerSlug, CompiledPolicy],
    *,
    ceilings: Mapping[PartnerSlug, int],
    used: Mapping[PartnerSlug, int],
    persons: int,
    start: datetime,
    end: datetime,
) -> dict[PartnerSlug, Cap]:
    """The cap of every partner that has a policy.

    Args:
        policies: Of every partner.
        ceilings: What partners have approved; one that has not answered has none yet.
        used: Messages of this campaign that earlier plans sent in a partner's name.
        persons: Where nothing limits a partner, this does.
        start: When the first message can go: the window's start, or now if that is later.
        end: The window's end.
    """
    found = {}
    for owner, policy in policies.items():
        days = _days(zone(policy.document.zone) or ZoneInfo("UTC"), start, end)
        limits: list[tuple[int, Decision]] = []
        if owner in ceilings:
            limits.append((ceilings[owner], Refuse("approval", owner, "ceiling_reached")))
        if policy.campaign_cap is not None:
            limits.append((policy.campaign_cap, Refuse("volume", owner, "campaign_used_up")))
        if policy.daily_cap is not None:
            after = _midnight(end.astimezone(days.zone).date() + timedelta(days=1), days.zone)
            limits.append(
                (
                    policy.daily_cap * len(days.begin),
                    Defer("volume", owner, "day_used_up", until=after),
                )
            )
        limits.append((persons, Refuse("volume", owner, "campaign_used_up")))
        most, verdict = min(limits, key=lambda limit: limit[0])
        found[owner] = Cap(
            messages=max(0, most - used.get(owner, 0)),
            verdict=verdict,
            days=days.begin,
            per_day=policy.daily_cap,
        )
    return found


@dataclass(frozen=True, slots=True)
class _Days:
    zone: ZoneInfo
    begin: tuple[datetime, ...]


def _days(local: ZoneInfo, start: datetime, end: datetime) -> _Days:
    first, last = start.astimezone(local).date(), end.astimezone(local).date()
    later = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return _Days(local, (start, *(_midnight(day, local) for day in later)))


def _midnight(day: date, local: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), local).astimezone(UTC)
