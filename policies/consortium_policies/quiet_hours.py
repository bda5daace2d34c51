"""Quiet hours (guard): nothing goes while the recipient's own clock shows a quiet time.

Judged at the instant of sending in every zone that the evidence allows: one quiet zone is enough to
wait. Without evidence, in every zone of the country; without a country, in every zone of the
contiguous United States (`consortium.policy.zones`). Defers to the first instant that is quiet in
none of them (`consortium.policy.hours`).
Reasons: `quiet_hours`; `too_late` when that instant is beyond the deadline; `no_common_hour` when
zones lie so far apart that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from consortium.policy.decision import ALLOW, Decision, Defer
from consortium.policy.facts import Ask, PersonFacts
from consortium.policy.hours import QuietWindow, first_open
from consortium.policy.protocol import HORIZON, NEVER, TOO_LATE, Guard, GuardKind
from consortium.policy.terms import Terms
from consortium.policy.zones import evidence
from consortium.types import PartnerSlug

__all__ = ["KIND"]

_BEYOND: Final = HORIZON + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "quiet_hours"
    partner: PartnerSlug
    window: QuietWindow

    def judge(self, ask: Ask, person: PersonFacts) -> Decision:
        opens = first_open(
            ask.at,
            zones=evidence(person.zones, person.country),
            window=self.window,
            limit=ask.at + _BEYOND,
        )
        if opens is None:
            return Defer(self.kind, self.partner, NEVER, ask.at + _BEYOND)
        if opens > ask.at:
            return Defer(self.kind, self.partner, "quiet_hours", opens)
        return ALLOW


def _build(terms: Terms) -> tuple[Guard, ...]:
    return () if terms.quiet_hours is None else (_Rule(terms.partner, terms.quiet_hours),)


KIND = GuardKind(
    name="quiet_hours",
    summary="Nothing goes while the recipient's own clock shows a quiet time.",
    example="quiet_hours = { from = 20:00:00, to = 09:00:00 }",
    reasons=("quiet_hours", TOO_LATE, NEVER),
    build=_build,
)
