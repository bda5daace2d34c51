"""Withdrawing an upload: its rows count no more at once, and are gone soon after.

One transaction marks the upload and says so in the ledger; from then on no plan, merge or hand-over
sees its rows. Then the wraps of its data key are dropped, so that its details are unreadable once
backups of the wraps have expired; then rows, memberships and tokens are deleted in short
transactions. A crash on the way leaves the upload marked; `intake.sweep`, or withdrawing again,
finishes. Suppressions stay: whoever asked not to be contacted stays blocked.

Persons keep their number until the next merge, which finds the upload ended and judges anew.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Literal

from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.intake.sweep import erase
from consortium.ledger import entries
from consortium.model import UploadState
from consortium.store import ledger, uploads
from consortium.store.engine import Database
from consortium.store.uploads import UploadRecord
from consortium.vault.wraps import WrapStore

__all__ = ["expire", "withdraw"]


def withdraw(
    database: Database,
    name: str,
    *,
    wraps: WrapStore,
    clock: Clock,
    by: Literal["partner", "operator"] = "operator",
) -> UploadRecord:
    """Withdraw an upload, or finish withdrawing it; one that has ended stays as it is.

    Args:
        database: Where it is.
        name: The upload, e.g. `u-0042`.
        wraps: Where wrapped data keys are kept.
        clock: What time it is.
        by: At whose word.

    Returns:
        The upload; `erased` unless another list of the partner is being added at this moment, in
        which case the next sweep deletes its rows.

    Raises:
        NotFound: No upload is called so.
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A wrap cannot be removed; withdrawing again finishes.
    """
    with database.write() as tx:
        upload = uploads.get(tx, name)
        if upload.state is UploadState.ACTIVE:
            now = clock.now()
            uploads.end(tx, upload.id, state=UploadState.WITHDRAWN, at=now)
            ledger.append(
                tx,
                entries.upload_withdrawn(upload.partner, upload=upload.digest, by=by, at=now),
            )
    if not upload.erased:
        _erase(database, upload, wraps=wraps, clock=clock)
    with database.read() as tx:
        return uploads.by_id(tx, upload.id)


def expire(database: Database, *, wraps: WrapStore, clock: Clock) -> list[UploadRecord]:
    """End every active upload whose last day, in UTC, is over, and delete its rows.

    Returns:
        The uploads; `erased` as for `withdraw`.

    Raises:
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A wrap cannot be removed; the next sweep finishes.
    """
    now = clock.now()
    with database.read() as tx:
        due = uploads.expired_by(tx, now.date())
    ended = [upload for upload in due if _end(database, upload, now)]
    for upload in ended:
        _erase(database, upload, wraps=wraps, clock=clock)
    with database.read() as tx:
        return [uploads.by_id(tx, upload.id) for upload in ended]


def _end(database: Database, upload: UploadRecord, now: datetime) -> bool:
    """Mark an upload as expired; False if another process ended it meanwhile."""
    try:
        with database.write() as tx:
            uploads.end(tx, upload.id, state=UploadState.EXPIRED, at=now)
            ledger.append(tx, entries.upload_expired(upload.partner, upload=upload.digest, at=now))
    except StateConflict:
        return False
    return True


def _erase(database: Database, upload: UploadRecord, *, wraps: WrapStore, clock: Clock) -> None:
    # Its rows count no more in any case; if somebody else holds the lock, the sweep finishes.
    with contextlib.suppress(StateConflict):
        erase(database, upload, wraps=wraps, clock=clock)
