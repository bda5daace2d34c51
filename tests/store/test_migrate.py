"""Migrations: head equals the tables, strangers are refused, the ledger only grows."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from consortium.errors import StateConflict, StoreFailure
from consortium.store import migrate
from consortium.store.engine import Database
from consortium.store.tables import metadata


def _set_revision(database: Database, revision: str) -> None:
    with database.write() as tx:
        tx.execute(
            text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = :revision"),
            {"revision": revision},
        )


def test_the_newest_revision_has_exactly_the_tables_of_the_model(empty_database: Database) -> None:
    migrate.create(empty_database)
    with empty_database.read() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={
                "version_table": migrate.VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_a_missing_column_would_be_noticed(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("ALTER TABLE consortium_upload DROP COLUMN repeated"))
    with database.read() as tx:
        context = MigrationContext.configure(tx.connection)
        assert compare_metadata(context, metadata) != []


def test_what_was_created_passes_the_check(empty_database: Database) -> None:
    migrate.create(empty_database)
    migrate.check(empty_database)
    migrate.upgrade(empty_database)
    migrate.check(empty_database)


def test_an_empty_database_is_refused_and_stays_empty(empty_database: Database) -> None:
    with pytest.raises(StoreFailure, match="no consortium") as caught:
        migrate.check(empty_database)
    assert "consortium init" in caught.value.hint
    with pytest.raises(StoreFailure, match="no consortium"):
        migrate.upgrade(empty_database)
    with empty_database.read() as tx:
        assert inspect(tx.connection).get_table_names() == []


def test_a_second_create_is_refused_and_changes_nothing(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("INSERT INTO consortium_limit (name, next_at) VALUES ('x', 7)"))
    with pytest.raises(StateConflict, match="already holds a consortium"):
        migrate.create(database)
    with database.read() as tx:
        assert tx.execute(text("SELECT next_at FROM consortium_limit")).scalars().all() == [7]


def test_part_of_a_consortium_is_not_taken_for_an_empty_database(
    empty_database: Database,
) -> None:
    with empty_database.write() as tx:
        tx.execute(text("CREATE TABLE consortium_limit (name VARCHAR(10))"))
    with pytest.raises(StateConflict):
        migrate.create(empty_database)


@pytest.mark.parametrize(
    ("revision", "words"),
    [("9999", "newer than this version"), ("1975ea83b712", "no version of"), ("0000", "no ver")],
)
def test_a_newer_or_unknown_revision_is_refused_with_what_to_do(
    database: Database, revision: str, words: str
) -> None:
    _set_revision(database, revision)
    for refuse in (migrate.check, migrate.upgrade):
        with pytest.raises(StoreFailure, match=words) as caught:
            refuse(database)
        assert caught.value.hint


def test_two_recorded_revisions_are_refused(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text(f"INSERT INTO {migrate.VERSION_TABLE} VALUES ('0002')"))
    with pytest.raises(StoreFailure, match="2 revisions"):
        migrate.check(database)


def test_a_missing_table_is_noticed(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("DROP TABLE consortium_limit"))
    with pytest.raises(StoreFailure, match="lacks 1 of its tables, consortium_limit"):
        migrate.check(database)


def test_a_create_that_fails_half_way_leaves_nothing(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = migrate._run

    def run_and_fail(tx: object) -> None:
        run(tx)  # type: ignore[arg-type] # the same Tx, passed through
        raise KeyboardInterrupt

    monkeypatch.setattr(migrate, "_run", run_and_fail)
    with pytest.raises(KeyboardInterrupt):
        migrate.create(empty_database)
    with empty_database.read() as tx:
        assert inspect(tx.connection).get_table_names() == []


def test_an_application_keeps_its_own_tables_and_its_own_alembic(
    empty_database: Database,
) -> None:
    with empty_database.write() as tx:
        tx.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        tx.execute(text("INSERT INTO alembic_version VALUES ('cafe')"))
        tx.execute(text("CREATE TABLE voters (id INTEGER)"))
    migrate.create(empty_database)
    migrate.check(empty_database)
    with empty_database.read() as tx:
        assert tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "cafe"
        names = set(inspect(tx.connection).get_table_names())
    assert names == set(metadata.tables) | {"alembic_version", "voters", migrate.VERSION_TABLE}


_ROWS = {
    "consortium_ledger_entry": ("(id, data) VALUES (0, '7b7d')", "data = '00'"),
    "consortium_ledger_node": ("(level, position, hash) VALUES (0, 0, '00')", "hash = '11'"),
    "consortium_ledger_batch": ("(id, entry) VALUES (1, 0)", "entry = NULL"),
    "consortium_ledger_leaf": ("(batch, position, data) VALUES (1, 0, '00')", "data = '11'"),
    "consortium_checkpoint": ("(size, note, signed_at) VALUES (1, 'a', 1)", "note = 'b'"),
}


@pytest.mark.parametrize("table", sorted(_ROWS))
def test_the_ledger_tables_refuse_update_and_delete(database: Database, table: str) -> None:
    for name, (row, _) in _ROWS.items():
        with database.write() as tx:
            tx.execute(text(f"INSERT INTO {name} {row}"))
    _, change = _ROWS[table]
    for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
        with pytest.raises(StoreFailure), database.write() as tx:
            tx.execute(text(statement))
    with database.read() as tx:
        assert tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1


def test_leaves_without_an_entry_can_go_and_none_can_change(database: Database) -> None:
    with database.write() as tx:
        for statement in (
            "INSERT INTO consortium_ledger_entry (id, data) VALUES (0, '7b7d')",
            "INSERT INTO consortium_ledger_batch (id, entry) VALUES (1, 0), (2, NULL), (3, NULL)",
            "INSERT INTO consortium_ledger_leaf VALUES (1, 0, '00'), (2, 0, '00'), (3, 0, '00')",
        ):
            tx.execute(text(statement))
    for refused in (
        "DELETE FROM consortium_ledger_leaf",
        "DELETE FROM consortium_ledger_leaf WHERE batch = 1",
        "UPDATE consortium_ledger_leaf SET data = '11' WHERE batch = 2",
        "UPDATE consortium_ledger_leaf SET batch = 2, position = 1 WHERE batch = 1",
        "UPDATE consortium_ledger_batch SET id = 9 WHERE id = 3",
        "UPDATE consortium_ledger_batch SET entry = 0 WHERE id = 3",  # two batches of one entry
        "UPDATE consortium_ledger_batch SET entry = 7 WHERE id = 3",  # no such entry
        "DELETE FROM consortium_ledger_batch WHERE id = 2",  # has leaves
    ):
        with pytest.raises((StoreFailure, IntegrityError)), database.write() as tx:
            tx.execute(text(refused))
    with database.write() as tx:
        tx.execute(text("DELETE FROM consortium_ledger_leaf WHERE batch = 2"))
        tx.execute(text("DELETE FROM consortium_ledger_batch WHERE id = 2"))
    with database.read() as tx:
        kept = tx.execute(text("SELECT batch FROM consortium_ledger_leaf ORDER BY batch"))
        assert kept.scalars().all() == [1, 3]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_database_files_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        database = Database.open(f"sqlite:///{tmp_path / 'consortium.db'}")
        migrate.create(database)
        with database.read() as tx:
            tx.execute(text("SELECT 1 FROM consortium_limit"))
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert modes == {
        "consortium.db": 0o600,
        "consortium.db-wal": 0o600,
        "consortium.db-shm": 0o600,
    }


def test_an_older_database_is_refused_and_brought_forward_in_one_step(
    empty_database: Database,
) -> None:
    with empty_database.write() as tx:
        config = migrate._config()
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "0001")
    with pytest.raises(StoreFailure, match="of revision 0001") as caught:
        migrate.check(empty_database)
    assert "consortium upgrade" in caught.value.hint
    assert migrate.upgrade(empty_database) == ("0001", migrate.head())
    migrate.check(empty_database)
    assert migrate.upgrade(empty_database) == (migrate.head(), migrate.head())
