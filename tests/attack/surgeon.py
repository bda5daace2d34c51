"""Two partners that the surgeon works on: who writes to a host's database and wraps at rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from consortium.types import UploadDigest
from tests.attack.stage import Stage, people

OTHER = "ledger.example.org/elsewhere"


class Surgeon:
    """Works on the files of a host whose façade is at rest."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def run(self, sql: str, *values: object) -> None:
        with closing(sqlite3.connect(self.stage.home / "consortium.db")) as connection:
            connection.execute(sql, values)
            connection.commit()

    def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.stage.home / "consortium.db")) as connection:
            return connection.execute(sql, values).fetchall()

    def swap(self, table: str, column: str, one: object, other: object) -> None:
        """Exchange a column's values of two rows."""
        [(first,)] = self.ask(f"SELECT {column} FROM {table} WHERE id = ?", one)
        [(second,)] = self.ask(f"SELECT {column} FROM {table} WHERE id = ?", other)
        assert first != second
        self.run(f"UPDATE {table} SET {column} = ? WHERE id = ?", second, one)
        self.run(f"UPDATE {table} SET {column} = ? WHERE id = ?", first, other)

    def rows(self, slug: str) -> list[int]:
        """A partner's row ids."""
        found = self.ask(
            "SELECT r.id FROM consortium_source_row r JOIN consortium_upload u "
            "ON u.id = r.upload_id JOIN consortium_partner p ON p.id = u.partner_id "
            "WHERE p.slug = ? ORDER BY r.id",
            slug,
        )
        return [int(str(row)) for (row,) in found]

    def wrap(self, scope: str, upload: UploadDigest) -> Path:
        return self.stage.home / "wraps" / scope / f"{upload.hex()}.wrap"


def two_partners(folder: Path) -> Stage:
    """Two partners that have a list each, nobody in common."""
    stage = Stage.found(folder)
    stage.join("nurses", people(1, 41, tag="n"))
    stage.join("teachers", people(41, 81, tag="t"))
    stage.host.merge()
    return stage
