"""The tables: DESIGN's model as columns.

What is here in clear: tokens, places, dates and grounds of consent, states, counts. What is here
sealed: details, match blocks, record ids. What is never here: an address, a telephone number, a
name, a private key, a wrapped data key (those live in the wraps directory).

Every table name starts with `consortium_`, so that the tables can share a database with an
application's own. Instants are whole microseconds since 1970 UTC in a BIGINT (`Instant`): exact,
comparable, the same on SQLite and PostgreSQL. Days are ISO dates.

States are changed by `UPDATE … WHERE state = …` with the count checked; the words are those of
`consortium.model.kinds`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

__all__ = [
    "Answer",
    "Approval",
    "Attempt",
    "Campaign",
    "Checkpoint",
    "ContactPoint",
    "FeedbackMail",
    "Instant",
    "LedgerBatch",
    "LedgerEntry",
    "LedgerLeaf",
    "LedgerNode",
    "Limit",
    "Membership",
    "MergeRun",
    "Message",
    "OptOut",
    "Partner",
    "Plan",
    "Policy",
    "RowContact",
    "SourceRow",
    "State",
    "Suppression",
    "Upload",
    "metadata",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To microseconds; a naive datetime is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("naive datetime")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Back to an aware datetime."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class _Table(SQLModel):
    metadata = metadata


# SQLite numbers rows fastest in an INTEGER primary key; PostgreSQL needs 64 bits for that range.
_Big = BigInteger().with_variant(Integer(), "sqlite")

# Messages outlive the rows and contact points they rest on, so a number must not come back. What
# SQLite would do by itself once the highest row is deleted, PostgreSQL's sequences never do.
_NEVER_REUSED = {"sqlite_autoincrement": True}


def _pk() -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(default=None, sa_column=Column(_Big, primary_key=True, autoincrement=True))


def _ref(target: str, *, null: bool = False, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(
        default=None,
        sa_column=Column(_Big, ForeignKey(f"consortium_{target}.id"), nullable=null, index=index),
    )


def _when(*, null: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(default=None, sa_column=Column(Instant, nullable=null))


def _bytes(*, null: bool = False, index: bool = False, unique: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(
        default=None, sa_column=Column(LargeBinary, nullable=null, index=index, unique=unique)
    )


def _word(*, null: bool = False, unique: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(default=None, sa_column=Column(String(64), nullable=null, unique=unique))


def _text(*, null: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    return Field(default=None, sa_column=Column(Text, nullable=null))


class State(_Table, table=True):
    """One row: which consortium this is, and which merge generation is visible."""

    __tablename__ = "consortium_state"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = _text()
    origin: str = _text()
    card: str = _text()  # the public card as published (docs/formats/cards.md)
    created_at: datetime = _when()
    merge_generation: int = Field(default=0)


class Partner(_Table, table=True):
    """An organisation with lists, keys and a send policy; the columns are its public card's."""

    __tablename__ = "consortium_partner"
    id: int | None = _pk()
    slug: str = _word(unique=True)
    name: str = _text()
    postal_address: str = _text()
    from_address: str = _text()
    sign_key: bytes = _bytes()
    receive_key: bytes = _bytes()
    firewall_group: str = _word()
    admitted_at: datetime = _when()
    entry: int = Field(default=0, sa_column=Column(_Big, nullable=False))


class Policy(_Table, table=True):
    """One signed version of a partner's send policy; the highest version is in force."""

    __tablename__ = "consortium_policy"
    __table_args__ = (UniqueConstraint("partner_id", "version"),)
    id: int | None = _pk()
    partner_id: int = _ref("partner")
    version: int = Field(default=1)
    digest: bytes = _bytes()  # SHA-256 of the document's bytes
    document: str = _text()  # TOML, as signed
    signature: bytes = _bytes()
    set_at: datetime = _when()
    entry: int = Field(default=0, sa_column=Column(_Big, nullable=False))


class Upload(_Table, table=True):
    """One delivery of one list; the unit of undo. Its rows count only while it is `active`."""

    __tablename__ = "consortium_upload"
    __table_args__: ClassVar[Any] = _NEVER_REUSED
    id: int | None = _pk()
    digest: bytes = _bytes(unique=True)
    partner_id: int = _ref("partner", index=True)
    list_name: str = _text()
    origin: str = _text()  # layout the partner's file had, e.g. "action-network"
    obtained_on: date
    expires_on: date | None = None
    state: str = _word()
    signature: bytes = _bytes()
    data_salt: bytes = _bytes()  # row keys are HKDF(data key, this); fresh per intake
    match_salt: bytes = _bytes()  # the same for match blocks under the match key
    epoch: int = Field(default=1)  # token key epoch
    profile: int = Field(default=1)  # normalisation profile
    rows: int = Field(default=0)
    opt_outs: int = Field(default=0)
    rejected: int = Field(default=0)
    repeated: int = Field(default=0)
    added_at: datetime = _when()
    ended_at: datetime | None = _when(null=True)
    entry: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class ContactPoint(_Table, table=True):
    """A token of one kind in one key epoch and profile, and what was learnt about it."""

    __tablename__ = "consortium_contact_point"
    __table_args__ = (UniqueConstraint("token", "kind"), _NEVER_REUSED)
    id: int | None = _pk()
    kind: str = _word()  # "email" or "phone"
    token: bytes = _bytes()
    epoch: int = Field(default=1)
    profile: int = Field(default=1)
    role: bool = Field(default=False)  # names a function (info@, a toll-free line), not a person
    dead: bool = Field(default=False)


class SourceRow(_Table, table=True):
    """One accepted row of an upload, known for ever by upload digest and row number."""

    __tablename__ = "consortium_source_row"
    __table_args__ = (
        UniqueConstraint("upload_id", "number"),
        Index("ix_consortium_source_row_name_birth", "name_birth"),
        Index("ix_consortium_source_row_name_address", "name_address"),
        _NEVER_REUSED,
    )
    id: int | None = _pk()
    upload_id: int = _ref("upload")
    number: int = Field(default=0)
    content: bytes = _bytes()  # 16 bytes: keyed digest of the normalised row; canonical order
    relationship: str = _word()
    country: str = _word()
    state: str = _word()
    postcode: str = _word()
    zones: str = _text()  # IANA names joined by a space; empty: no evidence
    language: str = _word()
    email_basis: str = _word()
    email_on: date | None = None
    sms_basis: str = _word()
    sms_on: date | None = None
    name_birth: bytes | None = _bytes(null=True)  # composite: full name and birth date
    name_address: bytes | None = _bytes(null=True)  # composite: full name, house no., postcode
    match_block: bytes = _bytes()  # sealed under the match key
    details: bytes = _bytes()  # sealed under the upload's data key
    record_id: bytes | None = _bytes(null=True)  # sealed by the owner for itself


class RowContact(_Table, table=True):
    """Which contact points a source row names; position 0 is the one its owner prefers."""

    __tablename__ = "consortium_row_contact"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    point_id: int = Field(
        sa_column=Column(_Big, ForeignKey("consortium_contact_point.id"), primary_key=True)
    )
    row_id: int = Field(
        sa_column=Column(_Big, ForeignKey("consortium_source_row.id"), primary_key=True, index=True)
    )
    position: int = Field(default=0)


class MergeRun(_Table, table=True):
    """One merge generation; visible once `State.merge_generation` has reached it."""

    __tablename__ = "consortium_merge_run"
    generation: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    started_at: datetime = _when()
    finished_at: datetime | None = _when(null=True)
    rows: int = Field(default=0)
    persons: int = Field(default=0)
    changed_rows: int = Field(default=0)
    entry: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class Membership(_Table, table=True):
    """A row belongs to a person from one merge generation until, not including, another.

    Visible at generation g: `from_generation <= g` and `to_generation` is null or above g.
    """

    __tablename__ = "consortium_membership"
    row_id: int = Field(
        sa_column=Column(_Big, ForeignKey("consortium_source_row.id"), primary_key=True)
    )
    from_generation: int = Field(sa_column=Column(Integer, primary_key=True))
    to_generation: int | None = None
    person_id: int = Field(sa_column=Column(_Big, nullable=False, index=True))


class OptOut(_Table, table=True):
    """A recipient's own request, or an owner's record of one, as it was made."""

    __tablename__ = "consortium_opt_out"
    id: int | None = _pk()
    at: datetime = _when()
    channel: str = _word()
    scope: str = _word()
    partner_id: int | None = _ref("partner", null=True)  # of a partner-scope one
    cause: str = _word()
    author: str = _text()  # role and name of whoever entered it, never the recipient
    upload_id: int | None = _ref("upload", null=True)  # where it came in with a list
    message_id: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))
    entry: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class Suppression(_Table, table=True):
    """A standing ban on a token. Exists without any row, and nothing lifts it."""

    __tablename__ = "consortium_suppression"
    __table_args__ = (
        UniqueConstraint("token", "kind", "channel", "scope", "partner_id"),
        Index("ix_consortium_suppression_opt_out_id", "opt_out_id"),
    )
    id: int | None = _pk()
    token: bytes = _bytes()
    kind: str = _word()
    channel: str = _word()
    scope: str = _word()
    partner_id: int = Field(default=0)  # 0: consortium scope (a NULL would escape the constraint)
    opt_out_id: int = Field(sa_column=Column(_Big, ForeignKey("consortium_opt_out.id")))
    at: datetime = _when()


class Campaign(_Table, table=True):
    """One coordinated purpose and message. `digest` is what partners approve."""

    __tablename__ = "consortium_campaign"
    id: int | None = _pk()
    name: str = _word(unique=True)
    document: str = _text()  # TOML, as created
    digest: bytes = _bytes()
    signature: bytes = _bytes()  # the coordinator's, over the document
    state: str = _word()
    reason: str = _text(null=True)  # of a stop
    channel: str = _word()
    starts_at: datetime = _when()
    ends_at: datetime = _when()
    not_after: datetime = _when()
    created_at: datetime = _when()
    entry: int = Field(default=0, sa_column=Column(_Big, nullable=False))


class Approval(_Table, table=True):
    """A partner's signed answer to one campaign; the newest answer per pair counts."""

    __tablename__ = "consortium_approval"
    __table_args__ = (Index("ix_consortium_approval_campaign_id", "campaign_id", "partner_id"),)
    id: int | None = _pk()
    campaign_id: int = _ref("campaign")
    partner_id: int = _ref("partner")
    answer: str = _word()  # "approved" or "declined"
    ceiling: int = Field(default=0)
    campaign_digest: bytes = _bytes()
    until: datetime = _when()
    document: str = _text()  # as signed, without the wraps
    signature: bytes = _bytes()
    at: datetime = _when()
    entry: int = Field(default=0, sa_column=Column(_Big, nullable=False))


class Plan(_Table, table=True):
    """The frozen answers for every person of an audience. Only a `frozen` plan can be sent."""

    __tablename__ = "consortium_plan"
    id: int | None = _pk()
    campaign_id: int = _ref("campaign", index=True)
    state: str = _word()  # "drafting", "abandoned", "frozen", "superseded"
    digest: bytes | None = _bytes(null=True)  # root over the answers' leaves
    merge_generation: int = Field(default=0)
    order_key: bytes = _bytes()  # 32 bytes; fixes individuals given the flows
    flows: str = _text(null=True)  # canonical JSON: classes, flows, dual prices
    planned_at: datetime = _when()
    batch: int = _ref("ledger_batch")  # of the answers' leaves
    entry: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class Answer(_Table, table=True):
    """What a plan says of one person. `number` is the pseudonym used in decisions and leaves."""

    __tablename__ = "consortium_answer"
    plan_id: int = Field(sa_column=Column(_Big, ForeignKey("consortium_plan.id"), primary_key=True))
    number: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    person_id: int = Field(sa_column=Column(_Big, nullable=False))
    kind: str = _word()
    rule: str = _word(null=True)  # the rule kind that decided, e.g. "consent"
    reason: str = _word(null=True)  # a reason code of that rule
    by_partner_id: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))
    until: datetime | None = _when(null=True)  # deferred
    owner_id: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))
    row_id: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))
    point_id: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class Message(_Table, table=True):
    """The outbox. At most one message per campaign and contact point, for ever."""

    __tablename__ = "consortium_message"
    __table_args__ = (
        UniqueConstraint("campaign_id", "point_id"),
        Index("ix_consortium_message_state", "campaign_id", "state", "not_before"),
    )
    id: int | None = _pk()  # called m-<id>
    campaign_id: int = _ref("campaign")
    plan_id: int = _ref("plan")
    number: int = Field(default=0, sa_column=Column(_Big, nullable=False))  # of the plan's answer
    owner_id: int = _ref("partner")
    row_id: int = Field(sa_column=Column(_Big, nullable=False))  # survives the row's withdrawal
    point_id: int = Field(sa_column=Column(_Big, nullable=False, index=True))
    channel: str = _word()
    state: str = _word()
    rule: str = _word(null=True)  # of a stop
    reason: str = _word(null=True)
    not_before: datetime = _when()
    opt_out_code: str = _word(unique=True)  # opaque; in the List-Unsubscribe address
    settled_at: datetime | None = _when(null=True)  # when it reached a final state


class Attempt(_Table, table=True):
    """One intent and what became of it. Without an outcome, it is `unknown` after a crash."""

    __tablename__ = "consortium_attempt"
    __table_args__ = (Index("ix_consortium_attempt_message_id", "message_id"),)
    id: int | None = _pk()
    message_id: int = _ref("message")
    intended_at: datetime = _when()
    ended_at: datetime | None = _when(null=True)
    outcome: str | None = _word(null=True)  # accepted, rejected, later, not_handed_over, unknown
    code: str | None = _word(null=True)  # the transport's reply code, e.g. "550 5.1.1"
    intent_entry: int = Field(default=0, sa_column=Column(_Big, nullable=False))
    outcome_entry: int | None = Field(default=None, sa_column=Column(_Big, nullable=True))


class Limit(_Table, table=True):
    """State of one rate (GCRA): the theoretical arrival time of the next message."""

    __tablename__ = "consortium_limit"
    name: str = Field(sa_column=Column(String(128), primary_key=True))
    next_at: datetime = _when()


class FeedbackMail(_Table, table=True):
    """A mail already understood, so that reading a mailbox twice changes nothing."""

    __tablename__ = "consortium_feedback_mail"
    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    read_at: datetime = _when()
    kind: str = _word()


class LedgerEntry(_Table, table=True):
    """One fact, as canonical bytes (RFC 8785)."""

    __tablename__ = "consortium_ledger_entry"
    id: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))  # from 0
    data: bytes = _bytes()


class LedgerNode(_Table, table=True):
    """Hashes of complete subtrees (RFC 6962), so that proofs need not read every entry."""

    __tablename__ = "consortium_ledger_node"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    hash: bytes = _bytes()


class LedgerBatch(_Table, table=True):
    """Leaves that belong together. Without an entry they are staged: no fact yet, not shown."""

    __tablename__ = "consortium_ledger_batch"
    id: int | None = _pk()
    entry: int | None = Field(
        default=None,
        sa_column=Column(
            _Big, ForeignKey("consortium_ledger_entry.id"), nullable=True, unique=True
        ),
    )


class LedgerLeaf(_Table, table=True):
    """A per-record fact of a batch entry: the leaf's bytes; the entry holds the batch's root."""

    __tablename__ = "consortium_ledger_leaf"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    batch: int = Field(
        sa_column=Column(_Big, ForeignKey("consortium_ledger_batch.id"), primary_key=True)
    )
    position: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    data: bytes = _bytes()


class Checkpoint(_Table, table=True):
    """Every checkpoint ever signed."""

    __tablename__ = "consortium_checkpoint"
    size: int = Field(sa_column=Column(_Big, primary_key=True, autoincrement=False))
    note: str = _text()
    signed_at: datetime = _when()
