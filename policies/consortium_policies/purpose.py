"""Purpose (grant): the owner speaks only for the purposes it lists.

Reasons: `purpose_not_granted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.model import Purpose
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "purpose"
    partner: PartnerSlug
    allowed: frozenset[Purpose]

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        if ask.purpose in self.allowed:
            return ALLOW
        return Refuse(self.kind, self.partner, "purpose_not_granted")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.purpose is None else (_Rule(terms.partner, terms.purpose),)


KIND = GrantKind(
    name="purpose",
    summary="The owner speaks only for the purposes it lists.",
    example='purposes = ["gotv", "service"]',
    reasons=("purpose_not_granted",),
    build=_build,
)
