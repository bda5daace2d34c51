"""Leaves staged for the ledger, so that no transaction grows with what it records.

`open_batch` in the transaction that keeps the batch's number, `stage_leaves` in chunks, then
`append_staged` in the short transaction that makes the facts true. Until then the batch has no
entry, and since every reader comes by the entry, nobody sees its leaves. Triggers refuse to change
a leaf ever, and to delete one whose batch has an entry (migration 0001).

What a dead process staged is removed by `drop_staged` and `forget_batch`. A batch alone does not
say whether somebody still works at it: whoever keeps its number does (`store.plans.sweep`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from consortium.errors import StateConflict
from consortium.ledger import merkle
from consortium.ledger.canonical import JSON
from consortium.store import ledger
from consortium.store.engine import Database, Tx, give_way, in_chunks
from consortium.store.tables import metadata
from consortium.types import EntryIndex

__all__ = [
    "StagedBatch",
    "append_staged",
    "drop_staged",
    "forget_batch",
    "open_batch",
    "stage_leaves",
]

_BATCH = metadata.tables["consortium_ledger_batch"]
_LEAF = metadata.tables["consortium_ledger_leaf"]
_DELETE = 2000  # leaves per transaction


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """Leaves that are written and wait for their entry.

    Attributes:
        batch: The batch's number.
        count: How many leaves it has.
        root: The root over them, 32 bytes.
    """

    batch: int
    count: int
    root: bytes


def open_batch(tx: Tx) -> int:
    """Begin a batch to be staged; returns its number, to be kept by the same transaction."""
    return int(tx.execute(insert(_BATCH).values(entry=None).returning(_BATCH.c.id)).scalar_one())


def stage_leaves(database: Database, leaf_data: Iterable[bytes], *, batch: int) -> StagedBatch:
    """Write the leaves of a batch in chunks, seen by nobody; memory does not grow with them.

    Args:
        database: Where to.
        leaf_data: From `consortium.ledger.leaves`; their order is their position.
        batch: From `open_batch`, without leaves so far.

    Raises:
        StoreFailure: The batch was dropped meanwhile, or the database cannot be written.
    """
    tree = merkle.CompactRange()

    def rows() -> Iterator[tuple[int, int, bytes]]:
        for position, data in enumerate(leaf_data):
            tree.append(merkle.leaf_hash(data))
            yield batch, position, data

    count = in_chunks(database, _LEAF.name, ("batch", "position", "data"), rows())
    return StagedBatch(batch, count, tree.root())


def append_staged(tx: Tx, entry: Mapping[str, JSON], staged: StagedBatch) -> EntryIndex:
    """Record what was staged under one entry; the last thing in the transaction of the facts.

    Args:
        tx: The transaction that makes the facts true.
        entry: A batch entry of `consortium.ledger.entries`, without `leaves` and `root`.
        staged: From `stage_leaves`.

    Returns:
        The entry's index.

    Raises:
        EvidenceError: Not a batch entry of this version's format.
        StateConflict: The batch was dropped, or has its entry.
    """
    index = ledger.append(tx, {**entry, "leaves": staged.count, "root": staged.root.hex()})
    named = (
        update(_BATCH)
        .where(_BATCH.c.id == staged.batch, _BATCH.c.entry.is_(None))
        .values(entry=index)
    )
    if tx.execute(named).rowcount != 1:
        raise StateConflict("what was staged for the ledger is gone, or recorded already")
    return index


def drop_staged(database: Database, batch: int) -> None:
    """Remove the leaves of a batch that has no entry, in chunks; `forget_batch` comes after.

    The caller has made sure that nobody will append it.

    Raises:
        StoreFailure: It has an entry, so its leaves stay.
    """
    with database.read() as tx:
        highest = select(func.max(_LEAF.c.position)).where(_LEAF.c.batch == batch)
        last: int | None = tx.execute(highest).scalar_one()
    for begin in range(0, -1 if last is None else last + 1, _DELETE):
        with database.write() as tx:
            tx.execute(
                delete(_LEAF).where(
                    _LEAF.c.batch == batch,
                    _LEAF.c.position >= begin,
                    _LEAF.c.position < begin + _DELETE,
                )
            )
        give_way()


def forget_batch(tx: Tx, batch: int) -> None:
    """Remove a batch whose leaves were dropped, in the transaction that forgets its number.

    Raises:
        StoreFailure: It has an entry, leaves, or somebody who remembers it.
    """
    tx.execute(delete(_BATCH).where(_BATCH.c.id == batch))
