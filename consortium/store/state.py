"""The one row that says which consortium a database holds and which merge generation is visible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from consortium.errors import StateConflict, StoreFailure
from consortium.store.engine import Tx
from consortium.store.tables import metadata

__all__ = ["StateRecord", "get", "initialise", "merge_generation", "show_generation"]

_STATE = metadata.tables["consortium_state"]


@dataclass(frozen=True, slots=True)
class StateRecord:
    """Which consortium this is.

    Attributes:
        name: As people know it.
        origin: Identity of its ledger and of all that is sealed for it, `host/path`.
        card: Its public card's file (docs/formats/cards.md).
        created_at: When it began.
        merge_generation: The generation of persons in use; 0 before the first merge.
    """

    name: str
    origin: str
    card: str
    created_at: datetime
    merge_generation: int


def initialise(tx: Tx, *, name: str, origin: str, card: str, at: datetime) -> StateRecord:
    """Write the row, once in a database's life.

    Raises:
        StateConflict: It is there already.
    """
    record = StateRecord(name, origin, card, at, 0)
    try:
        tx.execute(
            insert(_STATE),
            {
                "id": 1,
                "name": name,
                "origin": origin,
                "card": card,
                "created_at": at,
                "merge_generation": 0,
            },
        )
    except IntegrityError as error:
        raise StateConflict(
            "the database already holds a consortium", hint="It can hold only one."
        ) from error
    return record


def get(tx: Tx) -> StateRecord:
    """Which consortium this is.

    Raises:
        StoreFailure: The tables are there, but nothing was ever initialised.
    """
    row = tx.execute(select(_STATE)).first()
    if row is None:
        raise StoreFailure(
            "the database has tables but no consortium in them",
            hint="A consortium init was cut short: remove what it made and run it again.",
        )
    return StateRecord(row.name, row.origin, row.card, row.created_at, row.merge_generation)


def merge_generation(tx: Tx) -> int:
    """The generation of persons in use; 0 before the first merge."""
    return get(tx).merge_generation


def show_generation(tx: Tx, generation: int, *, instead_of: int) -> None:
    """Make a finished merge the one in use.

    Args:
        tx: The short transaction that also appends the `merge_run` entry.
        generation: The one to show.
        instead_of: The one it was computed against.

    Raises:
        StateConflict: Another merge was faster.
    """
    changed = tx.execute(
        update(_STATE)
        .where(_STATE.c.merge_generation == instead_of)
        .values(merge_generation=generation)
    ).rowcount
    if changed != 1:
        raise StateConflict(
            "another merge has ended in the meantime",
            hint="Run the merge again: consortium merge run",
        )
