"""Judging components: match blocks opened, persons told, here or in processes beside this one.

Rows go through in batches of whole components, a few thousand at a time, so memory does not grow
with their number. Of rows of a component that say the same (equal content digests) one is opened,
and none if all do: equal rows are one human by every rule. Nothing opened outlives the judgement
of its component, and no worker process outlives the merge.

Costs, on a million rows of which half say something of their own, 6 µs of CPU per row for reading
and 14 in the workers, their start included.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from consortium.identity.components import Ints, several
from consortium.identity.decisions import Never
from consortium.identity.evaluate import (
    MergeRow,
    Scorer,
    evaluate,
    evaluate_distinct,
)
from consortium.identity.reading import Found
from consortium.model.match_block import MatchBlock
from consortium.model.progress import Observer
from consortium.store import merge_keys
from consortium.store.engine import Tx
from consortium.store.merge_keys import MergeUpload, RowKeys
from consortium.vault.seal import RowOpener, SealContext
from consortium.workers import map_batches

__all__ = ["WORTH_WORKERS", "MatchOpener", "Opener", "judge", "match_opener"]

_BATCH_ROWS: Final = 5_000
WORTH_WORKERS: Final = 200_000
"""From so many rows on, starting processes (a second of CPU each) costs less than it saves."""


class Opener(Protocol):
    """Opens the sealed match blocks of one upload."""

    def open(self, sealed: bytes, *, number: int) -> bytes:
        """The match block's bytes of row `number`; EvidenceError if it is not that row's."""
        ...


MatchOpener = Callable[[SealContext, bytes], Opener]
"""Gives the opener for an upload: where its values belong, and its match salt. Picklable."""


@dataclass(frozen=True, slots=True, repr=False)
class _KeyHolder:
    key: bytes

    def __call__(self, context: SealContext, salt: bytes) -> RowOpener:
        return RowOpener(self.key, label="match", salt=salt, context=context)


def match_opener(match_key: bytes) -> MatchOpener:
    """The opener that holds the match key itself.

    Raises:
        KeyFailure: The key is not 32 bytes; raised when an upload is opened.
    """
    return _KeyHolder(match_key)


@dataclass(frozen=True, slots=True)
class _Setup:
    """What judging takes besides the rows; goes to each worker as it is.

    Attributes:
        uploads: For each, where its values belong, and its match salt.
    """

    opener: MatchOpener
    never: Never
    scored: Scorer | None
    uploads: Mapping[int, tuple[SealContext, bytes]]


class _Batch(NamedTuple):
    """Whole components, one after the other.

    `rows` are in the order of `MatchRow`; row i holds `points[cuts[i]:]` up to `cuts[i + 1]`,
    phones from `phones[i]` on; composites that a crowd holds are marked as not `birth`, `address`.
    """

    sizes: Ints
    rows: list[tuple[Any, ...]]
    points: Ints
    cuts: Ints
    phones: Ints
    birth: Ints
    address: Ints


def judge(
    tx: Tx,
    found: Found,
    *,
    uploads: Sequence[MergeUpload],
    never: Never,
    scored: Scorer | None,
    origin: str,
    opener: MatchOpener,
    observer: Observer,
    workers: int = 0,
    worth_workers: int = WORTH_WORKERS,
) -> Ints:
    """Who is one human with whom.

    Args:
        tx: The transaction that `found` was read in.
        found: Whole components.
        uploads: The uploads that their rows are of.
        never: Pairs that no person may hold both of.
        scored: Weighs what no rule joins; None: rules alone.
        origin: The consortium's identity, which the match blocks are sealed for.
        opener: Opens them.
        observer: Told of each row judged.
        workers: Processes to share the work, of `worth_workers` rows and more; the result is the
            same.

    Returns:
        For each row of `found`, the index of a row that stands for its person.

    Raises:
        EvidenceError: A match block was altered or belongs elsewhere.
    """
    person = np.arange(len(found.label), dtype=np.int64)
    order, sizes = several(found.label)
    observer.begin("judging rows that share something", len(order))
    contexts = {
        u.id: (SealContext(origin, u.owner, u.digest), u.match_salt) for u in uploads if u.active
    }
    waiting: deque[Ints] = deque()
    results = map_batches(
        f"{__name__}:_judges",
        _Setup(opener, never, scored, contexts),
        _batches(tx, found.keys, order, sizes, waiting),
        workers=workers if len(order) >= worth_workers else 0,
    )
    for first in results:
        rows = waiting.popleft()
        person[rows] = rows[first]
        observer.advance(len(rows))
    observer.end()
    return person


def _batches(
    tx: Tx, keys: RowKeys, order: Ints, sizes: Ints, waiting: deque[Ints]
) -> Iterator[_Batch]:
    """Some components at a time; which rows they are is put on `waiting`."""
    ends = np.cumsum(sizes)
    done = 0
    while done < len(sizes):
        begin = int(ends[done] - sizes[done])
        until = max(done + 1, int(np.searchsorted(ends, begin + _BATCH_ROWS)))
        rows = order[begin : int(ends[until - 1])]
        waiting.append(rows)
        yield _batch(tx, keys, rows, sizes[done:until])
        done = until


def _batch(tx: Tx, keys: RowKeys, rows: Ints, sizes: Ints) -> _Batch:
    ids = keys.row[rows]
    by_id = np.argsort(ids)
    place = np.empty_like(by_id)
    place[by_id] = np.arange(len(ids))
    read = merge_keys.match_rows_of(tx, ids[by_id].tolist())
    start, end = keys.start[rows], keys.start[rows + 1]
    cuts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(end - start)])
    flat = np.arange(cuts[-1]) + np.repeat(start - cuts[:-1], end - start)
    return _Batch(
        sizes=sizes,
        rows=[read[at] for at in place.tolist()],
        points=keys.point[flat],
        cuts=cuts,
        phones=keys.phones[rows] - start + cuts[:-1],
        birth=keys.name_birth[rows],
        address=keys.name_address[rows],
    )


def _judges(setup: _Setup) -> Callable[[_Batch], Ints]:
    """What a worker does with each batch; gives the first row of each row's person."""
    return _Judgement(setup).of


class _Judgement:
    def __init__(self, setup: _Setup) -> None:
        self._by, self._contexts = setup, setup.uploads
        self._openers: dict[int, Opener] = {}

    def of(self, batch: _Batch) -> Ints:
        first = list(range(len(batch.rows)))
        claims = _Claims(batch, self._open)
        at = 0
        for size in batch.sizes.tolist():
            places = range(at, at + size)
            at += size
            for cluster in self._people(places, batch, claims):
                for place in cluster:
                    first[place] = cluster[0]
        return np.array(first, dtype=np.int64)

    def _people(self, places: range, batch: _Batch, claims: _Claims) -> list[list[int]]:
        contents = [row[_CONTENT] for row in batch.rows[places.start : places.stop]]
        if self._by.never and self._by.never.concerns(contents):
            known = [
                (self._contexts[row[_UPLOAD]][0], row[_NUMBER])
                for row in batch.rows[places.start : places.stop]
            ]
            sources = [(context.upload, number) for context, number in known]
            owners = [context.owner for context, _ in known]
            found = evaluate(
                [claims.of(place) for place in places],
                sources=sources,
                never=self._by.never.among(contents, sources, owners),
                scored=self._by.scored,
            )
            return [[places[i] for i in cluster] for cluster in found]
        same: dict[bytes, list[int]] = {}
        for place, content in zip(places, contents, strict=True):
            same.setdefault(content, []).append(place)
        groups = list(same.values())
        if len(groups) == 1:
            return groups
        distinct = [claims.of(group[0]) for group in groups]
        found = evaluate_distinct(distinct, scored=self._by.scored)
        return [[place for i in cluster for place in groups[i]] for cluster in found]

    def _open(self, upload: int) -> Opener:
        opener = self._openers.get(upload)
        if opener is None:
            opener = self._openers[upload] = self._by.opener(*self._contexts[upload])
        return opener


_UPLOAD, _NUMBER, _CONTENT = (
    merge_keys.MatchRow._fields.index(n) for n in ("upload_id", "number", "content")
)


class _Claims:
    """The rows of a batch as they are judged; opened when asked for."""

    def __init__(self, batch: _Batch, opener: Callable[[int], Opener]) -> None:
        self._rows = batch.rows
        self._points = batch.points.tolist()
        self._cuts, self._phones = batch.cuts.tolist(), batch.phones.tolist()
        self._birth, self._address = batch.birth.tolist(), batch.address.tolist()
        self._opener = opener

    def of(self, place: int) -> MergeRow:
        _, upload, number, content, birth, address, sealed = self._rows[place]
        start, phones, end = self._cuts[place], self._phones[place], self._cuts[place + 1]
        return MergeRow(
            content,
            tuple(self._points[start:phones]),
            tuple(self._points[phones:end]),
            birth if self._birth[place] else None,
            address if self._address[place] else None,
            MatchBlock.decode(self._opener(upload).open(sealed, number=number)),
        )
