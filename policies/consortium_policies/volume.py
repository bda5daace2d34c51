"""Volume (grant): the owner's own ceiling on messages in its name, per day or per campaign.

A ceiling is about many messages and no rule can judge it by one, so it builds no rule: the plan
spreads messages under `CompiledPolicy.daily_cap` and `campaign_cap`, and gives these reasons to
those who found no room.
Reasons: `day_used_up`, `campaign_used_up`.
"""

from __future__ import annotations

from consortium.policy.protocol import Grant, GrantKind
from consortium.policy.terms import Terms

__all__ = ["KIND"]


def _build(terms: Terms) -> tuple[Grant, ...]:  # noqa: ARG001 - a kind's signature
    return ()


KIND = GrantKind(
    name="volume",
    summary="The owner's own ceiling on messages in its name, kept by the plan.",
    example='volume = [{ max = 20_000, per = "day" }]',
    reasons=("day_used_up", "campaign_used_up"),
    build=_build,
)
