"""The ledger's tables: entries, hashes of complete subtrees, batches of leaves, checkpoints.

An append is part of the transaction of the fact it records and comes last in it: on PostgreSQL it
locks the ledger until the commit, so that entries are numbered without gaps and no two
transactions grow the tree from the same place (on SQLite the writer is alone anyway). Nothing here
updates or deletes what an entry stands for; triggers refuse it (migration 0001).

A few leaves go with their entry (`append_batch`); many are staged before it (`store.batches`).

Cost in CPU time of one core, measured (SQLite · PostgreSQL, client side): an append 0.2 · 0.5 ms,
in a transaction of its own 0.6 · 0.8 ms plus the disk's sync; a batch of 50 leaves in its own
transaction 0.9 · 1.1 ms; a leaf of a large batch 4 · 3 µs after 25 µs to make it, so that more
than some thousand are better staged; a proof 0.3 · 0.4 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, insert, select, text

from consortium.errors import EvidenceError, NotFound, StateConflict
from consortium.ledger import canonical, merkle
from consortium.ledger import entries as entry_kinds
from consortium.ledger.canonical import JSON
from consortium.ledger.proof import EntryProof, LeafProof
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import EntryIndex

__all__ = [
    "CheckpointRecord",
    "append",
    "append_batch",
    "checkpoints",
    "consistency",
    "entries",
    "entry",
    "inclusion",
    "latest_checkpoint",
    "leaves",
    "prove",
    "prove_leaf",
    "root",
    "save_checkpoint",
    "size",
]

_T = TypeVar("_T")
_ENTRY = metadata.tables["consortium_ledger_entry"]
_NODE = metadata.tables["consortium_ledger_node"]
_BATCH = metadata.tables["consortium_ledger_batch"]
_LEAF = metadata.tables["consortium_ledger_leaf"]
_CHECKPOINT = metadata.tables["consortium_checkpoint"]
_SIZE = select(func.max(_ENTRY.c.id))
_INSERT_ENTRY = insert(_ENTRY)
_INSERT_NODES = insert(_NODE)
_INSERT_BATCH = insert(_BATCH).returning(_BATCH.c.id)
_MAX_ENTRY_BYTES = 65_535  # C2SP tlog-tiles, should we ever publish in that form
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """A checkpoint that was signed.

    Attributes:
        size: How many entries it covers.
        note: The signed note.
        signed_at: When.
    """

    size: int
    note: str
    signed_at: datetime


def size(tx: Tx) -> int:
    """How many entries there are."""
    last: int | None = tx.execute(_SIZE).scalar_one()
    return 0 if last is None else last + 1


def _nodes(tx: Tx, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Hashes of complete subtrees, by (level, position)."""
    if not wanted:
        return {}
    places = " OR ".join(f"(level = {int(lv)} AND position = {int(at)})" for lv, at in wanted)
    rows = tx.execute(text(f"SELECT level, position, hash FROM {_NODE.name} WHERE {places}"))  # noqa: S608 - our own table, whole numbers
    found = {(row.level, row.position): bytes(row.hash) for row in rows}
    if len(found) != len(set(wanted)):
        raise EvidenceError(
            "the ledger in the database lacks hashes of its own tree",
            hint="Restore the database from a backup, then run: consortium ledger verify",
        )
    return found


def _with_nodes(tx: Tx, build: Callable[[merkle.Node], _T]) -> _T:
    """Run a path builder twice: to learn which hashes it asks for, then with them."""
    wanted: list[tuple[int, int]] = []

    def note_down(level: int, position: int) -> bytes:
        wanted.append((level, position))
        return merkle.EMPTY_ROOT

    build(note_down)
    found = _nodes(tx, wanted)
    return build(lambda level, position: found[level, position])


def _lock_head(tx: Tx) -> None:
    if not tx.sqlite:
        tx.execute(text(f"LOCK TABLE {_ENTRY.name} IN SHARE ROW EXCLUSIVE MODE"))


def append(tx: Tx, entry: Mapping[str, JSON]) -> EntryIndex:
    """Record a fact; the last thing in its transaction.

    Args:
        tx: The transaction that makes the fact true.
        entry: From `consortium.ledger.entries`.

    Returns:
        The entry's index.

    Raises:
        EvidenceError: Not an entry of this version's format, or too large.
    """
    data = canonical.encode(entry_kinds.check(entry))
    if len(data) > _MAX_ENTRY_BYTES:
        raise EvidenceError(f"an entry may have {_MAX_ENTRY_BYTES} bytes and has {len(data)}")
    _lock_head(tx)
    index = size(tx)
    # The peaks that this leaf completes: one for each trailing 1 in the number before it.
    ones = ((~index) & (index + 1)).bit_length() - 1
    joined = [(level, (index >> level) - 1) for level in range(ones)]
    found = _nodes(tx, joined)
    value = merkle.leaf_hash(data)
    made = [{"level": 0, "position": index, "hash": value}]
    for level, position in joined:
        value = merkle.node_hash(found[level, position], value)
        made.append({"level": level + 1, "position": position >> 1, "hash": value})
    tx.execute(_INSERT_ENTRY, {"id": index, "data": data})
    tx.execute(_INSERT_NODES, made)
    return EntryIndex(index)


def append_batch(tx: Tx, entry: Mapping[str, JSON], leaf_data: Sequence[bytes]) -> EntryIndex:
    """Record many facts under one entry; the last thing in their transaction.

    Args:
        tx: The transaction that makes the facts true.
        entry: A batch entry of `consortium.ledger.entries`, without `leaves` and `root`.
        leaf_data: From `consortium.ledger.leaves`; their order is their position.

    Returns:
        The entry's index.

    Raises:
        EvidenceError: Not a batch entry of this version's format.
    """
    tree = merkle.root(map(merkle.leaf_hash, leaf_data))
    index = append(tx, {**entry, "leaves": len(leaf_data), "root": tree.hex()})
    batch = tx.execute(_INSERT_BATCH, {"entry": index}).scalar_one()
    rows = ((batch, position, data) for position, data in enumerate(leaf_data))
    tx.bulk(_LEAF.name, ("batch", "position", "data"), rows)
    return index


def entry(tx: Tx, index: EntryIndex) -> bytes:
    """The canonical bytes of one entry.

    Raises:
        NotFound: There is none of that index.
    """
    data = tx.execute(select(_ENTRY.c.data).where(_ENTRY.c.id == index)).scalar_one_or_none()
    if data is None:
        raise NotFound(f"the ledger has no entry {index}", hint=f"It has {size(tx)} entries.")
    return bytes(data)


def entries(tx: Tx, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Canonical bytes of the entries from `start` up to, not including, `stop`, in order.

    Read in pages, so memory does not grow; use it inside the transaction.

    Raises:
        EvidenceError: An entry is missing in between.
    """
    end = size(tx) if stop is None else stop
    for begin in range(start, end, _PAGE):
        page_end = min(begin + _PAGE, end)
        rows = tx.execute(
            select(_ENTRY.c.id, _ENTRY.c.data)
            .where(_ENTRY.c.id >= begin, _ENTRY.c.id < page_end)
            .order_by(_ENTRY.c.id)
        ).all()
        if [row.id for row in rows] != list(range(begin, page_end)):
            raise EvidenceError(f"the ledger in the database lacks entries from {begin} on")
        yield from (bytes(row.data) for row in rows)


def leaves(tx: Tx, index: EntryIndex) -> Iterator[bytes]:
    """Canonical bytes of the leaves below an entry, in order; none if it has none.

    Read in pages, so memory does not grow; use it inside the transaction.
    """
    batch = tx.execute(select(_BATCH.c.id).where(_BATCH.c.entry == index)).scalar_one_or_none()
    if batch is None:
        return
    after = -1
    while rows := tx.execute(
        select(_LEAF.c.position, _LEAF.c.data)
        .where(_LEAF.c.batch == batch, _LEAF.c.position > after)
        .order_by(_LEAF.c.position)
        .limit(_PAGE)
    ).all():
        yield from (bytes(row.data) for row in rows)
        after = rows[-1].position


def _known_size(tx: Tx, wanted: int | None) -> int:
    present = size(tx)
    if wanted is not None and not 0 <= wanted <= present:
        raise EvidenceError(f"the ledger has {present} entries, not {wanted}")
    return present if wanted is None else wanted


def root(tx: Tx, at_size: int | None = None) -> bytes:
    """The root of the ledger as it is, or as it was when it had `at_size` entries; 32 bytes.

    Raises:
        EvidenceError: It has never had so many.
    """
    wanted = merkle.peaks(_known_size(tx, at_size))
    found = _nodes(tx, wanted)
    return merkle.fold([found[peak] for peak in wanted])


def inclusion(tx: Tx, index: EntryIndex, at_size: int) -> list[bytes]:
    """The path of an entry in the ledger of `at_size` entries (RFC 6962, 2.1.1).

    Raises:
        EvidenceError: There was no such entry.
    """
    total = _known_size(tx, at_size)
    return _with_nodes(tx, lambda node: merkle.inclusion_path(index, total, node))


def consistency(tx: Tx, old: int, new: int) -> list[bytes]:
    """The proof that the ledger of `old` entries is the beginning of that of `new`.

    Raises:
        EvidenceError: It has never had so many, or `old` is the larger.
    """
    total = _known_size(tx, new)
    return _with_nodes(tx, lambda node: merkle.consistency_path(old, total, node))


def prove(tx: Tx, index: EntryIndex, checkpoint: CheckpointRecord) -> EntryProof:
    """A proof to hand out that an entry is in the ledger of a checkpoint.

    Raises:
        EvidenceError: The checkpoint is older than the entry.
    """
    path = inclusion(tx, index, checkpoint.size)
    return EntryProof(index, tuple(path), checkpoint.note)


def prove_leaf(tx: Tx, index: EntryIndex, position: int, checkpoint: CheckpointRecord) -> LeafProof:
    """A proof to hand out that a leaf is in a batch of the ledger of a checkpoint.

    Reads and hashes the whole batch: about 3 s for a million leaves.

    Raises:
        NotFound: There is no such leaf.
        EvidenceError: The checkpoint is older than the entry.
    """
    data = list(leaves(tx, index))
    if not 0 <= position < len(data):
        raise NotFound(f"entry {index} of the ledger has no leaf {position}")
    node = merkle.node_source([merkle.leaf_hash(leaf) for leaf in data])
    return LeafProof(
        leaf=data[position],
        entry=entry(tx, index),
        position=position,
        path=tuple(merkle.inclusion_path(position, len(data), node)),
        proof=prove(tx, index, checkpoint),
    )


def save_checkpoint(tx: Tx, note: str, *, at_size: int, at: datetime) -> None:
    """Keep a signed checkpoint; keeping the same one again changes nothing.

    Args:
        tx: A transaction.
        note: The signed note.
        at_size: How many entries it covers.
        at: When it was signed.

    Raises:
        EvidenceError: It covers more entries than there are.
        StateConflict: Another one of that size was signed before.
    """
    _known_size(tx, at_size)
    _lock_head(tx)
    kept = tx.execute(
        select(_CHECKPOINT.c.note).where(_CHECKPOINT.c.size == at_size)
    ).scalar_one_or_none()
    if kept is None:
        tx.execute(insert(_CHECKPOINT), {"size": at_size, "note": note, "signed_at": at})
    elif kept != note:
        raise StateConflict(
            f"another checkpoint of {at_size} entries has been signed before",
            hint="Two checkpoints of one size mean two histories: compare them before going on.",
        )


def checkpoints(tx: Tx) -> tuple[CheckpointRecord, ...]:
    """Every checkpoint ever signed, shortest ledger first."""
    rows = tx.execute(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size))
    return tuple(CheckpointRecord(row.size, row.note, row.signed_at) for row in rows)


def latest_checkpoint(tx: Tx) -> CheckpointRecord | None:
    """The checkpoint of the longest ledger; None if none was ever signed."""
    row = tx.execute(select(_CHECKPOINT).order_by(_CHECKPOINT.c.size.desc()).limit(1)).first()
    return None if row is None else CheckpointRecord(row.size, row.note, row.signed_at)
