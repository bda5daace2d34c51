"""Uploads: one delivery of one list each, the unit of undo.

`staged → active → withdrawn | expired`, by `UPDATE … WHERE state = …` with the count checked. A
staged upload is invisible to everything but the sweep; its rows count from the transaction that
makes it active. The rows of an ended upload count no more from the transaction that ends it, and
are deleted afterwards; the upload itself stays, as evidence, with its salts blanked once nothing
of it is left (`mark_erased`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from consortium.errors import NotFound, StateConflict, quoted
from consortium.model import UploadState
from consortium.store.engine import Tx
from consortium.store.tables import metadata
from consortium.types import EntryIndex, PartnerSlug, UploadDigest, UploadName

__all__ = [
    "UploadRecord",
    "activate",
    "all_of",
    "by_digest",
    "by_id",
    "digests",
    "end",
    "expired_by",
    "forget",
    "get",
    "mark_erased",
    "set_entry",
    "stage",
    "staged",
    "unerased",
]

_upload = metadata.tables["consortium_upload"]
_partner = metadata.tables["consortium_partner"]
_NAME = re.compile(r"u-([0-9]{1,15})")
_ENDED = (UploadState.WITHDRAWN.value, UploadState.EXPIRED.value)


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload as stored; times are aware UTC.

    Attributes:
        digest: The pack's; names the upload for ever.
        list_name: The partner's name for the list.
        layout: Layout the partner's file had.
        obtained_on, expires_on: As the partner attests.
        signature: The partner's, from the pack's trailer.
        data_salt, match_salt: 32 bytes each, for the row keys; empty once erased.
        epoch, profile: How its values became tokens.
        rows, opt_outs, rejected, repeated: What became of the list's rows.
        ended_at: When it was withdrawn or expired.
        entry: The ledger entry that records it; None while staged.
    """

    id: int
    digest: UploadDigest
    partner_id: int
    partner: PartnerSlug
    list_name: str
    layout: str
    obtained_on: date
    expires_on: date | None
    state: UploadState
    signature: bytes
    data_salt: bytes
    match_salt: bytes
    epoch: int
    profile: int
    rows: int
    opt_outs: int
    rejected: int
    repeated: int
    added_at: datetime
    ended_at: datetime | None
    entry: EntryIndex | None

    @property
    def name(self) -> UploadName:
        """What people call it: `u-0042`."""
        return UploadName(f"u-{self.id:04d}")

    @property
    def erased(self) -> bool:
        """Whether its rows, tokens and wraps are deleted."""
        return not self.data_salt


def stage(
    tx: Tx,
    *,
    digest: UploadDigest,
    partner_id: int,
    list_name: str,
    layout: str,
    obtained_on: date,
    expires_on: date | None,
    signature: bytes,
    data_salt: bytes,
    match_salt: bytes,
    epoch: int,
    profile: int,
    rows: int,
    opt_outs: int,
    rejected: int,
    repeated: int,
    added_at: datetime,
) -> int:
    """Insert an upload in state `staged`; returns its id.

    Raises:
        StateConflict: There is one of that digest.
    """
    statement = insert(_upload).values(
        digest=digest,
        partner_id=partner_id,
        list_name=list_name,
        origin=layout,
        obtained_on=obtained_on,
        expires_on=expires_on,
        state=UploadState.STAGED.value,
        signature=signature,
        data_salt=data_salt,
        match_salt=match_salt,
        epoch=epoch,
        profile=profile,
        rows=rows,
        opt_outs=opt_outs,
        rejected=rejected,
        repeated=repeated,
        added_at=added_at,
    )
    try:
        return int(tx.execute(statement.returning(_upload.c.id)).scalar_one())
    except IntegrityError as error:
        raise StateConflict(
            "this pack is being taken in by another command",
            hint="Wait until it has ended, then see: consortium upload list",
        ) from error


def activate(tx: Tx, upload_id: int, *, at: datetime) -> None:
    """Make a staged upload's rows count and its opt-outs stand, from this transaction on.

    Raises:
        StateConflict: It is not staged (any more).
    """
    if not tx.sqlite:  # as for a new ban: behind an intent under way, and before the next one
        tx.execute(text("LOCK TABLE consortium_suppression IN ROW EXCLUSIVE MODE"))
    statement = (
        update(_upload)
        .where(_upload.c.id == upload_id, _upload.c.state == UploadState.STAGED.value)
        .values(state=UploadState.ACTIVE.value, added_at=at)
    )
    if tx.execute(statement).rowcount != 1:
        raise StateConflict(
            "the upload was swept away while its pack was being taken in",
            hint="Add the pack again.",
        )


def set_entry(tx: Tx, upload_id: int, *, entry: EntryIndex) -> None:
    """Note the ledger entry that records the upload."""
    tx.execute(update(_upload).where(_upload.c.id == upload_id).values(entry=entry))


def end(tx: Tx, upload_id: int, *, state: UploadState, at: datetime) -> None:
    """Make an active upload's rows count no more: `withdrawn` or `expired`.

    Raises:
        StateConflict: It is not active (any more).
    """
    assert state.value in _ENDED
    statement = (
        update(_upload)
        .where(_upload.c.id == upload_id, _upload.c.state == UploadState.ACTIVE.value)
        .values(state=state.value, ended_at=at)
    )
    if tx.execute(statement).rowcount != 1:
        found = by_id(tx, upload_id)
        raise StateConflict(f"upload {found.name} is {found.state.value} already")


def mark_erased(tx: Tx, upload_id: int) -> bool:
    """Blank the salts of an ended upload; returns False if that was done before."""
    statement = (
        update(_upload)
        .where(_upload.c.id == upload_id, _upload.c.state.in_(_ENDED), _upload.c.data_salt != b"")
        .values(data_salt=b"", match_salt=b"")
    )
    return int(tx.execute(statement).rowcount) == 1


def forget(tx: Tx, upload_id: int) -> bool:
    """Delete a staged upload that has no rows left; returns whether there was one."""
    statement = delete(_upload).where(
        _upload.c.id == upload_id, _upload.c.state == UploadState.STAGED.value
    )
    return int(tx.execute(statement).rowcount) == 1


def get(tx: Tx, name: str) -> UploadRecord:
    """The upload that people call `name`; staged ones are not found.

    Raises:
        NotFound: There is none.
    """
    found = _NAME.fullmatch(name)
    record = _first(tx, _records().where(_upload.c.id == int(found[1]))) if found else None
    if record is None or record.state is UploadState.STAGED:
        raise NotFound(f"no upload is called {quoted(name)}", hint="See: consortium upload list")
    return record


def by_id(tx: Tx, upload_id: int) -> UploadRecord:
    """The upload with that id, staged or not.

    Raises:
        NotFound: There is none.
    """
    record = _first(tx, _records().where(_upload.c.id == upload_id))
    if record is None:
        raise NotFound(f"no upload has the number {upload_id}")
    return record


def by_digest(tx: Tx, digest: UploadDigest) -> UploadRecord | None:
    """The upload of a pack, staged or not, or None."""
    return _first(tx, _records().where(_upload.c.digest == digest))


def all_of(
    tx: Tx, *, partner_id: int | None = None, states: Collection[UploadState] = ()
) -> list[UploadRecord]:
    """Uploads, oldest first; of one partner and in certain states if given; never staged ones."""
    statement = _records().where(_upload.c.state != UploadState.STAGED.value)
    if partner_id is not None:
        statement = statement.where(_upload.c.partner_id == partner_id)
    if states:
        statement = statement.where(_upload.c.state.in_([s.value for s in states]))
    return [_record(row) for row in tx.execute(statement)]


def staged(tx: Tx) -> list[UploadRecord]:
    """Uploads whose taking in has not ended: in progress, or left by a process that died."""
    statement = _records().where(_upload.c.state == UploadState.STAGED.value)
    return [_record(row) for row in tx.execute(statement)]


def unerased(tx: Tx) -> list[UploadRecord]:
    """Ended uploads of which something may be left."""
    statement = _records().where(_upload.c.state.in_(_ENDED), _upload.c.data_salt != b"")
    return [_record(row) for row in tx.execute(statement)]


def expired_by(tx: Tx, day: date) -> list[UploadRecord]:
    """Active uploads whose last day lies before `day`."""
    statement = _records().where(
        _upload.c.state == UploadState.ACTIVE.value, _upload.c.expires_on < day
    )
    return [_record(row) for row in tx.execute(statement)]


def digests(tx: Tx, *, states: Collection[UploadState]) -> set[UploadDigest]:
    """Digests of the uploads in certain states."""
    statement = select(_upload.c.digest).where(_upload.c.state.in_([s.value for s in states]))
    return {UploadDigest(bytes(digest)) for digest in tx.execute(statement).scalars()}


def _records() -> Select[Any]:
    return (
        select(_upload, _partner.c.slug)
        .join(_partner, _partner.c.id == _upload.c.partner_id)
        .order_by(_upload.c.id)
    )


def _first(tx: Tx, statement: Select[Any]) -> UploadRecord | None:
    row = tx.execute(statement).first()
    return None if row is None else _record(row)


def _record(row: Row[Any]) -> UploadRecord:
    return UploadRecord(
        id=row.id,
        digest=UploadDigest(bytes(row.digest)),
        partner_id=row.partner_id,
        partner=PartnerSlug(row.slug),
        list_name=row.list_name,
        layout=row.origin,
        obtained_on=row.obtained_on,
        expires_on=row.expires_on,
        state=UploadState(row.state),
        signature=bytes(row.signature),
        data_salt=bytes(row.data_salt),
        match_salt=bytes(row.match_salt),
        epoch=row.epoch,
        profile=row.profile,
        rows=row.rows,
        opt_outs=row.opt_outs,
        rejected=row.rejected,
        repeated=row.repeated,
        added_at=row.added_at,
        ended_at=row.ended_at,
        entry=None if row.entry is None else EntryIndex(row.entry),
    )
