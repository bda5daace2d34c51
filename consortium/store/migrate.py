"""Bringing a database to the tables this version knows, and refusing any other.

Alembic does the work, configured here and nowhere else: its scripts lie in `store/migrations`, its
version table is `consortium_alembic_version`, and it looks at our tables alone, so that a
consortium can share a database with an application and its own Alembic. Revisions are numbered
`0001`, `0002`, …

`create` and `upgrade` are one transaction each on both databases: all of it, or nothing. Nothing is
created or upgraded implicitly: opening a home calls `check`, which refuses.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from consortium.errors import StateConflict, StoreFailure
from consortium.store.engine import Database, Tx
from consortium.store.tables import metadata

__all__ = ["VERSION_TABLE", "check", "create", "create_in", "head", "upgrade"]

VERSION_TABLE = "consortium_alembic_version"
_SCRIPTS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x636F6E73_0001  # "cons", any fixed number


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision this version knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _revision(tx: Tx) -> str | None:
    """The revision recorded in the database; None if there is no consortium in it."""
    if not inspect(tx.connection).has_table(VERSION_TABLE):
        return None
    found = tx.execute(text(f'SELECT version_num FROM "{VERSION_TABLE}"')).scalars().all()  # noqa: S608 - our own table's name
    if len(found) != 1:
        raise StoreFailure(
            f"the database holds {len(found)} revisions of a consortium instead of one",
            hint="Restore it from a backup; something else has written to it.",
        )
    return str(found[0])


def _our_tables(tx: Tx) -> set[str]:
    return set(inspect(tx.connection).get_table_names()) & set(metadata.tables)


def _lock(tx: Tx) -> None:
    """One migration at a time; on SQLite the writer is alone already."""
    if not tx.sqlite:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _run(tx: Tx) -> None:
    config = _config()
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")


def create(database: Database) -> None:
    """Make all tables in a database that holds none of ours.

    Raises:
        StateConflict: There is a consortium, or part of one, in it already.
        StoreFailure: The database cannot be written.
    """
    with database.write() as tx:
        create_in(tx)


def create_in(tx: Tx) -> None:
    """The same in a transaction that goes on to say whose tables these are.

    Raises:
        StateConflict: There is a consortium, or part of one, in the database already.
    """
    _lock(tx)
    if inspect(tx.connection).has_table(VERSION_TABLE) or _our_tables(tx):
        raise StateConflict(
            "the database already holds a consortium",
            hint="Choose another --database, or open the home that it belongs to.",
        )
    _run(tx)


def check(database: Database) -> None:
    """Refuse a database that this version must not touch; changes nothing.

    Raises:
        StoreFailure: It holds no consortium, or one of an older, newer or unknown revision, or
            tables are missing.
    """
    with database.read() as tx:
        revision = _revision(tx)
        missing = set(metadata.tables) - _our_tables(tx)
    if revision is None:
        raise StoreFailure(
            "there is no consortium in the database",
            hint="Check `database` in consortium.toml, or make one with: consortium init",
        )
    _refuse_unless_known(revision)
    if revision != head():
        raise StoreFailure(
            f"the database is of revision {revision}, this version works with {head()}",
            hint="Make a backup, then bring it forward with: consortium upgrade",
        )
    if missing:
        raise StoreFailure(
            f"the database lacks {len(missing)} of its tables, {min(missing)} among them",
            hint="Restore it from a backup.",
        )


def _refuse_unless_known(revision: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision in known:
        return
    if revision.isascii() and revision.isdecimal() and revision > max(known):
        raise StoreFailure(
            f"the database is of revision {revision}, newer than this version ({max(known)})",
            hint="Install the version of contact-consortium that wrote it, or a newer one.",
        )
    raise StoreFailure(
        "the database is of a revision that no version of contact-consortium has",
        hint="Check `database` in consortium.toml; restore a backup if it was altered.",
    )


def upgrade(database: Database) -> tuple[str, str]:
    """Bring a consortium's database to the newest revision: all the way or not at all.

    Returns:
        The revision it had, and the one it has; equal if there was nothing to do.

    Raises:
        StoreFailure: There is no consortium in it, or one of a newer or unknown revision.
    """
    with database.write() as tx:
        _lock(tx)
        revision = _revision(tx)
        if revision is None:
            raise StoreFailure(
                "there is no consortium in the database to upgrade",
                hint="Check `database` in consortium.toml.",
            )
        _refuse_unless_known(revision)
        _run(tx)
    return revision, head()
