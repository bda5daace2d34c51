"""Recording a partner's answer on the host.

An answer counts if the partner signed it, to the text the campaign has now, until its deadline;
and if it is newer, by the partner's own clock, than the one before: an old yes does not undo a
later no. Wraps are on the disk before the answer is recorded, and are dropped after a no.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from consortium.campaign.answer import Answer, author, open_answer, signed_at
from consortium.campaign.states import OVER
from consortium.clock import Clock
from consortium.errors import EvidenceError, PolicyRefused, StateConflict
from consortium.ledger import entries
from consortium.model import ConsortiumCard
from consortium.store import campaigns, ledger, partners
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.store.engine import Database, Tx
from consortium.store.partners import PartnerRecord
from consortium.types import UploadDigest
from consortium.vault.wraps import WrapStore, campaign_scope

__all__ = ["record"]


def record(
    database: Database, text: str, *, card: ConsortiumCard, wraps: WrapStore, clock: Clock
) -> AnswerRecord:
    """Record an answer on the host, and put its wraps in their place.

    Args:
        database: Where.
        text: The answer's file.
        card: The consortium's card.
        wraps: Where wraps lie.
        clock: Tells the time.

    Raises:
        EvidenceError: Not an answer, altered, not by the partner it names, or with other wraps.
        NotFound: There is no such campaign or partner.
        PolicyRefused: It was given to another text.
        StateConflict: The campaign is over, or a newer answer is recorded.
    """
    with database.read() as tx:
        partner = partners.get(tx, author(text))
        answer = open_answer(text, partner=partner.card, origin=card.origin)
        campaign = campaigns.get(tx, answer.campaign)
        own = campaigns.upload_digests(tx, partner.id)
        _check(tx, campaign, partner, answer, now=clock.now())
    if foreign := answer.wraps.keys() - own:
        raise EvidenceError(f"the answer opens {len(foreign)} lists that are not its author's")
    scope = campaign_scope(campaign.name)
    for upload, wrap in answer.wraps.items():
        if own[upload]:
            wraps.put(scope, upload=upload, wrap=wrap)
    try:
        with database.write() as tx:
            now = clock.now()
            _check(tx, campaigns.lock(tx, campaign.id), partner, answer, now=now)
            found = _add(tx, campaign, partner, answer, now=now)
    except Exception:
        with database.read() as tx:
            newest = campaigns.latest_answers(tx, campaign.id).get(partner.slug)
        if newest is None or not newest.approved:  # else the wraps may be that answer's
            _drop(wraps, scope, answer.wraps)
        raise
    if answer.kind == "declined":
        _drop(wraps, scope, own)
    return found


def _drop(wraps: WrapStore, scope: str, uploads: Iterable[UploadDigest]) -> None:
    for upload in uploads:
        wraps.drop(scope, upload=upload)


def _check(
    tx: Tx, campaign: CampaignRecord, partner: PartnerRecord, answer: Answer, *, now: datetime
) -> None:
    if campaign.state in OVER or now > campaign.not_after:
        raise StateConflict(f"campaign {campaign.name} is over")
    if answer.digest != campaign.digest:
        changed = f"{campaign.created_at:%-d %b, %H:%M} UTC"
        raise PolicyRefused(
            f"{partner.slug} have not answered this text of {campaign.name} (changed on {changed})",
            hint=f"Hand them: consortium campaign request {campaign.name} {partner.slug}",
        )
    if answer.until != campaign.not_after:
        raise EvidenceError("the answer does not end when the campaign does")
    before = [a for a in campaigns.answers(tx, campaign.id) if a.partner == partner.slug]
    if any(signed_at(a.document) >= answer.at for a in before):
        raise StateConflict(
            f"{partner.slug} has given this answer, or a newer one, already",
            hint="Nothing was changed.",
        )


def _add(
    tx: Tx, campaign: CampaignRecord, partner: PartnerRecord, answer: Answer, *, now: datetime
) -> AnswerRecord:
    number = campaigns.add_answer(
        tx,
        campaign_id=campaign.id,
        partner_id=partner.id,
        answer=answer.kind,
        ceiling=answer.ceiling,
        campaign_digest=answer.digest,
        until=answer.until,
        document=answer.note,
        signature=answer.signature,
        at=now,
    )
    entry = ledger.append(
        tx,
        entries.campaign_answered(
            campaign.name,
            partner=partner.slug,
            answer=answer.kind,
            campaign_digest=answer.digest,
            digest=hashlib.sha256(answer.note.encode()).digest(),
            signature=answer.signature,
            ceiling=answer.ceiling,
            until=answer.until,
            at=now,
        ),
    )
    campaigns.set_answer_entry(tx, number, entry=entry)
    return campaigns.latest_answers(tx, campaign.id)[partner.slug]
