"""The door to the database: all or nothing, one writer, our errors only."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.pool import StaticPool

from consortium.errors import StoreFailure, UsageError
from consortium.store.engine import Database, Tx, chunked, in_chunks


def _count(tx: Tx) -> int:
    return int(tx.execute(text("SELECT count(*) FROM consortium_limit")).scalar_one())


def _add(tx: Tx, name: str) -> None:
    tx.execute(
        text("INSERT INTO consortium_limit (name, next_at) VALUES (:name, 1)"), {"name": name}
    )


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        _add_and_fail(tx)
    with database.read() as tx:
        assert _count(tx) == 0


def _add_and_fail(tx: Tx) -> None:
    _add(tx, "a")
    raise ZeroDivisionError


def test_only_what_need_not_last_is_not_forced_to_the_disk(database: Database) -> None:
    sqlite = database.file is not None
    ask = text("PRAGMA synchronous" if sqlite else "SHOW synchronous_commit")
    if not sqlite:  # the tests' server forces nothing unless it is told to
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ALTER ROLE CURRENT_USER SET synchronous_commit = on")
            connection.commit()
        database.close()
    with pytest.raises(ZeroDivisionError), database.write(durable=False) as tx:
        _add_and_fail(tx)
    with database.write(durable=False) as tx:
        assert tx.execute(ask).scalar_one() == (1 if sqlite else "off")
        _add(tx, "a")
    with database.write() as tx:
        assert tx.execute(ask).scalar_one() == (2 if sqlite else "on")
        assert _count(tx) == 1
    if not sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ALTER ROLE CURRENT_USER RESET synchronous_commit")
            connection.commit()


def test_a_reader_sees_one_state_throughout(database: Database) -> None:
    with database.read() as reader:
        assert _count(reader) == 0
        with database.write() as tx:
            _add(tx, "a")
        assert _count(reader) == 0
    with database.read() as reader:
        assert _count(reader) == 1


def test_a_reader_cannot_write_on_postgresql_and_writers_queue(database: Database) -> None:
    order: list[str] = []

    def second() -> None:
        with database.write() as tx:
            order.append("second in")
            _add(tx, "second")

    thread = threading.Thread(target=second)
    with database.write() as tx:
        _add(tx, "first")
        thread.start()
        time.sleep(0.1)
        order.append("first out")
    thread.join()
    with database.read() as tx:
        assert _count(tx) == 2
    if database.file is not None:
        assert order == ["first out", "second in"]
    else:
        with pytest.raises(StoreFailure), database.read() as tx:
            _add(tx, "x")


def test_bulk_rows_keep_bytes_none_and_order(database: Database) -> None:
    rows = [(n, bytes([0, n, 255, 10, 9, 92])) for n in range(200)]
    with database.write() as tx:
        tx.bulk("consortium_ledger_entry", ("id", "data"), rows)
    with database.read() as tx:
        found = tx.execute(text("SELECT id, data FROM consortium_ledger_entry ORDER BY id")).all()
    assert [(row.id, bytes(row.data)) for row in found] == rows


def test_many_rows_go_in_by_transactions_that_let_others_write(database: Database) -> None:
    def rows() -> Iterator[tuple[int, bytes]]:
        for number in range(5000):
            if number % 1000 == 999:  # were one transaction open throughout, this would wait for it
                with database.write() as tx:
                    _add(tx, f"other-{number}")
            yield number, b"x" * 100

    assert in_chunks(database, "consortium_ledger_entry", ("id", "data"), rows()) == 5000
    with database.read() as tx:
        assert _count(tx) == 5
        found = tx.execute(text("SELECT count(*) FROM consortium_ledger_entry")).scalar_one()
    assert found == 5000


def test_who_waits_for_the_writer_gets_in_between_two_chunks(sqlite_database: Database) -> None:
    order: list[str] = []

    def other() -> None:
        with sqlite_database.write():
            order.append("other")

    thread = threading.Thread(target=other)
    with sqlite_database.write():
        thread.start()
        time.sleep(0.24)  # SQLite itself would ask at 0.23 and 0.33 s of waiting
    time.sleep(0.06)
    with sqlite_database.write():
        order.append("next chunk")
        time.sleep(0.2)
    thread.join()
    assert order == ["other", "next chunk"]


def test_chunks_cover_everything_once() -> None:
    assert list(chunked(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunked([], 3)) == []


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite+nothing:///x", "oracle://x"]
)
def test_a_url_that_is_not_ours_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database.open(url)
    assert "sqlite:///PATH" in caught.value.hint
    assert not url or url not in caught.value.message


@pytest.mark.parametrize("url", ["mysql+pymysql://x/y", "postgresql+pg8000://x/y"])
def test_an_engine_of_another_kind_or_driver_is_refused(url: str) -> None:
    class Other:  # no driver for such an engine is installed
        pass

    other: Any = Other()
    other.url = make_url(url)
    with pytest.raises(UsageError, match=r"mysql|pg8000"):
        Database(other)


def test_a_file_that_is_not_a_database_is_named_as_damaged(tmp_path: Path) -> None:
    path = tmp_path / "consortium.db"
    path.write_bytes(b"this is no database at all, but it is long enough to be looked at" * 20)
    database = Database.open(f"sqlite:///{path}")
    with pytest.raises(StoreFailure, match="damaged or not a database"), database.read() as tx:
        _count(tx)
    database.close()


@pytest.mark.parametrize("log", ["wal", "journal"])
def test_a_database_whose_log_cannot_be_made_says_where_to_look(tmp_path: Path, log: str) -> None:
    (tmp_path / f"consortium.db-{log}").mkdir()
    database = Database.open(f"sqlite:///{tmp_path / 'consortium.db'}")
    with pytest.raises(StoreFailure, match="cannot be opened") as caught, database.read() as tx:
        _count(tx)
    assert "folder can be written to" in str(caught.value.hint)
    database.close()


def test_a_database_that_cannot_be_reached_says_so_without_its_password() -> None:
    database = Database.open("postgresql://me:hunter2@127.0.0.1:1/nothing")
    with pytest.raises(StoreFailure, match="cannot be reached") as caught, database.read():
        pytest.fail("reached")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    database.close()


def test_a_folder_that_does_not_take_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StoreFailure, match=r"cannot create the database consortium\.db"):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'consortium.db'}")


def test_sqlite_keeps_its_promises_on_every_connection(sqlite_database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    for _ in range(2):
        with sqlite_database.read() as tx:
            for pragma, value in wanted.items():
                assert tx.execute(text(f"PRAGMA {pragma}")).scalar_one() == value
        sqlite_database.engine.dispose()


@pytest.fixture
def applications_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that an application made and has used."""
    engine = create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
    yield engine
    engine.dispose()


def test_an_applications_engine_stays_the_applications(applications_engine: Engine) -> None:
    pool = applications_engine.pool
    names = ("foreign_keys", "secure_delete", "synchronous", "busy_timeout")

    def settings() -> list[int]:
        with applications_engine.connect() as connection:
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

    before = settings()
    database = Database(applications_engine)
    with database.write() as tx:
        tx.execute(text("INSERT INTO theirs VALUES (1)"))
        found = [tx.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]
    assert found == [1, 1, 2, 30_000]
    database.close()
    assert settings() == before
    assert applications_engine.pool is pool


def test_readers_of_the_application_do_not_wait_for_each_other(applications_engine: Engine) -> None:
    with Database(applications_engine).read() as tx:
        assert tx.execute(text("SELECT count(*) FROM theirs")).scalar_one() == 0
    with applications_engine.connect() as one, applications_engine.connect() as other:
        for connection in (one, other):
            assert connection.execute(text("SELECT count(*) FROM theirs")).scalar_one() == 0


def test_a_database_in_an_applications_memory_outlives_its_closing() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    first, second = Database(engine), Database(engine)
    with first.write() as tx:
        tx.execute(text("CREATE TABLE ours (x INTEGER)"))
    first.close()
    with second.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM ours")).scalar_one() == 0
    engine.dispose()


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite"])
def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path, scheme: str) -> None:
    for umask in (0o000, 0o022, 0o277, 0o777):
        path = tmp_path / f"{scheme}-{umask:o}.db"
        before = os.umask(umask)
        try:
            database = Database.open(f"{scheme}:///{path}")
        finally:
            os.umask(before)
        assert database.made_file
        with database.write() as tx:
            tx.execute(text("CREATE TABLE t (x INTEGER)"))
            assert {p.stat().st_mode & 0o777 for p in tmp_path.glob(f"{path.name}*")} == {0o600}
        database.close()


def test_a_file_that_must_be_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure, match=r"no database gone\.db"):
        Database.open(f"sqlite:///{tmp_path / 'gone.db'}", must_exist=True)
    assert not list(tmp_path.iterdir())


def test_deleted_rows_leave_no_bytes_behind(sqlite_database: Database) -> None:
    marker = b"secret-marker-of-a-withdrawn-row"
    with sqlite_database.write() as tx:
        tx.bulk("consortium_feedback_mail", ("digest", "read_at", "kind"), [(marker, 1, "opt-out")])
    with sqlite_database.write() as tx:
        tx.execute(text("DELETE FROM consortium_feedback_mail"))
    with sqlite_database.read() as reader:
        _count(reader)
        assert not sqlite_database.empty_log()  # it may still want to see what was deleted
    assert sqlite_database.empty_log()
    assert sqlite_database.file is not None
    for path in sqlite_database.file.parent.iterdir():
        assert marker not in path.read_bytes()
