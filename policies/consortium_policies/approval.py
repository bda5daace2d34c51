"""Approval (grant): the owner has said yes to this campaign, or has given a standing yes.

Whether it has is a fact of the row (`RowFacts.approved`); this rule holds under either setting, so
that an owner with a standing yes can still decline one campaign.
Reasons: `not_approved`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "approval"
    partner: PartnerSlug

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        return ALLOW if row.approved else Refuse(self.kind, self.partner, "not_approved")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.approval is None else (_Rule(terms.partner),)


KIND = GrantKind(
    name="approval",
    summary="The owner has said yes to this campaign, or has given a standing yes.",
    example='approval = "each-campaign"',
    reasons=("not_approved",),
    build=_build,
)
