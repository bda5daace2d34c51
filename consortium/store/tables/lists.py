"""What partners brought: uploads, source rows, contact points, and who said no."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from consortium.store.tables.base import NEVER_REUSED, Big, Table, binary, pk, ref, text, when, word

__all__ = [
    "ContactPoint",
    "OptOut",
    "RowContact",
    "RowKey",
    "SourceRow",
    "Suppression",
    "Upload",
]


class Upload(Table, table=True):
    """One delivery of one list; the unit of undo. Its rows count only while it is `active`."""

    __tablename__ = "consortium_upload"
    __table_args__: ClassVar[Any] = NEVER_REUSED
    id: int | None = pk()
    digest: bytes = binary(unique=True)
    partner_id: int = ref("partner", index=True)
    list_name: str = text()
    origin: str = text()  # layout the partner's file had, e.g. "action-network"
    obtained_on: date
    expires_on: date | None = None
    state: str = word()
    signature: bytes = binary()
    data_salt: bytes = binary()  # row keys are HKDF(data key, this); fresh per intake
    match_salt: bytes = binary()  # the same for match blocks under the match key
    epoch: int = Field(default=1)  # token key epoch
    profile: int = Field(default=1)  # normalisation profile
    rows: int = Field(default=0)
    opt_outs: int = Field(default=0)
    rejected: int = Field(default=0)
    repeated: int = Field(default=0)
    added_at: datetime = when()
    ended_at: datetime | None = when(null=True)
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class ContactPoint(Table, table=True):
    """A token of one kind in one key epoch and profile, and what was learnt about it."""

    __tablename__ = "consortium_contact_point"
    __table_args__ = (UniqueConstraint("token", "kind"), NEVER_REUSED)
    id: int | None = pk()
    kind: str = word()  # "email" or "phone"
    token: bytes = binary()
    epoch: int = Field(default=1)
    profile: int = Field(default=1)
    role: bool = Field(default=False)  # names a function (info@, a toll-free line), not a person
    dead: bool = Field(default=False)


class SourceRow(Table, table=True):
    """One accepted row of an upload, known for ever by upload digest and row number."""

    __tablename__ = "consortium_source_row"
    __table_args__ = (
        UniqueConstraint("upload_id", "number"),
        NEVER_REUSED,
    )
    id: int | None = pk()
    upload_id: int = ref("upload")
    number: int = Field(default=0)
    content: bytes = binary()  # 16 bytes: keyed digest of the normalised row; canonical order
    relationship: str = word()
    country: str = word()
    state: str = word()
    postcode: str = word()
    zones: str = text()  # IANA names joined by a space; empty: no evidence
    language: str = word()
    tags: str = text()  # those that the owner shares, joined by a space
    email_basis: str = word()
    email_on: date | None = None
    sms_basis: str = word()
    sms_on: date | None = None
    name_birth: bytes | None = binary(null=True)  # composite: full name and birth date
    name_address: bytes | None = binary(null=True)  # composite: full name, house no., postcode
    match_block: bytes = binary()  # sealed under the match key
    details: bytes = binary()  # sealed under the upload's data key
    record_id: bytes | None = binary(null=True)  # sealed by the owner for itself


class RowKey(Table, table=True):
    """Which source rows hold a composite: the index of `name_birth` and `name_address`.

    A table of its own, so that a list's composites can be written in their own order, after its
    rows: in the rows' order each would touch another page. No foreign key on the row, since looking
    for a row's composites starts with the row.
    """

    __tablename__ = "consortium_row_key"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    value: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    row_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))


class RowContact(Table, table=True):
    """Which contact points a source row names; position 0 is the one its owner prefers."""

    __tablename__ = "consortium_row_contact"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    point_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_contact_point.id"), primary_key=True)
    )
    # No foreign key on the row: written in the order of points, each would be looked up far away.
    row_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False, index=True))
    position: int = Field(default=0)


class OptOut(Table, table=True):
    """A recipient's own request, or an owner's record of one, as it was made.

    Those that came in with a list are one record for each channel and cause.
    """

    __tablename__ = "consortium_opt_out"
    id: int | None = pk()
    at: datetime = when()
    channel: str = word()
    scope: str = word()
    partner_id: int | None = ref("partner", null=True)  # of a partner-scope one
    cause: str = word()
    author: str = text()  # role and name of whoever entered it, never the recipient
    named: bytes | None = binary(null=True)  # the token it names; None: those of a list
    upload_id: int | None = ref("upload", null=True, index=True)  # where it came in with a list
    message_id: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class Suppression(Table, table=True):
    """A standing ban on a token. Exists without any row, and nothing lifts it.

    One that comes in with a list stands from the moment its upload counts (`suppressions.stands`);
    the list is part of what makes it one, so that it cannot take another's place before.
    """

    __tablename__ = "consortium_suppression"
    __table_args__ = (
        UniqueConstraint(
            "token",
            "kind",
            "channel",
            "scope",
            "partner_id",
            "upload_id",
            name="uq_consortium_suppression_token",
        ),
        Index("ix_consortium_suppression_opt_out_id", "opt_out_id"),
    )
    id: int | None = pk()
    token: bytes = binary()
    kind: str = word()
    channel: str = word()
    scope: str = word()
    partner_id: int = Field(default=0)  # 0: consortium scope (a NULL would escape the constraint)
    upload_id: int = Field(default=0, sa_column=Column(Big, nullable=False))  # 0: of no list
    opt_out_id: int = Field(sa_column=Column(Big, ForeignKey("consortium_opt_out.id")))
    at: datetime = when()
