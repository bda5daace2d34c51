"""Voter files and registers: whom they name, in which places, under which licence.

Of a voter's row nothing is in clear but which file it came with and a keyed digest of its id. Its
evidence, places, status and age are sealed under the match key, its history in rows apart, under
another digest; and rows are written in the order of their digests, so that neither their place in
the table nor any column says which line of the public file a row was.

A link says that a source row's person was found in the file, by the digest of the voter's id, which
cannot be told from a random number without the match key; and it names the places in clear, because
a plan is made without any key. Links end with their file. Who has voted outlives it, as contact
points that a campaign which asks people to vote leaves out: of the voter and the file nothing is in
them any more.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlmodel import Field

from consortium.store.tables.base import NEVER_REUSED, Big, Table, binary, pk, ref, text, when, word

__all__ = [
    "Place",
    "PlaceSet",
    "PlaceSetMember",
    "ReturnedList",
    "ReturnedVoter",
    "VotedPoint",
    "VoterHistory",
    "VoterLicence",
    "VoterLink",
    "VoterLoad",
    "VoterMatch",
    "VoterRow",
]


class VoterLoad(Table, table=True):
    """One voter file or register, loaded once; it counts while `active`, and before `ends_at`."""

    __tablename__ = "consortium_voter_load"
    __table_args__: ClassVar[Any] = NEVER_REUSED
    id: int | None = pk()  # called v-<id>
    digest: bytes = binary(index=True)  # SHA-256 of the file
    layout: str = word()
    register_name: str = word()
    state: str = word()  # "staged", "active", "ended"
    purposes: str = text()  # words joined by a blank
    until: date  # the last day of its use
    ends_at: datetime = when()  # when that day is over wherever its voters live
    salt: bytes = binary()  # of the key that seals its rows; empty once erased
    rows: int = Field(default=0)
    left_out: int = Field(default=0)  # not on the register any more, by their status
    rejected: int = Field(default=0)
    repeated: int = Field(default=0)
    history_rows: int = Field(default=0)
    frequencies: bytes | None = binary(null=True)  # of names and postcodes, sealed
    match_run: int = Field(default=0, sa_column=Column(Big, nullable=False))  # the one in use
    loaded_at: datetime = when()
    ended_at: datetime | None = when(null=True)
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    ended_entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class VoterLicence(Table, table=True):
    """A partner whose messages may rest on a load."""

    __tablename__ = "consortium_voter_licence"
    load_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_voter_load.id"), primary_key=True)
    )
    partner_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_partner.id"), primary_key=True)
    )


class VoterRow(Table, table=True):
    """One voter, sealed. `number` counts in the order written and is the seal's nonce."""

    __tablename__ = "consortium_voter_row"
    __table_args__ = (
        UniqueConstraint("load_id", "number"),
        Index("ix_consortium_voter_row_voter", "voter"),
        NEVER_REUSED,
    )
    id: int | None = pk()
    load_id: int = ref("voter_load")
    number: int = Field(default=0)
    voter: bytes = binary()  # 16 bytes: keyed digest of register and id
    sealed: bytes = binary()


class VoterHistory(Table, table=True):
    """Elections of one voter, sealed; `voter` is a digest of a label of its own."""

    __tablename__ = "consortium_voter_history"
    __table_args__ = (
        UniqueConstraint("load_id", "number"),
        Index("ix_consortium_voter_history_voter", "load_id", "voter"),
        NEVER_REUSED,
    )
    id: int | None = pk()
    load_id: int = ref("voter_load")
    number: int = Field(default=0)
    voter: bytes = binary()
    sealed: bytes = binary()


class Place(Table, table=True):
    """A place that voters live or work in; `path` holds its parents' codes, `NC/WAKE/01-01`."""

    __tablename__ = "consortium_place"
    __table_args__ = (UniqueConstraint("kind", "path"),)
    id: int | None = pk()
    kind: str = word()
    path: str = Field(sa_column=Column(String(255), nullable=False))
    name: str = text()


class PlaceSet(Table, table=True):
    """The places that some voters of a load have in common."""

    __tablename__ = "consortium_place_set"
    load_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_voter_load.id"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    voters: int = Field(default=0)


class PlaceSetMember(Table, table=True):
    """One place of a set, its ancestors being members as well."""

    __tablename__ = "consortium_place_set_member"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    load_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    place_id: int = Field(
        sa_column=Column(
            Big, ForeignKey("consortium_place.id"), primary_key=True, autoincrement=False
        )
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))


class VoterMatch(Table, table=True):
    """One run of the match of persons with a load."""

    __tablename__ = "consortium_voter_match"
    __table_args__: ClassVar[Any] = NEVER_REUSED
    id: int | None = pk()
    load_id: int = ref("voter_load", index=True)
    generation: int = Field(default=0)
    weights: str = word()  # which rules and weights judged
    lists_ended: int = Field(default=0)  # how many uploads had ended by then
    persons: int = Field(default=0)
    matched: int = Field(default=0)
    changed_rows: int = Field(default=0)
    started_at: datetime = when()
    finished_at: datetime | None = when(null=True)
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class VoterLink(Table, table=True):
    """A source row whose person was found in a load, from one match run until another.

    Visible at run r: `from_run <= r` and `to_run` is null or above r.
    """

    __tablename__ = "consortium_voter_link"
    __table_args__ = (
        Index("ix_consortium_voter_link_voter", "voter"),
        Index("ix_consortium_voter_link_load_id", "load_id", "place_set"),
    )
    row_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    load_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    from_run: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    to_run: int | None = Field(default=None, sa_column=Column(Big, nullable=True))
    voter: bytes = binary()  # 16 bytes
    place_set: int = Field(default=0)
    rule: str = word()


class ReturnedList(Table, table=True):
    """A list of who has voted, as the county or the union gave it on some day."""

    __tablename__ = "consortium_returned_list"
    __table_args__: ClassVar[Any] = NEVER_REUSED
    id: int | None = pk()
    register_name: str = word()
    digest: bytes = binary(index=True)  # SHA-256 of the file
    state: str = word()  # "staged", "active", "ended"
    as_of: datetime = when()
    read_at: datetime = when()
    ids: int = Field(default=0)
    unknown: int = Field(default=0)
    new: int = Field(default=0)
    entry: int | None = Field(default=None, sa_column=Column(Big, nullable=True))


class ReturnedVoter(Table, table=True):
    """A voter who has voted, by the digest that links know; counts while its list is active."""

    __tablename__ = "consortium_returned_voter"
    __table_args__ = (Index("ix_consortium_returned_voter_list_id", "list_id"),)
    voter: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    list_id: int = Field(
        sa_column=Column(Big, ForeignKey("consortium_returned_list.id"), primary_key=True)
    )


class VotedPoint(Table, table=True):
    """A contact point of somebody who had voted by a list when their voter file ended.

    Counts while its list is active. No foreign key on the point: its number never comes back.
    """

    __tablename__ = "consortium_voted_point"
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}  # SQLAlchemy's type is a union
    point_id: int = Field(sa_column=Column(Big, primary_key=True, autoincrement=False))
    list_id: int = Field(
        sa_column=Column(
            Big,
            ForeignKey("consortium_returned_list.id"),
            primary_key=True,
            autoincrement=False,
            index=True,
        )
    )
    load_id: int = Field(
        sa_column=Column(
            Big, ForeignKey("consortium_voter_load.id"), primary_key=True, autoincrement=False
        )
    )
