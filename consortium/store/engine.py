"""The one door to the database: reading, and writing by one writer at a time.

`Database` wraps an SQLAlchemy engine, its own or an application's. `read()` gives a consistent
view; `write()` is a short transaction that either happens as a whole or not at all. On SQLite a
write takes the single writer at once (`BEGIN IMMEDIATE`), so it waits at its beginning and never
fails half-way, and asks for it every millisecond, so that it gets in between two chunks of long
work; on PostgreSQL it runs at READ COMMITTED and verbs lock what they depend on.

Long work never sits inside `write()`: it writes invisible rows in chunks (`store.chunks`) and flips
them visible in one last short transaction (DESIGN, D1).

SQLite (`store.sqlite`): WAL, foreign keys, `secure_delete`, synchronous FULL (an intent must
survive a power cut before its message is handed over), files of mode 0600. An application's engine
keeps its own settings and its own way to begin a transaction: ours hold for as long as one of ours
is open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql import Executable

from consortium.errors import StoreFailure, UsageError
from consortium.store import sqlite
from consortium.store.chunks import chunked, give_way, in_chunks
from consortium.store.sqlite import BUSY_SECONDS

__all__ = ["Database", "Engine", "Tx", "chunked", "give_way", "in_chunks"]

_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}


@dataclass(frozen=True, slots=True)
class Tx:
    """An open transaction. Verbs of the store take one as their first argument."""

    connection: Connection
    writable: bool

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite; anything else is PostgreSQL."""
        return self.connection.dialect.name == "sqlite"

    @property
    def driver(self) -> Any:  # noqa: ANN401 - sqlite3's or psycopg's connection
        """The driver's own connection, for what is done for every row of a long list."""
        raw = self.connection.connection.driver_connection
        assert raw is not None
        return raw

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
        raw = self.driver
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            raw.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - names from our own tables
            return
        with raw.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)


_SAID = (
    (
        ("locked", "busy"),
        f"the database has been busy for {BUSY_SECONDS} s",
        "Another command is writing; run this one again when it has ended.",
    ),
    (
        ("disk is full", "no space", "disk full"),
        "the disk of the database is full",
        "Free some space and try again.",
    ),
    (
        ("readonly", "read-only"),
        "the database is read-only for this user",
        "Check owner and mode of its folder.",
    ),
    (
        ("not a database", "malformed"),
        "the database file is damaged or not a database",
        "Restore it from a backup.",
    ),
    (
        ("unable to open", "i/o error"),  # SQLite's file, or its log, which even reading makes
        "the database cannot be opened",
        "Check `database` in consortium.toml, and that its folder can be written to.",
    ),
    (
        ("connect",),
        "the database cannot be reached",
        "Check `database` in consortium.toml.",
    ),
)
"""What a driver says, in its words and in ours, with what to do."""


def _translate(error: Exception) -> StoreFailure:
    """Our words for what went wrong; never the driver's, which may quote values."""
    text = str(getattr(error, "orig", error)).lower()
    for theirs, ours, hint in _SAID:
        if any(words in text for words in theirs):
            return StoreFailure(ours, hint=hint)
    return StoreFailure(f"the database refused the work ({type(error).__name__})")


class Database:
    """A consortium's database.

    Args:
        engine: An application's SQLAlchemy engine for SQLite (sqlite3) or PostgreSQL (psycopg). It
            stays the application's: it is neither configured nor disposed of here.

    Attributes:
        made_file: Whether opening it made its SQLite file.

    Raises:
        UsageError: No support for such a database or driver.
    """

    def __init__(self, engine: Engine) -> None:
        _refuse_unsupported(engine.url)
        self.engine = engine
        self.made_file = False
        self._ours = False

    @classmethod
    def open(cls, url: str, *, must_exist: bool = False) -> Database:
        """Open by URL; `postgresql://` means the psycopg driver.

        Args:
            url: `sqlite:///PATH` or `postgresql://…`.
            must_exist: Refuse an SQLite file that is not there, instead of making an empty one.

        Raises:
            UsageError: The URL is malformed, or its driver is not installed.
            StoreFailure: The file is not there, or cannot be made.
        """
        made = False
        try:
            parsed = make_url(url)
            backend = parsed.get_backend_name()
            if parsed.drivername in _DRIVERS:
                parsed = parsed.set(drivername=f"{backend}+{_DRIVERS[backend]}")
            _refuse_unsupported(parsed)
            if backend == "sqlite":
                made = sqlite.find_or_make(parsed.database or ":memory:", must_exist=must_exist)
            arguments = {"timeout": BUSY_SECONDS} if backend == "sqlite" else {}
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
        if backend == "sqlite":
            event.listen(engine, "connect", sqlite.on_connect)
        database = cls(engine)
        database.made_file = made
        database._ours = True
        return database

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
    def write(self, *, durable: bool = True) -> Iterator[Tx]:
        """A short transaction: all of it, or, when the block raises, nothing.

        Args:
            durable: Whether it must survive a power cut once the block has ended. What is not yet
                visible need not: the durable transaction that makes it so forces it to the disk as
                well, and until then there is one wait less per chunk.

        Raises:
            StoreFailure: The database is busy, full, read-only or unreachable.
        """
        with self._transaction(writable=True, durable=durable) as tx:
            yield tx

    @contextmanager
    def _transaction(self, *, writable: bool, durable: bool = True) -> Iterator[Tx]:
        on_sqlite = self.engine.dialect.name == "sqlite"
        options: dict[str, Any] = {}
        if not on_sqlite:
            options["isolation_level"] = "READ COMMITTED" if writable else "REPEATABLE READ"
            options["postgresql_readonly"] = not writable
        try:
            with (
                self.engine.connect().execution_options(**options) as connection,
                sqlite.borrowed(connection) if on_sqlite and not self._ours else nullcontext(),
                sqlite.unforced(connection) if on_sqlite and not durable else nullcontext(),
                connection.begin(),
            ):
                if on_sqlite:
                    sqlite.begin(connection, writable=writable)
                elif not durable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield Tx(connection, writable)
        except (DBAPIError, self.engine.dialect.loaded_dbapi.Error) as error:  # `bulk` is bare
            raise _translate(error) from error

    def empty_log(self) -> bool:
        """Move what was written into the file, and leave SQLite's log of it without a byte.

        Until then the log may hold what has been deleted. Tries for about a second and never makes
        a writer wait; PostgreSQL sees to its log and to deleted rows by itself, later.

        Returns:
            Whether nothing is left in it. If somebody was reading from it all the time, the log
            goes when the last process closes the database.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        try:
            with self.engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                return sqlite.truncate_log(raw)
        except (DBAPIError, sqlite3.Error) as error:
            raise _translate(error) from error

    def move_log(self) -> None:
        """Between chunks of long work: move SQLite's log into the file, in nobody's way."""
        if self.engine.dialect.name != "sqlite":
            return
        try:
            with self.engine.connect() as connection:
                raw: Any = connection.connection.driver_connection
                sqlite.move_log(raw)
        except (DBAPIError, sqlite3.Error) as error:
            raise _translate(error) from error

    def close(self) -> None:
        """Give back every connection; an application's engine is left to the application."""
        if self._ours:
            self.engine.dispose()


def _refuse_unsupported(url: URL) -> None:
    kind = url.get_backend_name()
    driver = url.drivername.partition("+")[2] or _DRIVERS.get(kind)
    if kind not in _DRIVERS:
        what = f"databases of kind {kind}"
    elif driver != _DRIVERS[kind]:
        what = f"{kind} by the driver {driver}"
    elif kind == "sqlite" and (url.database or "").startswith("file:"):
        what = "SQLite files named by a URI"
    else:
        return
    raise UsageError(
        f"no support for {what}", hint="Use sqlite:///PATH or postgresql+psycopg://HOST/NAME"
    )
