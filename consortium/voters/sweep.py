"""Ends voter files, and removes what a load, a match or a list left behind when a process died.

Done at start-up. What work in progress has written is told from an orphan by its lock: a living
process holds it, and `kill -9` lets go of it. An ended load counts no more from the transaction
that ends it; its rows, links and places are deleted afterwards, and the deletion is taken up again
until nothing is left but who has voted by it. That is forgotten with the election: `forget` ends
all lists of a register.

A load is not erased while a list is read: the list may name voters whose links would be gone before
it counts.
"""

from __future__ import annotations

import contextlib
import time
from typing import Final, Literal

from consortium.clock import Clock
from consortium.errors import NotFound, StateConflict, quoted
from consortium.ledger import entries
from consortium.store import ledger, locks, returned, voter_erasing, voter_links, voters
from consortium.store.engine import Database, give_way
from consortium.store.voters import LoadRecord

__all__ = [
    "LOCK",
    "MATCH_LOCK",
    "RETURNED_LOCK",
    "clear",
    "discard",
    "end",
    "expire",
    "forget",
    "sweep",
]

LOCK: Final = "voter-load"
"""Held by whoever loads or erases a voter file."""
MATCH_LOCK: Final = "voter-match"
"""Held by whoever matches."""
RETURNED_LOCK: Final = "voter-returned"
"""Held by whoever reads a list of who has voted."""

_CHUNK_SECONDS = 0.03
_LEAST, _MOST = 100, 5_000


def sweep(database: Database) -> None:
    """Remove the orphans of dead processes; a living one's work is left alone.

    Raises:
        StoreFailure: The database is busy, full, read-only or unreachable.
    """
    with database.read() as tx:
        loads = bool(voters.staged(tx) or voters.unerased(tx))
        lists = returned.unerased(tx)
        matches = bool(voter_links.unfinished(tx))
    if loads:
        with contextlib.suppress(StateConflict), locks.exclusive(database, LOCK):
            clear(database)
    if matches:
        with contextlib.suppress(StateConflict), locks.exclusive(database, MATCH_LOCK):
            voter_links.sweep(database)
    if lists:
        with contextlib.suppress(StateConflict), locks.exclusive(database, RETURNED_LOCK):
            for number in lists:
                returned.erase(database, number)


def clear(database: Database) -> None:
    """The same for loads alone; the caller holds their lock."""
    with database.read() as tx:
        staged, ended = voters.staged(tx), voters.unerased(tx)
    for load_id in staged:
        discard(database, load_id)
    if ended:
        with contextlib.suppress(StateConflict), locks.exclusive(database, RETURNED_LOCK):
            for record in ended:
                _erase(database, record.id)


def discard(database: Database, load_id: int) -> None:
    """Remove a staged load; the caller holds the lock of loads."""
    _delete_rows(database, load_id)
    with database.write() as tx:
        voter_erasing.forget(tx, load_id)
    database.empty_log()


def end(
    database: Database, name: str, *, clock: Clock, reason: Literal["expired", "withdrawn"]
) -> LoadRecord:
    """Make a load count no more, at once, and delete what it brought but for who has voted.

    Raises:
        NotFound: There is none of that name.
        StateConflict: It counts no more already, or a load or a list is being read.
    """
    with locks.exclusive(database, LOCK), locks.exclusive(database, RETURNED_LOCK):
        with database.write() as tx:
            record = voters.get(tx, name)
            now = clock.now()
            if not voters.end(tx, record.id, at=now):
                raise StateConflict(
                    f"{record.name} has ended already",
                    hint="Nothing was changed. What counts: consortium voters list",
                )
            entry = ledger.append(tx, entries.voters_ended(record.digest, reason=reason, at=now))
            voters.set_ended_entry(tx, record.id, entry=entry)
        _erase(database, record.id)
        with database.read() as tx:
            return voters.by_id(tx, record.id)


def expire(database: Database, *, clock: Clock) -> list[LoadRecord]:
    """End every load whose last day is over."""
    with database.read() as tx:
        due = voters.due(tx, at=clock.now())
    return [end(database, record.name, clock=clock, reason="expired") for record in due]


def forget(database: Database, register: str, *, clock: Clock) -> int:
    """Who has voted by the lists of a register counts no more; returns how many lists did.

    Raises:
        NotFound: No list of that register counts.
        StateConflict: A list is being read.
    """
    with locks.exclusive(database, RETURNED_LOCK):
        with database.write() as tx:
            lists = returned.end_all(tx, register)
            if not lists:
                known = ", ".join(record.register for record in returned.latest(tx))
                raise NotFound(
                    f"no list of who has voted counts for the register {quoted(register)}",
                    hint=f"There are lists of: {known}" if known else "None was read.",
                )
            ledger.append(tx, entries.voters_forgotten(register, at=clock.now()))
        with database.read() as tx:
            ended = returned.unerased(tx)
        for number in ended:
            returned.erase(database, number)
        database.empty_log()
        return lists


def _erase(database: Database, load_id: int) -> None:
    _delete_rows(database, load_id)
    with database.write() as tx:
        voter_erasing.mark_erased(tx, load_id)
    database.empty_log()


def _delete_rows(database: Database, load_id: int) -> None:
    size = 500
    while True:
        began = time.perf_counter()
        with database.write(durable=False) as tx:
            deleted = voter_erasing.delete_some(tx, load_id, limit=size)
        if not deleted:
            return
        spent = max(time.perf_counter() - began, 1e-4)
        size = max(_LEAST, min(_MOST, int(size * min(2.0, _CHUNK_SECONDS / spent))))
        give_way()
