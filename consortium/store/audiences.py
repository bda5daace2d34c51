"""The rows a plan looks at, as columns: visible persons, their rows, points, bans and messages.

Everything here reads one consistent view and returns arrays (`audience_columns`); nothing is
decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select

from consortium.model import (
    Channel,
    ConsentBasis,
    MessageState,
    Places,
    Relationship,
    Scope,
    UploadState,
)
from consortium.store.audience_columns import (
    BanColumns,
    Numbered,
    PointColumns,
    PriorColumns,
    RowColumns,
    as_columns,
)
from consortium.store.engine import Tx
from consortium.store.memberships import visible
from consortium.store.suppressions import stands
from consortium.store.tables import metadata
from consortium.types import PartnerSlug, UploadDigest

__all__ = [
    "KeptMessage",
    "UploadFacts",
    "bans",
    "consenting_rows",
    "kept_messages",
    "points",
    "prior_messages",
    "rows",
    "unmerged_rows",
    "uploads",
]

_FETCH = 20_000
_KIND = {Channel.EMAIL: "email", Channel.SMS: "phone"}

_row = metadata.tables["consortium_source_row"]
_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_member = metadata.tables["consortium_membership"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]
_ban = metadata.tables["consortium_suppression"]
_message = metadata.tables["consortium_message"]
_attempt = metadata.tables["consortium_attempt"]


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """An active, unexpired upload with rows, of a partner of the campaign's firewall group."""

    id: int
    digest: UploadDigest
    list_name: str
    rows: int
    partner_id: int
    partner: PartnerSlug


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """A message of the campaign that re-planning leaves as it is."""

    id: int
    owner_id: int
    row_id: int
    point_id: int
    state: MessageState
    rule: str | None
    reason: str | None


def uploads(tx: Tx, *, group: str, day: date) -> list[UploadFacts]:
    """Uploads whose rows count on `day`, of the partners of a firewall group, by digest.

    A list of opt-outs alone has no rows: there is nothing in it to approve or to open.
    """
    statement = (
        select(
            _upload.c.id,
            _upload.c.digest,
            _upload.c.list_name,
            _upload.c.rows,
            _upload.c.partner_id,
            _partner.c.slug,
        )
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .where(
            _partner.c.firewall_group == group,
            _upload.c.state == UploadState.ACTIVE.value,
            _upload.c.rows > 0,
            or_(_upload.c.expires_on.is_(None), _upload.c.expires_on >= day),
        )
    )
    found = [
        UploadFacts(
            id=row.id,
            digest=UploadDigest(bytes(row.digest)),
            list_name=row.list_name,
            rows=row.rows,
            partner_id=row.partner_id,
            partner=PartnerSlug(row.slug),
        )
        for row in tx.execute(statement)
    ]
    return sorted(found, key=lambda upload: upload.digest)


def rows(
    tx: Tx, *, generation: int, among: Collection[UploadFacts], channel: Channel
) -> RowColumns:
    """The rows that make up the visible persons.

    Args:
        generation: The merge generation to see.
        among: Uploads; `RowColumns.upload` counts in their order.
        channel: Whose consent is wanted.
    """
    index = {upload.id: i for i, upload in enumerate(among)}
    mine, other = ("email", "sms") if channel is Channel.EMAIL else ("sms", "email")
    statement = (
        select(
            _row.c.id,
            _member.c.person_id,
            _row.c.number,
            _row.c.upload_id,
            _row.c.country,
            _row.c.state,
            _row.c.postcode,
            _row.c.zones,
            _row.c.relationship,
            _row.c[f"{mine}_basis"],
            _row.c[f"{mine}_on"],
            _row.c[f"{other}_basis"],
        )
        .join(_member, _member.c.row_id == _row.c.id)
        .where(visible(_member, generation), _row.c.upload_id.in_(index))
        .order_by(_row.c.id)
    )
    places: Numbered[Places] = Numbered()
    texts: Numbered[tuple[str, str, str]] = Numbered()
    zones: Numbered[str] = Numbered()
    relationships: Numbered[str] = Numbered()
    consents: Numbered[tuple[str, date | None]] = Numbered()
    none = ConsentBasis.NONE.value
    columns = as_columns(
        (
            (
                row,
                person,
                number,
                index[upload],
                texts((country, state, postcode)),
                zones(zone),
                relationships(relationship),
                consents((basis, on)),
                basis != none or other_basis != none,
            )
            for (
                row,
                person,
                number,
                upload,
                country,
                state,
                postcode,
                zone,
                relationship,
                basis,
                on,
                other_basis,
            ) in _stream(tx, statement)
        ),
        width=9,
    )
    for country, state, postcode in texts.values():
        places(Places(country=country, state=state, postcode=postcode))
    row, person, number, upload, place, zones_of, relationship, consent, live = columns
    return RowColumns(
        row=row,
        person=person,
        number=number,
        upload=upload,
        place=place,
        zones=zones_of,
        relationship=relationship,
        consent=consent,
        live=live.astype(bool),
        places=places.values(),
        zone_names=zones.values(),
        relationships=[Relationship(word) for word in relationships.values()],
        consents=[(ConsentBasis(basis), on) for basis, on in consents.values()],
    )


def consenting_rows(
    tx: Tx, *, among: Collection[UploadFacts], channel: Channel
) -> list[tuple[Places, int]]:
    """Rows of these uploads that claim consent on a channel, counted by place; merged or not."""
    basis = _row.c.email_basis if channel is Channel.EMAIL else _row.c.sms_basis
    places = (_row.c.country, _row.c.state, _row.c.postcode)
    statement = (
        select(*places, func.count())
        .where(
            _row.c.upload_id.in_([upload.id for upload in among]),
            basis != ConsentBasis.NONE.value,
        )
        .group_by(*places)
    )
    return [
        (Places(country=country, state=state, postcode=postcode), count)
        for country, state, postcode, count in tx.execute(statement)
    ]


def points(
    tx: Tx, *, generation: int, among: Collection[UploadFacts], channel: Channel
) -> PointColumns:
    """The contact points of a channel that visible rows of these uploads name."""
    statement = (
        select(_contact.c.row_id, _contact.c.point_id, _contact.c.position, _point.c.dead)
        .join(_point, _point.c.id == _contact.c.point_id)
        .join(_row, _row.c.id == _contact.c.row_id)
        .join(_member, _member.c.row_id == _row.c.id)
        .where(
            visible(_member, generation),
            _row.c.upload_id.in_([upload.id for upload in among]),
            _point.c.kind == _KIND[channel],
        )
    )
    row, point, position, dead = as_columns(_stream(tx, statement), width=4)
    return PointColumns(row=row, point=point, position=position, dead=dead.astype(bool))


def bans(tx: Tx) -> BanColumns:
    """Every suppression on a known contact point, whichever (epoch, profile) made its token."""
    statement = (
        select(_point.c.id, _ban.c.channel, _ban.c.scope, _ban.c.partner_id)
        .select_from(_point)
        .join(_ban, and_(_ban.c.token == _point.c.token, _ban.c.kind == _point.c.kind))
        .where(stands())
    )
    kinds: Numbered[tuple[Channel, int | None]] = Numbered()
    consortium = Scope.CONSORTIUM.value
    point, ban = as_columns(
        (
            (point, kinds((Channel(channel), None if scope == consortium else author)))
            for point, channel, scope, author in _stream(tx, statement)
        ),
        width=2,
    )
    return BanColumns(point=point, ban=ban, bans=kinds.values())


def prior_messages(tx: Tx, *, generation: int, since: datetime) -> PriorColumns:
    """Messages handed over since an instant, for every visible row that names their point.

    An attempt without an outcome, or with outcome `unknown`, may have been handed over: it counts.
    """
    statement = (
        select(_contact.c.row_id, _message.c.id, _attempt.c.intended_at, _message.c.channel)
        .join(_message, _message.c.id == _attempt.c.message_id)
        .join(_contact, _contact.c.point_id == _message.c.point_id)
        .join(_member, _member.c.row_id == _contact.c.row_id)
        .where(
            visible(_member, generation),
            _attempt.c.intended_at >= since,
            or_(_attempt.c.outcome.is_(None), _attempt.c.outcome.in_(["accepted", "unknown"])),
        )
    )
    messages: Numbered[tuple[int, datetime, str]] = Numbered()
    row, message = as_columns(
        (
            (row, messages((message, at, channel)))
            for row, message, at, channel in _stream(tx, statement)
        ),
        width=2,
    )
    found = [(at, Channel(channel)) for _, at, channel in messages.values()]
    return PriorColumns(row=row, message=message, messages=found)


def kept_messages(tx: Tx, campaign_id: int) -> list[KeptMessage]:
    """The campaign's messages that are more than an untouched `waiting`, oldest first."""
    tried = exists().where(_attempt.c.message_id == _message.c.id)
    statement = (
        select(
            _message.c.id,
            _message.c.owner_id,
            _message.c.row_id,
            _message.c.point_id,
            _message.c.state,
            _message.c.rule,
            _message.c.reason,
        )
        .where(
            _message.c.campaign_id == campaign_id,
            or_(_message.c.state != MessageState.WAITING.value, tried),
        )
        .order_by(_message.c.id)
    )
    return [
        KeptMessage(
            id=row.id,
            owner_id=row.owner_id,
            row_id=row.row_id,
            point_id=row.point_id,
            state=MessageState(row.state),
            rule=row.rule,
            reason=row.reason,
        )
        for row in tx.execute(statement)
    ]


def unmerged_rows(tx: Tx, *, generation: int, among: Collection[UploadFacts]) -> int:
    """Rows that no merge has seen yet; they belong to no person and get nothing."""
    merged = exists().where(_member.c.row_id == _row.c.id, visible(_member, generation))
    statement = select(func.count()).where(
        _row.c.upload_id.in_([upload.id for upload in among]), ~merged
    )
    return int(tx.execute(statement).scalar_one())


def _stream(tx: Tx, statement: Select[Any]) -> Iterator[Any]:
    for part in tx.execute(statement.execution_options(yield_per=_FETCH)).partitions():
        yield from part
