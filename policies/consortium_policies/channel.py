"""Channel (grant): the owner's messages travel only by the channels it lists.

Reasons: `channel_not_granted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.model import Channel
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "channel"
    partner: PartnerSlug
    allowed: frozenset[Channel]

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        if ask.channel in self.allowed:
            return ALLOW
        return Refuse(self.kind, self.partner, "channel_not_granted")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.channel is None else (_Rule(terms.partner, terms.channel),)


KIND = GrantKind(
    name="channel",
    summary="The owner's messages travel only by the channels it lists.",
    example='channels = ["email"]',
    reasons=("channel_not_granted",),
    build=_build,
)
