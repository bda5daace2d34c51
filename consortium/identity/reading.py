"""From the store to the pure parts of a merge: components by their keys, rows with their evidence.

Match blocks are opened here, a few thousand at a time, and only of rows that share a key with
another row; nothing opened outlives the judgement of its component.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from consortium.identity.components import Components, Key, KeyColumn, closure, reach
from consortium.identity.decisions import Never
from consortium.identity.evaluate import MergeRow, NeverPair, Scorer, Source, evaluate
from consortium.model.match_block import MatchBlock
from consortium.model.progress import Observer
from consortium.store import merge_keys
from consortium.store.engine import Tx
from consortium.store.merge_keys import MergeUpload, RowKeys
from consortium.vault.seal import SealContext

__all__ = ["MatchOpener", "Opener", "all_components", "judge", "touched_components"]

_BATCH_ROWS: Final = 5_000
_NOTHING: Final = bytes(16)
_COMPOSITES: Final[tuple[Literal["name_birth", "name_address"], ...]] = (
    "name_birth",
    "name_address",
)

Ints = npt.NDArray[np.int64]


class Opener(Protocol):
    """Opens the sealed match blocks of one upload."""

    def open(self, sealed: bytes, *, number: int) -> bytes:
        """The match block's bytes of row `number`; EvidenceError if it is not that row's."""
        ...


MatchOpener = Callable[[SealContext, bytes], Opener]
"""Gives the opener for an upload: where its values belong, and its match salt."""


class StoredKeys:
    """The index of keys that a database is."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def keys(self, rows: Collection[int]) -> Iterator[tuple[int, Key]]:
        """Every (row, key) of these rows."""
        for row, point, _ in merge_keys.points_of(self._tx, rows):
            yield row, ("point", point)
        for row, birth, address in merge_keys.composites_of(self._tx, rows):
            if birth is not None:
                yield row, ("name_birth", birth)
            if address is not None:
                yield row, ("name_address", address)

    def holders(self, keys: Collection[Key]) -> Iterator[tuple[Key, int, int]]:
        """Every (key, row, upload) that holds one of these keys, in whatever state."""
        points = sorted(value for _, value in keys if isinstance(value, int))
        for point, row, upload in merge_keys.point_holders(self._tx, points):
            yield ("point", point), row, upload
        for kind in _COMPOSITES:
            values = sorted(v for k, v in keys if k == kind and isinstance(v, bytes))
            for value, row, upload in merge_keys.composite_holders(self._tx, kind, values):
                yield (kind, value), row, upload


def touched_components(
    tx: Tx, uploads: Sequence[MergeUpload], *, stale: Collection[int]
) -> Components:
    """The components that rows of new and ended uploads, and stale rows, can have touched.

    Costs about 30 µs for each row in them; `all_components` about 5 µs for each row there is.
    """
    new = merge_keys.rows_of(tx, [u.id for u in uploads if u.active and not u.covered])
    gone = merge_keys.rows_of(tx, [u.id for u in uploads if u.covered and not u.active])
    before = {u.id: u.group for u in uploads if u.covered}
    now = {u.id: u.group for u in uploads if u.active}
    return reach(
        StoredKeys(tx),
        changed=[*new, *gone],
        seeds={*new, *stale}.difference(gone),
        before=before.get,
        now=now.get,
    )


def all_components(tx: Tx, uploads: Sequence[MergeUpload]) -> Components:
    """The components of every row of the active uploads."""
    active = {u.id: u.group for u in uploads if u.active}
    names = sorted(set(active.values()))
    keys = merge_keys.row_keys(tx, list(active))
    numbers = {upload: names.index(group) for upload, group in active.items()}
    highest = max(active, default=0)
    of_upload = np.array([numbers.get(i, 0) for i in range(highest + 1)], dtype=np.int64)
    group = of_upload[keys.upload]
    columns, name_key = _columns(keys, group)
    label, crowded = closure(len(keys.row), columns)
    found: set[tuple[str, Key]] = set()
    for column, positions, name in zip(columns, crowded, name_key, strict=True):
        found.update(
            (names[group[column.row[position]]], name(position)) for position in positions.tolist()
        )
    return Components(rows=keys.row, label=label, crowded=frozenset(found))


def _columns(keys: RowKeys, group: Ints) -> tuple[list[KeyColumn], list[Callable[[int], Key]]]:
    """The keys as numbers, and how to get a key back from its position."""
    row = np.searchsorted(keys.row, keys.point_row)
    points = keys.point.astype(np.uint64) + (group[row].astype(np.uint64) << np.uint64(48))
    columns = [KeyColumn(row, points)]
    names: list[Callable[[int], Key]] = [lambda at: ("point", int(keys.point[at]))]
    for kind, values in zip(_COMPOSITES, (keys.name_birth, keys.name_address), strict=True):
        halves = values.view("<u8").reshape(-1, 2)
        held = np.flatnonzero(halves.any(axis=1))
        apart = group[held].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        columns.append(KeyColumn(held, halves[held, 0] ^ apart))
        names.append(_composite_name(kind, values, held))
    return columns, names


def _composite_name(
    kind: Literal["name_birth", "name_address"], values: npt.NDArray[np.void], held: Ints
) -> Callable[[int], Key]:
    return lambda at: (kind, values[held[at]].tobytes())


def judge(
    tx: Tx,
    found: Components,
    *,
    uploads: Sequence[MergeUpload],
    never: Never,
    scored: Scorer | None,
    origin: str,
    opener: MatchOpener,
    observer: Observer,
) -> Ints:
    """Who is one human with whom.

    Args:
        found: Whole components.
        uploads: The uploads that their rows are of.
        never: Pairs that no person may hold both of.
        scored: Weighs what no rule joins; None: rules alone.
        origin: The consortium's identity, which the match blocks are sealed for.
        opener: Opens them.
        observer: Told of each row judged.

    Returns:
        For each row of `found`, the index in `found.rows` of a row that stands for its person.

    Raises:
        EvidenceError: A match block was altered or belongs elsewhere.
    """
    person = np.arange(len(found.rows), dtype=np.int64)
    several = found.several()
    observer.begin("judging rows that share something", sum(map(len, several)))
    evidence = _Evidence(tx, found.crowded, uploads, origin, opener)
    for batch in _batches(several):
        rows = evidence.of(found.rows[np.concatenate(batch)].tolist())
        for component in batch:
            ids = found.rows[component].tolist()
            members = [rows[i] for i in ids]
            sources, apart = evidence.apart(ids, members, never)
            for cluster in evaluate(members, sources=sources, never=apart, scored=scored):
                person[component[cluster]] = component[cluster[0]]
        observer.advance(len(rows))
    observer.end()
    return person


def _batches(components: Iterable[Ints]) -> Iterator[list[Ints]]:
    batch: list[Ints] = []
    rows = 0
    for component in components:
        batch.append(component)
        rows += len(component)
        if rows >= _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch


class _Evidence:
    """Rows with their keys and opened match blocks."""

    def __init__(
        self,
        tx: Tx,
        crowded: frozenset[tuple[str, Key]],
        uploads: Sequence[MergeUpload],
        origin: str,
        opener: MatchOpener,
    ) -> None:
        self._tx = tx
        self._crowded = crowded
        self._uploads: Mapping[int, MergeUpload] = {u.id: u for u in uploads}
        self._openers: dict[int, Opener] = {}
        self._origin = origin
        self._opener = opener
        self._known_as: dict[int, tuple[int, int]] = {}  # row → upload, number

    def of(self, ids: Sequence[int]) -> dict[int, MergeRow]:
        """By row id; keys that a crowd holds are left out."""
        self._known_as.clear()
        points: dict[tuple[int, str], list[int]] = defaultdict(list)
        for row, point, kind in merge_keys.points_of(self._tx, ids):
            points[row, kind].append(point)
        rows: dict[int, MergeRow] = {}
        for row_id, upload, number, content, birth, address, sealed in merge_keys.match_rows_of(
            self._tx, ids
        ):
            opened = self._open(upload).open(bytes(sealed), number=number)
            self._known_as[row_id] = upload, number
            group = self._uploads[upload].group
            rows[row_id] = MergeRow(
                content=bytes(content),
                emails=self._open_points(group, points[row_id, "email"]),
                phones=self._open_points(group, points[row_id, "phone"]),
                name_birth=self._open_composite(group, "name_birth", birth),
                name_address=self._open_composite(group, "name_address", address),
                block=MatchBlock.decode(opened),
            )
        return rows

    def apart(
        self, ids: Sequence[int], rows: Sequence[MergeRow], never: Never
    ) -> tuple[list[Source], list[NeverPair]]:
        """What the rows of a component are known as, and which of them are never one human."""
        if not never:
            return [], []
        known = [(self._uploads[upload], n) for upload, n in map(self._known_as.__getitem__, ids)]
        sources = [(upload.digest, number) for upload, number in known]
        return list(sources), never.among(rows, sources, [upload.owner for upload, _ in known])

    def _open(self, upload_id: int) -> Opener:
        opener = self._openers.get(upload_id)
        if opener is None:
            upload = self._uploads[upload_id]
            context = SealContext(self._origin, upload.owner, upload.digest)
            opener = self._openers[upload_id] = self._opener(context, upload.match_salt)
        return opener

    def _open_points(self, group: str, points: Sequence[int]) -> tuple[int, ...]:
        return tuple(p for p in points if (group, ("point", p)) not in self._crowded)

    def _open_composite(
        self, group: str, kind: Literal["name_birth", "name_address"], value: bytes | None
    ) -> bytes | None:
        if value is None or (group, (kind, bytes(value))) in self._crowded:
            return None
        return bytes(value)
