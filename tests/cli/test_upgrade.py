"""After a newer version was installed: what an older database is told, and how it is helped."""

from __future__ import annotations

from contextlib import closing

from alembic import command

from consortium.store import migrate
from consortium.store.engine import Database
from tests.harness.cli_world import World


def test_a_database_of_today_needs_nothing(world: World) -> None:
    assert f"is of revision {migrate.head()}" in world.ok("upgrade", home="host")


def test_an_older_database_is_named_and_brought_forward(world: World) -> None:
    file = world.root / "homes" / "host" / "consortium.db"
    file.unlink()
    with closing(Database.open(f"sqlite:///{file}")) as database, database.write() as tx:
        config = migrate._config()
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "0001")
    refused = world.run("upload", "list", home="host")
    assert refused.code != 0
    assert "consortium upgrade" in refused.err
    done = world.ok("upgrade", home="host")
    assert done == f"The database is now of revision {migrate.head()}; it was of 0001.\n"
    assert "is of revision" in world.ok("upgrade", home="host")


def test_there_is_nothing_to_upgrade_where_no_consortium_is(world: World) -> None:
    file = world.root / "homes" / "host" / "consortium.db"
    file.write_bytes(b"")
    refused = world.run("upgrade", home="host")
    assert refused.code != 0
    assert "no consortium" in refused.err
