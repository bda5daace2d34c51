"""What a plan is made from: one consistent reading of the database, and what follows from it.

No decision is taken here beyond who is in the audience, and that one below `SMALLEST` is refused
(`refuse_small`). The coordinator is told so before partners are asked (`obstacle`): of a recorded
campaign only, in the words of the refusal that planning it would end in, and nothing beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from consortium.campaign import coverage as covering
from consortium.campaign import document
from consortium.campaign import voters as voter_evidence
from consortium.campaign.audience import SMALLEST
from consortium.campaign.columns import Ints
from consortium.campaign.coverage import Coverage, PolicyInForce
from consortium.campaign.states import OVER
from consortium.campaign.voters import NOTHING, VoterEvidence
from consortium.errors import ConsortiumError, PolicyRefused, StateConflict
from consortium.model import MessageState
from consortium.policy.engine import CompiledPolicy
from consortium.policy.facts import Ask
from consortium.policy.protocol import HORIZON
from consortium.store import audiences, campaigns, plans, state
from consortium.store import partners as partner_store
from consortium.store.audience_columns import BanColumns, PointColumns, PriorColumns, RowColumns
from consortium.store.audiences import KeptMessage, UploadFacts
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.store.engine import Tx
from consortium.types import PartnerSlug
from consortium.vault.wraps import WrapStore

__all__ = ["GROUP", "Policies", "View", "barred", "obstacle", "read", "refuse_small"]

GROUP: Final = "all"
"""This version's campaigns run in the firewall group of that name."""

Policies = Callable[[Tx], Mapping[PartnerSlug, PolicyInForce]]
"""Reads the policies in force inside a transaction."""


@dataclass(frozen=True, slots=True)
class View:
    """What a plan is made from.

    Attributes:
        campaign, asked: The campaign as stored, and its document.
        answers: Partners' answers that count.
        policies: In force.
        partner_ids: Of every partner.
        uploads, coverage: Those that count, by digest, and what their owners have said.
        generation: The merge generation in use.
        unmerged_rows: Rows that no merge has seen.
        rows, points, bans, prior: Columns (`store.audiences`).
        kept: Messages that stay as they are.
        secret: The campaign's plans' secret.
        start: When the first message can go.
        voters: What voter files say of its places, and who has voted.
    """

    campaign: CampaignRecord
    asked: document.CampaignDocument
    answers: Mapping[PartnerSlug, AnswerRecord]
    policies: Mapping[PartnerSlug, PolicyInForce]
    partner_ids: Mapping[PartnerSlug, int]
    uploads: Sequence[UploadFacts]
    coverage: Sequence[Coverage]
    generation: int
    unmerged_rows: int
    rows: RowColumns
    points: PointColumns
    bans: BanColumns
    prior: PriorColumns
    kept: Sequence[KeptMessage]
    secret: bytes
    start: datetime
    voters: VoterEvidence = NOTHING

    @property
    def compiled(self) -> dict[PartnerSlug, CompiledPolicy]:
        """The policies in force, ready to be asked."""
        return {slug: policy.compiled for slug, policy in self.policies.items()}

    def ask(self) -> Ask:
        """The message, at the instant it could go first."""
        return Ask(
            campaign=self.campaign.name,
            channel=self.campaign.channel,
            purpose=self.asked.purpose,
            content=self.asked.content,
            at=self.start,
            deadline=self.campaign.not_after,
            window_start=self.campaign.starts_at,
            window_end=self.campaign.ends_at,
        )

    def used(self) -> dict[PartnerSlug, int]:
        """Messages of earlier plans per owner, but for those that a rule stopped."""
        slugs = {number: slug for slug, number in self.partner_ids.items()}
        used: dict[PartnerSlug, int] = {}
        for message in self.kept:
            if message.state is not MessageState.STOPPED:
                used[slugs[message.owner_id]] = used.get(slugs[message.owner_id], 0) + 1
        return used

    def audience(self) -> tuple[RowColumns, Ints]:
        """The audience's rows, and the person of each, from 0 in no particular order."""
        person, members = _members(self.asked, self.rows, self.voters)
        inside = np.flatnonzero(members[person])
        _, dense = np.unique(person[inside], return_inverse=True)
        return self.rows.take(inside), dense.astype(np.int64)


def _members(
    asked: document.CampaignDocument, rows: RowColumns, voters: VoterEvidence
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The person of each row, from 0; and for each person, whether they are in the audience."""
    _, person = np.unique(rows.person, return_inverse=True)
    everybody = int(person.max(initial=-1)) + 1
    members = asked.rule.members(
        rows.places,
        place_of_row=rows.place,
        person_of_row=person,
        persons=everybody,
        also=voters.included(rows, person, persons=everybody),
        never=voters.left_out(rows, person, persons=everybody),
    )
    return person.astype(np.int64), members


def refuse_small(
    asked: document.CampaignDocument, rows: RowColumns, voters: VoterEvidence = NOTHING
) -> None:
    """Refuse an audience that could single people out.

    Args:
        asked: The campaign's document.
        rows: The rows of all visible persons.
        voters: What voter files say.

    Raises:
        PolicyRefused: It has fewer than `SMALLEST` people.
    """
    _, members = _members(asked, rows, voters)
    if int(members.sum()) < SMALLEST:
        raise PolicyRefused(
            f"the audience of {asked.name} has fewer than {SMALLEST} people",
            hint="Widen it: a small audience could single people out.",
        )


def obstacle(tx: Tx, name: str, *, now: datetime) -> ConsortiumError | None:
    """What planning a campaign would be refused for as the lists are now; None: nothing.

    Args:
        tx: A reading transaction.
        name: The campaign.
        now: Now.

    Raises:
        NotFound: There is no such campaign.
    """
    campaign = campaigns.get(tx, name)
    asked = document.parse(campaign.document, name=campaign.name)
    try:
        _check_open(campaign, now)
        generation = _generation(tx)
        uploads = audiences.uploads(tx, group=GROUP, day=now.date())
        found = audiences.rows(tx, generation=generation, among=uploads, channel=campaign.channel)
        voters = voter_evidence.read(tx, asked)
        refuse_small(asked, found, voters)
    except (PolicyRefused, StateConflict) as refusal:
        return refusal
    return None


def barred(view: View, rows: RowColumns, person: Ints) -> npt.NDArray[np.bool_]:
    """Shape (rows,): rows of the audience that only a file not licensed to their owner places."""
    persons = int(person.max(initial=-1)) + 1
    otherwise = view.asked.rule.inside(
        rows.places, place_of_row=rows.place, person_of_row=person, persons=persons
    )
    return view.voters.barred(rows, person, otherwise=otherwise, uploads=view.uploads)


def read(
    tx: Tx,
    name: str,
    *,
    policies: Policies,
    wraps: WrapStore,
    now: datetime,
    secret: Callable[[], bytes],
) -> View:
    """Read all a plan needs.

    Raises:
        NotFound: There is no such campaign.
        StateConflict: It is over, its window has passed, or no merge has been run.
    """
    campaign = campaigns.get(tx, name)
    _check_open(campaign, now)
    asked = document.parse(campaign.document, name=campaign.name)
    generation = _generation(tx)
    in_force = policies(tx)
    uploads = audiences.uploads(tx, group=GROUP, day=now.date())
    answers = campaigns.latest_answers(tx, campaign.id)
    start = max(now, campaign.starts_at)
    earlier = plans.history(tx, campaign.id)
    return View(
        campaign=campaign,
        asked=asked,
        answers=covering.valid(campaign, answers, now=now),
        policies=in_force,
        partner_ids={p.slug: p.id for p in partner_store.all(tx)},
        uploads=uploads,
        coverage=covering.coverage(
            campaign, uploads, answers=answers, policies=in_force, wraps=wraps, now=now
        ),
        generation=generation,
        unmerged_rows=audiences.unmerged_rows(tx, generation=generation, among=uploads),
        rows=audiences.rows(tx, generation=generation, among=uploads, channel=campaign.channel),
        points=audiences.points(tx, generation=generation, among=uploads, channel=campaign.channel),
        bans=audiences.bans(tx),
        prior=audiences.prior_messages(tx, generation=generation, since=start - HORIZON),
        kept=audiences.kept_messages(tx, campaign.id),
        secret=earlier[0].secret if earlier else secret(),
        start=start,
        voters=voter_evidence.read(tx, asked),
    )


def _generation(tx: Tx) -> int:
    generation = state.merge_generation(tx)
    if generation == 0:
        raise StateConflict("there are no persons yet", hint="Run: consortium merge run")
    return generation


def _check_open(campaign: CampaignRecord, now: datetime) -> None:
    if campaign.state in OVER:
        raise StateConflict(f"campaign {campaign.name} is {campaign.state.value}")
    if now >= campaign.ends_at:
        raise StateConflict(
            f"the window of campaign {campaign.name} has passed",
            hint="Create another campaign with a later window.",
        )
