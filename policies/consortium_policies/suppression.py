"""Suppression (a recipient's wish): who has asked not to be contacted is not contacted.

Comes before everything else, needs no document, and nothing lifts it. A ban of consortium scope
holds for every owner; one of partner scope holds for messages in that partner's name. A ban
concerns the channel it was given for.
Reasons: `opted_out`, `opted_out_of_partner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, PersonFacts
from consortium.policy.protocol import Guard, WishKind
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "suppression"
    owner: PartnerSlug

    def judge(self, ask: Ask, person: PersonFacts) -> Decision:
        if not person.suppressions:
            return ALLOW
        authors = {ban.partner for ban in person.suppressions if ban.channel == ask.channel}
        if None in authors:
            return Refuse(self.kind, None, "opted_out")
        if self.owner in authors:
            return Refuse(self.kind, None, "opted_out_of_partner")
        return ALLOW


def _build(owner: PartnerSlug) -> Guard:
    return _Rule(owner)


KIND = WishKind(
    name="suppression",
    summary="Who has asked not to be contacted is not contacted.",
    example="",
    reasons=("opted_out", "opted_out_of_partner"),
    build=_build,
)
