"""What somebody who knows has said, and by which rules each generation was judged."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, binary, pk, ref, when, word

__all__ = ["MergeBasis", "NeverDecision", "NeverPair"]


class NeverDecision(Table, table=True):
    """One statement that certain rows are not the same people; or that takes such a one back."""

    __tablename__ = "consortium_never_decision"
    id: int | None = pk()
    said_by: str = word()  # "partner" or "operator"
    partner_id: int | None = ref("partner", null=True)  # of a partner's word, about its own rows
    digest: bytes | None = binary(null=True, unique=True)  # SHA-256 of the partner's signed note
    secret: bytes = binary()  # 32 bytes; salts of the ledger's commitments come from it
    at: datetime = when()
    entry: int = Field(default=0, sa_column=Column(Big, nullable=False))
    # Of pairs carried over to a newer upload: the statement that they come from, by id.
    follows: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    # The statement that this one takes back, by id, with all that follows it; then it has no pairs.
    takes_back: int | None = Field(
        default=None, sa_column=Column(Big, nullable=True, unique=True, index=True)
    )


class NeverPair(Table, table=True):
    """Two source rows that no person may hold both of. Survives the rows.

    By upload digest and row number, and, for rows that say the same in a later upload, by the keyed
    digest of what they say. `one_…` is the smaller of the two.
    """

    __tablename__ = "consortium_never_pair"
    decision_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_never_decision.id"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    one_upload: bytes = binary()
    one_number: int = Field(default=0)
    one_content: bytes = binary()
    other_upload: bytes = binary()
    other_number: int = Field(default=0)
    other_content: bytes = binary()


class MergeBasis(Table, table=True):
    """What a merge generation was judged by."""

    __tablename__ = "consortium_merge_basis"
    generation: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    rules: str = word()  # e.g. "rules-1", "rules-1-scored-1"
    decisions: int = Field(default=0, sa_column=Column(Big, nullable=False))  # the last one held
