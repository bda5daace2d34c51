"""Campaigns, the answers of partners, plans and what they say of each person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, binary, pk, ref, text, when, word

__all__ = ["Answer", "Approval", "Campaign", "Plan"]


class Campaign(Table, table=True):
    """One coordinated purpose and message. `digest` is what partners approve."""

    __tablename__ = "consortium_campaign"
    id: int | None = pk()
    name: str = word(unique=True)
    document: str = text()  # TOML, as created
    digest: bytes = binary()
    signature: bytes = binary()  # the coordinator's, over the document
    state: str = word()
    reason: str = text(null=True)  # of a stop
    channel: str = word()
    starts_at: datetime = when()
    ends_at: datetime = when()
    not_after: datetime = when()
    created_at: datetime = when()
    entry: int = Field(default=0, sa_column=Column(Big, nullable=False))


class Approval(Table, table=True):
    """A partner's signed answer to one campaign; the newest answer per pair counts."""

    __tablename__ = "consortium_approval"
    __table_args__ = (Index("ix_consortium_approval_campaign_id", "campaign_id", "partner_id"),)
    id: int | None = pk()
    campaign_id: int = ref("campaign")
    partner_id: int = ref("partner")
    answer: str = word()  # "approved" or "declined"
    ceiling: int = Field(default=0)
    campaign_digest: bytes = binary()
    until: datetime = when()
    document: str = text()  # as signed, without the wraps
    signature: bytes = binary()
    at: datetime = when()
    entry: int = Field(default=0, sa_column=Column(Big, nullable=False))


class Plan(Table, table=True):
    """The frozen answers for every person of an audience. Only a `frozen` plan can be sent."""

    __tablename__ = "consortium_plan"
    id: int | None = pk()
    campaign_id: int = ref("campaign", index=True)
    state: str = word()  # "drafting", "abandoned", "frozen", "superseded"
    digest: bytes | None = binary(null=True)  # root over the answers' leaves
    merge_generation: int = Field(default=0)
    order_key: bytes = binary()  # 32 bytes; fixes individuals given the flows
    flows: str = text(null=True)  # canonical JSON: classes, flows, dual prices
    planned_at: datetime = when()
    batch: int = ref("ledger_batch")  # of the answers' leaves
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class Answer(Table, table=True):
    """What a plan says of one person. `number` is the pseudonym used in decisions and leaves."""

    __tablename__ = "consortium_answer"
    plan_id: int = Field(sa_column=Column(Big, ForeignKey("consortium_plan.id"), primary_key=True))
    number: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    person_id: int = Field(sa_column=Column(Big, nullable=False))
    kind: str = word()
    rule: str = word(null=True)  # the rule kind that decided, e.g. "consent"
    reason: str = word(null=True)  # a reason code of that rule
    by_partner_id: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    until: datetime | None = when(null=True)  # deferred
    owner_id: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    row_id: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    point_id: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
