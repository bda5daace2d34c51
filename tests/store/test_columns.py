"""Columns of numbers go into both databases and come back as they were."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from consortium.errors import StoreFailure
from consortium.store import columns
from consortium.store.engine import Database

WRITTEN = [1, 2**20 - 1, 2**20, 2**20 + 1, 2**40, 2**62]


@pytest.fixture
def filled(database: Database) -> Database:
    persons = np.array(WRITTEN, dtype=np.int64)
    rows = np.arange(len(persons), dtype=np.int64)
    with database.write() as tx:
        names = (("person_id", 8), ("row_id", 8))
        columns.insert(tx, "consortium_person_row", names, (persons, rows))
    return database


def test_whole_numbers_come_back_whatever_their_size(filled: Database) -> None:
    with filled.read() as tx:
        person, row = columns.fetch(tx, "SELECT person_id, row_id FROM consortium_person_row", "ii")
    order = np.argsort(person)
    assert person[order].tolist() == WRITTEN
    assert row[order].tolist() == list(range(len(WRITTEN)))


def test_nothing_comes_back_from_an_empty_table(database: Database) -> None:
    with database.read() as tx:
        person, row = columns.fetch(tx, "SELECT person_id, row_id FROM consortium_person_row", "ii")
    assert len(person) == len(row) == 0


def test_any_number_of_keys_is_looked_up(filled: Database) -> None:
    wanted = [*range(3_000), 2**62]
    select = "SELECT person_id, row_id FROM consortium_person_row"
    with filled.read() as tx:
        parts = columns.look_up(tx, select, where="person_id", among=wanted)
        assert sorted(row for part in parts for row in part) == [(1, 0), (2**62, 5)]
        assert tx.execute(text("SELECT count(*) FROM consortium_person_row")).scalar_one() == 6


def test_a_look_up_that_fails_says_so_in_our_words(filled: Database) -> None:
    with pytest.raises(StoreFailure), filled.read() as tx:
        list(
            columns.look_up(
                tx, "SELECT missing FROM consortium_person_row", where="row_id", among=[1]
            )
        )


def test_one_value_for_all_rows_and_none_are_written(database: Database) -> None:
    with database.write() as tx:
        columns.insert(
            tx,
            "consortium_merge_run",
            [
                ("generation", 4),
                ("started_at", 8),
                ("finished_at", 8),
                ("rows", 4),
                ("persons", 4),
                ("changed_rows", 4),
                ("entry", 8),
            ],
            (np.arange(1, 4), 7, None, 0, 0, 0, None),
        )  # fmt: skip - a table of columns
        found = tx.execute(
            text("SELECT generation, started_at, finished_at FROM consortium_merge_run")
        )
        assert sorted(map(tuple, found)) == [(n, 7, None) for n in (1, 2, 3)]
