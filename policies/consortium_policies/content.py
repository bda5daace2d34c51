"""Content (grant): the owner lends its name only to the content classes it lists.

Reasons: `content_not_granted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.model import ContentClass
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "content"
    partner: PartnerSlug
    allowed: frozenset[ContentClass]

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        if ask.content in self.allowed:
            return ALLOW
        return Refuse(self.kind, self.partner, "content_not_granted")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.content is None else (_Rule(terms.partner, terms.content),)


KIND = GrantKind(
    name="content",
    summary="The owner lends its name only to the content classes it lists.",
    example='content = ["nonpartisan", "issue"]',
    reasons=("content_not_granted",),
    build=_build,
)
