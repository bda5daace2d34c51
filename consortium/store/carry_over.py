"""Never-merge pairs follow a list to the upload that replaces it, also where rows have changed.

A row of the new upload stands for one of the old that is in a pair, if it says the same; or, if
none does, if it shares a contact point or composite with it that the other row of the pair does not
have, and none that only that other row has. What is carried over can only keep people apart; where
nothing tells the two apart any more (both have lost what was their own), or more than `MOST` rows
that say different things would stand for one, nothing is carried.

Done in the transaction in which one upload takes the other's place, and recorded like a decision
that follows the one it comes from: by the operator, and naming the partner whose word is carried
over, if it was a partner's. What is taken back follows nobody. Costs a few look-ups for each row in
a pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, product

from sqlalchemy import or_, select

from consortium.ledger import entries
from consortium.store import columns, decisions
from consortium.store.decisions import NamedRow, NeverRecord, Source
from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata
from consortium.store.uploads import UploadRecord

__all__ = ["MOST", "carry_over"]

MOST = 4
"""Rows that may stand for one. A list made for it could else name millions of pairs, all to be
written in the transaction in which one upload takes the other's place."""

_row = metadata.tables["consortium_source_row"]
_contact = metadata.tables["consortium_row_contact"]
_point = metadata.tables["consortium_contact_point"]
_pair = metadata.tables["consortium_never_pair"]

_IN = 500

_Keys = frozenset[int | bytes]
"""Contact points by id and composites by value; role addresses are none."""


def carry_over(tx: Tx, old: UploadRecord, new: UploadRecord, *, at: datetime) -> int:
    """Let the pairs that name rows of `old` hold for the rows of `new` that stand for them.

    Args:
        tx: The transaction in which `new` takes the place of `old`; the rows of both are there.
        old, new: Uploads of one owner.
        at: Now.

    Returns:
        How many pairs were added.
    """
    concerned = _concerned(tx, old)
    if not concerned:
        return 0
    rows = decisions.named(tx, {s for pair in concerned for s in pair.sources}, also=old.id)
    found = _Successors(tx, rows.values(), old=old, new=new)
    added = 0
    said = {record.id: record for record in decisions.all_of(tx)}
    by_root: defaultdict[tuple[int, int], list[NeverRecord]] = defaultdict(list)
    for pair in concerned:
        by_root[pair.root, pair.word_of or 0].append(pair)
    for (root, word_of), pairs in sorted(by_root.items()):
        wanted: dict[tuple[Source, Source], tuple[NamedRow, NamedRow]] = {}
        for pair in pairs:
            for couple in found.of_pair(pair, rows):
                one, other = sorted(couple, key=lambda row: row.source)
                wanted[one.source, other.source] = one, other
        if wanted:
            partner = new.partner if word_of else None
            decisions.record(
                tx,
                [wanted[sources] for sources in sorted(wanted)],
                said_by="operator",
                partner_id=word_of or None,
                digest=None,
                entry=entries.never_merge_added(
                    by="operator", partner=partner, follows=said[root].entry, at=at
                ),
                at=at,
                follows=root,
            )
        added += len(wanted)
    return added


def _concerned(tx: Tx, old: UploadRecord) -> list[NeverRecord]:
    named = select(_pair.c.decision_id).where(
        or_(_pair.c.one_upload == old.digest, _pair.c.other_upload == old.digest)
    )
    if tx.execute(named.limit(1)).first() is None:
        return []
    return [p for p in decisions.pairs(tx) if old.digest in {upload for upload, _ in p.sources}]


def _holds_already(pair: NeverRecord, a: NamedRow, b: NamedRow) -> bool:
    """Whether two rows are those of the pair, or say the same as they."""
    sides = set(zip(pair.owners, pair.contents, strict=True))
    return len(sides) > 1 and {(a.owner, a.content), (b.owner, b.content)} == sides


class _Successors:
    """Rows of the new upload that may stand for rows of the old one."""

    def __init__(
        self, tx: Tx, rows: Collection[NamedRow], *, old: UploadRecord, new: UploadRecord
    ) -> None:
        self._old = old
        self._keys = _keys(tx, [row.id for row in rows])
        leaving = [row for row in rows if row.source[0] == old.digest]
        wanted = frozenset[int | bytes]().union(*(self._keys[row.id] for row in leaving))
        ids = _holders(tx, wanted, upload=new.id)
        self._keys |= _keys(tx, ids)
        self._by_content: defaultdict[bytes, list[NamedRow]] = defaultdict(list)
        self._by_key: defaultdict[int | bytes, list[NamedRow]] = defaultdict(list)
        for row in decisions.sources_of(tx, ids):
            self._by_content[row.content].append(row)
            for key in self._keys[row.id] & wanted:
                self._by_key[key].append(row)

    def of_pair(
        self, pair: NeverRecord, rows: Mapping[Source, NamedRow]
    ) -> Iterator[tuple[NamedRow, NamedRow]]:
        """Who stands for the two rows of a pair, where the pair itself does not say so."""
        if not all(source in rows for source in pair.sources):
            return
        one, other = (rows[source] for source in pair.sources)
        for a, b in product(self._of(one, apart_from=other), self._of(other, apart_from=one)):
            if a.source != b.source and not _holds_already(pair, a, b):
                yield a, b

    def _of(self, row: NamedRow, *, apart_from: NamedRow) -> Sequence[NamedRow]:
        """Who stands for a row; itself, if its upload stays."""
        if row.source[0] != self._old.digest:
            return [row]
        if same := self._by_content.get(row.content):
            return _few(same, alike=row.content == apart_from.content)
        own = self._keys[row.id] - self._keys[apart_from.id]
        others = self._keys[apart_from.id] - self._keys[row.id]
        found = {
            new.source: new
            for key in own
            for new in self._by_key.get(key, ())
            if others.isdisjoint(self._keys[new.id])
        }
        return _few(found.values())


def _few(rows: Collection[NamedRow], *, alike: bool = False) -> Sequence[NamedRow]:
    """Rows that say different things, or all if rows `alike` are in question; none if too many.

    A pair holds for every row that says the same, so that one of them is enough.
    """
    ordered = sorted(rows, key=lambda row: row.source)
    kept = ordered if alike else list({row.content: row for row in reversed(ordered)}.values())
    return kept if len(kept) <= MOST else []


def _keys(tx: Tx, rows: Iterable[int]) -> dict[int, _Keys]:
    found: dict[int, set[int | bytes]] = defaultdict(set)
    for part in chunked(rows, _IN):
        points = (
            select(_contact.c.row_id, _contact.c.point_id)
            .join(_point, _point.c.id == _contact.c.point_id)
            .where(_contact.c.row_id.in_(part), ~_point.c.role)
        )
        for row, point in tx.execute(points):
            found[row].add(point)
        composites = select(_row.c.id, _row.c.name_birth, _row.c.name_address)
        for row, *values in tx.execute(composites.where(_row.c.id.in_(part))):
            found[row].update(bytes(value) for value in values if value is not None)
    return {row: frozenset(keys) for row, keys in found.items()}


def _holders(tx: Tx, keys: Iterable[int | bytes], *, upload: int) -> list[int]:
    """Rows of an upload that hold one of these keys, ascending.

    By the keys and then by the rows: asked for both at once, SQLite reads the whole upload.
    """
    among = set(keys)
    points = (key for key in among if isinstance(key, int))
    values = (key for key in among if isinstance(key, bytes))
    holders = {
        row
        for part in chain(
            columns.look_up(
                tx, "SELECT row_id FROM consortium_row_contact", where="point_id", among=points
            ),
            columns.look_up(
                tx, "SELECT row_id FROM consortium_row_key", where="value", among=values
            ),
        )
        for (row,) in part
    }
    return sorted(
        row
        for part in columns.look_up(
            tx, "SELECT id, upload_id FROM consortium_source_row", where="id", among=holders
        )
        for row, of in part
        if of == upload
    )
