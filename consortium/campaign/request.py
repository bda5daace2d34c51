"""The request for approval: what a partner is asked, in one file signed by the coordinator.

The file holds everything that is needed to judge and to answer without asking back: the campaign's
document whole, its digest and end, a ceiling, who else has answered, and for each of the partner's
own uploads the data key wrapped to its own receiving key. The vault's public key is not in it: a
partner takes that from the card whose fingerprint it has compared.

The ceiling is made of the partner's own rows alone: those of its lists that claim consent on the
channel and do not lie outside the audience, rounded up. So it tells the partner nothing about
anybody else's list. Of the others it says who has approved and who has yet to answer;
not how large they are, and not who has declined. Format: docs/formats/approval.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consortium.campaign import coverage as covering
from consortium.campaign import document
from consortium.campaign.coverage import Coverage
from consortium.campaign.document import CampaignDocument
from consortium.campaign.form import Form
from consortium.campaign.states import OVER
from consortium.campaign.view import GROUP, Policies
from consortium.clock import Clock
from consortium.errors import EvidenceError, StateConflict
from consortium.ledger import canonical, grammar
from consortium.ledger.canonical import JSON
from consortium.ledger.strict import to_base64
from consortium.model import ConsortiumCard
from consortium.store import audiences, campaigns, partners
from consortium.store.audiences import UploadFacts
from consortium.store.campaigns import CampaignRecord
from consortium.store.engine import Database, Tx
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault import signed
from consortium.vault.wraps import OWNER, WrapStore

__all__ = ["Request", "RequestUpload", "ceiling_for", "open_request", "request_for"]

_FORMAT: Final = 1
_FIELDS: Final = frozenset(
    {
        "approved",
        "at",
        "campaign",
        "ceiling",
        "digest",
        "document",
        "partner",
        "until",
        "uploads",
        "waiting",
    }
)
_UPLOAD_FIELDS: Final = frozenset({"list", "rows", "upload", "wrap"})
_STEP: Final = 50  # the least a ceiling is rounded to


@dataclass(frozen=True, slots=True)
class RequestUpload:
    """One of the partner's lists: digest, the partner's name for it, rows, and the owner's wrap."""

    digest: UploadDigest
    list_name: str
    rows: int
    wrap: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a partner reads it, verified.

    Attributes:
        campaign: Its name.
        partner: Who is asked.
        text: The campaign's document, whole.
        document: What it says.
        digest: SHA-256 of the text: what an answer is bound to.
        until: When an approval ends: the campaign's deadline.
        ceiling: The most messages that are asked for.
        approved, waiting: Other partners that have said yes, and that have yet to answer.
        uploads: The partner's lists that would be opened.
        at: When it was made.
    """

    campaign: CampaignName
    partner: PartnerSlug
    text: str
    document: CampaignDocument
    digest: bytes
    until: datetime
    ceiling: int
    approved: tuple[PartnerSlug, ...]
    waiting: tuple[PartnerSlug, ...]
    uploads: tuple[RequestUpload, ...]
    at: datetime


def request_for(
    database: Database,
    name: str,
    *,
    partner: PartnerSlug,
    card: ConsortiumCard,
    coordinator_key: bytes,
    policies: Policies,
    wraps: WrapStore,
    clock: Clock,
) -> str:
    """Make the request for one partner.

    Args:
        database: Where everything is.
        name: The campaign.
        partner: Who is asked.
        card: The consortium's public card.
        coordinator_key: The private `coordinator` key, 32 raw bytes.
        policies: Reads the policies in force, inside a transaction.
        wraps: Where the owners' wraps lie.
        clock: Tells the time.

    Returns:
        The signed text, to be written as UTF-8 without newline translation.

    Raises:
        NotFound: There is no such campaign or partner.
        StateConflict: The campaign is over, or the partner has no list that counts.
    """
    now = clock.now()
    with database.read() as tx:
        campaign = campaigns.get(tx, name)
        _check_open(campaign, now)
        asked = document.parse(campaign.document, name=campaign.name)
        partners.get(tx, partner)
        everybody = audiences.uploads(tx, group=GROUP, day=now.date())
        mine = [upload for upload in everybody if upload.partner == partner]
        if not mine:
            raise StateConflict(
                f"{partner} has no list that counts", hint="Add one: consortium upload add PACK"
            )
        said = _said(tx, campaign, everybody, policies=policies, wraps=wraps, now=now)
        ceiling = ceiling_for(tx, campaign, asked, uploads=mine)
    others = {slug: s for slug, s in said.items() if slug != partner}
    body: JSON = {
        "format": _FORMAT,
        "at": grammar.moment(now),
        "campaign": str(campaign.name),
        "document": campaign.document,
        "digest": campaign.digest.hex(),
        "partner": str(partner),
        "ceiling": ceiling,
        "until": grammar.moment(campaign.not_after),
        "approved": [str(s) for s in sorted(others) if others[s] is Coverage.APPROVED],
        "waiting": [str(s) for s in sorted(others) if others[s] is Coverage.WAITING],
        "uploads": [_upload(upload, wraps) for upload in mine],
    }
    signer = signed.coordinator_signer(card.origin, coordinator_key=coordinator_key)
    text = canonical.encode(body).decode()
    return signed.sign_document("request", text, origin=card.origin, signer=signer)


def ceiling_for(
    tx: Tx, campaign: CampaignRecord, asked: CampaignDocument, *, uploads: list[UploadFacts]
) -> int:
    """The most messages a partner's own rows could need, rounded up to two figures.

    Args:
        tx: A transaction.
        campaign, asked: The campaign and its document.
        uploads: The partner's own.
    """
    rule = asked.rule
    rows = sum(
        count
        for places, count in audiences.consenting_rows(tx, among=uploads, channel=campaign.channel)
        if any(p.holds(places) or not p.judges(places) for p in rule.include)
        and not any(p.holds(places) for p in rule.exclude)
    )
    step: int = max(_STEP, 10 ** max(0, len(str(rows)) - 2))
    return max(step, -(-rows // step) * step)


def open_request(text: str, *, partner: PartnerSlug, card: ConsortiumCard) -> Request:
    """Read and verify a request, on the partner's side.

    Args:
        text: The file.
        partner: Who reads it.
        card: The consortium's card, whose fingerprint has been compared.

    Raises:
        EvidenceError: Not a request, altered, not signed by the coordinator of this consortium, for
            somebody else, or at odds with itself.
        DocumentError: The campaign's document is of a kind this version does not read.
    """
    verifier = signed.coordinator_verifier(card)
    body = signed.open_document("request", text, origin=card.origin, verifier=verifier)
    form = Form.read(body, what="request", version=_FORMAT, fields=_FIELDS)
    asked = document.parse(form.text("document"), name=form.slug("campaign"))
    found = Request(
        campaign=CampaignName(form.slug("campaign")),
        partner=PartnerSlug(form.slug("partner")),
        text=form.text("document"),
        document=asked,
        digest=form.digest("digest"),
        until=form.moment("until"),
        ceiling=form.count("ceiling"),
        approved=tuple(PartnerSlug(s) for s in form.slugs("approved")),
        waiting=tuple(PartnerSlug(s) for s in form.slugs("waiting")),
        uploads=tuple(
            RequestUpload(
                digest=UploadDigest(upload.digest("upload")),
                list_name=upload.text("list"),
                rows=upload.count("rows"),
                wrap=upload.data("wrap"),
            )
            for upload in form.parts("uploads", fields=_UPLOAD_FIELDS)
        ),
        at=form.moment("at"),
    )
    if found.partner != partner:
        raise EvidenceError(
            f"the request is for {found.partner}, not for {partner}",
            hint=f"Ask for yours: consortium campaign request {found.campaign} {partner}",
        )
    if (found.digest, found.campaign, found.until) != (
        document.digest(found.text),
        asked.name,
        asked.deadline,
    ):
        raise EvidenceError(
            "the request does not fit the campaign in it",
            hint="Ask the coordinator for a new one, and tell them about this one.",
        )
    return found


def _check_open(campaign: CampaignRecord, now: datetime) -> None:
    if campaign.state in OVER or now > campaign.not_after:
        raise StateConflict(f"campaign {campaign.name} is over, so nobody is asked any more")


def _said(
    tx: Tx,
    campaign: CampaignRecord,
    uploads: list[UploadFacts],
    *,
    policies: Policies,
    wraps: WrapStore,
    now: datetime,
) -> dict[PartnerSlug, Coverage]:
    answers = campaigns.latest_answers(tx, campaign.id)
    found = covering.coverage(
        campaign, uploads, answers=answers, policies=policies(tx), wraps=wraps, now=now
    )
    return covering.by_partner(uploads, found)


def _upload(upload: UploadFacts, wraps: WrapStore) -> JSON:
    wrap = wraps.get(OWNER, upload=upload.digest)
    if wrap is None:
        raise EvidenceError(
            f"the owner's wrap of list {upload.list_name} is missing",
            hint="Restore the wraps from a backup, or ask the owner to pack the list again.",
        )
    return {
        "upload": upload.digest.hex(),
        "list": upload.list_name,
        "rows": upload.rows,
        "wrap": to_base64(wrap),
    }
