"""Taking a pack in: from a partner's file to rows that count, all of them or none.

1. The pack is read once without decoding its rows and verified (`intake.verify`). Nothing has been
   written yet.
2. It is read again, in a stream. Each row is checked to be normalised, turned into tokens, and
   sealed, for a long list in processes beside this one (`intake.convert`); the result is written
   invisible, under a `staged` upload, in transactions of about 30 ms (`intake.writer`). Details
   are sealed under the data key that came with the pack, which is then forgotten.
3. The wrap to the owner, and the owner's standing wrap if it gave one, are forced to the disk.
4. One short transaction makes the upload `active`, with it the list's opt-outs, ends the upload
   that it replaces, if any, and appends the ledger entries. Up to its commit an error, a full disk
   or `kill -9` leaves nothing that counts; `intake.sweep` removes what is left.

What a partner may learn. Nothing in the result depends on what the consortium knew before: the
counts are those of the pack's own trailer, and no message names a contact, let alone whether it was
known. The work per row is the same for known and unknown contact points, but for what a database
does differently when a key is in its index already; a partner that hands its pack over as a file
does not see the time this takes.

Plaintext is in memory only, some batches at a time. What it costs: `benchmarks/million.py`.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from datetime import UTC
from typing import BinaryIO

from consortium import workers
from consortium.clock import Clock
from consortium.errors import BadFile, ConsortiumError, StateConflict, UsageError
from consortium.intake import sweep
from consortium.intake.convert import Setup
from consortium.intake.verify import VerifiedPack, refuse_repeated, verify
from consortium.intake.writer import Writer
from consortium.ledger import entries
from consortium.model import ConsortiumCard, Observer, Silent, UploadState
from consortium.store import ledger, staging, uploads
from consortium.store.carry_over import carry_over
from consortium.store.engine import Database, Tx
from consortium.store.uploads import UploadRecord
from consortium.tokens import HmacTokeniser, Tokeniser
from consortium.vault import wraps as wrap_store
from consortium.vault.pack_file import PackReader
from consortium.vault.seal import SealContext
from consortium.vault.wrap import wrap_for_owner
from consortium.vault.wraps import WrapStore

__all__ = ["add"]

_BATCH = 2_000  # rows of one batch; columns are converted together
_WORTH_WORKERS = 20_000  # rows that take longer than starting a process


def add(
    database: Database,
    pack: BinaryIO,
    *,
    identity: bytes,
    consortium: ConsortiumCard,
    tokeniser: Tokeniser,
    match_key: bytes,
    wraps: WrapStore,
    clock: Clock,
    observer: Observer | None = None,
    name: str = "this file",
    replaces: str | None = None,
    only_opt_outs: bool = False,
    cores: int | None = None,
) -> UploadRecord:
    """Take a pack in.

    Args:
        database: Where to.
        pack: The pack's bytes, seekable; read twice from the start, left open.
        identity: The `intake` key.
        consortium: Our card.
        tokeniser: For the current key epoch and the consortium's profile.
        match_key: The `match` key, 32 bytes.
        wraps: Where wrapped data keys are kept.
        clock: What time it is.
        observer: Told of each batch of rows.
        name: What messages call the pack.
        replaces: An active upload of the same list, e.g. `u-0042`, that is withdrawn in the moment
            in which this one begins to count, so that at no time both do or neither does. What it
            banned stays banned.
        only_opt_outs: Refuse a pack that holds rows.
        cores: Processes to convert rows in, beside this one; the result is the same with any
            number. None: as many as there are cores, for a list worth it.

    Returns:
        The upload, active.

    Raises:
        BadFile: Not a pack, for another consortium, cut short, of an unknown version or profile,
            or holding what no current version would pack.
        EvidenceError: Altered, or signed by somebody else than the partner it names.
        NotFound: It names a partner that was not admitted, or `replaces` no upload.
        UsageError: `replaces` names an upload of another partner or of another list.
        StateConflict: The same pack was taken in before or is being taken in by another process,
            or the upload to replace has ended. Another list of the same partner is waited for.
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A key or a wrap cannot be used.
    """
    if not pack.seekable():
        raise BadFile(f"{name} is a pipe", hint="A pack is read twice; give its file.")
    pack.seek(0)
    verified = verify(
        database,
        pack,
        identity=identity,
        consortium=consortium,
        now=clock.now(),
        name=name,
        replaces=replaces,
    )
    if only_opt_outs and verified.trailer.counts.rows:
        raise BadFile(
            f"{name} holds rows of people to write to, not only opt-outs",
            hint="Take it in as a list: consortium upload add",
        )
    pack.seek(0)
    intake = _Intake(
        database,
        verified,
        consortium,
        tokeniser,
        wraps,
        clock,
        observer or Silent(),
        name,
        replaces,
    )
    with sweep.exclusive(database, verified.partner.slug, waits=intake.is_another):
        replaced = intake.clear_the_way()
        try:
            upload, first = intake.stage_upload()
            writer = Writer(database, upload, first=first, observer=intake.observer)
            intake.stage_rows(
                pack, writer, identity=identity, setup=intake.setup(upload, match_key), cores=cores
            )
            intake.keep_wraps()
            with database.write() as tx:
                added = intake.activate(tx, upload)
        except BaseException:
            # The sweep at the next start does the same, if this does not come off.
            with contextlib.suppress(ConsortiumError):
                sweep.discard(database, verified.trailer.digest, wraps=wraps)
            raise
        if replaced is not None:  # it counts no more; if this does not come off, the sweep does it
            with contextlib.suppress(ConsortiumError):
                sweep.erase_held(database, replaced, wraps=wraps, clock=clock)
    return added


@dataclass(frozen=True, slots=True)
class _Intake:
    """The steps of one intake, in order; what they share."""

    database: Database
    pack: VerifiedPack
    consortium: ConsortiumCard
    tokeniser: Tokeniser
    wraps: WrapStore
    clock: Clock
    observer: Observer
    name: str
    replaces: str | None

    def is_another(self) -> bool:
        """Whether what a living process is taking in is not this very pack."""
        with self.database.read() as tx:
            found = uploads.by_digest(tx, self.pack.trailer.digest)
        return found is None or found.state is not UploadState.STAGED

    def clear_the_way(self) -> UploadRecord | None:
        """Where nothing stands in it; gives the upload to replace.

        With the lock held, a staged upload of this pack is one that a dead process left.
        """
        digest = self.pack.trailer.digest
        with self.database.read() as tx:
            found = uploads.by_digest(tx, digest)
            replaced = self._to_replace(tx)
        if found is not None and found.state is not UploadState.STAGED:
            refuse_repeated(found, replaces=self.replaces)
        sweep.discard(self.database, digest, wraps=self.wraps)
        return replaced

    def _to_replace(self, tx: Tx) -> UploadRecord | None:
        if self.replaces is None:
            return None
        found = uploads.get(tx, self.replaces)
        header = self.pack.header
        if (found.partner, found.list_name) != (self.pack.partner.slug, header.list_name):
            raise UsageError(
                f"{found.name} is not an earlier upload of the list in {self.name}",
                hint=f"It holds another list or is of another partner: {found.partner},"
                f" {found.list_name}. Withdraw it by itself: consortium upload withdraw",
            )
        if found.state is not UploadState.ACTIVE:
            raise StateConflict(
                f"upload {found.name} is {found.state.value} already",
                hint="Nothing to replace: add the pack by itself.",
            )
        return found

    def stage_upload(self) -> tuple[UploadRecord, int]:
        """The upload, and the first of the row ids that are its own."""
        header, trailer = self.pack.header, self.pack.trailer
        with self.database.write() as tx:
            upload_id = uploads.stage(
                tx,
                digest=trailer.digest,
                partner_id=self.pack.partner.id,
                list_name=header.list_name,
                layout=header.layout,
                obtained_on=header.obtained_on,
                expires_on=header.expires_on,
                signature=trailer.signature,
                data_salt=secrets.token_bytes(32),
                match_salt=secrets.token_bytes(32),
                epoch=self.tokeniser.epoch,
                profile=self.pack.profile.number,
                rows=trailer.counts.rows,
                opt_outs=trailer.counts.opt_outs,
                rejected=trailer.counts.rejected,
                repeated=trailer.counts.repeated,
                added_at=self.clock.now(),
            )
            first = staging.reserve(tx, max(1, trailer.counts.rows))
            return uploads.by_id(tx, upload_id), first

    def setup(self, upload: UploadRecord, match_key: bytes) -> Setup:
        return Setup(
            tokeniser=self.tokeniser,
            profile=self.pack.profile,
            data_key=self.pack.header.data_key,
            data_salt=upload.data_salt,
            match_key=match_key,
            match_salt=upload.match_salt,
            context=SealContext(self.consortium.origin, upload.partner, upload.digest),
            packed_on=self.pack.header.created_at.astimezone(UTC).date(),
        )

    def stage_rows(
        self,
        pack: BinaryIO,
        writer: Writer,
        *,
        identity: bytes,
        setup: Setup,
        cores: int | None,
    ) -> None:
        """Write every row and opt-out, none of which counts yet."""
        counts = self.pack.trailer.counts
        self.observer.begin("taking rows in", counts.rows + counts.opt_outs)
        try:
            with (
                PackReader.open(pack, identity=identity, name=self.name) as reader,
                contextlib.closing(
                    workers.map_batches(
                        "consortium.intake.convert:make",
                        setup,
                        reader.line_batches(_BATCH),
                        workers=self._workers(cores),
                    )
                ) as converted,
            ):
                for batch in converted:
                    writer.write(batch)
                again = reader.finish(self.pack.partner.card.sign_key)
        finally:
            self.observer.end()
        if again != self.pack.trailer:
            raise BadFile(
                f"{self.name} changed while it was being read",
                hint="Add it again when nothing writes to it.",
            )
        writer.finish(now=self.clock.now())

    def _workers(self, cores: int | None) -> int:
        if cores is not None:
            return cores
        counts = self.pack.trailer.counts
        if counts.rows + counts.opt_outs < _WORTH_WORKERS:
            return 0
        # A tokeniser that is elsewhere is asked from here alone.
        return workers.usable_cores() if isinstance(self.tokeniser, HmacTokeniser) else 0

    def keep_wraps(self) -> None:
        digest = self.pack.trailer.digest
        wrap = wrap_for_owner(
            self.pack.header.data_key,
            to=self.pack.partner.card.receive_key,
            origin=self.consortium.origin,
            owner=self.pack.partner.slug,
            upload=digest,
        )
        self.wraps.put(wrap_store.OWNER, upload=digest, wrap=wrap)
        if self.pack.trailer.standing_wrap is not None:
            self.wraps.put(wrap_store.STANDING, upload=digest, wrap=self.pack.trailer.standing_wrap)

    def activate(self, tx: Tx, upload: UploadRecord) -> UploadRecord:
        """The moment from which the upload counts, and the one that it replaces does not."""
        now = self.clock.now()
        uploads.activate(tx, upload.id, at=now)
        replaced = None if self.replaces is None else uploads.get(tx, self.replaces)
        if replaced is not None:
            uploads.end(tx, replaced.id, state=UploadState.WITHDRAWN, at=now)
            ledger.append(
                tx,
                entries.upload_replaced(
                    replaced.partner, upload=replaced.digest, successor=upload.digest, at=now
                ),
            )
        entry = ledger.append(
            tx,
            entries.upload_added(
                upload.partner,
                upload=upload.digest,
                signature=upload.signature,
                layout=upload.layout,
                obtained_on=upload.obtained_on,
                expires_on=upload.expires_on,
                profile=upload.profile,
                token_epoch=upload.epoch,
                rows=upload.rows,
                opt_outs=upload.opt_outs,
                rejected=upload.rejected,
                repeated=upload.repeated,
                at=now,
            ),
        )
        uploads.set_entry(tx, upload.id, entry=entry)
        if replaced is not None:
            carry_over(tx, replaced, upload, at=now)
        return uploads.by_id(tx, upload.id)
