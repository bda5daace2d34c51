"""What every table is made of: metadata, instants, column shorthands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

__all__ = [
    "NEVER_REUSED",
    "Big",
    "Instant",
    "Table",
    "binary",
    "metadata",
    "pk",
    "ref",
    "text",
    "when",
    "word",
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


class Table(SQLModel):
    """A table of ours, apart from the application's own."""

    metadata = metadata


# SQLite numbers rows fastest in an INTEGER primary key; PostgreSQL needs 64 bits for that range.
Big = BigInteger().with_variant(Integer(), "sqlite")

# Messages outlive the rows and contact points they rest on, so a number must not come back. What
# SQLite would do by itself once the highest row is deleted, PostgreSQL's sequences never do.
NEVER_REUSED = {"sqlite_autoincrement": True}


def pk() -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """The number of a row."""
    return Field(default=None, sa_column=Column(Big, primary_key=True, autoincrement=True))


def ref(target: str, *, null: bool = False, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """The number of a row of another table."""
    return Field(
        default=None,
        sa_column=Column(Big, ForeignKey(f"consortium_{target}.id"), nullable=null, index=index),
    )


def when(*, null: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """An instant."""
    return Field(default=None, sa_column=Column(Instant, nullable=null))


def binary(*, null: bool = False, index: bool = False, unique: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """Bytes: a token, a digest, a sealed value, a key."""
    return Field(
        default=None, sa_column=Column(LargeBinary, nullable=null, index=index, unique=unique)
    )


def word(*, null: bool = False, unique: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """A short word of ours."""
    return Field(default=None, sa_column=Column(String(64), nullable=null, unique=unique))


def text(*, null: bool = False) -> Any:  # noqa: ANN401 - SQLModel types Field() so
    """Text of any length."""
    return Field(default=None, sa_column=Column(Text, nullable=null))
