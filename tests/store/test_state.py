from __future__ import annotations

from datetime import UTC, datetime

import pytest

from consortium.errors import StateConflict, StoreFailure
from consortium.store import state
from consortium.store.engine import Database

AT = datetime(2026, 10, 1, 9, 30, 1, 250_000, tzinfo=UTC)


def _begin(database: Database) -> state.StateRecord:
    with database.write() as tx:
        return state.initialise(
            tx, name="Oregon Together", origin="example.org/oregon", card="card text", at=AT
        )


def test_what_was_written_is_read_back(database: Database) -> None:
    record = _begin(database)
    with database.read() as tx:
        assert state.get(tx) == record
        assert state.merge_generation(tx) == 0


def test_a_database_holds_one_consortium_only(database: Database) -> None:
    record = _begin(database)
    with pytest.raises(StateConflict, match="already holds"), database.write() as tx:
        state.initialise(tx, name="Other", origin="example.org/other", card="", at=AT)
    with database.read() as tx:
        assert state.get(tx) == record


def test_tables_without_a_consortium_say_so(database: Database) -> None:
    with database.read() as tx, pytest.raises(StoreFailure, match="no consortium in them"):
        state.get(tx)


def test_of_two_merges_computed_at_once_only_one_is_shown(database: Database) -> None:
    _begin(database)
    with database.write() as tx:
        state.show_generation(tx, 1, instead_of=0)
    with pytest.raises(StateConflict, match="another merge"), database.write() as tx:
        state.show_generation(tx, 2, instead_of=0)
    with database.read() as tx:
        assert state.merge_generation(tx) == 1
