"""Taking a pack in: from a partner's file to rows that count, all of them or none.

1. The pack is read once without decoding its rows and verified (`intake.verify`). Nothing has been
   written yet.
2. It is read again, in a stream. Each row is checked to be normalised, turned into tokens, and
   sealed; the result is written invisible, under a `staged` upload, in transactions of about 30 ms.
   Details are sealed under the data key that came with the pack, which is then forgotten.
3. The wrap to the owner, and the owner's standing wrap if it gave one, are forced to the disk.
4. One short transaction makes the upload `active`, materialises the list's opt-outs and appends
   the ledger entry. Up to its commit an error, a full disk or `kill -9` leaves nothing that counts;
   `intake.sweep` removes what is left.

What a partner may learn. Nothing in the result depends on what the consortium knew before: the
counts are those of the pack's own trailer, and no message names a contact, let alone whether it was
known. The work per row is the same for known and unknown contact points, but for what a database
does differently when a key is in its index already; a partner that hands its pack over as a file
does not see the time this takes.

Plaintext is in memory only, one batch at a time. A row with an address and a number costs about
0.13 ms (SQLite, one core), a third of it the database; memory stays at about 130 MB.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from consortium.clock import Clock
from consortium.errors import BadFile, ConsortiumError
from consortium.intake import sweep
from consortium.intake.chunks import ChunkSize
from consortium.intake.convert import Converter, OptOutTokens
from consortium.intake.normal import RowChecker
from consortium.intake.verify import VerifiedPack, refuse_repeated, verify
from consortium.ledger import entries
from consortium.model import (
    Channel,
    ConsortiumCard,
    Observer,
    PackOptOut,
    PackRow,
    Scope,
    Silent,
    UploadState,
)
from consortium.store import ledger, rows, suppressions, uploads
from consortium.store.engine import Database, Tx, chunked
from consortium.store.rows import StagedRow
from consortium.store.suppressions import Request
from consortium.store.uploads import UploadRecord
from consortium.tokens import Tokeniser
from consortium.types import Token
from consortium.vault import wraps as wrap_store
from consortium.vault.pack_file import PackReader
from consortium.vault.seal import RowSealer, SealContext
from consortium.vault.wrap import wrap_for_owner
from consortium.vault.wraps import WrapStore

__all__ = ["add"]

_BATCH = 2_000  # rows in clear at once; columns are converted together


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

    Returns:
        The upload, active.

    Raises:
        BadFile: Not a pack, for another consortium, cut short, of an unknown version or profile,
            or holding what no current version would pack.
        EvidenceError: Altered, or signed by somebody else than the partner it names.
        NotFound: It names a partner that was not admitted.
        StateConflict: The same pack was taken in before, or another list of the partner is being
            added or withdrawn at this moment.
        StoreFailure: The database is busy, full, read-only or unreachable.
        KeyFailure: A key or a wrap cannot be used.
    """
    if not pack.seekable():
        raise BadFile(f"{name} is a pipe", hint="A pack is read twice; give its file.")
    pack.seek(0)
    verified = verify(
        database, pack, identity=identity, consortium=consortium, now=clock.now(), name=name
    )
    pack.seek(0)
    intake = _Intake(
        database, verified, consortium, tokeniser, wraps, clock, observer or Silent(), name
    )
    with sweep.exclusive(database, verified.partner.slug):
        intake.clear_the_way()
        try:
            upload = intake.stage_upload()
            opt_outs = intake.stage_rows(pack, identity, intake.converter(upload, match_key))
            intake.keep_wraps()
            with database.write() as tx:
                return intake.activate(tx, upload, opt_outs)
        except BaseException:
            # The sweep at the next start does the same, if this does not come off.
            with contextlib.suppress(ConsortiumError):
                sweep.discard(database, verified.trailer.digest, wraps=wraps)
            raise


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

    def clear_the_way(self) -> None:
        """With the lock held, a staged upload of this pack is one that a dead process left."""
        digest = self.pack.trailer.digest
        with self.database.read() as tx:
            found = uploads.by_digest(tx, digest)
        if found is not None and found.state is not UploadState.STAGED:
            refuse_repeated(found)
        sweep.discard(self.database, digest, wraps=self.wraps)

    def stage_upload(self) -> UploadRecord:
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
            return uploads.by_id(tx, upload_id)

    def converter(self, upload: UploadRecord, match_key: bytes) -> Converter:
        context = SealContext(self.consortium.origin, upload.partner, upload.digest)
        data_key = self.pack.header.data_key
        return Converter(
            tokeniser=self.tokeniser,
            profile=self.pack.profile,
            details=RowSealer(data_key, label="details", salt=upload.data_salt, context=context),
            match=RowSealer(match_key, label="match", salt=upload.match_salt, context=context),
            checker=RowChecker(self.pack.header.created_at.astimezone(UTC).date()),
            upload_id=upload.id,
        )

    def stage_rows(
        self, pack: BinaryIO, identity: bytes, converter: Converter
    ) -> list[OptOutTokens]:
        """Write every row invisibly; returns the opt-outs, which take effect later."""
        opt_outs: list[OptOutTokens] = []
        size = ChunkSize()
        counts = self.pack.trailer.counts
        self.observer.begin("taking rows in", counts.rows + counts.opt_outs)
        try:
            with PackReader.open(pack, identity=identity, name=self.name) as reader:
                for some_rows, some_opt_outs in _batches(reader):
                    self._stage_some(converter.rows(some_rows), converter, size)
                    opt_outs += converter.opt_outs(some_opt_outs)
                    self.observer.advance(len(some_opt_outs))
                again = reader.finish(self.pack.partner.card.sign_key)
        finally:
            self.observer.end()
        if again != self.pack.trailer:
            raise BadFile(
                f"{self.name} changed while it was being read",
                hint="Add it again when nothing writes to it.",
            )
        return opt_outs

    def _stage_some(
        self, converted: list[StagedRow], converter: Converter, size: ChunkSize
    ) -> None:
        start = 0
        while part := converted[start : start + size.rows]:
            with size.timed(), self.database.write(durable=False) as tx:
                rows.stage(
                    tx,
                    part,
                    upload_id=converter.upload_id,
                    epoch=self.tokeniser.epoch,
                    profile=self.pack.profile.number,
                )
            start += len(part)
            self.observer.advance(len(part))

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

    def activate(self, tx: Tx, upload: UploadRecord, opt_outs: list[OptOutTokens]) -> UploadRecord:
        """The moment from which the upload counts."""
        now = self.clock.now()
        uploads.activate(tx, upload.id, at=now)
        requests = [request for opt_out in opt_outs for request in _requests(opt_out, upload, now)]
        suppressions.ban_all(tx, requests)
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
        return uploads.by_id(tx, upload.id)


def _batches(reader: PackReader) -> Iterator[tuple[list[PackRow], list[PackOptOut]]]:
    for items in chunked(reader, _BATCH):
        yield (
            [item for item in items if isinstance(item, PackRow)],
            [item for item in items if isinstance(item, PackOptOut)],
        )


def _requests(
    opt_out: OptOutTokens, upload: UploadRecord, now: datetime
) -> Iterator[tuple[Request, tuple[Token, ...]]]:
    for channel, tokens in ((Channel.EMAIL, opt_out.emails), (Channel.SMS, opt_out.phones)):
        if tokens:
            request = Request(
                at=now,
                channel=channel,
                scope=Scope.PARTNER,
                partner_id=upload.partner_id,
                cause=opt_out.cause,
                author="partner",
                upload_id=upload.id,
            )
            yield request, tokens
