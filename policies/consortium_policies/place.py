"""Place (grant): the owner writes only to people whose row says they live in one of its places.

Any place of the list is enough. A row that says too little to be judged is refused.
Reasons: `place_not_granted`, `place_unknown` (the row does not say).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.places import Place
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms
from consortium.types import PartnerSlug

__all__ = ["KIND"]


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "place"
    partner: PartnerSlug
    allowed: tuple[Place, ...]

    def judge(self, ask: Ask, row: RowFacts) -> Decision:  # noqa: ARG002 - a grant's signature
        if any(place.holds(row.places) for place in self.allowed):
            return ALLOW
        judged = all(place.judges(row.places) for place in self.allowed)
        return Refuse(self.kind, self.partner, "place_not_granted" if judged else "place_unknown")


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.place is None else (_Rule(terms.partner, terms.place),)


KIND = GrantKind(
    name="place",
    summary="The owner writes only to people whose row says they live in one of its places.",
    example='places = ["state:OR", "postcode:986*"]',
    reasons=("place_not_granted", "place_unknown"),
    build=_build,
)
