"""Dates (grant): nothing goes in the owner's name before its policy's first day or after its last.

Both days are included and counted in the policy's zone.
Reasons: `not_yet_effective`, `expired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import DateTerms, Terms
from consortium.policy.zones import zone
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "dates"
    partner: PartnerSlug
    terms: DateTerms

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        today = ask.at.astimezone(zone(self.terms.zone)).date()
        if today < self.terms.effective:
            return Refuse(self.kind, self.partner, "not_yet_effective")
        if today > self.terms.expires:
            return Refuse(self.kind, self.partner, "expired")
        return ALLOW


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.dates is None else (_Rule(terms.partner, terms.dates),)


KIND = GrantKind(
    name="dates",
    summary="Nothing goes in the owner's name before its policy's first day or after its last.",
    example="effective = 2026-09-01\nexpires = 2026-11-04",
    reasons=("not_yet_effective", "expired"),
    build=_build,
)
