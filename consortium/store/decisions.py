"""What was said of rows that are not one human.

A decision is never changed or deleted: it stands until another takes it back, with all that was
carried over from it. It names source rows by upload digest and row number and keeps the keyed
digest of what each says, so that it outlives the rows and speaks of the same owner's rows in later
uploads that say the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, exists, func, insert, or_, select, text, update

from consortium.ledger import leaves
from consortium.ledger.canonical import JSON
from consortium.ledger.commit import leaf_salt, row_commitment
from consortium.model import UploadState
from consortium.store import ledger
from consortium.store.engine import Tx, chunked
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug, SourceRowId, UploadDigest, UploadName

__all__ = [
    "DecisionRecord",
    "NamedRow",
    "NeverRecord",
    "Source",
    "all_of",
    "latest",
    "let_go",
    "named",
    "pairs",
    "record",
    "sources_of",
    "take_back",
]

_decision = metadata.tables["consortium_never_decision"]
_pair = metadata.tables["consortium_never_pair"]
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
        root: That of the statement it comes from, if it was carried over; else the same.
        word_of: The partner (id) whose word it is; None: the operator's.
        sources, owners, contents: Of each row: itself, whose it is, and what it says.
    """

    decision: int
    root: int
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
        digest: SHA-256 of a partner's signed note; None for the operator's.
        entry: The ledger entry that records it.
        follows: The entry of the statement that it carries over to a newer upload.
        taken_back: The entry that takes it back, or that which it follows.
    """

    id: int
    said_by: str
    partner: PartnerSlug | None
    pairs: int
    at: datetime
    digest: bytes | None
    entry: EntryIndex
    follows: EntryIndex | None
    taken_back: EntryIndex | None


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
    """Every pair of every decision that stands, in their order; of one partner's (id), if given.

    About 20 µs and 0.5 kB for each.
    """
    statement = _pairs(~_is_taken_back())
    if said_by is not None:
        statement = statement.where(_decision.c.partner_id == said_by)
    yield from _never_records(tx, statement)


def let_go(tx: Tx, *, since: int) -> list[SourceRowId]:
    """Rows (ids) of active uploads that pairs may have held apart until they were taken back.

    Reads the rows of their owners once for every `_IN` different contents.

    Args:
        tx: A transaction.
        since: Taken back after the decision of this number.
    """
    contents: dict[PartnerSlug, set[bytes]] = {}
    for pair in _never_records(tx, _pairs(_is_taken_back(since=since))):
        for owner, content in zip(pair.owners, pair.contents, strict=True):
            contents.setdefault(owner, set()).add(content)
    found: set[SourceRowId] = set()
    for owner, some in contents.items():
        for part in chunked(some, _IN):
            statement = _named().where(_partner.c.slug == owner, _row.c.content.in_(part))
            found.update(_named_row(row).id for row in tx.execute(statement))
    return sorted(found)


def _root() -> ColumnElement[int]:
    return func.coalesce(_decision.c.follows, _decision.c.id)


def _is_taken_back(*, since: int = 0) -> ColumnElement[bool]:
    back = _decision.alias()
    return exists().where(back.c.takes_back == _root(), back.c.id > since)


def _pairs(condition: ColumnElement[bool]) -> Select[Any]:
    one, other = _upload.alias(), _upload.alias()
    one_owner, other_owner = _partner.alias(), _partner.alias()
    return (
        select(_pair, _root(), _decision.c.partner_id, one_owner.c.slug, other_owner.c.slug)
        .join(_decision, _decision.c.id == _pair.c.decision_id)
        .join(one, one.c.digest == _pair.c.one_upload)
        .join(other, other.c.digest == _pair.c.other_upload)
        .join(one_owner, one_owner.c.id == one.c.partner_id)
        .join(other_owner, other_owner.c.id == other.c.partner_id)
        .where(condition)
        .order_by(_pair.c.decision_id, _pair.c.number)
    )


def _never_records(tx: Tx, statement: Select[Any]) -> Iterator[NeverRecord]:
    for found in tx.execute(statement.execution_options(yield_per=_FETCH)):
        decision, _, *sides, root, word_of, one_slug, other_slug = found
        one_upload, one_number, one_content, other_upload, other_number, other_content = sides
        yield NeverRecord(
            decision,
            root,
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


def record(
    tx: Tx,
    rows: Sequence[tuple[NamedRow, NamedRow]],
    *,
    said_by: Literal["partner", "operator"],
    partner_id: int | None,
    digest: bytes | None,
    entry: Mapping[str, JSON],
    at: datetime,
    follows: int | None = None,
) -> EntryIndex:
    """Keep a decision, and record it in the ledger; the last thing in its transaction.

    Args:
        tx: A transaction.
        rows: The pairs, each with the smaller source first.
        said_by, partner_id: Whose word it is.
        digest: SHA-256 of a partner's signed note.
        entry: From `ledger.entries.never_merge_added`; its leaves are made here.
        at: Now.
        follows: The decision whose pairs are carried over, by number.

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
        "follows": follows,
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


def take_back(
    tx: Tx,
    decision: int,
    *,
    said_by: Literal["partner", "operator"],
    partner_id: int | None,
    digest: bytes | None,
    entry: Mapping[str, JSON],
    at: datetime,
) -> EntryIndex:
    """Let a decision, and all that follows it, hold no more; the last thing in its transaction.

    Args:
        tx: A transaction.
        decision: Its number; it stands, and follows none.
        said_by, partner_id, digest, at: As for `record`.
        entry: From `ledger.entries.never_merge_taken_back`.

    Returns:
        The ledger entry.
    """
    index = ledger.append(tx, entry)
    tx.execute(
        insert(_decision).values(
            said_by=said_by,
            partner_id=partner_id,
            digest=digest,
            secret=b"",
            at=at,
            entry=index,
            takes_back=decision,
        )
    )
    return index


def _commitment(secret: bytes, side: str, number: int, row: NamedRow) -> str:
    salt = leaf_salt(secret, purpose=side, number=number)
    return row_commitment(salt, upload=row.source[0], row=row.source[1])


def all_of(tx: Tx) -> list[DecisionRecord]:
    """Every decision, oldest first; what takes one back is told with it."""
    root, back = _decision.alias(), _decision.alias()
    statement = (
        select(
            _decision,
            _partner.c.slug,
            root.c.entry.label("root_entry"),
            back.c.entry.label("back_entry"),
            func.count(_pair.c.number).label("pairs"),
        )
        .outerjoin(_partner, _partner.c.id == _decision.c.partner_id)
        .outerjoin(_pair, _pair.c.decision_id == _decision.c.id)
        .outerjoin(root, root.c.id == _decision.c.follows)
        .outerjoin(back, back.c.takes_back == _root())
        .where(_decision.c.takes_back.is_(None))
        .group_by(_decision.c.id, _partner.c.slug, root.c.entry, back.c.entry)
        .order_by(_decision.c.id)
    )
    return [
        DecisionRecord(
            id=row.id,
            said_by=row.said_by,
            partner=row.slug and PartnerSlug(row.slug),
            pairs=row.pairs,
            at=row.at,
            digest=None if row.digest is None else bytes(row.digest),
            entry=EntryIndex(row.entry),
            follows=None if row.root_entry is None else EntryIndex(row.root_entry),
            taken_back=None if row.back_entry is None else EntryIndex(row.back_entry),
        )
        for row in tx.execute(statement)
    ]


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
