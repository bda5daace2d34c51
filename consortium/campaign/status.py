"""How a campaign stands: what partners have said, what is planned, what has become of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from consortium.campaign import coverage as covering
from consortium.campaign import document
from consortium.campaign.coverage import Coverage
from consortium.campaign.document import CampaignDocument
from consortium.campaign.view import GROUP, Policies
from consortium.clock import Clock
from consortium.store import audiences, campaigns, messages, plans, returned, voters
from consortium.store.campaigns import CampaignRecord
from consortium.store.engine import Database, Tx
from consortium.store.messages import Tally
from consortium.store.plans import AnswerTotal, PlanRecord
from consortium.store.returned import ReturnedRecord
from consortium.types import PartnerSlug
from consortium.vault.wraps import WrapStore

__all__ = ["CampaignView", "status"]


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign for the screen.

    Attributes:
        campaign, document: As stored, and what its document says.
        said: For each partner with a list that counts: what it has said; of several lists, what
            the coordinator still waits for.
        plan: The plan in force, or None.
        totals: Its answers, counted.
        messages: Its messages, counted by owner, state and reason.
        returned: The newest list of who has voted, of each register; none if it spares nobody.
        at: When this was read.
    """

    campaign: CampaignRecord
    document: CampaignDocument
    said: dict[PartnerSlug, Coverage]
    plan: PlanRecord | None
    totals: tuple[AnswerTotal, ...]
    messages: tuple[Tally, ...]
    returned: tuple[ReturnedRecord, ...]
    at: datetime


def status(
    database: Database, name: str, *, policies: Policies, wraps: WrapStore, clock: Clock
) -> CampaignView:
    """Read how a campaign stands.

    Args:
        database: Where everything is.
        name: The campaign.
        policies: Reads the policies in force, inside a transaction.
        wraps: Where partners' wraps lie.
        clock: Tells the time.

    Raises:
        NotFound: There is no such campaign.
    """
    now = clock.now()
    with database.read() as tx:
        campaign = campaigns.get(tx, name)
        uploads = audiences.uploads(tx, group=GROUP, day=now.date())
        answers = campaigns.latest_answers(tx, campaign.id)
        found = covering.coverage(
            campaign, uploads, answers=answers, policies=policies(tx), wraps=wraps, now=now
        )
        plan = plans.frozen(tx, campaign.id)
        asked = document.parse(campaign.document, name=campaign.name)
        return CampaignView(
            campaign=campaign,
            document=asked,
            said=covering.by_partner(uploads, found),
            plan=plan,
            totals=tuple(plans.totals(tx, plan.id)) if plan else (),
            messages=tuple(messages.tally(tx, campaign.id)),
            returned=_returned(tx, asked),
            at=now,
        )


def _returned(tx: Tx, asked: CampaignDocument) -> tuple[ReturnedRecord, ...]:
    if not asked.spares_voted:
        return ()
    loads = [load for load in voters.all_of(tx) if asked.purpose in load.purposes]
    return tuple(returned.latest(tx, registers={load.register for load in loads}))
