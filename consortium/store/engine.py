"""The one door to the database: reading, and writing by one writer at a time.

`Database` wraps an SQLAlchemy engine, its own or an application's. `read()` gives a consistent
view; `write()` is a short transaction that either happens as a whole or not at all. On SQLite a
write takes the single writer at once (`BEGIN IMMEDIATE`), so it waits at its beginning and never
fails half-way; on PostgreSQL it runs at READ COMMITTED and verbs lock what they depend on.

Long work never sits inside `write()`: it writes invisible rows in chunks (`in_chunks`) and flips
them visible in one last short transaction (DESIGN, D1).

SQLite: WAL, foreign keys, `secure_delete`, synchronous FULL (an intent must survive a power cut
before its message is handed over), files of mode 0600.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.sql import Executable

from consortium.errors import StoreFailure, UsageError

__all__ = ["Database", "Engine", "Tx", "chunked", "in_chunks"]

_T = TypeVar("_T")
_CHUNK_SECONDS = 0.03  # DESIGN D1: no writer waits longer than 50 ms for a chunk
_BUSY_SECONDS = 30
_KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction. Verbs of the store take one as their first argument."""

    connection: Connection
    writable: bool

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite; anything else is PostgreSQL."""
        return self.connection.dialect.name == "sqlite"

    def execute(
        self,
        statement: Executable,
        parameters: Sequence[dict[str, Any]] | dict[str, Any] | None = None,
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one SQLAlchemy Core statement."""
        return self.connection.execute(statement, parameters)

    def bulk(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows without objects: `executemany` on SQLite, binary-safe COPY on PostgreSQL.

        Args:
            table: Full table name.
            columns: Column names, in the order of the values.
            rows: Values as the driver takes them: int, str, bytes, None, `datetime.date` as ISO
                text; instants as whole microseconds.
        """
        names = ", ".join(f'"{c}"' for c in columns)
        raw = self.connection.connection.driver_connection
        assert raw is not None
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            raw.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - names from our own tables
            return
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)


def _translate(error: SQLAlchemyError | sqlite3.Error) -> StoreFailure:
    """Our words for what went wrong; never the driver's, which may quote values."""
    text = str(getattr(error, "orig", error)).lower()
    if "locked" in text or "busy" in text:
        return StoreFailure(
            f"the database has been busy for {_BUSY_SECONDS} s",
            hint="Another command is writing; run this one again when it has ended.",
        )
    if "disk is full" in text or "no space" in text or "disk full" in text:
        return StoreFailure(
            "the disk of the database is full", hint="Free some space and try again."
        )
    if "readonly" in text or "read-only" in text:
        return StoreFailure(
            "the database is read-only for this user", hint="Check owner and mode of its folder."
        )
    if "not a database" in text or "malformed" in text:
        return StoreFailure(
            "the database file is damaged or not a database", hint="Restore it from a backup."
        )
    if "unable to open" in text or "connection" in text or "connect" in text:
        return StoreFailure(
            "the database cannot be reached", hint="Check `database` in consortium.toml."
        )
    return StoreFailure(f"the database refused the work ({type(error).__name__})")


class Database:
    """A consortium's database.

    Args:
        engine: An SQLAlchemy engine for SQLite or PostgreSQL. One that an application made is used
            as it is, apart from the connection settings named in the module's docstring.
    """

    def __init__(self, engine: Engine) -> None:
        if engine.dialect.name not in _KINDS:
            raise _unsupported(engine.dialect.name)
        self.engine = engine
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _on_sqlite_connect)
            event.listen(engine, "begin", _on_sqlite_begin)

    @classmethod
    def open(cls, url: str) -> Database:
        """Open by URL; `postgresql://` means the psycopg driver.

        Raises:
            UsageError: The URL is malformed, or its driver is not installed.
        """
        try:
            parsed = make_url(url)
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            if parsed.get_backend_name() not in _KINDS:
                raise _unsupported(parsed.get_backend_name())
            if parsed.drivername == "sqlite" and parsed.database:
                _create_private(Path(parsed.database))
            arguments = {"timeout": _BUSY_SECONDS} if parsed.drivername == "sqlite" else {}
            engine = create_engine(parsed, connect_args=arguments, hide_parameters=True)
        except ImportError as error:
            raise UsageError(
                "the PostgreSQL driver is not installed",
                hint="pip install 'contact-consortium[postgresql]'",
            ) from error
        except (ArgumentError, NoSuchModuleError) as error:
            raise UsageError(
                "the database URL is not one we understand",
                hint="Use sqlite:///PATH or postgresql+psycopg://HOST/NAME",
            ) from error
        return cls(engine)

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None."""
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return None
        return Path(self.engine.url.database)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent view of the database; nothing in it can write."""
        with self._transaction(writable=False) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A short transaction: all of it, or, when the block raises, nothing.

        Raises:
            StoreFailure: The database is busy, full, read-only or unreachable.
        """
        with self._transaction(writable=True) as tx:
            yield tx

    @contextmanager
    def _transaction(self, *, writable: bool) -> Iterator[Tx]:
        level = (
            None
            if self.engine.dialect.name == "sqlite"
            else ("READ COMMITTED" if writable else "REPEATABLE READ")
        )
        options: dict[str, Any] = {"consortium_write": writable}
        if level:
            options["isolation_level"] = level
            options["postgresql_readonly"] = not writable
        try:
            with (
                self.engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                yield Tx(connection, writable)
        except (DBAPIError, sqlite3.Error) as error:
            raise _translate(error) from error

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def _unsupported(kind: str) -> UsageError:
    return UsageError(
        f"no support for databases of kind {kind}",
        hint="Use sqlite:///PATH or postgresql+psycopg://HOST/NAME",
    )


def _create_private(path: Path) -> None:
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.fchmod(descriptor, 0o600)  # a umask may have taken away even our own bits
        os.close(descriptor)
    except OSError as error:
        if path.exists():  # another process was faster
            return
        raise StoreFailure(
            f"cannot create the database {path.name}", hint="Check owner and mode of its folder."
        ) from error


def _on_sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _on_sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("consortium_write", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def in_chunks(
    database: Database, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Insert many rows in transactions short enough for other writers (at most about 30 ms each).

    For invisible rows only: a crash leaves the chunks written so far.

    Returns:
        How many rows were inserted.
    """
    source = iter(rows)
    size, done = 500, 0
    while chunk := list(islice(source, size)):
        began = time.perf_counter()
        with database.write() as tx:
            tx.bulk(table, columns, chunk)
        spent = time.perf_counter() - began
        done += len(chunk)
        size = max(100, min(20_000, int(size * min(4.0, _CHUNK_SECONDS / max(spent, 1e-4)))))
    return done


def chunked(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size` items."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
