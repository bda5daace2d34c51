"""How a connection to SQLite is set up, lent and made to wait: what `engine` needs of it alone.

WAL, foreign keys, `secure_delete`, synchronous FULL, 64 MB of pages in memory. The largest lists
write their tables one after the other in the order of each, and want the pages of one of them.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Connection

from consortium.errors import StoreFailure, UsageError
from consortium.store.chunks import ASK_SECONDS

__all__ = [
    "BUSY_SECONDS",
    "begin",
    "borrowed",
    "find_or_make",
    "move_log",
    "on_connect",
    "truncate_log",
    "unforced",
]

BUSY_SECONDS: Final = 30
_FULL = 2  # of SQLite's `synchronous`
_CACHE = -64_000  # KiB
_LENT = {
    "busy_timeout": BUSY_SECONDS * 1000,
    "foreign_keys": 1,
    "secure_delete": 1,
    "synchronous": _FULL,
    "cache_size": _CACHE,
}
"""Settings of a connection that an application lends us."""
_LOG_ATTEMPTS, _LOG_PAUSE_SECONDS = 50, 0.02


def find_or_make(name: str, *, must_exist: bool) -> bool:
    """Whether the SQLite file had to be made, with mode 0600.

    Raises:
        UsageError: The database would be in memory.
        StoreFailure: The file is not there and must be, or cannot be made.
    """
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


def on_connect(connection: sqlite3.Connection, _record: object) -> None:
    """Set up a new connection of our own engine."""
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
        f"cache_size={_CACHE}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def begin(connection: Connection, *, writable: bool) -> None:
    """Begin a transaction; a writable one has the writer when this returns."""
    raw: Any = connection.connection.driver_connection
    if writable:
        _take_writer(raw)
    else:
        raw.execute("BEGIN").close()


@contextmanager
def borrowed(connection: Connection) -> Iterator[None]:
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
                time.sleep(ASK_SECONDS)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}").close()


@contextmanager
def unforced(connection: Connection) -> Iterator[None]:
    """No sync of the log at the end of a transaction; the next one that has it covers this one.

    Nor is the log moved into the file, which would seem to be part of the transaction's time:
    `move_log` does it between transactions.
    """
    raw: Any = connection.connection.driver_connection
    (pages,) = raw.execute("PRAGMA wal_autocheckpoint").fetchone()
    raw.execute("PRAGMA synchronous = NORMAL").close()
    raw.execute("PRAGMA wal_autocheckpoint = 0").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA synchronous = FULL").close()
        raw.execute(f"PRAGMA wal_autocheckpoint = {pages}").close()


def move_log(connection: sqlite3.Connection) -> None:
    """Move what it can of SQLite's log into the file; keeps nobody out and waits for nobody."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()


def truncate_log(connection: sqlite3.Connection) -> bool:
    """Move SQLite's log into the file and empty it; returns whether nothing is left in it."""
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
