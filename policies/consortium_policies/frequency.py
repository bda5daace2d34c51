"""Frequency cap (guard): at most so many messages to a person in any period of this length.

Counts every message that was, or may have been, handed over to any of the person's contact points
by any partner of the firewall group, on one channel or on all. A rolling cap: a day is 24 hours,
and the message that is exactly one period old no longer counts. Messages already committed for
later count as well. Defers until enough of them have aged.
Reasons: `had_messages_today` (a period of one day), `had_messages_this_week` (of seven),
`had_messages_lately` (any other), and `too_late` when that is beyond the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from consortium.policy.decision import ALLOW, Decision, Defer
from consortium.policy.facts import Ask, PersonFacts
from consortium.policy.protocol import TOO_LATE, Guard, GuardKind
from consortium.policy.terms import FrequencyTerms, Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]

_REASONS: Final = {1: "had_messages_today", 7: "had_messages_this_week"}
_OTHERWISE: Final = "had_messages_lately"


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "frequency"
    partner: PartnerSlug
    cap: FrequencyTerms

    def judge(self, ask: Ask, person: PersonFacts) -> Decision:
        if len(person.prior) < self.cap.max:
            return ALLOW
        period = timedelta(days=self.cap.per_days)
        since = ask.at - period
        counted = sorted(
            message.at
            for message in person.prior
            if message.at > since and self.cap.channel in {None, message.channel}
        )
        if len(counted) < self.cap.max or self.cap.channel not in {None, ask.channel}:
            return ALLOW
        reason = _REASONS.get(self.cap.per_days, _OTHERWISE)
        until = counted[len(counted) - self.cap.max] + period
        return Defer(self.kind, self.partner, reason, until)


def _build(terms: Terms) -> tuple[Guard, ...]:
    return tuple(_Rule(terms.partner, cap) for cap in terms.frequency or ())


KIND = GuardKind(
    name="frequency",
    summary="At most so many messages to a person in any period of this length, from anybody.",
    example='frequency = [{ max = 2, per_days = 7 }, { max = 1, per_days = 1, channel = "sms" }]',
    reasons=(*_REASONS.values(), _OTHERWISE, TOO_LATE),
    build=_build,
)
