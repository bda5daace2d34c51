"""Removes what taking in or withdrawing left behind when a process died.

Done at start-up. What an upload in progress has written is told from an orphan by the partner's
lock: a living process holds it, and `kill -9` lets go of it. Nothing here touches what counts.

What an orphan brought goes with it: rows, opt-outs, wraps, and contact points that nothing else
names. The
last step empties SQLite's log, which would else hold the deleted bytes until it is written over.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from consortium.clock import Clock
from consortium.errors import StateConflict
from consortium.ledger import entries
from consortium.model import UploadState
from consortium.store import erasing, ledger, list_bans, locks, uploads
from consortium.store.engine import Database
from consortium.store.uploads import UploadRecord
from consortium.types import PartnerSlug, UploadDigest
from consortium.vault.wraps import WrapStore

__all__ = ["Swept", "discard", "erase", "erase_held", "exclusive", "sweep"]

_ASK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found.

    Attributes:
        uploads: Staged uploads of dead processes, removed with their rows.
        wraps: Uploads whose wraps were removed because they count no more, or never did.
        erased: Ended uploads whose deletion was taken up again and finished.
    """

    uploads: int = 0
    wraps: int = 0
    erased: int = 0


@contextmanager
def exclusive(
    database: Database, partner: PartnerSlug, *, waits: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Held by whoever adds, sweeps or erases an upload of a partner: one process at a time.

    Args:
        database: Where.
        partner: Whose uploads.
        waits: Asked twice a second while a living process is at it, whether to wait for it on.

    Raises:
        StateConflict: A living process is at it.
    """
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locks.exclusive(database, f"upload-{partner}"))
                break
            except StateConflict as error:
                if not waits():
                    raise StateConflict(
                        f"another command is adding or withdrawing a list of {partner}",
                        hint="Wait until it has ended, then run this one again.",
                    ) from error
                time.sleep(_ASK_SECONDS)
        yield


def sweep(database: Database, *, wraps: WrapStore, clock: Clock) -> Swept:
    """Remove the orphans of dead processes; a living one's work is left alone.

    Costs a few queries when there is nothing to do.

    Raises:
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A wrap cannot be removed.
    """
    with database.read() as tx:
        staged, ended = uploads.staged(tx), uploads.unerased(tx)
    removed = sum(_sweep_one(database, upload, wraps) for upload in staged)
    erased = 0
    for upload in ended:
        with contextlib.suppress(StateConflict):  # another process is at it
            erase(database, upload, wraps=wraps, clock=clock)
            erased += 1
    return Swept(removed, _sweep_wraps(database, wraps), erased)


def _sweep_one(database: Database, upload: UploadRecord, wraps: WrapStore) -> bool:
    try:
        with exclusive(database, upload.partner):
            return discard(database, upload.digest, wraps=wraps)
    except StateConflict:
        return False  # being taken in by a living process


def _sweep_wraps(database: Database, wraps: WrapStore) -> int:
    """Drop wraps of uploads that are not there, or have ended."""
    kept = wraps.uploads()  # listed before the database is asked: a new upload has its row by now
    with database.read() as tx:
        known = uploads.digests(tx, states=(UploadState.STAGED, UploadState.ACTIVE))
    orphans = [digest for digest in kept if digest not in known]
    for digest in orphans:
        wraps.drop_upload(digest)
    return len(orphans)


def discard(database: Database, digest: UploadDigest, *, wraps: WrapStore) -> bool:
    """Remove a staged upload, its rows and its wraps; an upload that counts is left alone.

    The caller holds the partner's lock. Returns whether there was one.
    """
    with database.read() as tx:
        found = uploads.by_digest(tx, digest)
    if found is not None and found.state is not UploadState.STAGED:
        return False
    wraps.drop_upload(digest)
    if found is None:
        return False
    list_bans.drop(database, found.id)
    erasing.delete_rows(database, found.id)
    with database.write() as tx:
        forgotten = uploads.forget(tx, found.id)
    database.empty_log()
    return forgotten


def erase(database: Database, upload: UploadRecord, *, wraps: WrapStore, clock: Clock) -> bool:
    """Delete what is left of an ended upload: first its wraps, then its rows and tokens.

    Can be repeated and taken up again after a crash; the ledger says when it is done.

    Returns:
        Whether there was anything to do.

    Raises:
        StateConflict: Another process is at it.
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A wrap cannot be removed.
    """
    with exclusive(database, upload.partner):
        return erase_held(database, upload, wraps=wraps, clock=clock)


def erase_held(database: Database, upload: UploadRecord, *, wraps: WrapStore, clock: Clock) -> bool:
    """`erase` by a caller that holds the partner's lock already."""
    wraps.drop_upload(upload.digest)
    erasing.delete_rows(database, upload.id)
    with database.write() as tx:
        if not uploads.mark_erased(tx, upload.id):
            return False
        ledger.append(
            tx, entries.upload_erased(upload.partner, upload=upload.digest, at=clock.now())
        )
    database.empty_log()
    return True
