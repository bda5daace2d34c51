"""A partner's answer: made on its machine, recorded on the host.

An approval is a signed document and, below it, the keys: for each of the partner's lists the data
key, taken out of the owner's wrap and wrapped again to the vault key *for this campaign's digest
and until its end*. The signed part names every wrap by its SHA-256, so that none can be exchanged,
and holds no key itself: it can be shown to an auditor. A decline carries nothing.

    # consortium answer v1 for example.org/portland
    {"answer":"approved", …}

    — nurses Az3grlgt…
    = <upload digest> <wrap in base64>

The host's side is `consortium.campaign.record`. Format: docs/formats/approval.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from consortium.campaign.form import Form
from consortium.campaign.request import Request
from consortium.errors import EvidenceError, StateConflict, UsageError
from consortium.ledger import canonical, grammar, note
from consortium.ledger.canonical import JSON
from consortium.model import ConsortiumCard, PartnerCard
from consortium.types import CampaignName, PartnerSlug, UploadDigest
from consortium.vault import signed
from consortium.vault.wrap import campaign_purpose, open_owner_wrap, wrap_for_vault

__all__ = ["Answer", "approve", "author", "decline", "open_answer", "signed_at"]

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
class Answer:
    """An answer as read and verified.

    Attributes:
        kind: Yes or no.
        campaign, digest: To what.
        ceiling: The most messages it covers; 0 for a no.
        until: When a yes ends.
        at: When it was given, by the partner's clock.
        note, signature: The signed part, and its bare signature.
        wraps: The keys below it, by upload.
    """

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


def author(text: str) -> PartnerSlug:
    """Whom an answer says it is from: whose key must have signed it. Not yet a fact.

    Raises:
        EvidenceError: Not an answer.
    """
    whole, _ = _split(text)
    return PartnerSlug(_read(_second_line(whole)).slug("partner"))


def open_answer(text: str, *, partner: PartnerCard, origin: str) -> Answer:
    """Read and verify an answer.

    Args:
        text: The file.
        partner: The card of its author.
        origin: The consortium's identity.

    Raises:
        EvidenceError: Not an answer, altered, not signed by that partner, with keys that it does
            not name, or saying both yes and no.
    """
    whole, wraps = _split(text)
    verifier = signed.partner_verifier(partner)
    form = _read(signed.open_document("answer", whole, origin=origin, verifier=verifier))
    kind: Literal["approved", "declined"] = (
        "approved" if form.word("answer", "approved", "declined") == "approved" else "declined"
    )
    if form.slug("partner") != partner.slug:
        raise EvidenceError("the answer names somebody else than its signer")
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
    return Answer(
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


def signed_at(document: str) -> datetime:
    """When a stored answer was given, by its author's clock. Raises EvidenceError."""
    return _read(_second_line(document)).instant("at")


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
