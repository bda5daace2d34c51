"""What was said of rows that are not one human, and by which rules generations were judged.

A decision is for ever: nothing here changes or deletes one. It names source rows by upload digest
and row number and keeps the keyed digest of what each says, so that it outlives the rows and
speaks of the same owner's rows in later uploads that say the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, Select, func, insert, or_, select, text, update

from consortium.ledger import leaves
from consortium.ledger.canonical import JSON
from consortium.ledger.commit import leaf_salt, row_commitment
from consortium.model import UploadState
from consortium.store import ledger
from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug, SourceRowId, UploadDigest, UploadName

__all__ = [
    "Basis",
    "DecisionRecord",
    "NamedRow",
    "NeverRecord",
    "Source",
    "all_of",
    "basis",
    "by_digest",
    "latest",
    "named",
    "pairs",
    "record",
    "set_basis",
    "sources_of",
]

_decision = metadata.tables["consortium_never_decision"]
_pair = metadata.tables["consortium_never_pair"]
_basis = metadata.tables["consortium_merge_basis"]
_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_row = metadata.tables["consortium_source_row"]

_IN = 500
_FETCH = 20_000

Source = tuple[UploadDigest, int]
"""A source row as it is known for ever: its upload's digest and its number there."""


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row of an active upload, by what people call it and by what a decision keeps of it.

    Attributes:
        source: Its upload's digest and its number.
        upload: What people call the upload, `u-0042`.
        content: 16 bytes: keyed digest of what it says.
    """

    id: SourceRowId
    source: Source
    upload: UploadName
    list_name: str
    owner: PartnerSlug
    group: str
    content: bytes
    record_id: bytes | None


@dataclass(frozen=True, slots=True)
class NeverRecord:
    """Two rows that are two people.

    Attributes:
        decision: The number of the statement.
        word_of: The partner (id) whose word it is; None: the operator's.
        sources, owners, contents: Of each row: itself, whose it is, and what it says.
    """

    decision: int
    word_of: int | None
    sources: tuple[Source, Source]
    owners: tuple[PartnerSlug, PartnerSlug]
    contents: tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One statement, of any number of pairs.

    Attributes:
        partner: The owner whose word it is; None: the operator's.
        pairs: How many it was of.
        entry: The ledger entry that records it.
    """

    id: int
    said_by: str
    partner: PartnerSlug | None
    pairs: int
    at: datetime
    entry: EntryIndex


@dataclass(frozen=True, slots=True)
class Basis:
    """What a generation was judged by: the rules' name, and the last decision it holds to."""

    rules: str
    decisions: int = 0


def named(tx: Tx, sources: Iterable[Source], *, also: int = 0) -> dict[Source, NamedRow]:
    """Those of these rows that are there and of active uploads, or of the upload `also` (id)."""
    found: dict[Source, NamedRow] = {}
    wanted: dict[UploadDigest, list[int]] = {}
    for digest, number in sources:
        wanted.setdefault(digest, []).append(number)
    for digest, numbers in wanted.items():
        for part in chunked(numbers, _IN):
            statement = _named(also).where(_upload.c.digest == digest, _row.c.number.in_(part))
            for row in map(_named_row, tx.execute(statement)):
                found[row.source] = row
    return found


def sources_of(tx: Tx, rows: Iterable[int]) -> list[NamedRow]:
    """These rows (ids), as far as they are of active uploads, by upload and number."""
    found = [
        _named_row(row)
        for part in chunked(rows, _IN)
        for row in tx.execute(_named().where(_row.c.id.in_(part)))
    ]
    return sorted(found, key=lambda row: (len(row.upload), row.upload, row.source[1]))


def pairs(tx: Tx, *, said_by: int | None = None) -> Iterator[NeverRecord]:
    """Every pair of every decision, in their order; of one partner's own word if given by id.

    About 20 µs and 0.5 kB for each.
    """
    one, other = _upload.alias(), _upload.alias()
    one_owner, other_owner = _partner.alias(), _partner.alias()
    statement = (
        select(_pair, _decision.c.partner_id, one_owner.c.slug, other_owner.c.slug)
        .join(_decision, _decision.c.id == _pair.c.decision_id)
        .join(one, one.c.digest == _pair.c.one_upload)
        .join(other, other.c.digest == _pair.c.other_upload)
        .join(one_owner, one_owner.c.id == one.c.partner_id)
        .join(other_owner, other_owner.c.id == other.c.partner_id)
        .order_by(_pair.c.decision_id, _pair.c.number)
    )
    if said_by is not None:
        statement = statement.where(_decision.c.partner_id == said_by)
    for found in tx.execute(statement.execution_options(yield_per=_FETCH)):
        decision, _, *sides, word_of, one_slug, other_slug = found
        one_upload, one_number, one_content, other_upload, other_number, other_content = sides
        yield NeverRecord(
            decision,
            word_of,
            (
                (UploadDigest(bytes(one_upload)), one_number),
                (UploadDigest(bytes(other_upload)), other_number),
            ),
            (PartnerSlug(one_slug), PartnerSlug(other_slug)),
            (bytes(one_content), bytes(other_content)),
        )


def latest(tx: Tx) -> int:
    """The number of the newest decision, 0 for none; on PostgreSQL none comes until the commit."""
    if not tx.sqlite and tx.writable:
        tx.execute(text(f"LOCK TABLE {_decision.name} IN SHARE MODE"))
    return tx.execute(select(func.max(_decision.c.id))).scalar_one() or 0


def by_digest(tx: Tx, digest: bytes) -> int | None:
    """The decision that a partner's signed note made, or None."""
    found = tx.execute(select(_decision.c.id).where(_decision.c.digest == digest))
    return found.scalar_one_or_none()


def record(
    tx: Tx,
    rows: Sequence[tuple[NamedRow, NamedRow]],
    *,
    said_by: Literal["partner", "operator"],
    partner_id: int | None,
    digest: bytes | None,
    entry: Mapping[str, JSON],
    at: datetime,
) -> EntryIndex:
    """Keep a decision, and record it in the ledger; the last thing in its transaction.

    Args:
        tx: A transaction.
        rows: The pairs, each with the smaller source first.
        said_by, partner_id: Whose word it is.
        digest: SHA-256 of a partner's signed note.
        entry: From `ledger.entries.never_merge_added`; its leaves are made here.
        at: Now.

    Returns:
        The ledger entry.
    """
    secret = secrets.token_bytes(32)
    values = {
        "said_by": said_by,
        "partner_id": partner_id,
        "digest": digest,
        "secret": secret,
        "at": at,
        "entry": 0,
    }
    decision = tx.execute(insert(_decision).values(values).returning(_decision.c.id)).scalar_one()
    columns = [column.name for column in _pair.columns]
    tx.bulk(
        _pair.name,
        columns,
        (
            (decision, number, *one.source, one.content, *other.source, other.content)
            for number, (one, other) in enumerate(rows, start=1)
        ),
    )
    commitments = [
        leaves.never_merge(
            number,
            one=_commitment(secret, "one", number, one),
            other=_commitment(secret, "other", number, other),
        )
        for number, (one, other) in enumerate(rows, start=1)
    ]
    index = ledger.append_batch(tx, entry, commitments)
    tx.execute(update(_decision).where(_decision.c.id == decision).values(entry=index))
    return index


def _commitment(secret: bytes, side: str, number: int, row: NamedRow) -> str:
    salt = leaf_salt(secret, purpose=side, number=number)
    return row_commitment(salt, upload=row.source[0], row=row.source[1])


def all_of(tx: Tx) -> list[DecisionRecord]:
    """Every decision, oldest first."""
    statement = (
        select(_decision, _partner.c.slug, func.count(_pair.c.number).label("pairs"))
        .outerjoin(_partner, _partner.c.id == _decision.c.partner_id)
        .outerjoin(_pair, _pair.c.decision_id == _decision.c.id)
        .group_by(_decision.c.id, _partner.c.slug)
        .order_by(_decision.c.id)
    )
    return [
        DecisionRecord(
            id=row.id,
            said_by=row.said_by,
            partner=row.slug and PartnerSlug(row.slug),
            pairs=row.pairs,
            at=row.at,
            entry=EntryIndex(row.entry),
        )
        for row in tx.execute(statement)
    ]


def basis(tx: Tx, generation: int) -> Basis | None:
    """What a generation was judged by; None before the first."""
    found = tx.execute(select(_basis).where(_basis.c.generation == generation)).first()
    return None if found is None else Basis(found.rules, found.decisions)


def set_basis(tx: Tx, generation: int, found: Basis) -> None:
    """Note what a generation was judged by, instead of what was noted of it before."""
    values = {"rules": found.rules, "decisions": found.decisions}
    there = update(_basis).where(_basis.c.generation == generation).values(values)
    if tx.execute(there).rowcount != 1:
        tx.execute(insert(_basis).values(generation=generation, **values))


def _named(also: int = 0) -> Select[Any]:
    return (
        select(
            _row.c.id,
            _row.c.number,
            _row.c.content,
            _row.c.record_id,
            _upload.c.id.label("upload_id"),
            _upload.c.digest,
            _upload.c.list_name,
            _partner.c.slug,
            _partner.c.firewall_group,
        )
        .join(_upload, _upload.c.id == _row.c.upload_id)
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .where(or_(_upload.c.state == UploadState.ACTIVE.value, _upload.c.id == also))
    )


def _named_row(row: Row[Any]) -> NamedRow:
    return NamedRow(
        id=SourceRowId(row.id),
        source=(UploadDigest(bytes(row.digest)), row.number),
        upload=UploadName(f"u-{row.upload_id:04d}"),
        list_name=row.list_name,
        owner=PartnerSlug(row.slug),
        group=row.firewall_group,
        content=bytes(row.content),
        record_id=None if row.record_id is None else bytes(row.record_id),
    )
