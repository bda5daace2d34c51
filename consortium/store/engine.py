"""The one door to the database: reading, and writing by one writer at a time.

`Database` wraps an SQLAlchemy engine, its own or an application's. `read()` gives a consistent
view; `write()` is a short transaction that either happens as a whole or not at all. On SQLite a
write takes the single writer at once (`BEGIN IMMEDIATE`), so it waits at its beginning and never
fails half-way, and asks for it every millisecond, so that it gets in between two chunks of long
work; on PostgreSQL it runs at READ COMMITTED and verbs lock what they depend on.

Long work never sits inside `write()`: it writes invisible rows in chunks (`in_chunks`) and flips
them visible in one last short transaction (DESIGN, D1).

SQLite: WAL, foreign keys, `secure_delete`, synchronous FULL (an intent must survive a power cut
before its message is handed over), files of mode 0600. An application's engine keeps its own
settings and its own way to begin a transaction: ours hold for as long as one of ours is open.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql import Executable

from consortium.errors import StoreFailure, UsageError

__all__ = ["Database", "Engine", "Tx", "chunked", "give_way", "in_chunks"]

_T = TypeVar("_T")
_CHUNK_SECONDS = 0.03  # DESIGN D1: no writer waits longer than 50 ms for a chunk
_BUSY_SECONDS = 30
_FULL = 2  # of SQLite's `synchronous`
_LENT = {
    "busy_timeout": _BUSY_SECONDS * 1000,
    "foreign_keys": 1,
    "secure_delete": 1,
    "synchronous": _FULL,
}
"""Settings of a connection that an application lends us."""
_ASK_SECONDS = 0.001
_LOG_ATTEMPTS, _LOG_PAUSE_SECONDS = 50, 0.02
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


def _translate(error: Exception) -> StoreFailure:
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
                made = _find_or_make(parsed.database or ":memory:", must_exist=must_exist)
            arguments = {"timeout": _BUSY_SECONDS} if backend == "sqlite" else {}
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
            event.listen(engine, "connect", _on_sqlite_connect)
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
        sqlite = self.engine.dialect.name == "sqlite"
        options: dict[str, Any] = {}
        if not sqlite:
            options["isolation_level"] = "READ COMMITTED" if writable else "REPEATABLE READ"
            options["postgresql_readonly"] = not writable
        try:
            with (
                self.engine.connect().execution_options(**options) as connection,
                _borrowed(connection) if sqlite and not self._ours else nullcontext(),
                _unforced(connection) if sqlite and not durable else nullcontext(),
                connection.begin(),
            ):
                if sqlite:
                    _begin(connection, writable=writable)
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
                return _truncate_log(raw)
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


def _find_or_make(name: str, *, must_exist: bool) -> bool:
    """Whether the SQLite file had to be made."""
    path = Path(name)
    if name == ":memory:":
        raise UsageError(
            "a database in memory is gone when the program ends", hint="Use sqlite:///PATH"
        )
    if path.exists():
        return False
    if must_exist:
        raise StoreFailure(
            f"there is no database {path.name}",
            hint="Check `database` in consortium.toml, or restore it from a backup.",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.fchmod(descriptor, 0o600)  # a umask may have taken away even our own bits
        os.close(descriptor)
    except OSError as error:
        if path.exists():  # another process was faster
            return False
        raise StoreFailure(
            f"cannot create the database {path.name}", hint="Check owner and mode of its folder."
        ) from error
    return True


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


def _begin(connection: Connection, *, writable: bool) -> None:
    raw: Any = connection.connection.driver_connection
    if writable:
        _take_writer(raw)
    else:
        raw.execute("BEGIN").close()


@contextmanager
def _borrowed(connection: Connection) -> Iterator[None]:
    """Our settings on an application's SQLite connection, and its own again afterwards.

    Only WAL stays: it is a property of the file, and readers would else wait for our writes.
    """
    raw: Any = connection.connection.driver_connection

    def pragma(text: str) -> Any:  # noqa: ANN401 - an integer, or for WAL a word
        row = raw.execute(f"PRAGMA {text}").fetchone()
        return row and row[0]

    before, way = {name: pragma(name) for name in _LENT}, raw.isolation_level
    raw.isolation_level = None  # we say BEGIN ourselves
    pragma("journal_mode=WAL")
    for name, value in _LENT.items():
        pragma(f"{name}={value}")
    try:
        yield
    finally:
        for name, value in before.items():
            pragma(f"{name}={value}")
        raw.isolation_level = way


def _take_writer(connection: sqlite3.Connection) -> None:
    """Wait for the writer as long as the connection's `busy_timeout` says.

    SQLite's own way of waiting comes to ask every 0.1 s only, and somebody who writes chunk after
    chunk is seldom between two of them at that moment: a second of waiting was measured.
    """
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()  # ms
    until = time.monotonic() + patience / 1000
    connection.execute("PRAGMA busy_timeout = 0").close()
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE").close()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > until:
                    raise
                time.sleep(_ASK_SECONDS)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}").close()


@contextmanager
def _unforced(connection: Connection) -> Iterator[None]:
    """No sync of the log at the end of a transaction; the next one that has it covers this one."""
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA synchronous = NORMAL").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous = FULL").close()


def _truncate_log(connection: sqlite3.Connection) -> bool:
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()  # ms
    connection.execute("PRAGMA busy_timeout = 0").close()  # waiting would keep writers out
    try:
        for _ in range(_LOG_ATTEMPTS):
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            time.sleep(_LOG_PAUSE_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}").close()
    return False


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
        with database.write(durable=False) as tx:
            tx.bulk(table, columns, chunk)
        spent = time.perf_counter() - began
        done += len(chunk)
        size = max(100, min(20_000, int(size * min(4.0, _CHUNK_SECONDS / max(spent, 1e-4)))))
        give_way()
    return done


def give_way() -> None:
    """Between two chunks of long work: long enough for whoever waits for the writer to take it."""
    time.sleep(2 * _ASK_SECONDS)


def chunked(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size` items."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part
