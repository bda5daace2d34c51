"""A world to send in, for every test of delivery."""

from pathlib import Path

import pytest

from consortium.store.engine import Database
from tests.harness.sending import Someone, World, build
from tests.harness.sent import Build


@pytest.fixture
def make(sqlite_database: Database, tmp_path: Path) -> Build:
    def made(people: list[Someone], **options: object) -> World:
        return build(sqlite_database, tmp_path, people, **options)  # type: ignore[arg-type] - by name

    return made
