"""Locks between real processes, one of which is killed."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from consortium.errors import StateConflict, StoreFailure, UsageError
from consortium.store import locks
from consortium.store.engine import Database

_HOLDER = """
import sys, time
from consortium.store import locks
from consortium.store.engine import Database

with locks.exclusive(Database.open(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


@contextmanager
def _holder(database: Database, name: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, _url(database), name], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def _is_free(database: Database, name: str) -> bool:
    try:
        with locks.exclusive(database, name):
            return True
    except StateConflict:
        return False


def test_a_lock_of_another_process_is_respected_until_that_is_killed(database: Database) -> None:
    with _holder(database, "send-portland") as process:
        with (
            pytest.raises(StateConflict, match='"send-portland"'),
            locks.exclusive(database, "send-portland"),
        ):
            pytest.fail("two processes hold one lock")
        assert _is_free(database, "send-salem")
        process.kill()  # SIGKILL: nothing in the process gets to clean up
        process.wait()
        deadline = time.monotonic() + 10
        while not _is_free(database, "send-portland"):
            assert time.monotonic() < deadline, "the lock outlived its process"
            time.sleep(0.02)


def test_a_lock_is_held_once_even_within_one_process(database: Database) -> None:
    with locks.exclusive(database, "merge") as held:
        assert not _is_free(database, "merge")
        held.check()
        assert held.name == "merge"
    assert _is_free(database, "merge")


def test_a_lock_is_let_go_when_the_work_fails(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), locks.exclusive(database, "merge"):
        1 / 0  # noqa: B018 - any failure will do
    assert _is_free(database, "merge")


def test_a_lock_does_not_stop_transactions(database: Database) -> None:
    with locks.exclusive(database, "merge"), database.write() as tx:
        tx.execute(text("INSERT INTO consortium_limit (name, next_at) VALUES ('x', 1)"))
    with locks.exclusive(database, "merge"), database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM consortium_limit")).scalar_one() == 1


@pytest.mark.parametrize("name", ["", "Merge", "a/b", "../x", "a b", "9", "x" * 81, "a\n"])
def test_a_malformed_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(UsageError), locks.exclusive(database, name):
        pytest.fail("held")


def test_the_lock_file_is_private_and_lies_beside_the_database(
    sqlite_database: Database,
) -> None:
    file = sqlite_database.file
    assert file is not None
    with locks.exclusive(sqlite_database, "merge"):
        path = file.with_name("consortium.db.merge.lock")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_in_memory_cannot_be_locked() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        database = Database(create_engine(url))
        with pytest.raises(UsageError, match="in memory"), locks.exclusive(database, "merge"):
            pytest.fail("held")
        database.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_lock_lost_with_its_connection_is_noticed_before_the_next_act(
    database: Database,
) -> None:
    with locks.exclusive(database, "merge") as held:
        with database.write() as tx:
            tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
        with pytest.raises(StoreFailure, match="is lost"):
            held.check()
    assert _is_free(database, "merge")


def test_a_database_reached_by_a_link_has_the_same_locks(
    sqlite_database: Database, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "consortium.db")
    with locks.exclusive(sqlite_database, "merge"):
        assert not _is_free(Database.open(f"sqlite:///{link}"), "merge")
