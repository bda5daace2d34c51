"""What tests of intake look at: every table, what counts, the files of wraps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from consortium.model import PackRow
from consortium.store import rows, suppressions, uploads
from consortium.store.engine import Database
from consortium.store.tables import metadata
from consortium.testing.house import House, row

TABLES = sorted(name for name in metadata.tables if name.startswith("consortium_"))


def contents(database: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    with database.read() as tx:
        return {
            name: sorted(map(repr, tx.execute(text(f"SELECT * FROM {name}")).all()))
            for name in TABLES
        }


def counted(database: Database) -> dict[str, int]:
    """How many rows each table has, empty tables left out."""
    return {name: len(found) for name, found in contents(database).items() if found}


def visible(database: Database) -> tuple[int, int, int]:
    """Uploads, rows and suppressions that count."""
    with database.read() as tx:
        return (
            len(uploads.all_of(tx)),
            sum(len(part) for part in rows.match_rows(tx)),
            len(list(suppressions.all_tokens(tx))),
        )


def wraps_of(house: House) -> list[str]:
    """Names of the wraps that the host keeps."""
    return sorted(p.name for p in (house.directory / "wraps").rglob("*.wrap"))


def people(count: int, *, start: int = 1) -> list[PackRow]:
    """Rows of as many people, each with an address of its own."""
    return [row(n, f"p{start + n}@example.org") for n in range(1, count + 1)]
