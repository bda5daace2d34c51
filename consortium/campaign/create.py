"""Creating a campaign: a document becomes a fact, signed by the coordinator.

The document's bytes (line ends as LF, ending in one) are what is signed, stored, digested and later
shown to partners. A name is used once. While nothing has been sent, `revise` puts another text in
its place: answers to the earlier one lapse, its wraps are dropped and its plan is set aside.
"""

from __future__ import annotations

from datetime import datetime

from consortium.campaign.document import CampaignDocument, digest, parse
from consortium.campaign.states import lock_name
from consortium.clock import Clock
from consortium.errors import DocumentError
from consortium.ledger import entries, note
from consortium.model import ConsortiumCard
from consortium.store import campaigns, ledger, locks, plans
from consortium.store.campaigns import CampaignRecord
from consortium.store.engine import Database
from consortium.types import CampaignName
from consortium.vault import signed
from consortium.vault.wraps import WrapStore, campaign_scope

__all__ = ["create", "revise"]


def create(
    database: Database,
    text: str,
    *,
    card: ConsortiumCard,
    coordinator_key: bytes,
    clock: Clock,
    file: str = "campaign",
) -> CampaignRecord:
    """Record a new campaign.

    Args:
        database: Where.
        text: The document, TOML.
        card: The consortium's public card.
        coordinator_key: The private `coordinator` key, 32 raw bytes.
        clock: Tells the time.
        file: What errors call the document.

    Raises:
        DocumentError: The document is wrong, or its window has passed.
        StateConflict: There is a campaign of that name.
        EvidenceError: The key is not the card's.
    """
    now = clock.now()
    asked, body, signature = _sign(text, card=card, key=coordinator_key, file=file, now=now)
    with database.write() as tx:
        campaign_id = campaigns.add(
            tx,
            name=CampaignName(asked.name),
            document=body,
            digest=digest(body),
            signature=signature,
            channel=asked.channel,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            not_after=asked.deadline,
            created_at=now,
        )
        entry = ledger.append(tx, _entry(asked, body, signature, now))
        campaigns.set_entry(tx, campaign_id, entry=entry)
        return campaigns.by_id(tx, campaign_id)


def revise(
    database: Database,
    text: str,
    *,
    card: ConsortiumCard,
    coordinator_key: bytes,
    wraps: WrapStore,
    clock: Clock,
    file: str = "campaign",
) -> CampaignRecord:
    """Put another text in the place of one of which nothing has been sent.

    Args:
        database, text, card, coordinator_key, clock, file: As for `create`.
        wraps: Where partners' wraps lie; those for the earlier text are dropped.

    Raises:
        DocumentError: The document is wrong, or its window has passed.
        NotFound: There is no campaign of that name.
        StateConflict: It has been sent, in part or whole, or is being planned.
        EvidenceError: The key is not the card's.
    """
    now = clock.now()
    asked, body, signature = _sign(text, card=card, key=coordinator_key, file=file, now=now)
    with locks.exclusive(database, lock_name(asked.name)):
        with database.write() as tx:
            campaign = campaigns.get(tx, asked.name)
            if campaign.digest == digest(body):
                return campaign
            campaigns.revise(
                tx,
                campaign.id,
                document=body,
                digest=digest(body),
                signature=signature,
                starts_at=asked.starts_at,
                ends_at=asked.ends_at,
                not_after=asked.deadline,
                at=now,
            )
            plans.supersede(tx, campaign.id)
            entry = ledger.append(tx, _entry(asked, body, signature, now))
            campaigns.set_entry(tx, campaign.id, entry=entry)
            revised = campaigns.by_id(tx, campaign.id)
        wraps.drop_scope(campaign_scope(campaign.name))
        plans.drop_untried(database, campaign.id)
    return revised


def _sign(
    text: str, *, card: ConsortiumCard, key: bytes, file: str, now: datetime
) -> tuple[CampaignDocument, str, bytes]:
    """What the document says, its text as signed, and the signature."""
    asked = parse(text, name=file)
    if now >= asked.ends_at:
        raise DocumentError(
            f"{file}: the window has passed", hint="Set window and not_after in the future."
        )
    signer = signed.coordinator_signer(card.origin, coordinator_key=key)
    verifier = signed.coordinator_verifier(card)
    whole = signed.sign_document("campaign", text, origin=card.origin, signer=signer)
    body = signed.open_document("campaign", whole, origin=card.origin, verifier=verifier)
    return asked, body, note.signature_of(whole, verifier)


def _entry(asked: CampaignDocument, body: str, signature: bytes, now: datetime) -> entries.Entry:
    return entries.campaign_created(
        CampaignName(asked.name),
        digest=digest(body),
        signature=signature,
        channel=asked.channel,
        purpose=asked.purpose,
        content=asked.content,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        not_after=asked.deadline,
        at=now,
    )
