"""Which rows are one human, in which merge generation."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Index, Integer, text
from sqlmodel import Field

from consortium.store.tables.base import Big, Table, when

__all__ = ["Membership", "MergeRun", "PersonRow"]


class MergeRun(Table, table=True):
    """One merge generation; visible once `State.merge_generation` has reached it."""

    __tablename__ = "consortium_merge_run"
    generation: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    started_at: datetime = when()
    finished_at: datetime | None = when(null=True)
    rows: int = Field(default=0)
    persons: int = Field(default=0)
    changed_rows: int = Field(default=0)
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class Membership(Table, table=True):
    """A row belongs to a person from one merge generation until, not including, another.

    Visible at generation g: `from_generation <= g` and `to_generation` is null or above g.
    """

    __tablename__ = "consortium_membership"
    __table_args__: ClassVar[Any] = (  # SQLAlchemy's type is a union
        Index(
            "ix_consortium_membership_to_generation",
            "to_generation",
            sqlite_where=text("to_generation IS NOT NULL"),
            postgresql_where=text("to_generation IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )
    row_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_source_row.id"), primary_key=True)
    )
    from_generation: int = Field(sa_column=Column(Integer, primary_key=True))
    to_generation: int | None = None
    person_id: int = Field(sa_column=Column(Big, nullable=False))


class PersonRow(Table, table=True):
    """Every row that has ever been of a person: the index of memberships by person.

    A table of its own, written in its own order once the memberships of a generation are: in the
    rows' order each person would touch another page. It says nothing of generations, so whoever
    comes through it looks at the membership.
    """

    __tablename__ = "consortium_person_row"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    person_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    row_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
