"""What owners have said about their uploads, for one campaign: may they be planned with, and sent?

An owner's newest answer counts, if it was given to the present text. A yes covers the uploads whose
wraps came with it, and no later one. Without an answer, a policy with a standing yes covers the
uploads that have a standing wrap; everything else waits. Waiting uploads are planned with, because
a coordinator must see what approvals would bring; nothing of them can be opened or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from consortium.policy.engine import CompiledPolicy
from consortium.store.audiences import UploadFacts
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.types import PartnerSlug
from consortium.vault.wraps import STANDING, WrapStore, campaign_scope

__all__ = ["Coverage", "PolicyInForce", "by_partner", "coverage", "valid"]


class Coverage(StrEnum):
    """What an owner has said about one of its uploads, for one campaign."""

    APPROVED = "approved"
    WAITING = "waiting"
    DECLINED = "declined"
    NOT_COVERED = "not_covered"


class PolicyInForce(Protocol):
    """A partner's policy in force, and which version of it."""

    @property
    def version(self) -> int:
        """Counts up from 1."""
        ...

    @property
    def compiled(self) -> CompiledPolicy:
        """Ready to be asked."""
        ...


def valid(
    campaign: CampaignRecord, answers: Mapping[PartnerSlug, AnswerRecord], *, now: datetime
) -> dict[PartnerSlug, AnswerRecord]:
    """The answers that count: a yes to the present text and not past its end; any no."""
    return {
        slug: answer
        for slug, answer in answers.items()
        if not answer.approved
        or (answer.campaign_digest == campaign.digest and now <= answer.until)
    }


def coverage(
    campaign: CampaignRecord,
    uploads: Sequence[UploadFacts],
    *,
    answers: Mapping[PartnerSlug, AnswerRecord],
    policies: Mapping[PartnerSlug, PolicyInForce],
    wraps: WrapStore,
    now: datetime,
) -> list[Coverage]:
    """For each upload, what its owner has said.

    A standing approval speaks for an owner that has given no answer to the campaign at all: one
    that has looked at an earlier text is asked again.

    Args:
        campaign: The campaign.
        uploads: Those that count.
        answers: The newest of each partner, whatever text it is to.
        policies: In force.
        wraps: Where the wraps lie.
        now: Now.
    """
    given = set(wraps.uploads(campaign_scope(campaign.name)))
    standing = set(wraps.uploads(STANDING))
    counting = valid(campaign, answers, now=now)
    found = []
    for upload in uploads:
        answer, policy = counting.get(upload.partner), policies.get(upload.partner)
        if answer is not None and not answer.approved:
            found.append(Coverage.DECLINED)
        elif answer is not None:
            found.append(Coverage.APPROVED if upload.digest in given else Coverage.NOT_COVERED)
        elif policy is None or policy.compiled.approval != "standing" or upload.partner in answers:
            found.append(Coverage.WAITING)
        else:
            found.append(Coverage.APPROVED if upload.digest in standing else Coverage.WAITING)
    return found


def by_partner(
    uploads: Sequence[UploadFacts], found: Sequence[Coverage]
) -> dict[PartnerSlug, Coverage]:
    """Per partner what it has said; of several lists, what the coordinator still waits for."""
    order = [Coverage.APPROVED, Coverage.NOT_COVERED, Coverage.WAITING, Coverage.DECLINED]
    said: dict[PartnerSlug, Coverage] = {}
    for upload, one in zip(uploads, found, strict=True):
        said[upload.partner] = max(said.get(upload.partner, one), one, key=order.index)
    return dict(sorted(said.items()))
