"""What happened to single messages: read for reports and provenance, never written here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from consortium.model import Channel, MessageState
from consortium.store.engine import Tx
from consortium.store.messages import message_id, message_name
from consortium.store.tables import metadata
from consortium.types import CampaignName, EntryIndex, MessageName, PartnerSlug

__all__ = ["AttemptRecord", "MessageRecord", "attempts", "consent_on", "message", "span"]

_message = metadata.tables["consortium_message"]
_attempt = metadata.tables["consortium_attempt"]
_campaign = metadata.tables["consortium_campaign"]
_partner = metadata.tables["consortium_partner"]
_row = metadata.tables["consortium_source_row"]


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message and where it stands.

    Attributes:
        plan_id, number: The plan it comes from, and its person's number in it.
        row_id: The source row it rests on, which may have been deleted since.
        rule, reason: Of one that was stopped.
    """

    name: MessageName
    campaign: CampaignName
    plan_id: int
    number: int
    owner: PartnerSlug
    row_id: int
    channel: Channel
    state: MessageState
    rule: str | None
    reason: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt to hand a message over, from 1; `outcome` is None while it is under way."""

    attempt: int
    intended_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    intent_entry: EntryIndex
    outcome_entry: EntryIndex | None


def message(tx: Tx, name: str) -> MessageRecord:
    """The message called so.

    Raises:
        NotFound: There is none.
    """
    statement = (
        select(_message, _campaign.c.name.label("campaign"), _partner.c.slug.label("owner"))
        .join(_campaign, _campaign.c.id == _message.c.campaign_id)
        .join(_partner, _partner.c.id == _message.c.owner_id)
        .where(_message.c.id == message_id(tx, name))
    )
    row = tx.execute(statement).one()
    return MessageRecord(
        name=message_name(row.id),
        campaign=CampaignName(row.campaign),
        plan_id=row.plan_id,
        number=row.number,
        owner=PartnerSlug(row.owner),
        row_id=row.row_id,
        channel=Channel(row.channel),
        state=MessageState(row.state),
        rule=row.rule,
        reason=row.reason,
        settled_at=row.settled_at,
    )


def attempts(tx: Tx, name: str) -> list[AttemptRecord]:
    """Every attempt to hand the message over, first to last."""
    statement = (
        select(_attempt)
        .where(_attempt.c.message_id == message_id(tx, name))
        .order_by(_attempt.c.id)
    )
    return [
        AttemptRecord(
            attempt=number,
            intended_at=row.intended_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            code=row.code,
            intent_entry=EntryIndex(row.intent_entry),
            outcome_entry=None if row.outcome_entry is None else EntryIndex(row.outcome_entry),
        )
        for number, row in enumerate(tx.execute(statement), start=1)
    ]


def consent_on(tx: Tx, row_id: int, *, channel: Channel) -> date | None:
    """The day of consent that the owner claims for a row; None if it says none, or is gone."""
    column = _row.c.email_on if channel is Channel.EMAIL else _row.c.sms_on
    found: date | None = tx.execute(select(column).where(_row.c.id == row_id)).scalar_one_or_none()
    return found


def span(tx: Tx, campaign_id: int) -> tuple[datetime, datetime] | None:
    """The first and the last intent of a campaign; None if there was none."""
    statement = (
        select(func.min(_attempt.c.intended_at), func.max(_attempt.c.intended_at))
        .join(_message, _message.c.id == _attempt.c.message_id)
        .where(_message.c.campaign_id == campaign_id)
    )
    first, last = tx.execute(statement).one()
    return None if first is None else (first, last)
