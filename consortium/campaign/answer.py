"""A partner's answer: made on its machine, recorded on the host.

An approval is a signed document and, below it, the keys: for each of the partner's lists the data
key, taken out of the owner's wrap and wrapped again to the vault key *for this campaign's digest
and until its end*. The signed part names every wrap by its SHA-256, so that none can be exchanged,
and holds no key itself: it can be shown to an auditor. A decline carries nothing.

    # consortium answer v1 for example.org/portland
    {"answer":"approved", …}

    — nurses Az3grlgt…
    = <upload digest> <wrap in base64>

On the host an answer counts if the partner signed it, to the text the campaign has now, until its
deadline; and if it is newer, by the partner's own clock, than the one before: an old yes does not
undo a later no. Wraps are on the disk before the answer is recorded, and are dropped after a no.
Format: docs/formats/approval.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from consortium.campaign.form import Form
from consortium.campaign.request import Request
from consortium.campaign.states import OVER
from consortium.clock import Clock
from consortium.errors import EvidenceError, PolicyRefused, StateConflict, UsageError
from consortium.ledger import canonical, entries, grammar, note
from consortium.ledger.canonical import JSON
from consortium.model import ConsortiumCard
from consortium.store import campaigns, ledger, partners
from consortium.store.campaigns import AnswerRecord, CampaignRecord
from consortium.store.engine import Database, Tx
from consortium.store.partners import PartnerRecord
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault import signed
from consortium.vault.wrap import campaign_purpose, open_owner_wrap, wrap_for_vault
from consortium.vault.wraps import WrapStore, campaign_scope

__all__ = ["approve", "decline", "record"]

_FORMAT: Final = 1
_WRAP: Final = "= "
_MAX_REASON: Final = 500
_FIELDS: Final = frozenset(
    {
        "answer",
        "at",
        "campaign",
        "campaign_digest",
        "ceiling",
        "partner",
        "reason",
        "until",
        "wraps",
    }
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as read and verified, with its wraps."""

    kind: Literal["approved", "declined"]
    campaign: CampaignName
    digest: bytes
    ceiling: int
    until: datetime
    at: datetime
    note: str
    signature: bytes
    wraps: dict[UploadDigest, bytes]


def approve(
    request: Request,
    *,
    receive_key: bytes,
    sign_key: bytes,
    card: ConsortiumCard,
    now: datetime,
    ceiling: int | None = None,
) -> str:
    """Say yes, and hand over the keys to this campaign.

    Args:
        request: From `request.open_request`, with the same card.
        receive_key, sign_key: The partner's private keys, 32 raw bytes each.
        card: The consortium's card; the vault key is taken from it.
        now: The time of the answer.
        ceiling: A lower one than asked for; None: as asked.

    Returns:
        The answer's file.

    Raises:
        StateConflict: The campaign has ended.
        UsageError: The ceiling is higher than asked, or none at all.
        EvidenceError: A wrap in the request is not one for this partner and list.
        KeyFailure: A key is not of its kind.
    """
    if now > request.until:
        raise StateConflict(f"campaign {request.campaign} has ended")
    most = request.ceiling if ceiling is None else ceiling
    if not 0 < most <= request.ceiling:
        raise UsageError(
            f"a ceiling of {most} messages is not between 1 and {request.ceiling}",
            hint="To allow none, decline.",
        )
    purpose = campaign_purpose(request.campaign, digest=request.digest, until=request.until)
    wraps = {}
    for upload in request.uploads:
        data_key = open_owner_wrap(
            upload.wrap,
            key=receive_key,
            origin=card.origin,
            owner=request.partner,
            upload=upload.digest,
        )
        wraps[upload.digest] = wrap_for_vault(
            data_key,
            to=card.vault_key,
            origin=card.origin,
            owner=request.partner,
            upload=upload.digest,
            purpose=purpose,
        )
    text = _text(request, "approved", ceiling=most, reason="", wraps=wraps, now=now)
    signer = signed.partner_signer(request.partner, sign_key=sign_key)
    whole = signed.sign_document("answer", text, origin=card.origin, signer=signer)
    lines = (f"{_WRAP}{u.hex()} {base64.b64encode(w).decode()}\n" for u, w in wraps.items())
    return whole + "".join(lines)


def decline(
    request: Request, *, reason: str, sign_key: bytes, card: ConsortiumCard, now: datetime
) -> str:
    """Say no; an earlier yes is taken back, and its keys with it.

    Args:
        request: From `request.open_request`.
        reason: For the coordinator; one line.
        sign_key: The partner's private `sign` key.
        card: The consortium's card.
        now: The time of the answer.

    Raises:
        UsageError: The reason is longer than 500 characters, or not one line.
    """
    if len(reason) > _MAX_REASON or not reason.isprintable():
        raise UsageError(f"a reason is one line of at most {_MAX_REASON} characters")
    text = _text(request, "declined", ceiling=0, reason=reason, wraps={}, now=now)
    signer = signed.partner_signer(request.partner, sign_key=sign_key)
    return signed.sign_document("answer", text, origin=card.origin, signer=signer)


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
        partner, answer = _verified(tx, text, card=card)
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


def _text(
    request: Request,
    kind: Literal["approved", "declined"],
    *,
    ceiling: int,
    reason: str,
    wraps: dict[UploadDigest, bytes],
    now: datetime,
) -> str:
    listed: list[JSON] = [
        {"upload": upload.hex(), "sha256": hashlib.sha256(wrap).hexdigest()}
        for upload, wrap in wraps.items()
    ]
    body: JSON = {
        "format": _FORMAT,
        "answer": kind,
        "at": grammar.instant(now),
        "campaign": str(request.campaign),
        "campaign_digest": request.digest.hex(),
        "partner": str(request.partner),
        "ceiling": ceiling,
        "reason": reason,
        "until": grammar.moment(request.until),
        "wraps": listed,
    }
    return canonical.encode(body).decode()


def _verified(tx: Tx, text: str, *, card: ConsortiumCard) -> tuple[PartnerRecord, _Answer]:
    whole, wraps = _split(text)
    # Whose key must have signed is what the text says; that it did is checked with that key.
    partner = partners.get(tx, PartnerSlug(_read(_second_line(whole)).slug("partner")))
    verifier = signed.partner_verifier(partner.card)
    form = _read(signed.open_document("answer", whole, origin=card.origin, verifier=verifier))
    kind: Literal["approved", "declined"] = (
        "approved" if form.word("answer", "approved", "declined") == "approved" else "declined"
    )
    form.text("reason")
    listed = {
        UploadDigest(part.digest("upload")): part.digest("sha256")
        for part in form.parts("wraps", fields=frozenset({"upload", "sha256"}))
    }
    if listed != {upload: hashlib.sha256(wrap).digest() for upload, wrap in wraps.items()}:
        raise EvidenceError(
            "the keys under the answer are not those that its author signed",
            hint="Ask for the file again; send it whole and unchanged.",
        )
    ceiling = form.count("ceiling")
    if (kind == "approved") != (ceiling > 0) or (kind == "declined" and wraps):
        raise EvidenceError("the answer says both yes and no")
    return partner, _Answer(
        kind=kind,
        campaign=CampaignName(form.slug("campaign")),
        digest=form.digest("campaign_digest"),
        ceiling=ceiling,
        until=form.moment("until"),
        at=form.instant("at"),
        note=whole,
        signature=note.signature_of(whole, verifier),
        wraps=wraps,
    )


def _split(text: str) -> tuple[str, dict[UploadDigest, bytes]]:
    """The signed part, and the wraps below it."""
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.startswith(_WRAP)), len(lines))
    if first == len(lines):
        return text, {}
    wraps: dict[UploadDigest, bytes] = {}
    for line in lines[first:]:
        if not line:
            continue
        mark, upload, wrap = (*line.split(" "), "", "")[:3]
        try:
            digest = UploadDigest(bytes.fromhex(upload))
            data = base64.b64decode(wrap, validate=True)
        except (ValueError, binascii.Error) as error:
            raise EvidenceError("a key under the answer is damaged") from error
        if mark != "=" or not grammar.is_a("hash", upload) or digest in wraps:
            raise EvidenceError("a key under the answer is damaged")
        wraps[digest] = data
    return "\n".join(lines[:first]) + "\n", wraps


def _second_line(whole: str) -> str:
    _, _, rest = whole.partition("\n")
    return rest.partition("\n")[0]


def _read(body: str) -> Form:
    return Form.read(body, what="answer", version=_FORMAT, fields=_FIELDS)


def _check(
    tx: Tx, campaign: CampaignRecord, partner: PartnerRecord, answer: _Answer, *, now: datetime
) -> None:
    if campaign.state in OVER or now > campaign.not_after:
        raise StateConflict(f"campaign {campaign.name} is over")
    if answer.digest != campaign.digest:
        changed = f"{campaign.created_at:%-d %b, %H:%M} UTC"
        raise PolicyRefused(
            f"{partner.slug} answered another text of {campaign.name} (changed on {changed})",
            hint=f"Send them a new request: consortium campaign request {campaign.name}",
        )
    if answer.until != campaign.not_after:
        raise EvidenceError("the answer does not end when the campaign does")
    before = [a for a in campaigns.answers(tx, campaign.id) if a.partner == partner.slug]
    if any(_signed_at(a) >= answer.at for a in before):
        raise StateConflict(
            f"{partner.slug} has given this answer, or a newer one, already",
            hint="Nothing was changed.",
        )


def _signed_at(answer: AnswerRecord) -> datetime:
    return _read(_second_line(answer.document)).instant("at")


def _add(
    tx: Tx, campaign: CampaignRecord, partner: PartnerRecord, answer: _Answer, *, now: datetime
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
