"""Voter files and registers: loaded invisibly in chunks, counted from one short transaction.

`staged → active → ended`, by `UPDATE … WHERE state = …` with the count checked. A staged load is
invisible to everything but the sweep; an active one counts before its licence is over. What came
after what is told by ledger entries, not by times: a clock may be set back. Rows are sealed before
they come here; nothing in this module can tell who a voter is. The rows of an ended load are
deleted; the load stays, as evidence, with its salt blanked once nothing of it is left.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select, insert, select, update

from consortium.errors import NotFound, StateConflict, quoted
from consortium.model import Purpose
from consortium.store.engine import Database, Tx, chunked, in_chunks
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug

__all__ = [
    "ACTIVE",
    "ENDED",
    "STAGED",
    "LoadCounts",
    "LoadRecord",
    "activate",
    "add_history",
    "add_rows",
    "all_of",
    "by_id",
    "due",
    "end",
    "ended_after",
    "frequencies",
    "get",
    "hold",
    "known",
    "live_with_digest",
    "save_frequencies",
    "set_ended_entry",
    "set_entry",
    "stage",
    "staged",
    "stream",
    "unerased",
    "usable",
]

_load = metadata.tables["consortium_voter_load"]
_licence = metadata.tables["consortium_voter_licence"]
_row = metadata.tables["consortium_voter_row"]
_history = metadata.tables["consortium_voter_history"]
_partner = metadata.tables["consortium_partner"]

STAGED: Final = "staged"
ACTIVE: Final = "active"
ENDED: Final = "ended"
_NAME = re.compile(r"v-([0-9]{1,15})")
_FETCH = 10_000
_IN = 500


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What became of a file's records, exactly."""

    rows: int = 0
    left_out: int = 0
    rejected: int = 0
    repeated: int = 0
    history_rows: int = 0


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """A load as stored; times are aware UTC.

    Attributes:
        digest: SHA-256 of the file.
        layout, register: Which columns it has; whose ids they are.
        state: `staged`, `active` or `ended`.
        licensed: Whose messages may rest on it.
        purposes: What these may be for.
        until: The last day of its use.
        ends_at: When that day is over wherever its voters live.
        salt: Of the key that seals its rows, 32 bytes; empty once erased.
        match_run: The match that is in use; 0: none yet.
        entry: The ledger entry that records it; None while staged.
    """

    id: int
    digest: bytes
    layout: str
    register: str
    state: str
    licensed: tuple[PartnerSlug, ...]
    purposes: tuple[Purpose, ...]
    until: date
    ends_at: datetime
    salt: bytes
    counts: LoadCounts
    match_run: int
    loaded_at: datetime
    ended_at: datetime | None
    entry: EntryIndex | None

    @property
    def name(self) -> str:
        """What people call it: `v-3`."""
        return f"v-{self.id}"


def _query() -> Select[Any]:
    return select(_load).where(_load.c.state != STAGED).order_by(_load.c.id)


def _records(tx: Tx, statement: Select[Any]) -> list[LoadRecord]:
    found = tx.execute(statement).all()
    licensed: dict[int, list[str]] = {row.id: [] for row in found}
    pairs = (
        select(_licence.c.load_id, _partner.c.slug)
        .join(_partner, _partner.c.id == _licence.c.partner_id)
        .where(_licence.c.load_id.in_(licensed))
        .order_by(_partner.c.slug)
    )
    for load, slug in tx.execute(pairs):
        licensed[load].append(slug)
    return [
        LoadRecord(
            id=row.id,
            digest=bytes(row.digest),
            layout=row.layout,
            register=row.register_name,
            state=row.state,
            licensed=tuple(PartnerSlug(slug) for slug in licensed[row.id]),
            purposes=tuple(Purpose(word) for word in row.purposes.split()),
            until=row.until,
            ends_at=row.ends_at,
            salt=bytes(row.salt),
            counts=LoadCounts(row.rows, row.left_out, row.rejected, row.repeated, row.history_rows),
            match_run=row.match_run,
            loaded_at=row.loaded_at,
            ended_at=row.ended_at,
            entry=None if row.entry is None else EntryIndex(row.entry),
        )
        for row in found
    ]


def stage(
    tx: Tx,
    *,
    digest: bytes,
    layout: str,
    register: str,
    licensed: Collection[int],
    purposes: Iterable[Purpose],
    until: date,
    ends_at: datetime,
    salt: bytes,
    at: datetime,
) -> int:
    """Begin a load that nobody sees; returns its number.

    Args:
        tx: A short transaction.
        digest, layout, register, purposes, until, ends_at, salt: As in the record.
        licensed: Ids of partners.
        at: Now.
    """
    statement = insert(_load).values(
        digest=digest,
        layout=layout,
        register_name=register,
        state=STAGED,
        purposes=" ".join(sorted({purpose.value for purpose in purposes})),
        until=until,
        ends_at=ends_at,
        salt=salt,
        rows=0,
        left_out=0,
        rejected=0,
        repeated=0,
        history_rows=0,
        match_run=0,
        loaded_at=at,
    )
    (load_id,) = tx.execute(statement.returning(_load.c.id)).one()
    tx.execute(
        insert(_licence),
        [{"load_id": load_id, "partner_id": partner} for partner in sorted(set(licensed))],
    )
    return int(load_id)


def add_rows(database: Database, load_id: int, rows: Iterable[tuple[int, bytes, bytes]]) -> int:
    """Write (number, voter, sealed) of a staged load, in short transactions; returns how many."""
    columns = ("load_id", "number", "voter", "sealed")
    return in_chunks(database, _row.name, columns, ((load_id, *row) for row in rows))


def add_history(database: Database, load_id: int, rows: Iterable[tuple[int, bytes, bytes]]) -> int:
    """The same for (number, voter's history digest, sealed)."""
    columns = ("load_id", "number", "voter", "sealed")
    return in_chunks(database, _history.name, columns, ((load_id, *row) for row in rows))


def save_frequencies(tx: Tx, load_id: int, sealed: bytes) -> None:
    """Keep how often names stand in a staged load, sealed."""
    tx.execute(update(_load).where(_load.c.id == load_id).values(frequencies=sealed))


def frequencies(tx: Tx, load_id: int) -> bytes:
    """What `save_frequencies` kept."""
    return bytes(
        tx.execute(select(_load.c.frequencies).where(_load.c.id == load_id)).scalar_one() or b""
    )


def activate(tx: Tx, load_id: int, counts: LoadCounts, *, ends_at: datetime, at: datetime) -> None:
    """The moment from which a load counts, until `ends_at`.

    Raises:
        StateConflict: It is not staged any more.
    """
    changed = tx.execute(
        update(_load)
        .where(_load.c.id == load_id, _load.c.state == STAGED)
        .values(
            state=ACTIVE,
            ends_at=ends_at,
            rows=counts.rows,
            left_out=counts.left_out,
            rejected=counts.rejected,
            repeated=counts.repeated,
            history_rows=counts.history_rows,
            loaded_at=at,
        )
    ).rowcount
    if changed != 1:
        raise StateConflict(
            "the voter file was taken back while it was being loaded", hint="Load it again."
        )


def set_entry(tx: Tx, load_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records a load."""
    tx.execute(update(_load).where(_load.c.id == load_id).values(entry=entry))


def all_of(tx: Tx) -> list[LoadRecord]:
    """Every load that ever counted, oldest first."""
    return _records(tx, _query())


def usable(tx: Tx, *, at: datetime) -> list[LoadRecord]:
    """Loads that count at an instant, oldest first."""
    return _records(tx, _query().where(_load.c.state == ACTIVE, _load.c.ends_at > at))


def hold(tx: Tx, loads: Collection[int]) -> bool:
    """Whether all of these count still; those that do, do so until the transaction ends."""
    statement = (
        select(_load.c.id)
        .where(_load.c.id.in_(loads), _load.c.state == ACTIVE)
        .order_by(_load.c.id)
        .with_for_update(read=True)
    )
    return len(tx.execute(statement).all()) == len(set(loads))


def due(tx: Tx, *, at: datetime) -> list[LoadRecord]:
    """Active loads whose last day is over."""
    return _records(tx, _query().where(_load.c.state == ACTIVE, _load.c.ends_at <= at))


def ended_after(tx: Tx, entry: EntryIndex, *, purpose: Purpose, at: datetime) -> bool:
    """Whether a load that served a purpose up to an instant has ended after a ledger entry."""
    found = _records(
        tx,
        _query().where(_load.c.state == ENDED, _load.c.ended_entry > entry, _load.c.ends_at > at),
    )
    return any(purpose in load.purposes for load in found)


def unerased(tx: Tx) -> list[LoadRecord]:
    """Ended loads of which something is left."""
    return _records(tx, _query().where(_load.c.state == ENDED, _load.c.salt != b""))


def staged(tx: Tx) -> list[int]:
    """Loads being made, or left by a process that died."""
    return list(tx.execute(select(_load.c.id).where(_load.c.state == STAGED)).scalars())


def by_id(tx: Tx, load_id: int) -> LoadRecord:
    """One load, in whatever state."""
    return _records(tx, select(_load).where(_load.c.id == load_id))[0]


def get(tx: Tx, name: str) -> LoadRecord:
    """A load by its name, `v-3`.

    Raises:
        NotFound: There is none.
    """
    shape = _NAME.fullmatch(name)
    found = _records(tx, _query().where(_load.c.id == int(shape[1]))) if shape else []
    if not found:
        raise NotFound(
            f"no voter file is called {quoted(name)}", hint="All of them: consortium voters list"
        )
    return found[0]


def live_with_digest(tx: Tx, digest: bytes) -> LoadRecord | None:
    """The active load of the same file, if there is one."""
    found = _records(tx, _query().where(_load.c.digest == digest, _load.c.state == ACTIVE))
    return found[0] if found else None


def known(tx: Tx, voters: Sequence[bytes], *, loads: Collection[int]) -> set[bytes]:
    """Which of these voters stand in one of the loads."""
    found: set[bytes] = set()
    for part in chunked(voters, _IN):
        # the load is looked at here: asked for it, SQLite reads the whole load for each part
        statement = select(_row.c.voter, _row.c.load_id).where(_row.c.voter.in_(part))
        found.update(bytes(voter) for voter, load in tx.execute(statement) if load in loads)
    return found


def stream(tx: Tx, load_id: int) -> Iterator[list[tuple[int, bytes, bytes]]]:
    """Every (number, voter, sealed) of a load, in batches, by number."""
    statement = (
        select(_row.c.number, _row.c.voter, _row.c.sealed)
        .where(_row.c.load_id == load_id)
        .order_by(_row.c.number)
    )
    for part in tx.execute(statement.execution_options(yield_per=_FETCH)).partitions():
        yield [(number, bytes(voter), bytes(sealed)) for number, voter, sealed in part]


def end(tx: Tx, load_id: int, *, at: datetime) -> bool:
    """From now on it counts no more; whether it counted until now."""
    changed = tx.execute(
        update(_load)
        .where(_load.c.id == load_id, _load.c.state == ACTIVE)
        .values(state=ENDED, ended_at=at)
    ).rowcount
    return changed == 1


def set_ended_entry(tx: Tx, load_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records the end of a load."""
    tx.execute(update(_load).where(_load.c.id == load_id).values(ended_entry=entry))
