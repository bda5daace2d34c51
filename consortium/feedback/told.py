"""What an owner is told of opt-outs: its own records, and only those.

The host writes one signed file for a partner: for each of its own rows whose address has opted out,
the row, the sealed record id, the sealed details and the owner's wrap of their key. All of it is
sealed to the owner, so the file tells its carrier how many there are and nothing more. The partner
opens it with its own key and writes what its CRM takes in (`feedback.shapes`).

Who is told what: `store.opt_outs.told_to`. Every night the same file may be made again from the
same day on; what was taken in before does no harm. Format: docs/formats/opt-outs.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from consortium.campaign.form import Form
from consortium.clock import Clock
from consortium.errors import BadFile, EvidenceError, StateConflict, UsageError
from consortium.feedback.optouts import CAUSES
from consortium.ledger import canonical, grammar
from consortium.ledger.canonical import JSON
from consortium.ledger.strict import to_base64
from consortium.model import Channel, ConsortiumCard, Scope
from consortium.pack.record_ids import RecordIdOpener
from consortium.store import opt_outs, partners
from consortium.store.engine import Database
from consortium.store.opt_outs import OwnRecord
from consortium.types import PartnerSlug, Pii, UploadDigest
from consortium.vault import signed
from consortium.vault.seal import Details, RowOpener, SealContext
from consortium.vault.wrap import open_owner_wrap
from consortium.vault.wraps import OWNER, WrapStore

__all__ = ["KIND", "MOST", "OwnOptOut", "open_told", "tell"]

KIND: Final = "opt-outs"
MOST: Final = 20_000
"""Opt-outs in one file; more are asked for in parts, by day."""

_FORMAT: Final = 1
_FIELDS: Final = frozenset({"at", "partner", "since", "uploads"})
_UPLOAD: Final = frozenset({"list", "records", "salt", "upload", "wrap"})
_RECORD: Final = frozenset(
    {"at", "cause", "channel", "details", "number", "position", "record_id", "scope"}
)


@dataclass(frozen=True, slots=True)
class OwnOptOut:
    """An opt-out as its owner reads it.

    Attributes:
        list_name, number: Which row of which of its lists.
        record_id: The system's own id of the record; None if the list had none.
        address: The e-mail address or telephone number that opted out.
        channel: Of what they want no more.
        everybody: Whether they want nothing from anybody, or nothing from this owner.
        cause: One word of `CAUSES`.
        on: The day (UTC).
    """

    list_name: str
    number: int
    record_id: Pii | None
    address: Pii | None
    channel: Channel
    everybody: bool
    cause: str
    on: date


def tell(
    database: Database,
    partner: str,
    *,
    card: ConsortiumCard,
    ledger_key: bytes,
    wraps: WrapStore,
    clock: Clock,
    since: datetime | None = None,
) -> tuple[str, int]:
    """The file for one partner, and how many opt-outs are in it.

    Args:
        database: The system of record.
        partner: Whose records.
        card: The consortium's public card.
        ledger_key: Signs the file; 32 raw bytes.
        wraps: Where the owners' wraps lie.
        clock: Tells the time.
        since: Only opt-outs made at or after this instant.

    Raises:
        NotFound: No such partner.
        StateConflict: More than `MOST`.
        EvidenceError: The owner's wrap of one of its lists is missing.
    """
    with database.read() as tx:
        owner = partners.get(tx, PartnerSlug(partner))
        found = opt_outs.told_to(tx, owner.id, since=since)
    if len(found) > MOST:
        raise StateConflict(
            f"{partner} has more than {MOST:,} opt-outs to be told of",
            hint="Ask for those since a later day: --since YYYY-MM-DD.",
        )
    lists: dict[UploadDigest, list[OwnRecord]] = {}
    for record in found:
        lists.setdefault(record.upload, []).append(record)
    body: JSON = {
        "format": _FORMAT,
        "at": grammar.moment(clock.now()),
        "since": None if since is None else grammar.moment(since),
        "partner": str(owner.slug),
        "uploads": [_upload(records, wraps) for records in lists.values()],
    }
    signer = signed.ledger_signer(card.origin, ledger_key=ledger_key)
    text = canonical.encode(body).decode()
    return signed.sign_document(KIND, text, origin=card.origin, signer=signer), len(found)


def open_told(
    text: str, *, partner: PartnerSlug, card: ConsortiumCard, receive_key: bytes
) -> list[OwnOptOut]:
    """Read and open the file, on the partner's side.

    Args:
        text: The file.
        partner: Who reads it.
        card: The consortium's card, whose fingerprint has been compared.
        receive_key: The partner's private `receive` key, 32 raw bytes.

    Raises:
        BadFile: It is another kind of file.
        UsageError: It is for another partner.
        EvidenceError: Altered, not of this consortium, or something in it is not sealed to this
            partner.
    """
    if not text.startswith(f"# consortium {KIND} "):
        raise BadFile(
            "this is no file of opt-outs",
            hint="Give the file that the host wrote with: consortium optout export",
        )
    verifier = signed.ledger_verifier(card)
    body = signed.open_document(KIND, text, origin=card.origin, verifier=verifier)
    form = Form.read(body, what="file of opt-outs", version=_FORMAT, fields=_FIELDS)
    if form.slug("partner") != partner:
        raise UsageError(
            f"the opt-outs are for {form.slug('partner')}, not for {partner}",
            hint=f"Ask the host for your own: consortium optout export {partner}",
        )
    ids = RecordIdOpener(key=receive_key, origin=card.origin, owner=partner)
    return [
        opened
        for upload in form.parts("uploads", fields=_UPLOAD)
        for opened in _open(upload, ids, partner=partner, origin=card.origin, key=receive_key)
    ]


def _upload(records: list[OwnRecord], wraps: WrapStore) -> JSON:
    first = records[0]
    wrap = wraps.get(OWNER, upload=first.upload)
    if wrap is None:
        raise EvidenceError(
            f"the owner's wrap of list {first.list_name} is missing",
            hint="Restore the wraps from a backup, or ask the owner to pack the list again.",
        )
    return {
        "upload": first.upload.hex(),
        "list": first.list_name,
        "salt": to_base64(first.data_salt),
        "wrap": to_base64(wrap),
        "records": [
            {
                "number": record.number,
                "position": record.position,
                "details": to_base64(record.details),
                "record_id": to_base64(record.record_id or b""),
                "channel": record.channel.value,
                "scope": record.scope.value,
                "cause": record.cause,
                "at": grammar.moment(record.at),
            }
            for record in records
        ],
    }


def _open(
    upload: Form, ids: RecordIdOpener, *, partner: PartnerSlug, origin: str, key: bytes
) -> Iterator[OwnOptOut]:
    digest = UploadDigest(upload.digest("upload"))
    data_key = open_owner_wrap(
        upload.data("wrap"), key=key, origin=origin, owner=partner, upload=digest
    )
    context = SealContext(origin, partner, digest)
    opener = RowOpener(data_key, label="details", salt=upload.data("salt"), context=context)
    for record in upload.parts("records", fields=_RECORD):
        number, position = record.count("number"), record.count("position")
        channel = Channel(record.word("channel", *(c.value for c in Channel)))
        details = Details.decode(opener.open(record.data("details"), number=number))
        addresses = details.emails if channel is Channel.EMAIL else details.phones
        sealed = record.data("record_id")
        yield OwnOptOut(
            list_name=upload.text("list"),
            number=number,
            record_id=ids.open(sealed, number=number) if sealed else None,
            address=addresses[position] if position < len(addresses) else None,
            channel=channel,
            everybody=record.word("scope", *(s.value for s in Scope)) == Scope.CONSORTIUM.value,
            cause=record.word("cause", *CAUSES),
            on=record.moment("at").date(),
        )
