"""Opt-outs as people make them: by a mail that names a message, or by an address given to somebody.

`store.suppressions` makes them effective; here is what leads to them (which message an opaque code
belongs to, which mails have been read) and what can be said of them afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from consortium.model import Channel, Scope, UploadState
from consortium.store.engine import Tx
from consortium.store.rows import Point
from consortium.store.suppressions import KIND_OF, Request, stands
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug, Token, UploadDigest

__all__ = [
    "Addressee",
    "BanRecord",
    "OwnRecord",
    "bans",
    "by_code",
    "is_recorded",
    "mark_read",
    "set_entry",
    "told_to",
    "was_read",
]

_optout = metadata.tables["consortium_opt_out"]
_ban = metadata.tables["consortium_suppression"]
_partner = metadata.tables["consortium_partner"]
_message = metadata.tables["consortium_message"]
_point = metadata.tables["consortium_contact_point"]
_mail = metadata.tables["consortium_feedback_mail"]
_contact = metadata.tables["consortium_row_contact"]
_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]

_KINDS = {channel.value: kind for channel, kind in KIND_OF.items()}


@dataclass(frozen=True, slots=True)
class Addressee:
    """The contact point that a message was for."""

    message_id: int
    channel: Channel
    token: Token


@dataclass(frozen=True, slots=True)
class BanRecord:
    """A ban on a token, and the opt-out it comes from.

    Attributes:
        channel, scope: What it covers.
        partner: The author of a partner-scope one, else None.
        cause, author: Why, and at whose word.
        at: Since when.
        entry: The ledger entry that records the opt-out, or None: that of the list it came with.
    """

    channel: Channel
    scope: Scope
    partner: PartnerSlug | None
    cause: str
    author: str
    at: datetime
    entry: EntryIndex | None


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A source row whose owner is told that the contact point in it has opted out.

    Attributes:
        upload, list_name, number: Which row of which list.
        data_salt, details, record_id: Sealed to the owner, as stored.
        position: Which of the row's contact points of the channel's kind it is.
        channel, scope, cause, at: Of the opt-out.
    """

    upload: UploadDigest
    list_name: str
    number: int
    data_salt: bytes
    details: bytes
    record_id: bytes | None
    position: int
    channel: Channel
    scope: Scope
    cause: str
    at: datetime


def set_entry(tx: Tx, opt_out_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records an opt-out."""
    tx.execute(update(_optout).where(_optout.c.id == opt_out_id).values(entry=entry))


def is_recorded(tx: Tx, request: Request) -> bool:
    """Whether the same was asked for before.

    The same is: of this contact point, to this extent, and in answer to this message or to none.
    """
    statement = select(func.count()).where(
        _optout.c.named == request.named,
        _optout.c.channel == request.channel.value,
        _optout.c.scope == request.scope.value,
        _optout.c.partner_id.is_not_distinct_from(request.partner_id),
        _optout.c.message_id.is_not_distinct_from(request.message_id),
        _optout.c.upload_id.is_(None),
    )
    return bool(tx.execute(statement).scalar_one())


def bans(tx: Tx, points: Collection[Point]) -> list[BanRecord]:
    """Bans that stand on any of these tokens, oldest first."""
    statement = (
        select(_ban, _optout.c.cause, _optout.c.author, _optout.c.entry, _partner.c.slug)
        .join(_optout, _optout.c.id == _ban.c.opt_out_id)
        .outerjoin(_partner, _partner.c.id == _ban.c.partner_id)
        .where(tuple_(_ban.c.token, _ban.c.kind).in_([(token, kind) for kind, token in points]))
        .where(stands())
        .order_by(_ban.c.id)
    )
    return [
        BanRecord(
            channel=Channel(row.channel),
            scope=Scope(row.scope),
            partner=row.slug and PartnerSlug(row.slug),
            cause=row.cause,
            author=row.author,
            at=row.at,
            entry=None if row.entry is None else EntryIndex(row.entry),
        )
        for row in tx.execute(statement)
    ]


def told_to(tx: Tx, partner_id: int, *, since: datetime | None = None) -> list[OwnRecord]:
    """Rows of a partner's active lists that hold an address whose opt-out it may know of, in order.

    It may know of answers to messages in its own name, of requests that name it, and of those that
    somebody made to the whole consortium by their address. An answer to another partner's message
    would tell it that somebody else has the address too; what came with its own lists it knows.
    The contact point is the one that was named, not the others of the same person, which may
    have been found through others' rows.

    Args:
        tx: A transaction.
        partner_id: The owner.
        since: Only opt-outs made at or after this instant.
    """
    in_its_name = _message.c.owner_id == partner_id
    asked = and_(
        _optout.c.message_id.is_(None),
        or_(_optout.c.scope == Scope.CONSORTIUM.value, _optout.c.partner_id == partner_id),
    )
    statement = (
        select(
            _upload.c.digest,
            _upload.c.list_name,
            _row.c.number,
            _upload.c.data_salt,
            _row.c.details,
            _row.c.record_id,
            _contact.c.position,
            _optout.c.channel,
            _optout.c.scope,
            _optout.c.cause,
            _optout.c.at,
        )
        .select_from(_optout)
        .outerjoin(_message, _message.c.id == _optout.c.message_id)
        .join(_point, _point.c.token == _optout.c.named)
        .join(_contact, _contact.c.point_id == _point.c.id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .where(
            _optout.c.upload_id.is_(None),
            or_(in_its_name, asked),
            _point.c.kind == case(_KINDS, value=_optout.c.channel),
            _upload.c.partner_id == partner_id,
            _upload.c.state == UploadState.ACTIVE.value,
        )
        .order_by(_optout.c.id, _row.c.id, _contact.c.position)
    )
    if since is not None:
        statement = statement.where(_optout.c.at >= since)
    return [
        OwnRecord(
            upload=UploadDigest(bytes(row.digest)),
            list_name=row.list_name,
            number=row.number,
            data_salt=bytes(row.data_salt),
            details=bytes(row.details),
            record_id=None if row.record_id is None else bytes(row.record_id),
            position=row.position,
            channel=Channel(row.channel),
            scope=Scope(row.scope),
            cause=row.cause,
            at=row.at,
        )
        for row in tx.execute(statement)
    ]


def by_code(tx: Tx, code: str) -> Addressee | None:
    """Whom the message with an opt-out code was for, upper and lower case being one; or None."""
    statement = (
        select(_message.c.id, _message.c.channel, _point.c.token)
        .join(_point, _point.c.id == _message.c.point_id)
        .where(_message.c.opt_out_code.in_({code, code.lower(), code.upper()}))
    )
    row = tx.execute(statement).first()
    if row is None:
        return None
    return Addressee(row.id, Channel(row.channel), Token(bytes(row.token)))


def was_read(tx: Tx, digest: bytes) -> bool:
    """Whether a mail of this SHA-256 has been understood before."""
    statement = select(func.count()).where(_mail.c.digest == digest)
    return bool(tx.execute(statement).scalar_one())


def mark_read(tx: Tx, digest: bytes, *, kind: str, at: datetime) -> bool:
    """Note that a mail was understood; False if another process was faster.

    Args:
        tx: The transaction that does what the mail asks for.
        digest: SHA-256 of the mail.
        kind: What it was, one word.
        at: Now.
    """
    dialect = sqlite if tx.sqlite else postgresql
    statement = (
        dialect.insert(_mail)
        .values(digest=digest, kind=kind, read_at=at)
        .on_conflict_do_nothing()
        .returning(_mail.c.digest)
    )
    return tx.execute(statement).first() is not None
