"""Whether messages may go in an owner's name now, and by which key its rows open.

An owner's newest answer to the campaign counts. It must be a yes, to exactly the text that would
be sent, not past its end, with room under its ceiling; then its rows open with the wraps that came
with it. An owner whose policy gives a standing yes needs no answer, and its standing wraps are
used; it can still decline. Anything else holds the owner's messages back, where they wait: a new
answer lets them go on, the deadline ends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consortium.campaign.coverage import PolicyInForce
from consortium.policy import engine
from consortium.policy.document import read
from consortium.policy.engine import CompiledPolicy
from consortium.policy.preset import Preset
from consortium.policy.registry import RuleRegistry
from consortium.store import policies as policy_store
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.store.engine import Tx
from consortium.types import EntryIndex, PartnerSlug
from consortium.vault import wrap, wraps

__all__ = ["REASONS", "Held", "InForce", "May", "PoliciesInForce", "standing"]

REASONS: Final[Mapping[str, str]] = {
    "no_policy": "has no send policy",
    "not_approved": "has not approved this campaign",
    "declined": "has declined this campaign",
    "other_text": "has approved another text",
    "approval_ended": "approved until a time that has passed",
    "ceiling_reached": "has approved no more messages than have gone",
    "no_wrap": "has not handed over the keys to some of its rows",
}
"""Why an owner's messages are held back, as words for a screen that follow its name."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A partner's policy in force."""

    version: int
    compiled: CompiledPolicy


class PoliciesInForce:
    """The policies in force, read in each transaction and compiled once per version.

    Args:
        registry: The rule kinds there are.
        presets: The presets there are.
    """

    def __init__(self, registry: RuleRegistry, presets: Mapping[str, Preset]) -> None:
        self._registry = registry
        self._presets = presets
        self._known: dict[bytes, CompiledPolicy] = {}

    def __call__(self, tx: Tx) -> dict[PartnerSlug, InForce]:
        """By partner; a partner without a policy is not in it.

        Raises:
            DocumentError: A stored document is not one this version reads.
        """
        found = {}
        for slug, record in policy_store.current(tx).items():
            if record.digest not in self._known:
                document = read(record.document, name=f"{slug}'s policy", presets=self._presets)
                self._known[record.digest] = engine.compile(
                    document, registry=self._registry, presets=self._presets
                )
            found[slug] = InForce(record.version, self._known[record.digest])
        return found


@dataclass(frozen=True, slots=True)
class May:
    """Messages may go in its name.

    Attributes:
        approval: Ledger entry of the answer; None where the policy's standing yes is used.
        until: The last instant of the answer; None where the policy's standing yes is used.
        scope, purpose: Of the wraps that open its rows (`vault.wraps`, `vault.wrap`).
        room: How many more messages the ceiling covers; None: no ceiling.
        policy: Its policy.
    """

    approval: EntryIndex | None
    until: datetime | None
    scope: str
    purpose: str
    room: int | None
    policy: PolicyInForce


@dataclass(frozen=True, slots=True)
class Held:
    """Its messages wait; `reason` is one of `REASONS`."""

    reason: str


def standing(
    campaign: CampaignRecord,
    *,
    answer: AnswerRecord | None,
    policy: PolicyInForce | None,
    handed_over: int,
    now: datetime,
) -> May | Held:
    """Whether messages of a campaign may go in an owner's name.

    Args:
        campaign: The campaign.
        answer: The owner's newest answer, if it gave one.
        policy: Its policy in force, if it has one.
        handed_over: How many of its messages have been handed over.
        now: Now.
    """
    if policy is None:
        return Held("no_policy")
    if answer is None and policy.compiled.approval == "standing":
        return May(None, None, wraps.STANDING, wrap.STANDING, None, policy)
    if reason := _against(campaign, answer, handed_over=handed_over, now=now):
        return Held(reason)
    assert answer is not None, "no answer is a reason against"
    return May(
        approval=answer.entry,
        until=answer.until,
        scope=wraps.campaign_scope(campaign.name),
        purpose=wrap.campaign_purpose(campaign.name, digest=campaign.digest, until=answer.until),
        room=answer.ceiling - handed_over,
        policy=policy,
    )


def _against(
    campaign: CampaignRecord, answer: AnswerRecord | None, *, handed_over: int, now: datetime
) -> str:
    if answer is None:
        return "not_approved"
    objections = {
        "declined": not answer.approved,
        "other_text": answer.campaign_digest != campaign.digest,
        "approval_ended": now > answer.until,
        "ceiling_reached": handed_over >= answer.ceiling,
    }
    return next((reason for reason, stands in objections.items() if stands), "")
