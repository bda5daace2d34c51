"""Consent (grant): the owner's row needs a ground for the channel that the owner accepts.

The claim of the row whose owner would speak counts, never another partner's: consent is not
transferable. With a greatest age, consent without a date does not count. Days are counted in the
policy's zone; a consent dated more than one day ahead is an error of the list and does not count.
Reasons: `no_consent`, `consent_basis_not_accepted`, `consent_undated`, `consent_too_old`,
`consent_in_future`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from consortium.model import ConsentBasis
from consortium.policy.decision import ALLOW, Decision, Refuse
from consortium.policy.facts import Ask, RowFacts
from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import ConsentTerms, Terms
from consortium.policy.zones import zone
from consortium.types import PartnerSlug

__all__ = ["KIND"]

_ZONES_APART: Final = timedelta(days=1)
"""It can be tomorrow already where the consent was given."""


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: ClassVar[str] = "consent"
    partner: PartnerSlug
    terms: ConsentTerms

    def judge(self, ask: Ask, row: RowFacts) -> Decision:
        accepted = self.terms.bases.get(ask.channel)
        if accepted is None:
            return ALLOW
        reason = ""
        if row.basis is ConsentBasis.NONE:
            reason = "no_consent"
        elif row.basis not in accepted:
            reason = "consent_basis_not_accepted"
        elif row.consent_on is None:
            reason = "consent_undated" if self.terms.max_age_days is not None else ""
        else:
            age = ask.at.astimezone(zone(self.terms.zone)).date() - row.consent_on
            if age < -_ZONES_APART:
                reason = "consent_in_future"
            elif self.terms.max_age_days is not None and age.days > self.terms.max_age_days:
                reason = "consent_too_old"
        return Refuse(self.kind, self.partner, reason) if reason else ALLOW


def _build(terms: Terms) -> tuple[Grant, ...]:
    return () if terms.consent is None else (_Rule(terms.partner, terms.consent),)


KIND = GrantKind(
    name="consent",
    summary="The owner's row needs a ground for the channel that the owner accepts.",
    example='consent = { email = ["express", "membership"], max_age_days = 730 }',
    reasons=(
        "no_consent",
        "consent_basis_not_accepted",
        "consent_undated",
        "consent_too_old",
        "consent_in_future",
    ),
    build=_build,
)
