"""Campaigns and partners' answers to them.

A campaign's document changes only while nothing of it has been sent, and then every answer to the
earlier text lapses. States move by `UPDATE … WHERE state IN …` with the count checked. Answers are
only ever added; the newest one of a partner counts, if it was given to the present text.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from consortium.errors import NotFound, StateConflict, quoted
from consortium.model import CampaignState, Channel, UploadState
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import CampaignName, EntryIndex, PartnerSlug, UploadDigest

__all__ = [
    "AnswerRecord",
    "CampaignRecord",
    "add",
    "add_answer",
    "all_of",
    "answers",
    "by_id",
    "change_state",
    "get",
    "latest_answers",
    "lock",
    "revise",
    "set_answer_entry",
    "set_entry",
    "upload_digests",
]

_campaign = metadata.tables["consortium_campaign"]
_approval = metadata.tables["consortium_approval"]
_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """A campaign as stored; times are aware UTC, `digest` is SHA-256 of the document."""

    id: int
    name: CampaignName
    document: str
    digest: bytes
    signature: bytes
    state: CampaignState
    reason: str | None
    channel: Channel
    starts_at: datetime
    ends_at: datetime
    not_after: datetime
    created_at: datetime  # of this text
    entry: EntryIndex


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One signed answer of a partner.

    Attributes:
        answer: `approved` or `declined`.
        ceiling: The most messages it covers; 0 for a decline.
        campaign_digest: What was answered.
        until: The end of an approval.
        document: The signed document, without the wraps.
    """

    id: int
    campaign_id: int
    partner_id: int
    partner: PartnerSlug
    answer: str
    ceiling: int
    campaign_digest: bytes
    until: datetime
    document: str
    at: datetime
    entry: EntryIndex

    @property
    def approved(self) -> bool:
        """Whether it is a yes."""
        return self.answer == "approved"


def add(
    tx: Tx,
    *,
    name: CampaignName,
    document: str,
    digest: bytes,
    signature: bytes,
    channel: Channel,
    starts_at: datetime,
    ends_at: datetime,
    not_after: datetime,
    created_at: datetime,
) -> int:
    """Insert a campaign in state `created`; returns its id. The entry is set by `set_entry`.

    Raises:
        StateConflict: There is one of that name.
    """
    statement = insert(_campaign).values(
        name=name,
        document=document,
        digest=digest,
        signature=signature,
        state=CampaignState.CREATED.value,
        reason=None,
        channel=channel.value,
        starts_at=starts_at,
        ends_at=ends_at,
        not_after=not_after,
        created_at=created_at,
        entry=0,
    )
    try:
        return int(tx.execute(statement.returning(_campaign.c.id)).scalar_one())
    except IntegrityError as error:
        raise StateConflict(
            f"there is a campaign {name} already",
            hint="Names are used once; choose another, e.g. with the year.",
        ) from error


def set_entry(tx: Tx, campaign_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records the campaign's creation."""
    tx.execute(update(_campaign).where(_campaign.c.id == campaign_id).values(entry=entry))


def get(tx: Tx, name: str) -> CampaignRecord:
    """The campaign of that name.

    Raises:
        NotFound: There is none.
    """
    row = tx.execute(select(_campaign).where(_campaign.c.name == name)).first()
    if row is None:
        raise NotFound(
            f"no campaign of that name: {quoted(name)}", hint="See: consortium campaign list"
        )
    return _record(row)


def by_id(tx: Tx, campaign_id: int) -> CampaignRecord:
    """The campaign with that id.

    Raises:
        NotFound: There is none.
    """
    row = tx.execute(select(_campaign).where(_campaign.c.id == campaign_id)).first()
    if row is None:
        raise NotFound(f"no campaign with the number {campaign_id}")
    return _record(row)


def all_of(tx: Tx) -> list[CampaignRecord]:
    """Every campaign, oldest first."""
    return [_record(row) for row in tx.execute(select(_campaign).order_by(_campaign.c.id))]


def lock(tx: Tx, campaign_id: int) -> CampaignRecord:
    """The campaign, with its row locked until the transaction ends (on SQLite all is locked)."""
    statement = select(_campaign).where(_campaign.c.id == campaign_id).with_for_update()
    return _record(tx.execute(statement).one())


def change_state(
    tx: Tx,
    campaign_id: int,
    *,
    allowed: Collection[CampaignState],
    to: CampaignState,
    reason: str | None = None,
) -> None:
    """Move a campaign on, if it is in one of the allowed states.

    Raises:
        StateConflict: It is in another one; names both.
    """
    statement = (
        update(_campaign)
        .where(_campaign.c.id == campaign_id, _campaign.c.state.in_([s.value for s in allowed]))
        .values(state=to.value, reason=reason)
    )
    if tx.execute(statement).rowcount != 1:
        found = by_id(tx, campaign_id)
        raise StateConflict(
            f"campaign {found.name} is {found.state.value}, so it cannot become {to.value}",
            hint=f"It would have to be {' or '.join(sorted(s.value for s in allowed))}.",
        )


def add_answer(
    tx: Tx,
    *,
    campaign_id: int,
    partner_id: int,
    answer: str,
    ceiling: int,
    campaign_digest: bytes,
    until: datetime,
    document: str,
    signature: bytes,
    at: datetime,
) -> int:
    """Insert an answer; returns its id. The entry is set by `set_answer_entry`."""
    statement = insert(_approval).values(
        campaign_id=campaign_id,
        partner_id=partner_id,
        answer=answer,
        ceiling=ceiling,
        campaign_digest=campaign_digest,
        until=until,
        document=document,
        signature=signature,
        at=at,
        entry=0,
    )
    return int(tx.execute(statement.returning(_approval.c.id)).scalar_one())


def set_answer_entry(tx: Tx, answer_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records an answer."""
    tx.execute(update(_approval).where(_approval.c.id == answer_id).values(entry=entry))


def answers(tx: Tx, campaign_id: int) -> list[AnswerRecord]:
    """Every answer to a campaign, oldest first."""
    statement = (
        select(_approval, _partner.c.slug)
        .join(_partner, _partner.c.id == _approval.c.partner_id)
        .where(_approval.c.campaign_id == campaign_id)
        .order_by(_approval.c.id)
    )
    return [_answer(row) for row in tx.execute(statement)]


def upload_digests(tx: Tx, partner_id: int) -> dict[UploadDigest, bool]:
    """Every upload of a partner, and whether it counts: what its answers may open."""
    statement = select(_upload.c.digest, _upload.c.state).where(
        _upload.c.partner_id == partner_id, _upload.c.state != UploadState.STAGED.value
    )
    return {
        UploadDigest(bytes(row.digest)): row.state == UploadState.ACTIVE.value
        for row in tx.execute(statement)
    }


def latest_answers(tx: Tx, campaign_id: int) -> dict[PartnerSlug, AnswerRecord]:
    """The newest answer of each partner that has answered.

    It counts if its `campaign_digest` is the campaign's: the text may have been revised since.
    """
    return {record.partner: record for record in answers(tx, campaign_id)}


def revise(
    tx: Tx,
    campaign_id: int,
    *,
    document: str,
    digest: bytes,
    signature: bytes,
    starts_at: datetime,
    ends_at: datetime,
    not_after: datetime,
    at: datetime,
) -> None:
    """Put a new text in the place of one of which nothing has been sent; answers to it lapse.

    Raises:
        StateConflict: It is being sent, or over.
    """
    before = (CampaignState.CREATED.value, CampaignState.PLANNED.value)
    statement = (
        update(_campaign)
        .where(_campaign.c.id == campaign_id, _campaign.c.state.in_(before))
        .values(
            document=document,
            digest=digest,
            signature=signature,
            state=CampaignState.CREATED.value,
            starts_at=starts_at,
            ends_at=ends_at,
            not_after=not_after,
            created_at=at,
        )
    )
    if tx.execute(statement).rowcount != 1:
        found = by_id(tx, campaign_id)
        raise StateConflict(
            f"campaign {found.name} is {found.state.value}, so its text stays as it is",
            hint="Stop it and create another one under a new name.",
        )


def _record(row: Row[Any]) -> CampaignRecord:
    return CampaignRecord(
        id=row.id,
        name=CampaignName(row.name),
        document=row.document,
        digest=bytes(row.digest),
        signature=bytes(row.signature),
        state=CampaignState(row.state),
        reason=row.reason,
        channel=Channel(row.channel),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        not_after=row.not_after,
        created_at=row.created_at,
        entry=EntryIndex(row.entry),
    )


def _answer(row: Row[Any]) -> AnswerRecord:
    return AnswerRecord(
        id=row.id,
        campaign_id=row.campaign_id,
        partner_id=row.partner_id,
        partner=PartnerSlug(row.slug),
        answer=row.answer,
        ceiling=row.ceiling,
        campaign_digest=bytes(row.campaign_digest),
        until=row.until,
        document=row.document,
        at=row.at,
        entry=EntryIndex(row.entry),
    )
