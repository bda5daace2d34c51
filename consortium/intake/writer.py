"""Writes what a pack became, invisible until its upload counts, in short transactions.

Rows go in as they come, under reserved numbers. What they name is collected for 200,000 rows and
then written in the order of its own keys (`store.staging`), and opt-outs last (`store.list_bans`),
since whoever holds a banned address may be told by the list's own rows. Memory: about 130 bytes a
row of those, and 110 for each opt-out of the list.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from itertools import islice

from consortium.intake.convert import Converted
from consortium.model import Channel, Observer, Scope
from consortium.store import list_bans, staging, suppressions
from consortium.store.chunks import ChunkSize, chunked
from consortium.store.engine import Database
from consortium.store.staging import TOKEN_BYTES, Run
from consortium.store.suppressions import Request
from consortium.store.uploads import UploadRecord
from consortium.types import Token

__all__ = ["Writer"]

_RUN = 200_000
_LOOK_UP = 400  # opt-outs


class Writer:
    """Writes one staged upload.

    Args:
        database: Where to.
        upload: The upload, staged.
        first: The first of the row ids reserved for it.
        observer: Told of the items written.
    """

    def __init__(
        self, database: Database, upload: UploadRecord, *, first: int, observer: Observer
    ) -> None:
        self._database = database
        self._upload = upload
        self._next = first
        self._observer = observer
        self._run = Run()
        self._banned: defaultdict[tuple[Channel, str], list[bytes]] = defaultdict(list)
        self._rows_at_once, self._points_at_once = ChunkSize(), ChunkSize()
        self._keys_at_once, self._bans_at_once = ChunkSize(), ChunkSize(100)

    def write(self, batch: Converted) -> None:
        """Write one batch; batches come in the order of the list."""
        rows, start = iter(batch.rows), self._next
        while part := list(islice(rows, self._rows_at_once.rows)):
            with self._rows_at_once.write(self._database) as tx:
                staging.write_rows(tx, part, first=self._next, upload_id=self._upload.id)
            self._next += len(part)
        mentions, keys = batch.mentions, batch.keys
        self._run.add(
            mentions._replace(row=mentions.row + start),
            keys._replace(row=keys.row + start),
            rows=len(batch.rows),
        )
        if self._run.rows >= _RUN:
            self._write_run()
        for banned in batch.banned:
            self._banned[banned.channel, banned.cause].append(banned.tokens)
        self._observer.advance(batch.items)

    def finish(self, *, now: datetime) -> None:
        """Write what was collected."""
        self._write_run()
        for (channel, cause), tokens in sorted(self._banned.items()):
            self._write_bans(channel, cause, b"".join(tokens), now)

    def _write_run(self) -> None:
        run, self._run = self._run, Run()
        points, size, start = run.points(), self._points_at_once, 0
        while start < len(points.row):
            part = points.part(start, start + size.rows)
            with size.write(self._database) as tx:
                staging.write_points(
                    tx, part, epoch=self._upload.epoch, profile=self._upload.profile
                )
            start += len(part.row)
        keys, size, start = run.keys(), self._keys_at_once, 0
        while start < len(keys.row):
            some = keys.part(start, start + size.rows)
            with size.write(self._database) as tx:
                staging.write_keys(tx, some)
            start += len(some.row)

    def _write_bans(self, channel: Channel, cause: str, tokens: bytes, now: datetime) -> None:
        request = Request(
            at=now,
            channel=channel,
            scope=Scope.PARTNER,
            partner_id=self._upload.partner_id,
            cause=cause,
            author="partner",
            upload_id=self._upload.id,
        )
        with self._database.write(durable=False) as tx:
            opt_out_id = suppressions.add_opt_out(tx, request)
        size = self._bans_at_once
        for some in chunked(_distinct(tokens), _LOOK_UP):
            with self._database.read() as tx:
                wanted = iter(list_bans.to_stage(tx, some, request=request))
            while part := list(islice(wanted, size.rows)):
                with size.write(self._database) as tx:
                    list_bans.stage(tx, part, request=request, opt_out_id=opt_out_id)


def _distinct(tokens: bytes) -> list[Token]:
    """Each once, sorted: no two writers at once can wait for each other in a circle."""
    found = {tokens[i : i + TOKEN_BYTES] for i in range(0, len(tokens), TOKEN_BYTES)}
    return [Token(token) for token in sorted(found)]
