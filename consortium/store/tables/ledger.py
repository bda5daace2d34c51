"""The ledger: entries, tree, batches of leaves and checkpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, binary, pk, text, when

__all__ = ["Checkpoint", "LedgerBatch", "LedgerEntry", "LedgerLeaf", "LedgerNode"]


class LedgerEntry(Table, table=True):
    """One fact, as canonical bytes (RFC 8785)."""

    __tablename__ = "consortium_ledger_entry"
    id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))  # from 0
    data: bytes = binary()


class LedgerNode(Table, table=True):
    """Hashes of complete subtrees (RFC 6962), so that proofs need not read every entry."""

    __tablename__ = "consortium_ledger_node"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    hash: bytes = binary()


class LedgerBatch(Table, table=True):
    """Leaves that belong together. Without an entry they are staged: no fact yet, not shown."""

    __tablename__ = "consortium_ledger_batch"
    id: int | None = pk()
    entry: int | None = Field(
        default=None,
        sa_column=Column(Big, ForeignKey("consortium_ledger_entry.id"), nullable=True, unique=True),
    )


class LedgerLeaf(Table, table=True):
    """A per-record fact of a batch entry: the leaf's bytes; the entry holds the batch's root."""

    __tablename__ = "consortium_ledger_leaf"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    batch: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_ledger_batch.id"), primary_key=True)
    )
    position: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    data: bytes = binary()


class Checkpoint(Table, table=True):
    """Every checkpoint ever signed."""

    __tablename__ = "consortium_checkpoint"
    size: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    note: str = text()
    signed_at: datetime = when()
