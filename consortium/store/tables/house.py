"""Who takes part: the consortium itself, its partners and their send policies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Integer, UniqueConstraint
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, binary, pk, ref, text, when, word

__all__ = ["Partner", "Policy", "State"]


class State(Table, table=True):
    """One row: which consortium this is, and which merge generation is visible."""

    __tablename__ = "consortium_state"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = text()
    origin: str = text()
    card: str = text()  # the public card as published (docs/formats/cards.md)
    created_at: datetime = when()
    merge_generation: int = Field(default=0)


class Partner(Table, table=True):
    """An organisation with lists, keys and a send policy; the columns are its public card's."""

    __tablename__ = "consortium_partner"
    id: int | None = pk()
    slug: str = word(unique=True)
    name: str = text()
    postal_address: str = text()
    from_address: str = text()
    sign_key: bytes = binary()
    receive_key: bytes = binary()
    firewall_group: str = word()
    admitted_at: datetime = when()
    entry: int = Field(default=0, sa_column=Column(Big, nullable=False))


class Policy(Table, table=True):
    """One signed version of a partner's send policy; the highest version is in force."""

    __tablename__ = "consortium_policy"
    __table_args__ = (UniqueConstraint("partner_id", "version"),)
    id: int | None = pk()
    partner_id: int = ref("partner")
    version: int = Field(default=1)
    digest: bytes = binary()  # SHA-256 of the document's bytes
    document: str = text()  # TOML, as signed
    signature: bytes = binary()
    set_at: datetime = when()
    entry: int = Field(default=0, sa_column=Column(Big, nullable=False))
