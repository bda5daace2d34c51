"""Relationship (grant): the owner writes only to those who are to it what it lists.

Reasons: `relationship_not_granted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.model import Relationship
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "relationship"
    partner: PartnerSlug
    allowed: frozenset[Relationship]

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        if row.relationship in self.allowed:
            return ALLOW
        return Refuse(self.kind, self.partner, "relationship_not_granted")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.relationship is None else (_Rule(terms.partner, terms.relationship),)


KIND = GrantKind(
    name="relationship",
    summary="The owner writes only to those who are to it what it lists.",
    example='relationships = ["member", "supporter"]',
    reasons=("relationship_not_granted",),
    build=_build,
)
