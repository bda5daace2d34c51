"""Held by one process at a time, and let go when it dies, however it dies.

Work that must not run twice at once (sending one campaign, a merge) takes a named lock for its
whole length, across many transactions. On SQLite it is an `flock` on a file beside the database,
`NAME.db.LOCK.lock`; on PostgreSQL a session-level advisory lock on a connection of its own. Neither
can be left behind: the kernel drops the one, the server the other, when the process is gone, even
by `kill -9`. (A child made by a bare `os.fork` inherits the first; start children as new programs.)

On PostgreSQL the connection can be lost while the process lives on; whoever acts in the world under
a lock calls `Held.check` before each act.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from consortium.errors import StateConflict, StoreFailure, UsageError
from consortium.store.engine import Database

__all__ = ["Held", "exclusive"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,79}")


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held.

    Attributes:
        name: Its name.
    """

    name: str
    _check: Callable[[], None]

    def check(self) -> None:
        """Make sure that it is still held; about 0.1 ms on PostgreSQL, nothing on SQLite.

        Raises:
            StoreFailure: The connection that held it is lost, and with it perhaps the lock.
        """
        self._check()


def _taken(name: str) -> StateConflict:
    return StateConflict(
        f'another process holds the lock "{name}"',
        hint="The same work is under way elsewhere; wait for it, or end that process.",
    )


@contextmanager
def exclusive(database: Database, name: str) -> Iterator[Held]:
    """Hold a lock while the block runs; never waits.

    Args:
        database: Whose work it is about.
        name: `[a-z][a-z0-9-]*`, e.g. `send-portland-ballots`.

    Raises:
        StateConflict: It is held already, by another process or by this one.
        StoreFailure: The lock's file cannot be made, or the database not be reached.
        UsageError: The name is malformed, or the SQLite database is in memory.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("the name of a lock is of small letters, digits and hyphens")
    with _advisory(database, name) if database.file is None else _flock(database, name) as held:
        yield held


@contextmanager
def _flock(database: Database, name: str) -> Iterator[Held]:
    file = database.file
    assert file is not None
    if str(file) == ":memory:":
        raise UsageError("a database in memory has no locks", hint="Use sqlite:///PATH")
    path = Path(f"{file.resolve()}.{name}.lock")  # one file, whatever link leads to it
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreFailure(
            f"cannot make the lock file {path.name}", hint="Check owner and mode of its folder."
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(name) from error
        os.fchmod(descriptor, 0o600)
        yield Held(name, lambda: None)
    finally:
        os.close(descriptor)  # lets go; the file stays, since removing it would race


@contextmanager
def _advisory(database: Database, name: str) -> Iterator[Held]:
    if database.engine.dialect.name == "sqlite":
        raise UsageError("a database in memory has no locks", hint="Use sqlite:///PATH")
    try:
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except DBAPIError as error:
        raise StoreFailure(
            "the database cannot be reached", hint="Check `database` in consortium.toml."
        ) from error
    connection.detach()  # it goes when the lock goes, never back to the pool
    try:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        digest = hashlib.sha256(f"consortium|{schema}|{name}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        free = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key})
        if not free.scalar_one():
            raise _taken(name)

        def check() -> None:
            try:
                connection.execute(text("SELECT 1"))
            except DBAPIError as error:
                raise StoreFailure(
                    f'the connection that held the lock "{name}" is lost',
                    hint="Nothing more was done under it; run the same command again.",
                ) from error

        try:
            yield Held(name, check)
        finally:  # at once: the server notices a closed connection some moments later
            with suppress(SQLAlchemyError):  # lost with its connection already
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    finally:
        connection.close()
