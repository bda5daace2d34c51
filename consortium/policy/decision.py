"""The three answers a rule can give, and how they combine.

Refuse beats Defer beats Allow; of several Defers the latest instant wins; among equals the first in
a fixed order (rule, then partner) is reported, so that the answer does not depend on the order in
which rules were asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consortium.types import PartnerSlug

__all__ = ["ALLOW", "Allow", "Decision", "Defer", "Refuse", "strictest"]


@dataclass(frozen=True, slots=True)
class Allow:
    """Nothing stands against it."""


ALLOW: Final = Allow()
"""The one value of that kind, for rules that answer a million times."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It may not be done.

    Attributes:
        rule: The rule kind that refused, e.g. `consent`.
        partner: Whose policy it stands in; None for a rule of the house or a recipient's own wish.
        reason: A reason code of that rule, e.g. `consent_too_old`.
    """

    rule: str
    partner: PartnerSlug | None
    reason: str


@dataclass(frozen=True, slots=True)
class Defer:
    """It may be done from an instant on, as far as this rule can tell."""

    rule: str
    partner: PartnerSlug | None
    reason: str
    until: datetime


Decision = Allow | Refuse | Defer


def strictest(decisions: Iterable[Decision]) -> Decision:
    """The combined answer; no decision at all refuses (an empty rule list never allows)."""
    refusals: list[Refuse] = []
    delays: list[Defer] = []
    asked = False
    for decision in decisions:
        asked = True
        match decision:
            case Refuse():
                refusals.append(decision)
            case Defer():
                delays.append(decision)
            case Allow():
                pass
    if not asked:
        return Refuse(rule="policy", partner=None, reason="no_rules")
    if refusals:
        return min(refusals, key=lambda r: (r.rule, r.partner or "", r.reason))
    if delays:
        latest = max(d.until for d in delays)
        return min(
            (d for d in delays if d.until == latest),
            key=lambda d: (d.rule, d.partner or "", d.reason),
        )
    return ALLOW
