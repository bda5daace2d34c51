"""The outbox: messages, attempts, limits and the mail that came back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, String, UniqueConstraint
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, pk, ref, when, word

__all__ = ["Attempt", "FeedbackMail", "Limit", "Message"]


class Message(Table, table=True):
    """The outbox. At most one message per campaign and contact point, for ever."""

    __tablename__ = "consortium_message"
    __table_args__ = (
        UniqueConstraint("campaign_id", "point_id"),
        Index("ix_consortium_message_state", "campaign_id", "state", "not_before"),
    )
    id: int | None = pk()  # called m-<id>
    campaign_id: int = ref("campaign")
    plan_id: int = ref("plan")
    number: int = Field(default=0, sa_column=Column(Big, nullable=False))  # of the plan's answer
    owner_id: int = ref("partner")
    row_id: int = Field(sa_column=Column(Big, nullable=False))  # survives the row's withdrawal
    point_id: int = Field(sa_column=Column(Big, nullable=False, index=True))
    channel: str = word()
    state: str = word()
    rule: str = word(null=True)  # of a stop
    reason: str = word(null=True)
    not_before: datetime = when()
    opt_out_code: str = word(unique=True)  # opaque; in the List-Unsubscribe address
    settled_at: datetime | None = when(null=True)  # when it reached a final state


class Attempt(Table, table=True):
    """One intent and what became of it. Without an outcome, it is `unknown` after a crash."""

    __tablename__ = "consortium_attempt"
    __table_args__ = (Index("ix_consortium_attempt_message_id", "message_id"),)
    id: int | None = pk()
    message_id: int = ref("message")
    intended_at: datetime = when()
    ended_at: datetime | None = when(null=True)
    outcome: str | None = word(null=True)  # accepted, rejected, later, not_handed_over, unknown
    code: str | None = word(null=True)  # the transport's reply code, e.g. "550 5.1.1"
    intent_entry: int = Field(default=0, sa_column=Column(Big, nullable=False))
    outcome_entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class Limit(Table, table=True):
    """State of one rate (GCRA): the theoretical arrival time of the next message."""

    __tablename__ = "consortium_limit"
    name: str = Field(sa_column=Column(String(128), primary_key=True))
    next_at: datetime = when()


class FeedbackMail(Table, table=True):
    """A mail already understood, so that reading a mailbox twice changes nothing."""

    __tablename__ = "consortium_feedback_mail"
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    read_at: datetime = when()
    kind: str = word()
